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

    Parameters
    ----------
    path : Path
        In a folder that exists.
    content : bytes
    alone : bool
        Whether nobody else can be writing it, as under a lock. The draft then has the
        same name each time, so that killed processes leave one at most.

    Notes
    -----
    It is not forced to the disk: a power cut may tear it.
    """
    write_together({path: content}, alone=alone)


def write_together(files: Mapping[Path, bytes], *, alone: bool = False) -> None:
    """Replace files once all the new ones are on the disk: all of them, or none.

    Parameters
    ----------
    files : mapping of Path to bytes
        Each as `write_atomically` takes it. Each is replaced in a move of its own: a
        process that is killed within these moves leaves whole files, but of both kinds.
    alone : bool
        As for `write_atomically`.
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
            with suppress(OSError):  # whose reason another error says
                draft.unlink(missing_ok=True)


@contextmanager
def disk_errors(
    kind: type[RotationError], problem: str, advice: str = ""
) -> Iterator[None]:
    """Turn an OSError into an error of ours: the problem, its reason, some advice."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        hint = f"; {advice}" if advice else ""
        raise kind(f"{problem} ({reason}){hint}") from error
