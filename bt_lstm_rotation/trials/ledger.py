"""The ledger: a file that rows are only ever added to, by any number of processes."""

from __future__ import annotations

import datetime as dt
import logging
import math
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from bt_lstm_rotation.append_only.chain import DAMAGE, ORIGIN
from bt_lstm_rotation.append_only.tables import insertion, selection
from bt_lstm_rotation.checks import check_kind
from bt_lstm_rotation.errors import OutputError, RotationError, SpecError
from bt_lstm_rotation.trials.database import (
    COLUMNS,
    TABLE,
    checked,
    connected,
    is_empty,
    row_hash,
    settled,
)
from bt_lstm_rotation.trials.record import KINDS, TrialRecord
from bt_lstm_rotation.wording import in_words

__all__ = ["Kept", "TrialLedger", "Verified"]

logger = logging.getLogger(__name__)

# Seconds that others are waited for where that was in vain before.
HASTE = 0.2


class Kept(NamedTuple):
    """A row: its number, its hash, when it was written, and the trial."""

    number: int
    hash: str
    written: str
    trial: TrialRecord


class Verified(NamedTuple):
    """How many rows follow each other, the hash of the last, and what is wrong."""

    rows: int
    head: str
    problem: str | None


def utc_now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class TrialLedger:
    """A file of trials.

    Parameters
    ----------
    file : Path
        Made when it is first written to.
    patience : float
        Seconds to wait for other processes that are writing to it.
    clock : callable
        What time it is.

    Attributes
    ----------
    problems : list of str
        Why trials could not be kept, each reason once.
    """

    file: Path
    patience: float = 5.0
    clock: Callable[[], dt.datetime] = utc_now
    problems: list[str] = field(default_factory=list, compare=False, repr=False)

    def __post_init__(self) -> None:
        valid = "the path of a file"
        check_kind("TrialLedger", "file", self.file, str | os.PathLike, valid)
        object.__setattr__(self, "file", Path(self.file))

    def add(self, trials: Sequence[TrialRecord]) -> int:
        """Add trials, all or none; return how many are new.

        One that is there already, of the same kind and beside the same candidate, is
        not added again; an opening of a holdout always is.

        Raises
        ------
        OutputError
            If it cannot be written, or is no ledger, or is damaged.
        """
        rows = [_taken(trial) for trial in trials]
        with self._open(make=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            settled(connection)
            number, previous = _head(connection)
            added = 0
            for row in rows:
                if not _is_known(connection, row):
                    number, added = number + 1, added + 1
                    previous = self._insert(connection, number, previous, row)
            connection.execute("COMMIT")
        return added

    def keep(self, trials: Callable[[], Sequence[TrialRecord]]) -> str | None:
        """Add what a callable makes; if that fails, log it and return why.

        It never raises: no run fails for its ledger.
        """
        try:
            self.add(trials())
        except Exception as error:
            problem = str(error)
            if not isinstance(error, RotationError):
                problem = in_words(error)
            if problem not in self.problems:
                self.problems.append(problem)
                logger.warning("a trial is not in the ledger: %s", problem)
            return problem
        return None

    def rows(self) -> list[Kept]:
        """Read all rows but their returns, in the order of writing.

        There are none of a ledger that is not there. Raises OutputError if it cannot be
        read, or is no ledger.
        """
        names = tuple(name for name in COLUMNS if name != "returns")
        return list(self._read(names, "number > 0"))

    def whole(self, numbers: Iterable[int]) -> list[Kept]:
        """Read rows with their returns, by their numbers; raises as `rows` does."""
        listed = ", ".join(str(int(number)) for number in numbers)
        return list(self._read(tuple(COLUMNS), f"number IN ({listed})"))

    def verify(self) -> Verified:
        """Follow the chain from its start; raises OutputError if it cannot be read."""
        rows, previous = 0, ORIGIN
        if not self._is_there():
            return Verified(rows, previous, None)
        with self._open() as connection:
            if is_empty(connection):
                return Verified(rows, previous, None)
            checked(connection)
            columns = ("number", *COLUMNS)
            query = selection(TABLE, columns, "number > 0", "number")
            try:
                for number, *values in connection.execute(query):
                    row = dict(zip(COLUMNS, values, strict=True))
                    if number != rows + 1:
                        return Verified(rows, previous, _missing(rows, number))
                    if row["previous"] != previous or row["hash"] != row_hash(
                        number, row
                    ):
                        problem = f"row {number:,} is not as it was written"
                        return Verified(rows, previous, problem)
                    rows, previous = number, row["hash"]
                last = _last_number(connection)
                (sound,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            except DAMAGE as error:
                problem = f"row {rows + 1:,} cannot be read ({in_words(error)})"
                return Verified(rows, previous, problem)
        if last > rows:
            return Verified(rows, previous, _missing(rows, last + 1))
        damage = f"its pages are damaged ({' '.join(sound.split())})"
        return Verified(rows, previous, None if sound == "ok" else damage)

    def _insert(
        self,
        connection: sqlite3.Connection,
        number: int,
        previous: str,
        row: dict[str, Any],
    ) -> str:
        now = self.clock().astimezone(dt.UTC).isoformat(timespec="seconds")
        row = {**row, "written": now, "previous": previous}
        row = {name: row.get(name) for name in COLUMNS}
        row["hash"] = row_hash(number, row)
        statement = insertion(TABLE, ("number", *COLUMNS))
        connection.execute(statement, (number, *row.values()))
        return str(row["hash"])

    def _read(self, names: tuple[str, ...], where: str) -> Iterator[Kept]:
        if not self._is_there():
            return
        with self._open() as connection:
            if is_empty(connection):
                return
            checked(connection)
            query = selection(TABLE, ("number", *names), where, "number")
            for number, *values in connection.execute(query):
                yield _kept(number, dict(zip(names, values, strict=True)))

    def _is_there(self) -> bool:
        try:
            return self.file.exists()
        except (OSError, ValueError) as error:
            raise OutputError(f"{self.file} cannot be read ({error})") from error

    @contextmanager
    def _open(self, *, make: bool = False) -> Iterator[sqlite3.Connection]:
        patience = min(self.patience, HASTE) if self.problems else self.patience
        try:
            with connected(self.file, patience, make=make) as connection:
                yield connection
        except (OSError, *DAMAGE) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            advice = "see to the disk, or name another file"
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                advice = f"others have been writing for {patience:g} seconds"
            elif code == sqlite3.SQLITE_NOTADB or isinstance(error, ValueError):
                advice = "move it away to begin another, or name another file"
            raise OutputError(
                f"the trial ledger {self.file} cannot be used "
                f"({getattr(error, 'strerror', None) or error}); {advice}"
            ) from error


def _kept(number: int, row: dict[str, Any]) -> Kept:
    known = {field.name for field in fields(TrialRecord)}
    told = {name: value for name, value in row.items() if name in known}
    for name in ("sharpe", "annual_sharpe", "periods_a_year"):
        told[name] = math.nan if told[name] is None else float(told[name])
    return Kept(number, row["hash"], row["written"], TrialRecord(**told))


def _head(connection: sqlite3.Connection) -> tuple[int, str]:
    """Return the last number ever given, and the hash of the last row."""
    query = selection(TABLE, ("hash",), "number > 0", "number DESC LIMIT 1")
    found = connection.execute(query).fetchone()
    return _last_number(connection), ORIGIN if found is None else found[0]


def _last_number(connection: sqlite3.Connection) -> int:
    query = "SELECT max(seq) FROM sqlite_sequence"
    return int(connection.execute(query).fetchone()[0] or 0)


def _missing(rows: int, following: int) -> str:
    gone = f"row {rows + 1:,}"
    if following > rows + 2:
        gone = f"rows {rows + 1:,} to {following - 1:,}"
    return f"{gone} {'is' if following == rows + 2 else 'are'} missing"


def _taken(trial: TrialRecord) -> dict[str, Any]:
    """Return a trial's values as they are stored; SpecError if one cannot be."""
    if trial.kind not in KINDS:
        valid = f"one of {', '.join(KINDS)}"
        raise SpecError("TrialRecord", "kind", trial.kind, valid)
    row = {}
    for field_ in fields(trial):
        value, kind = getattr(trial, field_.name), COLUMNS[field_.name]
        try:
            taken = kind.take(value)
        except (TypeError, ValueError) as error:
            valid = kind.valid
            raise SpecError("TrialRecord", field_.name, value, valid) from error
        # NaN, which is not equal to itself, is stored as NULL.
        row[field_.name] = taken if taken == taken else None
    return row


def _is_known(connection: sqlite3.Connection, row: dict[str, Any]) -> bool:
    if row["kind"] == "holdout":
        return False
    query = f"SELECT 1 FROM {TABLE} WHERE key = ? AND kind = ? AND beside IS ?"  # noqa: S608
    given = (row["key"], row["kind"], row["beside"])
    return connection.execute(query, given).fetchone() is not None
