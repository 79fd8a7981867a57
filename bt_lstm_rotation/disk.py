"""Files that are never half written, and disk errors that say what was being done."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bt_lstm_rotation.errors import RotationError

__all__ = ["disk_errors", "write_atomically", "write_together"]


def write_atomically(path: Path, content: bytes, *, alone: bool = False) -> None:
    """Replace a file in one move: readers see the old one or the new one, whole.

    The folder must exist. Nothing is forced to the disk: a power cut may tear the file.

    Parameters
    ----------
    alone : bool
        Whether nobody else can be writing it, as under a lock. The draft then has the
        same name each time, so that killed processes leave one at most.
    """
    write_together({path: content}, alone=alone)


def write_together(files: Mapping[Path, bytes], *, alone: bool = False) -> None:
    """Replace files once all the new ones are on the disk: all of them, or none.

    Each is replaced in a move of its own: a process that is killed during these moves
    leaves whole files, but some old and some new. `alone` is as in `write_atomically`.
    """
    other = "" if alone else f".{uuid.uuid4().hex}"
    drafts = {path: path.with_name(f".{path.name}{other}.tmp") for path in files}
    try:
        for path, content in files.items():
            drafts[path].write_bytes(content)
        for path, draft in drafts.items():
            os.replace(draft, path)
    finally:
        for draft in drafts.values():
            with suppress(OSError):  # another error gives the reason
                draft.unlink(missing_ok=True)


@contextmanager
def disk_errors(
    kind: type[RotationError], problem: str, advice: str = ""
) -> Iterator[None]:
    """Turn an OSError into one of our own: the problem, its reason, and the advice."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        hint = f"; {advice}" if advice else ""
        raise kind(f"{problem} ({reason}){hint}") from error
