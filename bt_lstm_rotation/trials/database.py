"""The ledger's one table, and a connection to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bt_lstm_rotation.append_only.chain import entry_hash
from bt_lstm_rotation.append_only.kinds import (
    BLOB,
    DAY,
    NUMBER,
    OPTIONAL_TEXT,
    OPTIONAL_WHOLE,
    TEXT,
)
from bt_lstm_rotation.append_only.tables import Table, table_statements
from bt_lstm_rotation.disk import kind_of, resolved
from bt_lstm_rotation.errors import OutputError

__all__ = [
    "COLUMNS",
    "TABLE",
    "checked",
    "connected",
    "is_empty",
    "row_hash",
    "settled",
]

TABLE = "trials"

# Besides the row's number. What is long comes last: SQLite need not read it then.
COLUMNS: Table = {
    "written": TEXT,  # ISO time, UTC
    "version": TEXT,  # of this package
    "kind": TEXT,
    "beside": OPTIONAL_TEXT,
    "key": TEXT,
    "configuration": TEXT,
    "data": TEXT,
    "source": TEXT,
    "symbols": TEXT,  # JSON
    "benchmark": OPTIONAL_TEXT,
    "first": DAY,
    "last": DAY,
    "length": OPTIONAL_WHOLE,
    "sharpe": NUMBER,
    "annual_sharpe": NUMBER,
    "periods_a_year": NUMBER,
    "code": OPTIONAL_TEXT,
    "strategy": TEXT,
    "seed": OPTIONAL_TEXT,
    "params": TEXT,  # JSON
    "spec": OPTIONAL_TEXT,  # JSON
    "costs": TEXT,  # JSON
    "previous": TEXT,  # the hash of the row before
    "hash": TEXT,
    "marks": BLOB,
    "returns": BLOB,
}

# "BTLT": tells this file from any other SQLite database.
APPLICATION_ID = 0x42544C54
VERSION = 1

STATEMENTS = (
    # SQLite then remembers the last number, should the last rows be taken away.
    *table_statements(
        TABLE,
        "number INTEGER PRIMARY KEY AUTOINCREMENT",
        COLUMNS,
        "",
        "STRICT",
        "the ledger is only ever added to",
    ),
    f"CREATE INDEX {TABLE}_known ON {TABLE} (key, kind)",
)
_SEQUENCE = "CREATE TABLE sqlite_sequence(name,seq)"

# 3.37 has STRICT tables.
_LEAST = (3, 37)

# Bytes of a value: a damaged length must not reserve the memory.
_LARGEST = 100_000_000


@contextmanager
def connected(
    file: Path, patience: float, *, make: bool = False
) -> Iterator[sqlite3.Connection]:
    """Open the database, or make it; sqlite3.Error or OSError if that fails.

    Raises OutputError if something else than a file is there.
    """
    if sqlite3.sqlite_version_info < _LEAST:
        raise OutputError(
            f"the trial ledger needs SQLite {_LEAST[0]}.{_LEAST[1]} or later, and this "
            f"Python has {sqlite3.sqlite_version}; use another Python"
        )
    real = resolved(file)
    kind = kind_of(real)
    if kind not in (None, "a file"):
        raise OutputError(f"{file} is {kind}; choose a file for the trial ledger")
    if make:
        real.parent.mkdir(parents=True, exist_ok=True)
    uri = f"{real.as_uri()}?mode={'rwc' if make else 'rw'}"
    with closing(
        sqlite3.connect(uri, uri=True, isolation_level=None, timeout=patience)
    ) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        for setting in ("trusted_schema = OFF", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {setting}")
        yield connection


def settled(connection: sqlite3.Connection) -> None:
    """Make the table in an empty database, or check the one there is."""
    if is_empty(connection):
        for statement in STATEMENTS:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    checked(connection)


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether it has no table, as a writer leaves it that is killed at the start."""
    count = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return bool(count == (0,))


def checked(connection: sqlite3.Connection) -> None:
    """Raise ValueError if the database is not a ledger of this version."""
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    if found != APPLICATION_ID:
        raise ValueError("it is a database of something else")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise ValueError(f"it is of version {version}, and this package knows 1")
    kept = {
        sql
        for (sql,) in connection.execute("SELECT sql FROM sqlite_schema")
        if sql is not None
    }
    if kept != {*STATEMENTS, _SEQUENCE}:
        raise ValueError("its tables are not those of a trial ledger")


def row_hash(number: int, row: dict[str, Any]) -> str:
    """Hash a row as it is stored, its number and the hash before; all but its own."""
    told = {
        name: COLUMNS[name].encode(value)
        for name, value in row.items()
        if name != "hash" and value is not None
    }
    return entry_hash({"number": number, **told})
