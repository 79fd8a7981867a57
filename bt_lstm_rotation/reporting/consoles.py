"""Consoles on the standard streams, which escape what a stream cannot show.

A run that is over is not to end in an error because a folder's name is Chinese and the
terminal is not.
"""

from __future__ import annotations

import io
import sys
from typing import Any

from rich.console import Console

from bt_lstm_rotation.escaping import printable_line

__all__ = ["print_line", "standard_error", "standard_output"]


class _Escaping:
    """A stream that escapes the letters that its encoding does not have."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        known = text.encode(encoding, "backslashreplace").decode(encoding)
        return int(self._stream.write(known))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def standard_output() -> Console:
    """Return a console for figures."""
    return _console(sys.stdout)


def standard_error(*, quiet: bool = False) -> Console:
    """Return a console for all that is no figure; a quiet one shows nothing."""
    return _console(sys.stderr, quiet=quiet)


def print_line(text: str) -> None:
    """Print a line, unbroken, so that a long path in it can be copied."""
    line = printable_line(text)
    standard_output().print(line, soft_wrap=True, markup=False, highlight=False)


def _console(stream: Any, **settings: Any) -> Console:
    # There is none where it was closed before the start.
    file: Any = io.StringIO() if stream is None else _Escaping(stream)
    return Console(file=file, **settings)
