"""A folder that is claimed before the work, so that nobody else's work goes there.

What will stand in it is drafted in a hidden folder, ``.run-`` and a hash of its name,
in the folder itself or, while there is none, beside its place. A lock in the draft is
held while the work lasts. It is the kernel's: it is free as soon as its process is
gone, however it went, and then the next claim beside it clears what is left. What is at
work still is never touched.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import threading
import time
import uuid
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from bt_lstm_rotation.disk import kind_of
from bt_lstm_rotation.leftovers import LOCK, clear_leftovers, lock_file, remove_draft

__all__ = ["Claim"]

# Seconds: whoever looks for leftovers holds a lock for a moment, too.
PATIENCE: Final = 1.0

# What a disk says that knows no locks, as some of clusters are mounted.
NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class Claim:
    """The right to write a folder, until it is released or its process ends.

    Claimed again by the same thread, the folder is its: a run that failed in a
    notebook, and is remembered there, does not stand in the way of the next.

    Parameters
    ----------
    target : Path
        The folder, with all links followed; it need not exist, and is not made.

    Attributes
    ----------
    draft : Path
        A folder on the same disk, to write in before it is moved.
    release : callable
        Gives the claim back, and deletes the draft. It is called at the end, too.

    Raises
    ------
    BlockingIOError
        If other work has claimed it.
    OSError
        If the disk will not have it.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        # In the target where it exists: its parent may be another disk, or forbidden.
        place = target if target.is_dir() else target.parent
        digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
        made = _make(place)
        try:
            with _guard:
                hold = _held(place / f".run-{digest}", made)
                hold.number += 1
        except BaseException:
            _unmake(made)
            raise
        self.draft = hold.draft
        self.release = weakref.finalize(self, hold.release, hold.number)
        for beside in {place, target.parent}:
            clear_leftovers(beside)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


@dataclass(eq=False)
class _Hold:
    """A lock that this process holds; `number` is that of the last claim of it."""

    draft: Path
    descriptor: int
    made: list[Path]
    process: int
    thread: int
    number: int = 0

    def release(self, number: int) -> None:
        """Give the lock back, unless a later claim has taken it over."""
        with _guard:
            # A forked process has copies of all of this, and nothing to give back.
            if number != self.number or self.process != os.getpid():
                return
            _holds.pop(self.draft, None)
            if sys.platform == "win32":  # where no open file can be deleted
                os.close(self.descriptor)
                remove_draft(self.draft)
            else:
                remove_draft(self.draft)
                os.close(self.descriptor)
            _unmake(self.made)

    def is_over(self) -> bool:
        """Whether what held it cannot be at work any more."""
        if self.thread == threading.get_ident():
            return True
        return self.thread not in {thread.ident for thread in threading.enumerate()}


# Draft -> the lock that this process holds on it.
_holds: dict[Path, _Hold] = {}
_guard = threading.RLock()


def _held(draft: Path, made: list[Path]) -> _Hold:
    """Lock a draft, or take over the lock of a claim that is over."""
    hold = _holds.get(draft)
    if hold is not None and hold.process == os.getpid() and hold.is_over():
        hold.thread = threading.get_ident()
        hold.made += made
        draft.mkdir(exist_ok=True)  # somebody may have deleted it
        return hold
    try:
        descriptor = _locked(draft)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        # Nobody could tell whether it is in use: it is nobody else's, and not cleared.
        remove_draft(draft)
        draft = draft.with_name(f"{draft.name}-{uuid.uuid4().hex[:8]}")
        draft.mkdir()
        descriptor = os.open(draft / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    hold = _Hold(draft, descriptor, made, os.getpid(), threading.get_ident())
    _holds[draft] = hold
    try:
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
    except OSError:  # a disk without room for a few digits
        hold.release(hold.number)
        raise
    return hold


def _locked(draft: Path) -> int:
    """Make a draft, and lock it within `PATIENCE`; return the lock's descriptor."""
    last = time.monotonic() + PATIENCE
    while True:
        with suppress(FileExistsError):
            draft.mkdir()
        if (kind := kind_of(draft)) not in (None, "a folder"):
            raise NotADirectoryError(errno.ENOTDIR, f"{draft} is {kind}")
        with suppress(FileNotFoundError):  # it was cleared away this very moment
            descriptor = lock_file(draft / LOCK, os.O_CREAT)
            if descriptor is not None:
                return descriptor
        if time.monotonic() > last:
            holder = "another run"
            with suppress(OSError, ValueError):
                holder += f", process {int((draft / LOCK).read_bytes()[:20])},"
            raise BlockingIOError(errno.EAGAIN, f"{holder} is at work on it")
        time.sleep(0.02)


def _make(place: Path) -> list[Path]:
    """Make a folder, and return those that were made, from the outermost on."""
    missing = [folder for folder in (place, *place.parents) if not folder.exists()]
    made: list[Path] = []
    try:
        for folder in reversed(missing):
            with suppress(FileExistsError):  # by somebody else, just now
                folder.mkdir()
                made.append(folder)
    except OSError:
        _unmake(made)
        raise
    return made


def _unmake(made: list[Path]) -> None:
    for folder in reversed(made):
        with suppress(OSError):  # something else is in it by now
            folder.rmdir()
