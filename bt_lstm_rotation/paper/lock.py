"""One writer an account."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bt_lstm_rotation.checks import is_whole
from bt_lstm_rotation.disk import disk_errors, write_atomically
from bt_lstm_rotation.errors import HeldError, OutputError
from bt_lstm_rotation.paper.names import HOLDER, LOCK, check_files

__all__ = ["writer"]


@contextmanager
def writer(folder: Path, *, purpose: str, now: dt.datetime) -> Iterator[None]:
    """Keep all other writers away; the folder is made if there is none.

    The lock is the kernel's, so that of a killed process is free at once.

    Parameters
    ----------
    purpose : str
        What for, in a word that other processes show: ``"step"``, ``"watch"``.
    now : datetime
        With its time zone.

    Raises
    ------
    HeldError
        If there is another writer, without waiting for its end.
    JournalError, OutputError
        If the lock is no file, or the folder cannot be written.
    """
    with disk_errors(OutputError, f"{folder} cannot be used", "choose another folder"):
        folder.mkdir(parents=True, exist_ok=True)
        check_files(folder)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise HeldError(folder.name, **_awaited(folder / HOLDER)) from error
    try:
        _introduce(folder / HOLDER, purpose, now)
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _introduce(path: Path, purpose: str, now: dt.datetime) -> None:
    # In a file of its own: the lock's is emptied by whoever asks for it.
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": now.isoformat(timespec="seconds"),
        "purpose": purpose,
    }
    with suppress(OSError):  # the lock holds without it
        path.unlink(missing_ok=True)  # a killed holder's, should there be no room
        write_atomically(path, json.dumps(holder).encode(), alone=True)


def _awaited(path: Path) -> dict[str, Any]:
    """Read who holds the lock; a holder has it for a moment before it says so."""
    for _ in range(25):
        if found := _holder(path):
            return found
        time.sleep(0.02)
    return {}


def _holder(path: Path) -> dict[str, Any]:
    """Read who holds the lock; nothing, where that is not to be read."""
    try:
        found = json.loads(path.read_bytes()[:10_000])
    except (OSError, ValueError, RecursionError):
        return {}
    texts = ("host", "since", "purpose")
    if not isinstance(found, dict) or not is_whole(found.get("pid")):
        return {}
    if not all(isinstance(found.get(key), str) for key in texts):
        return {}
    return {"pid": found["pid"], **{key: found[key][:200] for key in texts}}
