"""Each transaction's hash covers its rows and the hash before: a chain to the start.

The hash is the SHA-256 of the transaction as JSON with sorted keys and no spaces, each
table by its columns: numbers by `float.hex`, bytes by their own SHA-256, the rest as it
is. Tables without rows and columns of NULLs are left out, so that one that is added to
the schema later changes no older hash.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from bt_lstm_rotation.append_only.chain import DAMAGE, ORIGIN, entry_hash
from bt_lstm_rotation.append_only.tables import Table
from bt_lstm_rotation.paper.schema import TRANSACTIONS, Schema
from bt_lstm_rotation.paper.transaction import Entry, Rows, Transaction

__all__ = [
    "Walk",
    "all_entries",
    "days_after",
    "following",
    "head_of",
    "rows_of",
    "verified",
    "walk",
]

_ENTRY = ("number", *TRANSACTIONS)


class Walk(NamedTuple):
    """How far a chain is sound, and why no further; None where it ends so."""

    entries: list[Entry]
    problem: str | None

    @property
    def last(self) -> Entry | None:
        """The last sound transaction."""
        return self.entries[-1] if self.entries else None


def following(
    transaction: Transaction, head: Entry | None, tables: Mapping[str, Table]
) -> Entry:
    """Return the entry that puts a transaction behind a head; None for the first."""
    entry = Entry(
        1 if head is None else head.number + 1,
        transaction.kind,
        transaction.session,
        transaction.written,
        transaction.version,
        ORIGIN if head is None else head.hash,
        "",
    )
    own = _hashed(entry.to_row(), transaction.rows, tables)
    return entry._replace(hash=own)


def head_of(connection: sqlite3.Connection, schema: Schema) -> Entry | None:
    """Read the last transaction; None if there is none."""
    last = "number = (SELECT max(number) FROM transactions)"
    query = schema.select("transactions", _ENTRY, last)
    row = connection.execute(query).fetchone()
    return None if row is None else Entry.stored(row)


def all_entries(connection: sqlite3.Connection, schema: Schema) -> list[Entry]:
    """Read all transactions of a sound journal."""
    query = schema.select("transactions", _ENTRY, "number > 0")
    return [Entry.stored(row) for row in connection.execute(query)]


def days_after(connection: sqlite3.Connection, number: int) -> dict[int, dt.date]:
    """Read the sessions of the transactions that follow, as far as can be read."""
    found = {}
    query = "SELECT number, session FROM transactions WHERE number > ? ORDER BY number"
    with suppress(*DAMAGE):
        for expected, (later, session) in enumerate(
            connection.execute(query, (number,)), start=number + 1
        ):
            if later != expected:  # a damaged one
                break
            found[later] = dt.date.fromisoformat(session)
    return found


def rows_of(connection: sqlite3.Connection, number: int, schema: Schema) -> Rows:
    """Read the rows of one transaction as they are stored."""
    return {
        table: connection.execute(
            schema.select(table, tuple(columns), "number = ?"), (number,)
        ).fetchall()
        for table, columns in schema.tables.items()
    }


def walk(connection: sqlite3.Connection, schema: Schema) -> Walk:
    """Follow the chain from its start as far as it can be read and its hashes agree."""
    entries: list[Entry] = []
    previous = ORIGIN
    query = schema.select("transactions", _ENTRY, "number > 0")
    try:
        for number, row in enumerate(connection.execute(query), start=1):
            entry = Entry.stored(row)
            rows = rows_of(connection, number, schema)
            agrees = (entry.number, entry.previous) == (number, previous)
            if not agrees or _hashed(row, rows, schema.tables) != entry.hash:
                return Walk(entries, f"transaction {number} does not match its hash")
            entries.append(entry)
            previous = entry.hash
    except DAMAGE as error:
        number = len(entries) + 1
        return Walk(entries, f"transaction {number} cannot be read ({error})")
    return Walk(entries, None if entries else "it is empty")


def verified(connection: sqlite3.Connection, schema: Schema) -> Walk:
    """Verify all there is: the pages, the tables, and the chain."""
    try:
        problem = schema.problem(connection) or _page_problem(connection)
    except DAMAGE as error:
        problem = f"it cannot be read ({error})"
    found = walk(connection, schema)
    return Walk(found.entries, problem or found.problem)


def _page_problem(connection: sqlite3.Connection) -> str | None:
    (first,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if first != "ok":
        return f"its pages are damaged ({' '.join(first.split())})"
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        return "it has rows of no transaction"
    return None


def _hashed(row: tuple[Any, ...], rows: Rows, tables: Mapping[str, Table]) -> str:
    content = dict(zip(_ENTRY, row, strict=True))
    del content["hash"]
    content["rows"] = {
        table: {"": len(found), **_columns(found, tables[table])}
        for table, found in rows.items()
        if found
    }
    return entry_hash(content)


def _columns(rows: Sequence[tuple[Any, ...]], table: Table) -> dict[str, list[Any]]:
    columns = {}
    for values, (name, kind) in zip(
        zip(*rows, strict=True), table.items(), strict=True
    ):
        # NaN, which is not equal to itself, is stored as NULL.
        told = [kind.encode(v) if v is not None and v == v else None for v in values]
        if any(value is not None for value in told):
            columns[name] = told
    return columns
