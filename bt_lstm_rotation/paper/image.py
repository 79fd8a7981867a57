"""The journal's bytes, and a connection to them in memory.

What is read is a copy of the very bytes that were checked. It cannot change under its
reader, a writer never waits for a reader, and no file is opened as a database that has
not been checked before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bt_lstm_rotation.errors import OutputError

__all__ = ["file_connection", "in_memory", "in_use", "let_grow", "merged", "wal_size"]

# Seconds to wait for another program that has the database open.
PATIENCE = 5.0

_MAGIC = b"SQLite format 3\0"
# 3.37 has STRICT tables, and from 3.36 on a database can be read from bytes.
_LEAST = (3, 37)


def in_memory(content: bytes) -> sqlite3.Connection:
    """Open a database's bytes; what is written to it is kept nowhere.

    ValueError or sqlite3.Error if they are none; a damaged one may fail later.
    """
    _check_sqlite()
    if not content.startswith(_MAGIC) or len(content) < 512:
        raise ValueError("it is no SQLite database")
    # Bytes 18 and 19 say that there may be a write-ahead log, which memory has not.
    plain = content[:18] + b"\1\1" + content[20:]
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.deserialize(plain)
        # A damaged length must not reserve more memory than there are bytes.
        limit = max(len(plain), 1_000_000)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def let_grow(connection: sqlite3.Connection) -> None:
    """Allow values in memory that are larger than all that was there."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2**31 - 1)  # SQLite's own at most


def merged(path: Path) -> bytes:
    """Read a database with what is committed in its write-ahead log, as of one moment.

    Other processes may be writing. Raises sqlite3.Error if it is damaged.
    """
    with closing(_connected(path, "ro")) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return connection.serialize()


def in_use(error: sqlite3.Error) -> bool:
    """Whether an error only says that another program is at work on the database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def wal_size(path: Path) -> int:
    """Return the bytes in a database's write-ahead log; 0 if there is none."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def file_connection(path: Path, *, new: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a database, or make a new one, to write to it; closed at the end.

    Whatever is committed is on the disk.
    """
    with closing(_connected(path, "rwc" if new else "rw")) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            problem = f"{path.parent} is on a disk that lacks what SQLite's log needs"
            raise OutputError(f"{problem}; choose a folder on a local disk")
        for setting in (
            "synchronous = FULL",
            "fullfsync = ON",  # else macOS only hands the bytes to the drive
            "foreign_keys = ON",
            "trusted_schema = OFF",
            "wal_autocheckpoint = 0",  # the caller does it, after the commit
        ):
            connection.execute(f"PRAGMA {setting}")
        yield connection


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    _check_sqlite()
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=PATIENCE,
    )


def _check_sqlite() -> None:
    if sqlite3.sqlite_version_info < _LEAST:
        raise OutputError(
            f"paper trading needs SQLite {_LEAST[0]}.{_LEAST[1]} or later, and this "
            f"Python has {sqlite3.sqlite_version}; use another Python"
        )
