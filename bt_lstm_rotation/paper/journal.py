"""All that a paper account has seen and done, in transactions that are only added."""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from bt_lstm_rotation.append_only.kinds import NUMBER
from bt_lstm_rotation.errors import OutputError, SpecError, closest
from bt_lstm_rotation.paper import writing
from bt_lstm_rotation.paper.chain import all_entries, following
from bt_lstm_rotation.paper.image import let_grow, wal_size
from bt_lstm_rotation.paper.names import (
    BACKUP,
    BACKUP_SEAL,
    DRAFT,
    JOURNAL,
    SEAL,
    check_files,
)
from bt_lstm_rotation.paper.schema import SCHEMA, Schema
from bt_lstm_rotation.paper.seal import Boundary, Seal, backed_up, seal, unobserved
from bt_lstm_rotation.paper.soundness import Sound, damaged, sound
from bt_lstm_rotation.paper.transaction import Entry, Transaction

__all__ = ["Journal"]

logger = logging.getLogger(__name__)


class Journal:
    """An account's journal, as it was when it was opened or last added to.

    Made by `create` and `open`, and closed by `close` or a ``with``. One that is
    written to is held under `bt_lstm_rotation.paper.lock.writer`; a reader needs no
    lock, and is in nobody's way.

    Attributes
    ----------
    folder : Path
    head : Entry
        The last transaction.
    """

    def __init__(
        self,
        folder: Path,
        found: Sound,
        *,
        writing: bool,
        schema: Schema,
        boundary: Boundary,
    ) -> None:
        let_grow(found.connection)
        self.folder = folder
        self.head = found.head
        self._connection: sqlite3.Connection | None = found.connection
        self._writing = writing
        self._schema = schema
        self._boundary = boundary

    @classmethod
    def create(
        cls,
        folder: Path,
        first: Transaction,
        *,
        schema: Schema = SCHEMA,
        boundary: Boundary = unobserved,
    ) -> Journal:
        """Start a journal, and open it to write to it.

        Parameters
        ----------
        first : Transaction
            Of the kind ``"start"``.
        boundary : callable, optional
            Is told before and after each write; tests interrupt there.

        Raises
        ------
        OutputError
            If there is one already, or the disk will not have it.
        JournalError
            If a part of one is there, or a file is none.
        """
        if first.kind != "start":
            raise SpecError("Journal", "first", first.kind, "of the kind 'start'")
        check_files(folder)
        if (folder / JOURNAL).exists():
            raise OutputError(f"{folder} has a journal already; choose another name")
        if any((folder / name).exists() for name in (SEAL, BACKUP, BACKUP_SEAL)):
            sound(folder, schema)  # says what is missing, and what can be restored
        entry = following(first, None, schema.tables)
        draft = folder / DRAFT
        try:
            with writing.disk_problems(f"{folder} cannot hold a journal"):
                folder.mkdir(parents=True, exist_ok=True)
                writing.write_new(draft, [(entry, first.rows)], schema, boundary)
                boundary("before rename")
                writing.put_in_place(draft, folder / JOURNAL)
        finally:
            with suppress(OSError):
                writing.remove(draft)
        return cls.open(folder, writing=True, schema=schema, boundary=boundary)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        writing: bool = False,
        schema: Schema = SCHEMA,
        boundary: Boundary = unobserved,
    ) -> Journal:
        """Open a journal if it can be believed.

        Parameters
        ----------
        writing : bool
            Whether it is to be added to; what a killed process left undone is then
            done, and a journal of an older version migrated.

        Raises
        ------
        JournalError
            If there is none, or it is damaged, or of a later version.
        OutputError
            If the disk cannot be read or written.
        """
        found = sound(folder, schema)
        journal = cls(folder, found, writing=writing, schema=schema, boundary=boundary)
        if writing:
            try:
                journal._finish(found)
            except BaseException:
                journal.close()
                raise
        return journal

    def append(self, transaction: Transaction) -> Entry:
        """Add a transaction; when this returns, it is on the disk.

        Raises
        ------
        OutputError
            If it cannot be written; the journal is as before, and can be added to.
        JournalError
            If another process has written to it.
        """
        if not self._writing:
            raise OutputError(f"the journal in {self.folder} is open to be read only")
        if transaction.kind == "start":
            raise SpecError("Journal", "transaction", "start", "of another kind")
        connection = self._open_connection()
        entry = following(transaction, self.head, self._schema.tables)
        path = self.folder / JOURNAL
        problem = (
            f"the session of {transaction.session} cannot be written to the journal of "
            f"{self.folder.name!r}, which still ends with {self.head.session}"
        )
        rows = transaction.rows
        with writing.disk_problems(problem):
            writing.append(path, entry, rows, self._schema, self._boundary)
        writing.add(connection, entry, rows, self._schema)
        self.head = entry
        self._seal()
        return entry

    def rows(
        self, table: str, columns: Sequence[str] = (), *, since: int = 1
    ) -> list[tuple[Any, ...]]:
        """Read a table, in the order of writing; numbers that are missing are NaN.

        Parameters
        ----------
        columns : sequence of str
            Which of them; all if there are none. The number of the transaction comes
            first in any case.
        since : int
            The first transaction to read.
        """
        known = self._schema.tables.get(table)
        if known is None:
            valid = f"a table ({closest(str(table), self._schema.tables)})"
            raise SpecError("Journal", "table", table, valid)
        for column in columns:
            if column not in known:
                valid = f"a column of {table} ({closest(str(column), known)})"
                raise SpecError("Journal", "columns", column, valid)
        chosen = ("number", *(columns or known))
        query = self._schema.select(table, chosen, "number >= ?")
        found = self._open_connection().execute(query, (since,)).fetchall()
        numbers = [i for i, name in enumerate(chosen) if known.get(name) is NUMBER]
        return [row if None not in row else _with_nan(row, numbers) for row in found]

    def transactions(self) -> list[Entry]:
        """Read all transactions, without their rows."""
        return all_entries(self._open_connection(), self._schema)

    def close(self) -> None:
        """Let go of the memory; a second time does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise OutputError(f"the journal in {self.folder} is closed")
        return self._connection

    def _finish(self, found: Sound) -> None:
        """Do what a killed process has left undone."""
        path = self.folder / JOURNAL
        with writing.disk_problems(f"{path} cannot be written to"):
            writing.remove(self.folder / DRAFT)
            if found.older:
                writing.migrate(path, self._schema)
            elif not found.sealed:
                writing.settle(path)
                if not wal_size(path) and path.read_bytes() != found.content:
                    problem = "its file holds more than a journal"
                    raise damaged(self.folder, problem, self._schema)
        if found.older or not found.sealed or not backed_up(self.folder, found.content):
            self._seal()

    def _seal(self) -> None:
        # The transaction is on the disk by now, so none of this fails. An old seal is
        # as good: what comes after it has its hashes.
        path = self.folder / JOURNAL
        try:
            if wal_size(path):
                raise OSError("its log could not be emptied")
            content = path.read_bytes()
            made = Seal.of(content, self.head, self._schema.version)
            seal(self.folder, content, made, self._boundary)
        except OSError as error:
            reason = error.strerror or error
            logger.warning("the journal in %s is not sealed: %s", self.folder, reason)


def _with_nan(row: tuple[Any, ...], numbers: Sequence[int]) -> tuple[Any, ...]:
    values = list(row)
    for place in numbers:
        if values[place] is None:
            values[place] = math.nan
    return tuple(values)
