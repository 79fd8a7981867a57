"""What one session adds to the journal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from bt_lstm_rotation.append_only.kinds import TEXT
from bt_lstm_rotation.append_only.tables import Table
from bt_lstm_rotation.checks import check_choice
from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.paper.schema import TABLES

__all__ = ["KINDS", "Entry", "Rows", "Transaction"]

KINDS = ("start", "session", "version", "stop")

# Table -> rows, without the number of their transaction.
Rows = Mapping[str, Sequence[tuple[Any, ...]]]


class Entry(NamedTuple):
    """A transaction of the journal, without its rows.

    `number` counts from 1, and `previous` is the `hash` of the one before.
    """

    number: int
    kind: str
    session: dt.date
    written: dt.datetime
    version: str
    previous: str
    hash: str

    @classmethod
    def stored(cls, row: Sequence[Any]) -> Entry:
        """Make it of a row; ValueError or TypeError if that is damaged."""
        number, kind, session, written, version, previous, own = row
        return cls(
            number,
            kind,
            dt.date.fromisoformat(session),
            dt.datetime.fromisoformat(written),
            version,
            previous,
            own,
        )

    def to_row(self) -> tuple[Any, ...]:
        """Return it as it is stored."""
        return (
            self.number,
            self.kind,
            self.session.isoformat(),
            self.written.isoformat(),
            *self[4:],
        )


@dataclass(frozen=True)
class Transaction:
    """What is added at once, all of it or nothing.

    Parameters
    ----------
    kind : str
        ``"start"``, ``"session"``, ``"version"`` or ``"stop"``.
    session : date
    written : datetime
        With its time zone.
    version : str
        Of this package.
    rows : mapping of str to sequences of tuples
        Table -> rows, with the columns of `bt_lstm_rotation.paper.schema.TABLES`. A
        number may be NaN, for none.

    Raises
    ------
    SpecError
        If it cannot be stored as it is.
    """

    kind: str
    session: dt.date
    written: dt.datetime
    version: str
    rows: Rows = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_choice("Transaction", "kind", self.kind, KINDS)
        if not isinstance(self.session, dt.date) or isinstance(
            self.session, dt.datetime
        ):
            raise SpecError("Transaction", "session", self.session, "a datetime.date")
        if not isinstance(self.written, dt.datetime) or not self.written.tzinfo:
            valid = "a datetime with its time zone"
            raise SpecError("Transaction", "written", self.written, valid)
        # As it will be read again: without a nanosecond, or the name of a zone.
        written = dt.datetime.fromisoformat(self.written.isoformat())
        object.__setattr__(self, "written", written)
        _taken("version", self.version, TEXT)
        if not isinstance(self.rows, Mapping):
            raise SpecError("Transaction", "rows", self.rows, "a mapping of tables")
        for table in self.rows:
            if table not in TABLES:
                valid = f"tables of the journal ({closest(str(table), TABLES)})"
                raise SpecError("Transaction", "rows", table, valid)
        rows = {
            table: _rows(table, self.rows[table], columns)
            for table, columns in TABLES.items()
            if table in self.rows and len(self.rows[table])
        }
        object.__setattr__(self, "rows", MappingProxyType(rows))


def _rows(table: str, rows: Any, columns: Table) -> tuple[tuple[Any, ...], ...]:
    kinds = list(columns.items())
    taken = []
    for place, row in enumerate(rows):
        if not isinstance(row, tuple | list) or len(row) != len(kinds):
            valid = f"a tuple of {len(kinds)}: {', '.join(columns)}"
            raise SpecError("Transaction", f"{table}[{place}]", row, valid)
        try:
            values = [kind.take(v) for (_, kind), v in zip(kinds, row, strict=True)]
        except (TypeError, ValueError, OverflowError):
            # Only now, which of them it is: a start has tens of thousands of rows.
            for (column, kind), value in zip(kinds, row, strict=True):
                _taken(f"{table}[{place}].{column}", value, kind)
            raise
        taken.append(tuple(values))
    return tuple(taken)


def _taken(place: str, value: Any, kind: Any) -> None:
    try:
        kind.take(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise SpecError("Transaction", place, value, kind.valid) from error
