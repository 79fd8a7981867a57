"""Drafts of work that is over: told from those of work that is not, and cleared.

A draft is a hidden folder with a lock in it. While the work lasts, its process holds
the lock; when the process is gone, however it went, the lock is free.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = [
    "LOCK",
    "MOVING",
    "clear_draft",
    "clear_leftovers",
    "lock_file",
    "remove_draft",
]

LOCK: Final = "lock"

# A draft with a file of this name is being moved to its place: whoever claims that
# place next finishes it, and nobody else touches it.
MOVING: Final = "moving"

OURS: Final = re.compile(r"\.run-[0-9a-f]{16}")
# Before there were locks, drafts were temporary folders that lived for seconds.
FORMER: Final = re.compile(r"\.run-[a-z0-9_]{8}")
LONG_AGO: Final = 3600.0


def lock_file(path: Path, flags: int = 0) -> int | None:
    """Lock a file without waiting; None if another process or claim has it."""
    flags |= os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            return descriptor
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It may have been deleted meanwhile, and another one been made.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, PermissionError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def clear_draft(draft: Path) -> None:
    """Delete what is in a draft, but for its lock; OSError if it cannot be."""
    for entry in draft.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != LOCK:
            entry.unlink()


def remove_draft(draft: Path) -> None:
    """Delete a draft under its lock, as far as possible."""
    with suppress(OSError):
        clear_draft(draft)
        # The lock last: without it, the draft is anybody's.
        (draft / LOCK).unlink(missing_ok=True)
        draft.rmdir()


def clear_leftovers(place: Path) -> None:
    """Delete the drafts in a folder whose processes are gone, as far as possible."""
    drafts: list[Path] = []
    with suppress(OSError), os.scandir(place) as entries:
        drafts = [
            Path(entry.path)
            for entry in entries
            if entry.name.startswith(".run-") and entry.is_dir(follow_symlinks=False)
        ]
    for draft in drafts:
        with suppress(OSError):
            if OURS.fullmatch(draft.name):
                _clear_dead(draft)
            elif FORMER.fullmatch(draft.name) and _is_old(draft):
                shutil.rmtree(draft)


def _clear_dead(draft: Path) -> None:
    try:
        descriptor = lock_file(draft / LOCK)
    except FileNotFoundError:
        if _is_old(draft):  # killed before it had a lock, or after
            draft.rmdir()
        return
    if descriptor is None:
        return
    try:
        if not (draft / MOVING).exists():
            remove_draft(draft)
    finally:
        os.close(descriptor)


def _is_old(draft: Path) -> bool:
    return time.time() - draft.stat().st_mtime > LONG_AGO
