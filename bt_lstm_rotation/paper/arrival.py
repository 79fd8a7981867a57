"""What a source says now, beside what a journal has seen.

Recorded bars are never changed. A source that has re-adjusted a symbol's past, because
it split or paid a dividend, is noticed by the ratio of its prices to the recorded ones:
the same factor on all of them is a corporate action, booked at the next session; prices
that differ here and there are corrections, which are noted and not followed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.feeds.absurd_bars import findings_of
from bt_lstm_rotation.periods import stale_after
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import CorporateAction, classified

__all__ = ["COMPARED", "Arrival", "Arrivals", "Note", "arrived"]

# Recorded sessions that a source's are compared with.
OVERLAP = 60

# A price in cents is known to half a cent; factors are told apart from 1 beyond this.
CENT = 0.0051
NEGLIGIBLE = 1e-4

# Of the compared prices, at least so many have to tell the same factor.
AGREEING = 0.5

# Findings beside its neighbours for which a new bar is not believed at once.
DOUBTFUL = ("split not applied", "scale change", "reversed jump", "jump", "impossible")

MISSING = "has none"

# Bars of a symbol by which a new one is judged.
NEIGHBOURS = 130

# Recorded sessions that a source is asked for again.
COMPARED = 150


@dataclass(frozen=True)
class Note:
    """Something that was done instead: ``kind``, the symbol, and what, in words."""

    kind: str
    symbol: str
    detail: str


@dataclass(frozen=True)
class Arrival:
    """One finished session.

    Parameters
    ----------
    session : date
    bars : mapping of str to (5,) float64
        Open, high, low, close and volume, of each symbol that has a bar.
    actions : mapping of str to CorporateAction
        Since the session before.
    notes : tuple of Note
    """

    session: dt.date
    bars: Mapping[str, NDArray[np.float64]]
    actions: Mapping[str, CorporateAction] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Arrivals:
    """The sessions that can be recorded now, and why the next one cannot.

    Parameters
    ----------
    ready : tuple of Arrival
        In order.
    waiting : str
        What the next session waits for, in words; empty if nothing is missing.
    """

    ready: tuple[Arrival, ...] = ()
    waiting: str = ""


def arrived(
    known: PricePanel,
    offered: PricePanel,
    due: Sequence[dt.date],
    *,
    overdue: Callable[[dt.date], bool],
    accepted: Collection[str] = (),
) -> Arrivals:
    """Compare what a source offers with what is known, and take what is new.

    Parameters
    ----------
    known : PricePanel
        All recorded bars, in the units of the last session.
    offered : PricePanel
        What the source says now of the same symbols.
    due : sequence of date
        The finished sessions that are not recorded yet, in order.
    overdue : callable
        Whether a session is not to be waited for any longer.
    accepted : collection of str
        Symbols whose new bars are believed, however odd.
    """
    columns = {symbol: _Column(symbol, known, offered) for symbol in known.symbols}
    ready: list[Arrival] = []
    for place, session in enumerate(due):
        bars, faults = {}, {}
        for symbol, column in columns.items():
            bar, fault = column.bar(session, doubt=symbol not in accepted)
            if bar is not None:
                bars[symbol] = bar
            elif fault:
                faults[symbol] = fault
        later = any(
            column.has(day) for day in due[place + 1 :] for column in columns.values()
        )
        if not bars and later and overdue(session):
            continue  # nobody traded: an unforeseen holiday
        if not bars or (faults and not overdue(session)):
            return Arrivals(tuple(ready), _waiting(session, faults, len(columns)))
        notes = [Note("missing", name, why) for name, why in sorted(faults.items())]
        actions = {}
        for symbol in bars:
            action, found = columns[symbol].take(session)
            notes += found
            if action is not None:
                actions[symbol] = action
        ready.append(Arrival(session, bars, actions, tuple(notes)))
    return Arrivals(tuple(ready))


def _waiting(session: dt.date, faults: Mapping[str, str], symbols: int) -> str:
    if not faults or (set(faults.values()) == {MISSING} and len(faults) == symbols):
        return f"no bars of {session} yet"
    have = symbols - len(faults)
    each = "; ".join(f"{name} {why}" for name, why in sorted(faults.items())[:5])
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return f"{have} of {symbols} symbols have bars of {session}: {each}{more}"


class _Column:
    """One symbol: what is known, what is offered, and by which factor they differ."""

    def __init__(self, symbol: str, known: PricePanel, offered: PricePanel) -> None:
        self.symbol = symbol
        self.days, self.bars = _own(known, symbol)
        self.new_days, self.new_bars = _own(offered, symbol)
        self.factor, self.fault = 1.0, ""
        self.notes: list[Note] = []
        self._begun = False
        self._compare()

    def has(self, session: dt.date) -> bool:
        return self._row(session) is not None

    def bar(
        self, session: dt.date, *, doubt: bool
    ) -> tuple[NDArray[np.float64] | None, str]:
        """Return the bar of a session, or why there is none; "" if none is expected."""
        row = self._row(session)
        if row is None:
            return None, self._missing(session)
        if self.fault and doubt:
            return None, self.fault
        bar = self.new_bars[:, row]
        if doubt and (odd := self._oddness(row)):
            return None, odd
        return bar, ""

    def take(self, session: dt.date) -> tuple[CorporateAction | None, list[Note]]:
        """Return what has to be booked and noted with the first new bar."""
        action = None if self._begun else self._action()
        notes = [] if self._begun else self.notes
        self._begun = True
        if action is not None:
            self.bars = _restated(self.bars, action)
        row = self._row(session)
        self.days = np.append(self.days, self.new_days[row])
        self.bars = np.column_stack([self.bars, self.new_bars[:, row]])
        return action, notes

    def _row(self, session: dt.date) -> int | None:
        day = np.datetime64(session, "D")
        row = int(np.searchsorted(self.new_days, day))
        there = row < len(self.new_days) and self.new_days[row] == day
        return row if there else None

    def _missing(self, session: dt.date) -> str:
        """Say that a bar is missing, unless the symbol has not begun or has ended."""
        if not len(self.days):
            return ""
        gaps = np.diff(self.days[-22:]).astype(np.int64)
        age = int((np.datetime64(session, "D") - self.days[-1]).astype(np.int64))
        return "" if age > stale_after(gaps.tolist()) else MISSING

    def _oddness(self, row: int) -> str:
        """Say what is doubtful about a new bar beside the ones before it."""
        before = self.bars[:, -NEIGHBOURS:]
        if not self._begun:
            before = before * np.array([self.factor] * 4 + [1.0])[:, None]
        days = np.append(self.days[-NEIGHBOURS:], self.new_days[row])
        bars = np.column_stack([before, self.new_bars[:, row]])
        for found in findings_of(self.symbol, days, bars):
            if found.rule in DOUBTFUL and np.datetime64(found.last, "D") == days[-1]:
                return f"is doubted: {found.message}"
        return ""

    def _compare(self) -> None:
        """Find the factor between the offered prices and the known ones."""
        if not len(self.days):
            return
        shared, here, there = np.intersect1d(
            self.days[-OVERLAP:], self.new_days, return_indices=True
        )
        if not len(shared):
            self.fault = "shares no session with what is recorded"
            return
        self._note_late_bars()
        old, new = self.bars[:4, -OVERLAP:][:, here], self.new_bars[:4, there]
        ratios = new / old
        self.factor = _factor(ratios)
        cents = CENT * (1.0 + self.factor) / np.minimum(new, old * self.factor)
        off = np.abs(ratios / self.factor - 1.0) > NEGLIGIBLE + cents
        differs = off.any(axis=0)
        if differs.mean() > 1.0 - AGREEING:
            self.fault = "has a past that differs from the recorded by no one factor"
            return
        try:
            self._action()
        except DataError as error:
            self.fault = str(error)
            return
        if differs.any():
            days = shared[differs]
            span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
            detail = f"{len(days)} bars, {span}: not followed"
            self.notes.append(Note("revised", self.symbol, detail))

    def _note_late_bars(self) -> None:
        """Note bars of recorded sessions that were missing when these were recorded."""
        late = np.setdiff1d(self.new_days, self.days)
        late = late[(late > self.days[0]) & (late < self.days[-1])]
        if len(late):
            span = f"{late[0]}" if len(late) == 1 else f"{late[0]} to {late[-1]}"
            detail = f"{len(late)} bars, {span}: not used"
            self.notes.append(Note("late", self.symbol, detail))

    def _action(self) -> CorporateAction | None:
        if self.factor == 1.0:
            return None
        return classified(self.factor, float(self.bars[3, -1]))


def _factor(ratios: NDArray[np.float64]) -> float:
    """Return the factor that most ratios tell, and 1 where it cannot be told from 1."""
    factor = float(np.median(ratios))
    return 1.0 if abs(factor - 1.0) <= NEGLIGIBLE else factor


def _restated(
    bars: NDArray[np.float64], action: CorporateAction
) -> NDArray[np.float64]:
    scale = np.array([action.price] * 4 + [action.shares])
    restated: NDArray[np.float64] = bars * scale[:, None]
    return restated


def _own(
    panel: PricePanel, symbol: str
) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    if symbol not in panel.symbols:
        return np.array([], dtype="datetime64[D]"), np.empty((5, 0))
    column = panel.symbols.index(symbol)
    rows = panel.traded[:, column]
    return panel.sessions[rows], panel.bars[:, rows, column]
