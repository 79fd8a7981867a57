"""The standard streams, which may fail without ending what is under way.

A disk may be full that a stream leads to, a reader may have gone: what was computed is
in its files all the same, and one line says what could not be printed.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bt_lstm_rotation.escaping import error_line, printable_line

__all__ = ["OneLine", "Stream", "guarded_output", "kept_in", "print_error"]


class Stream:
    """A stream that remembers its first failure, and is silent from then on.

    Attributes
    ----------
    failure : OSError or None
        Why nothing more can be written.
    kept : str
        Where to find what could not be written; empty if that is not known.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.failure: OSError | None = None
        self.kept = ""

    def write(self, text: str) -> int:
        """Write a text, or forget it."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, act: Any, *arguments: Any) -> None:
        if self.failure is not None:
            return
        try:
            act(*arguments)
        except OSError as error:
            self.failure = error
            # Python writes what is left once more when it ends, and would say so.
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


class OneLine(logging.Formatter):
    """A record of the log in one line, which a terminal shows and does not obey."""

    def format(self, record: logging.LogRecord) -> str:
        """Spell a record."""
        text = super().format(record)
        return text if record.exc_info else printable_line(text)


@contextmanager
def guarded_output() -> Iterator[Stream]:
    """Guard both streams; yield the standard output's, flushed at the end."""
    _open_standard_files()
    before = sys.stdout, sys.stderr
    # A stream that was closed before the start is None.
    out, err = (Stream(stream or io.StringIO()) for stream in before)
    sys.stdout, sys.stderr = out, err
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def _open_standard_files() -> None:
    """Let no file of ours have the number of a closed stream: libraries write there."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # has the lowest number that is free


def kept_in(place: object) -> None:
    """Say where the work is, should it turn out that nothing can be printed."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.kept = f"; all is in {place}"


def print_error(text: str) -> None:
    """Print an error in one line."""
    print(f"error: {error_line(text)}", file=sys.stderr)  # noqa: T201
