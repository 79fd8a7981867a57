"""Transactions into a database file: all of one, or nothing of it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bt_lstm_rotation.disk import disk_errors
from bt_lstm_rotation.errors import JournalError, OutputError
from bt_lstm_rotation.paper.chain import head_of
from bt_lstm_rotation.paper.image import file_connection, wal_size
from bt_lstm_rotation.paper.names import sqlite_files
from bt_lstm_rotation.paper.schema import Schema
from bt_lstm_rotation.paper.seal import Boundary, unobserved
from bt_lstm_rotation.paper.transaction import Entry, Rows

__all__ = [
    "add",
    "append",
    "disk_problems",
    "migrate",
    "put_in_place",
    "remove",
    "settle",
    "write_new",
]

_ADVICE = "see to the disk, then try again"


def write_new(
    path: Path,
    transactions: Iterable[tuple[Entry, Rows]],
    schema: Schema,
    boundary: Boundary = unobserved,
) -> None:
    """Make a database of these transactions, in place of what is there.

    Raises sqlite3.Error or OSError if it cannot be written.
    """
    remove(path)
    with file_connection(path, new=True) as connection:
        connection.execute("BEGIN IMMEDIATE")
        schema.create(connection)
        boundary("after tables")
        for entry, rows in transactions:
            add(connection, entry, rows, schema, boundary)
        boundary("before commit")
        connection.execute("COMMIT")
        boundary("after commit")
        checkpoint(connection)
        boundary("after checkpoint")
    if wal_size(path):
        raise OSError("its log could not be emptied")


def append(
    path: Path, entry: Entry, rows: Rows, schema: Schema, boundary: Boundary
) -> None:
    """Add a transaction.

    Raises sqlite3.Error or OSError if it is not added. Once it is added, a full disk
    is no error: the log keeps it.
    """
    added = False
    try:
        with file_connection(path) as connection:
            boundary("before begin")
            connection.execute("BEGIN IMMEDIATE")
            head = head_of(connection, schema)
            if head is None or head.hash != entry.previous:
                problem = "it has been written to meanwhile; open it again"
                raise JournalError(problem, name=path.parent.name)
            add(connection, entry, rows, schema, boundary)
            boundary("before commit")
            connection.execute("COMMIT")
            added = True
            boundary("after commit")
            checkpoint(connection)
            boundary("after checkpoint")
    except (sqlite3.Error, OSError):
        if not added:
            raise


def settle(path: Path) -> None:
    """Bring what a killed process has left in the log into the file, if possible."""
    with suppress(sqlite3.Error, OSError), file_connection(path) as connection:
        checkpoint(connection)


def migrate(path: Path, schema: Schema) -> None:
    """Bring a database file to a schema's version."""
    with file_connection(path) as connection:
        schema.migrate(connection)
        checkpoint(connection)


def remove(path: Path) -> None:
    """Delete a database, and what SQLite has written beside it."""
    for name in sqlite_files(path.name):
        with suppress(FileNotFoundError):
            path.with_name(name).unlink()


def checkpoint(connection: sqlite3.Connection) -> None:
    """Write the log into the file, unless another program's reading is in the way."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def add(
    connection: sqlite3.Connection,
    entry: Entry,
    rows: Rows,
    schema: Schema,
    boundary: Boundary = unobserved,
) -> None:
    """Insert a transaction; the caller commits it."""
    connection.execute(schema.insert("transactions"), entry.to_row())
    boundary("after transactions")
    for table, found in rows.items():
        numbered = ((entry.number, place, *row) for place, row in enumerate(found))
        connection.executemany(schema.insert(table), numbered)
        boundary(f"after {table}")


def put_in_place(draft: Path, path: Path) -> None:
    """Rename a finished database, and have its name on the disk as well.

    A log that another one has left is deleted: it would be taken for that of this one.
    """
    for name in sqlite_files(path.name)[1:]:
        with suppress(FileNotFoundError):
            path.with_name(name).unlink()
    os.replace(draft, path)
    with suppress(OSError):  # not every system opens a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def disk_problems(problem: str) -> Iterator[None]:
    """Turn an error of SQLite, or of the disk, into one of our own."""
    try:
        with disk_errors(OutputError, problem, _ADVICE):
            yield
    except sqlite3.Error as error:
        raise OutputError(f"{problem} ({error}); {_ADVICE}") from error
