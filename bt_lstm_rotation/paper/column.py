"""One symbol's bars as a journal has them, beside those that a source offers now.

The ratio of the offered prices to the recorded ones tells what a vendor has done to the
past. Prices are rounded, so that ratios scatter: how much they do says how well their
median, which a few corrected bars do not move, is known.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.feeds.absurd_bars import findings_of
from bt_lstm_rotation.periods import stale_after
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import (
    SPLITS,
    CorporateAction,
    classified,
)

__all__ = ["ASKED", "MISSING", "Column", "Note", "factor_of"]

# Recorded sessions that a source is asked for again, and those that are compared.
ASKED, OVERLAP = 150, 60

# A factor is told apart from 1, and from a split, beyond this and beyond four standard
# errors of the median. One is 1.2533 deviations by the root of how many there are, and
# a deviation 1.4826 times their median, where they are normal.
NEGLIGIBLE, ERRORS = 1e-4, 4.0 * 1.2533 * 1.4826

# Prices in cents are known to half a cent, and so differ by this much; of the tiniest,
# which have more decimals, by no more than the second.
CENT, LARGEST = 0.0051, 0.05

# Of the compared sessions, at least so many have to tell the same factor.
AGREEING = 0.5

# Findings beside its neighbours for which a new bar is not believed at once.
DOUBTFUL = ("split not applied", "scale change", "reversed jump", "jump", "impossible")

MISSING = "has none"

# Bars of a symbol by which a new one is judged.
NEIGHBOURS = 130


@dataclass(frozen=True)
class Note:
    """Something that was done instead: ``kind``, the symbol, and what, in words."""

    kind: str
    symbol: str
    detail: str


class Column:
    """One symbol: what is known, what is offered, and by which factor they differ.

    Parameters
    ----------
    symbol : str
    known, offered : PricePanel
    accepted : bool
        Whether what is offered is believed, however odd.
    """

    def __init__(
        self, symbol: str, known: PricePanel, offered: PricePanel, *, accepted: bool
    ) -> None:
        self._symbol = symbol
        self._days, self._bars = _own(known, symbol)
        self._new_days, self._new_bars = _own(offered, symbol)
        self._accepted = accepted
        self._factor, self._fault = 1.0, ""
        self._action: CorporateAction | None = None
        self._notes: list[Note] = []
        if len(self._days):
            self._compare()

    def has(self, session: dt.date) -> bool:
        """Whether a bar of a session is offered."""
        return self._row(session) is not None

    def bar(self, session: dt.date) -> tuple[NDArray[np.float64] | None, str]:
        """Return the bar of a session, or why there is none; "" if none is expected."""
        row = self._row(session)
        if row is None:
            return None, self._missing(session)
        fault = self._fault or ("" if self._accepted else self._oddness(row))
        return (None, fault) if fault else (self._new_bars[:, row], "")

    def take(self, session: dt.date) -> tuple[CorporateAction | None, list[Note]]:
        """Take a bar; return what has to be booked and noted with the first of them."""
        action, notes = self._action, self._notes
        self._action, self._notes, self._factor = None, [], 1.0
        if action is not None:
            scale = np.array([action.price] * 4 + [action.shares])
            self._bars = self._bars * scale[:, None]
        row = self._row(session)
        self._days = np.append(self._days, self._new_days[row])
        self._bars = np.column_stack([self._bars, self._new_bars[:, row]])
        return action, notes

    def _row(self, session: dt.date) -> int | None:
        day = np.datetime64(session, "D")
        row = int(np.searchsorted(self._new_days, day))
        there = row < len(self._new_days) and self._new_days[row] == day
        return row if there else None

    def _missing(self, session: dt.date) -> str:
        """Say that a bar is missing, unless the symbol has not begun or has ended."""
        if not len(self._days):
            return ""
        gaps = np.diff(self._days[-22:]).astype(np.int64)
        age = int((np.datetime64(session, "D") - self._days[-1]).astype(np.int64))
        return "" if age > stale_after(gaps.tolist()) else MISSING

    def _oddness(self, row: int) -> str:
        """Say what is doubtful about a new bar beside the ones before it."""
        units = np.array([self._factor] * 4 + [1.0])
        before = self._bars[:, -NEIGHBOURS:] * units[:, None]
        days = np.append(self._days[-NEIGHBOURS:], self._new_days[row])
        bars = np.column_stack([before, self._new_bars[:, row]])
        for found in findings_of(self._symbol, days, bars):
            if found.rule in DOUBTFUL and np.datetime64(found.last, "D") == days[-1]:
                return f"is doubted: {found.message}"
        return ""

    def _compare(self) -> None:
        """Find the factor between the offered prices and the known ones."""
        shared, here, there = np.intersect1d(
            self._days[-OVERLAP:], self._new_days, return_indices=True
        )
        self._note_late_bars()
        if not len(shared):
            self._doubt("shares no session with what is recorded")
            return
        old, new = self._bars[:4, -OVERLAP:][:, here], self._new_bars[:4, there]
        factor, error = factor_of(old, new)
        cents = CENT * (1.0 + factor) / np.minimum(new, old * factor)
        # The factor may be off as well, by rounding and by no more than that.
        rounding = cents + np.minimum(error, cents)
        limit = NEGLIGIBLE + np.minimum(rounding, LARGEST)
        differs = (np.abs(new / (old * factor) - 1.0) > limit).any(axis=0)
        if differs.mean() > 1.0 - AGREEING:
            self._doubt("has a past that differs from the recorded by no one factor")
            return
        self._factor = factor
        self._note("revised", shared[differs], "not followed")
        if factor != 1.0:
            self._action = self._booked(factor, float(self._bars[3, -1]))

    def _booked(self, factor: float, last_close: float) -> CorporateAction | None:
        try:
            return classified(factor, last_close)
        except DataError as error:
            if self._accepted and factor < 1.0:  # a part that was spun off, in cash
                return CorporateAction(factor, 1.0, (1.0 - factor) * last_close)
            self._fault = str(error)
            return None

    def _doubt(self, fault: str) -> None:
        self._fault = "" if self._accepted else fault

    def _note_late_bars(self) -> None:
        """Note bars of recorded sessions that were missing when these were recorded."""
        late = np.setdiff1d(self._new_days, self._days)
        between = (late > self._days[0]) & (late < self._days[-1])
        self._note("late", late[between], "not used")

    def _note(self, kind: str, days: NDArray[np.datetime64], what: str) -> None:
        if len(days):
            bars = "1 bar" if len(days) == 1 else f"{len(days)} bars"
            span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
            self._notes.append(Note(kind, self._symbol, f"{bars}, {span}: {what}"))


def factor_of(
    old: NDArray[np.float64], new: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the factor that most prices tell, and how far it may be off, relatively.

    It is 1, or a split, where it may be that.

    Parameters
    ----------
    old, new : (4, n_sessions) float64
        Prices of the same sessions.
    """
    ratios = new / old
    factor = float(np.median(ratios))
    # By session: what rounds an adjustment moves all prices of a day.
    scatter = np.abs(np.median(ratios, axis=0) / factor - 1.0)
    error = ERRORS * float(np.median(scatter)) / math.sqrt(len(scatter))
    known = (1.0, *map(float, SPLITS))
    nearest = min(known, key=lambda ratio: abs(factor / ratio - 1.0))
    off = abs(factor / nearest - 1.0)
    return nearest if off <= max(NEGLIGIBLE, error) else factor, error


def _own(
    panel: PricePanel, symbol: str
) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    if symbol not in panel.symbols:
        return np.array([], dtype="datetime64[D]"), np.empty((5, 0))
    column = panel.symbols.index(symbol)
    rows = panel.traded[:, column]
    return panel.sessions[rows], panel.bars[:, rows, column]
