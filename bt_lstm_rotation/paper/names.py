"""What a paper account may be called, and which files are its own.

Nothing outside the folder of all accounts is read or written: a name is no path, and
no link is followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from bt_lstm_rotation.disk import disk_errors
from bt_lstm_rotation.errors import JournalError, OutputError, SpecError

__all__ = [
    "BACKTEST",
    "BACKUP",
    "BACKUP_SEAL",
    "DRAFT",
    "HANDED",
    "HOLDER",
    "JOURNAL",
    "LOCK",
    "PAPER",
    "SEAL",
    "STRATEGIES",
    "YAHOO",
    "check_files",
    "check_name",
    "default_root",
    "session_folder",
    "session_names",
    "sqlite_files",
]

JOURNAL, SEAL = "journal.sqlite", "journal.seal"
BACKUP, BACKUP_SEAL = "backup.sqlite", "backup.seal"
DRAFT = "draft.sqlite"
LOCK, HOLDER = "writer.lock", "holder.json"
HANDED = "handed-over"
# Folders: copies of strategies, Yahoo's bars, a report, and a backtest beside it.
STRATEGIES, YAHOO, PAPER, BACKTEST = "strategy", "yahoo", "paper", "backtest"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Windows gives these to devices, whatever follows a dot.
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d)(\..*)?", re.IGNORECASE)


def default_root() -> Path:
    """Return the folder of all accounts in the user's data; it need not exist."""
    data = platformdirs.user_data_path("bt-lstm-rotation", appauthor=False)
    return data / "paper"


def check_name(name: str) -> str:
    """Return the name; raise SpecError if it could be anything but a folder's name."""
    plain = isinstance(name, str) and _NAME.fullmatch(name)
    if not plain or name.endswith(".") or _DEVICE.fullmatch(name):
        valid = (
            "1 to 64 letters, digits, dots, dashes and underscores that begin with a "
            "letter or digit, do not end with a dot, and name no device"
        )
        raise SpecError("paper", "name", name, valid)
    return name


def session_folder(root: Path, name: str) -> Path:
    """Return the folder of an account; it need not exist.

    Raises
    ------
    SpecError
        If the name is none.
    OutputError
        If a link, or something else than a folder, stands there.
    """
    folder = root / check_name(name)
    with disk_errors(OutputError, f"{folder} cannot be used"):
        try:
            mode = folder.lstat().st_mode
        except FileNotFoundError:
            return folder
    if not stat.S_ISDIR(mode):
        what = "a link" if stat.S_ISLNK(mode) else "no folder"
        raise OutputError(f"{folder} is {what}; move it away, or choose another name")
    return folder


def session_names(root: Path) -> list[str]:
    """List the accounts, sorted: folders that hold a journal."""
    with disk_errors(OutputError, f"{root} cannot be listed"):
        try:
            with os.scandir(root) as found:
                folders = [e for e in found if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        return sorted(
            folder.name
            for folder in folders
            if _NAME.fullmatch(folder.name)
            and os.path.lexists(os.path.join(folder.path, JOURNAL))
        )


def check_files(folder: Path) -> None:
    """Raise JournalError if a file or folder of an account is a link, or another."""
    files = [(name, stat.S_ISREG, "no regular file") for name in _own_files()]
    folders = (STRATEGIES, YAHOO, PAPER, BACKTEST)
    files += [(name, stat.S_ISDIR, "no folder") for name in folders]
    for file, is_right, other in files:
        path = folder / file
        with disk_errors(OutputError, f"{path} cannot be used"):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
        if not is_right(mode):
            what = "a link" if stat.S_ISLNK(mode) else other
            problem = f"{path} is {what}; move it away, then try again"
            raise JournalError(problem, name=folder.name)


def sqlite_files(name: str) -> tuple[str, ...]:
    """Name a database, and what SQLite writes beside it."""
    return name, *(f"{name}-{suffix}" for suffix in ("wal", "shm", "journal"))


def _own_files() -> Iterator[str]:
    for name in (JOURNAL, BACKUP, DRAFT):
        yield from sqlite_files(name)
    yield from (SEAL, BACKUP_SEAL, LOCK, HOLDER, HANDED)
    # What `write_atomically` writes first.
    yield from (f".{name}.tmp" for name in (SEAL, BACKUP, BACKUP_SEAL, HOLDER))
