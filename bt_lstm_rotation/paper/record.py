"""What a journal holds, put together for those who ask: the account so far."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bt_lstm_rotation.paper.arrival import Arrival
from bt_lstm_rotation.paper.bars import Actions, actions_of, panel_of, restated
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.paper.daybook import Rows
from bt_lstm_rotation.paper.fits import Fits
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.schema import TABLES
from bt_lstm_rotation.paper.transaction import Entry, Transaction
from bt_lstm_rotation.prices import PricePanel

__all__ = ["DAILY", "Record", "Version"]

# Tables of which every run makes each session's rows again. Forecasts are made once,
# and then taken as they were.
DAILY = (
    "targets",
    "orders",
    "changed",
    "outcomes",
    "events",
    "positions",
    "account",
)

ENDED = ("Completed", "Canceled", "Expired", "Margin", "Rejected")


@dataclass(frozen=True)
class Version:
    """A configuration, the text of the user's strategy, and from when on."""

    number: int
    configuration: Configuration
    sources: Mapping[str, str]


class _Tables(Mapping[str, Sequence[tuple[Any, ...]]]):
    """A journal's tables, each read when it is first asked for.

    What `earlier` ones, up to a transaction `since`, have read is not read again.
    """

    def __init__(
        self, journal: Journal, earlier: _Tables | None = None, since: int = 1
    ) -> None:
        self._journal = journal
        self._read: dict[str, Sequence[tuple[Any, ...]]] = {}
        self._known = {} if earlier is None else earlier._read
        self._since = since

    def __getitem__(self, table: str) -> Sequence[tuple[Any, ...]]:
        if table not in self._read:
            known = self._known.get(table)
            new = self._journal.rows(table, since=1 if known is None else self._since)
            self._read[table] = [*(known or ()), *new]
        return self._read[table]

    def __iter__(self) -> Iterator[str]:
        return iter(TABLES)

    def __len__(self) -> int:
        return len(TABLES)


@dataclass(frozen=True, eq=False)
class Record:
    """An account as its journal has it.

    Parameters
    ----------
    transactions : list of Transaction heads
        Oldest first: ``number, kind, session, written, version, hash``.
    tables : mapping of str to rows
        Each row begins with the number of its transaction.
    """

    transactions: Sequence[Any]
    tables: Mapping[str, Sequence[tuple[Any, ...]]]

    @classmethod
    def of(cls, journal: Journal, earlier: Record | None = None) -> Record:
        """Read a journal; of one that was read `earlier`, what has been added."""
        transactions = journal.transactions()
        if earlier is None or not isinstance(earlier.tables, _Tables):
            return cls(transactions, _Tables(journal))
        since = earlier.transactions[-1].number + 1
        return cls(transactions, _Tables(journal, earlier.tables, since))

    def whole(self) -> Record:
        """Read every table, for when the journal is closed."""
        return Record(self.transactions, dict(self.tables))

    @cached_property
    def versions(self) -> list[Version]:
        """The configurations, oldest first."""
        sources: dict[int, dict[str, str]] = defaultdict(dict)
        for number, path, text in self.tables["sources"]:
            sources[number][path] = text
        return [
            Version(number, Configuration.from_text(text), sources[number])
            for number, text in self.tables["configurations"]
        ]

    @property
    def configuration(self) -> Configuration:
        """The one in force."""
        return self.versions[-1].configuration

    @cached_property
    def sessions(self) -> list[tuple[int, dt.date]]:
        """Number and date of every recorded session."""
        return [(t.number, t.session) for t in self.transactions if t.kind == "session"]

    @property
    def last(self) -> dt.date:
        """The last session whose bars are recorded."""
        recorded = [t.session for t in self.transactions if t.kind != "version"]
        session: dt.date = recorded[-1]
        return session

    @property
    def begins(self) -> dt.date | None:
        """The close at which the account begins; None before its first step."""
        return self.sessions[0][1] if self.sessions else None

    @property
    def written(self) -> dt.datetime:
        """When the last transaction was written."""
        moment: dt.datetime = self.transactions[-1].written
        return moment

    @property
    def stopped(self) -> dt.date | None:
        """The last session of an account that was stopped."""
        last = self.transactions[-1]
        return last.session if last.kind == "stop" else None

    @cached_property
    def actions(self) -> Actions:
        """Corporate actions by session."""
        when = dict(self.sessions)
        rows = ((str(when[number]), *row) for number, *row in self.tables["actions"])
        return actions_of(rows)

    @cached_property
    def panel(self) -> PricePanel:
        """All bars, of each session in the units in which they were seen."""
        wanted = self.versions[0].configuration
        rows = (row[1:] for row in self.tables["bars"])
        return panel_of(rows, wanted.names, f"paper account on {wanted.data}")

    @cached_property
    def restated(self) -> PricePanel:
        """All bars in the units of the last session."""
        return restated(self.panel, self.actions)

    def followed_by(self, new: Transaction) -> Record:
        """Return what there will be once a transaction is added."""
        number = self.transactions[-1].number + 1
        head = Entry(number, new.kind, new.session, new.written, new.version, "", "")
        tables = {
            name: [*rows, *((number, *row) for row in new.rows.get(name, ()))]
            for name, rows in self.tables.items()
        }
        return Record([*self.transactions, head], tables)

    def daily(self, table: str) -> dict[dt.date, list[tuple[Any, ...]]]:
        """Return a table's rows by session, without the number."""
        when = dict(self.sessions)
        found: dict[dt.date, list[tuple[Any, ...]]] = {d: [] for d in when.values()}
        for number, *row in self.tables[table]:
            if number in when:
                found[when[number]].append(tuple(row))
        return found

    @cached_property
    def rows(self) -> dict[dt.date, Rows]:
        """What runs made of each session."""
        tables = {name: self.daily(name) for name in DAILY}
        return {
            day: {name: rows[day] for name, rows in tables.items()}
            for _, day in self.sessions
        }

    def first_of(self, model: str) -> dt.date | None:
        """Return the first session that a model has forecast; None if there is none."""
        when = dict(self.sessions)
        rows = self.tables["forecasts"]
        return next((when[row[0]] for row in rows if row[1] == model), None)

    def fits(self) -> Fits:
        """Return forecasts and networks, as a run takes them."""
        forecasts = (
            (str(day), *row)
            for day, rows in self.daily("forecasts").items()
            for row in rows
        )
        until = np.datetime64(self.last, "D")
        return Fits(until, forecasts, (row[1:] for row in self.tables["fits"]))

    def first_of_version(self, arrivals: Sequence[Arrival]) -> dt.date:
        """Return the first session that the strategy in force decides on."""
        number = self.versions[-1].number
        own = [day for at, day in self.sessions if at > number]
        new = [arrival.session for arrival in arrivals]
        return [*own, *new, self.last + dt.timedelta(days=1)][0]

    def pending(self) -> list[tuple[dt.date, tuple[Any, ...]]]:
        """Return the orders that wait for a bar: (session, row), as they are now."""
        ended = {row[1] for row in self.tables["outcomes"] if row[2] in ENDED}
        changed = {row[1]: row[2:] for row in self.tables["changed"]}
        waiting = []
        for day, rows in self.daily("orders").items():
            for ref, symbol, side, size, kind, price, limit, *rest in rows:
                if ref not in ended:
                    terms = changed.get(ref, (size, price, limit))
                    size, price, limit = terms
                    row = (ref, symbol, side, size, kind, price, limit, *rest)
                    waiting.append((day, row))
        return waiting
