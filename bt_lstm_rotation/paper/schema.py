"""The journal's tables, written down once: statements and hashes follow from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from bt_lstm_rotation.append_only.kinds import (
    BLOB,
    DAY,
    NUMBER,
    OPTIONAL_DAY,
    OPTIONAL_TEXT,
    OPTIONAL_WHOLE,
    TEXT,
    WHOLE,
)
from bt_lstm_rotation.append_only.tables import (
    Table,
    insertion,
    selection,
    table_statements,
)

__all__ = ["SCHEMA", "TABLES", "TRANSACTIONS", "Schema"]

# Tells this file from any other SQLite database ("BTLR").
APPLICATION_ID = 0x42544C52

TRANSACTIONS: Table = {
    "kind": TEXT,  # start, session, version or stop
    "session": DAY,
    "written": TEXT,  # ISO time
    "version": TEXT,  # of this package
    "previous": TEXT,  # the hash of the transaction before
    "hash": TEXT,
}

# Each row also has the number of its transaction, and its position within that.
TABLES: Mapping[str, Table] = {
    "configurations": {"text": TEXT},  # JSON
    "sources": {"path": TEXT, "text": TEXT},  # files of a user's strategy
    "bars": {
        "session": DAY,
        "symbol": TEXT,
        "open": NUMBER,
        "high": NUMBER,
        "low": NUMBER,
        "close": NUMBER,
        "volume": NUMBER,
    },
    "actions": {"symbol": TEXT, "price": NUMBER, "shares": NUMBER, "cash": NUMBER},
    "fits": {
        "model": TEXT,  # a key of the forecaster's settings and symbols
        "session": DAY,
        "status": TEXT,
        "first_bar": OPTIONAL_DAY,
        "last_target": OPTIONAL_DAY,
        "symbols": TEXT,
        "n_bars": WHOLE,
        "first_loss": NUMBER,
        "last_loss": NUMBER,
        "served_by": OPTIONAL_DAY,
        "weights": BLOB,
    },
    "forecasts": {
        "model": TEXT,
        "symbol": TEXT,
        "forecast": NUMBER,
        "dispersion": NUMBER,
    },
    "targets": {"symbol": TEXT, "weight": NUMBER},
    "orders": {  # sent at this session's close
        "ref": WHOLE,
        "symbol": TEXT,
        "side": TEXT,
        "size": NUMBER,
        "type": TEXT,
        "price": NUMBER,
        "pricelimit": NUMBER,
        "valid": NUMBER,  # until when, as Backtrader counts days
        "parent": OPTIONAL_WHOLE,  # the order that has to be filled before
        "oco": OPTIONAL_WHOLE,  # the first of those of which one ends the others
    },
    # Orders that wait and are not as they were: by a split, or a stop that trails.
    "changed": {
        "ref": WHOLE,
        "size": NUMBER,
        "price": NUMBER,
        "pricelimit": NUMBER,
    },
    "outcomes": {  # what became of orders at this session
        "ref": WHOLE,
        "status": TEXT,
        "size": NUMBER,
        "price": NUMBER,
        "commission": NUMBER,
        "slippage": NUMBER,
    },
    "events": {"kind": TEXT, "symbol": OPTIONAL_TEXT, "detail": TEXT},
    "positions": {"symbol": TEXT, "size": NUMBER, "price": NUMBER, "value": NUMBER},
    "account": {"cash": NUMBER, "equity": NUMBER},
    # What was done instead, and what was missing, late or revised.
    "notes": {"kind": TEXT, "symbol": OPTIONAL_TEXT, "detail": TEXT},
    "expectations": {"text": TEXT},  # JSON
}

# Brings a database one version further, inside a transaction.
Migration = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True)
class Schema:
    """Tables, and how a journal of an earlier version gets them.

    A migration may add tables, and columns that may be NULL: these leave the hashes of
    what was written before as they are.

    Parameters
    ----------
    tables : mapping of str to Table
        Those besides ``transactions``.
    migrations : tuple of callable
        The first makes version 2 out of version 1.
    """

    tables: Mapping[str, Table]
    migrations: tuple[Migration, ...] = ()

    @property
    def version(self) -> int:
        """The number in the database's ``user_version``."""
        return 1 + len(self.migrations)

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """What makes the tables and triggers, as the database keeps it."""
        return tuple(_statements(self.tables))

    def create(self, connection: sqlite3.Connection) -> None:
        """Make the tables in an empty database."""
        for statement in self.statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {self.version}")

    def migrate(self, connection: sqlite3.Connection) -> None:
        """Bring an older database to this version; all of it, or nothing.

        ValueError if its version is none.
        """
        if version_of(connection) < 1:
            raise ValueError("its tables are of no version")
        connection.execute("BEGIN IMMEDIATE")
        for migration in self.migrations[version_of(connection) - 1 :]:
            migration(connection)
        connection.execute(f"PRAGMA user_version = {self.version}")
        connection.execute("COMMIT")

    def problem(self, connection: sqlite3.Connection) -> str | None:
        """Say what is wrong with a database of this version; None if nothing is."""
        (found,) = connection.execute("PRAGMA application_id").fetchone()
        if found != APPLICATION_ID:
            return "it is a database of something else"
        if version_of(connection) != self.version:
            return f"its tables are of version {version_of(connection)}"
        kept = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema")}
        if kept != set(self.statements):
            return "its tables are not those of a journal"
        return None

    def insert(self, table: str) -> str:
        """Return the statement that adds a row, from its number and position on."""
        return insertion(table, self._columns(table))

    def select(self, table: str, columns: tuple[str, ...], where: str) -> str:
        """Return the query for columns of a table, in the order of writing."""
        order = "number" if table == "transactions" else "number, position"
        return selection(table, columns, where, order)

    def _columns(self, table: str) -> tuple[str, ...]:
        if table == "transactions":
            return ("number", *TRANSACTIONS)
        return ("number", "position", *self.tables[table])


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of a database's tables."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(tables: Mapping[str, Table]) -> Iterator[str]:
    yield from table_statements(
        "transactions",
        "number INTEGER PRIMARY KEY",
        TRANSACTIONS,
        "",
        "STRICT",
        "a journal is only ever added to",
    )
    for table, columns in tables.items():
        yield from table_statements(
            table,
            "number INTEGER NOT NULL REFERENCES transactions, "
            "position INTEGER NOT NULL",
            columns,
            ", PRIMARY KEY (number, position)",
            "STRICT, WITHOUT ROWID",
            "a journal is only ever added to",
        )


SCHEMA = Schema(TABLES)
