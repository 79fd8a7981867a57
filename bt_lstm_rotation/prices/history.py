"""One symbol's history as a vendor gives it: what is final, and how an update joins on.

A vendor's history is rewritten at each dividend and split, ends in a session that may
not be over, and may lack the latest session for some hours or days. Three rules keep
what is stored of it true:

* A session is final when its date is before today's. Today's bar is left out, and so
  are rows without prices: Yahoo sends them for sessions it has yet to fill.
* Only after `SETTLING` is a session without a bar taken not to exist.
* An update overlaps what is there by `OVERLAP` sessions. Where Close or Adj Close have
  moved in them, the whole past has been rescaled, and the two do not join.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.bars import one_row_per_session
from bt_lstm_rotation.prices.columns import ADJUSTED_CLOSE, COLUMNS, numeric
from bt_lstm_rotation.prices.dates import sessions_of

__all__ = ["OVERLAP", "RAW_COLUMNS", "CoveredBars", "final_bars", "joined"]

logger = logging.getLogger(__name__)

RAW_COLUMNS = (*COLUMNS, ADJUSTED_CLOSE)

SETTLING = dt.timedelta(days=7)

# Two weeks of sessions: a dividend may be applied some days after its ex-date.
OVERLAP = 10

# Yahoo's Adj Close wobbles by a relative 2e-7 from one answer to the next (yfinance
# issue 1038); a dividend of one basis point moves it by 1e-4.
SAME_PRICE = 1e-6


@dataclass(frozen=True, eq=False)
class CoveredBars:
    """One symbol's bars, and the dates between which none is missing.

    Parameters
    ----------
    bars : DataFrame
        Columns ``Open High Low Close Volume`` and ``Adj Close`` as float64, indexed by
        naive midnight timestamps, ascending, at least one row. Prices as traded,
        adjusted for splits only, and as the vendor has them, invalid ones too.
    first, last : date
        Both included; neither needs a bar: not listed yet, or a holiday.
    """

    bars: pd.DataFrame
    first: dt.date
    last: dt.date

    def covers(self, first: dt.date, last: dt.date) -> bool:
        """Whether every session from `first` to `last` is among the bars."""
        return self.first <= first and last <= self.last

    def reaches(self, first: dt.date) -> bool:
        """Whether they begin early enough, and do not end before `first`."""
        return self.first <= first <= self.last_session

    @property
    def last_session(self) -> dt.date:
        """The date of the last bar."""
        return _day(self.bars.index[-1])

    @property
    def recent(self) -> dt.date:
        """Where an update has to begin, for it to overlap by `OVERLAP` sessions."""
        return _day(self.bars.index[-OVERLAP:][0])


def final_bars(
    symbol: str, answer: pd.DataFrame, first: dt.date, last: dt.date, today: dt.date
) -> CoveredBars | None:
    """Keep the final bars of a vendor's answer, as they are; None if there is none.

    Rows without prices are left out, with a warning: Yahoo loses some for some days.

    Parameters
    ----------
    answer : DataFrame
        Columns ``Open High Low Close Volume`` and ``Adj Close``, indexed by timestamps
        with or without a time zone; the session is the local date.
    first, last : date
        What was asked for, both included; `last` is before `today`.
    today : date
        The exchange's date.

    Raises
    ------
    DataError
        On a missing column, a cell that is no number, dates at a midnight elsewhere,
        or two different bars for one session. Other faults of bars are judged when the
        bars are used.
    """
    absent = [name for name in RAW_COLUMNS if name not in answer.columns]
    if absent:
        raise DataError(
            f"no column {' '.join(absent)}",
            symbol=symbol,
            value=[str(name) for name in answer.columns],
            valid=f"needed: {' '.join(RAW_COLUMNS)}",
        )
    if answer.empty:
        return None
    dated = numeric(symbol, answer, RAW_COLUMNS)
    dated = dated.set_axis(sessions_of(symbol, answer.index)).sort_index(kind="stable")
    dated = dated.loc[pd.Timestamp(first) : pd.Timestamp(last)]
    prices = dated.drop(columns="Volume").notna()
    filled = np.flatnonzero(prices.all(axis=1))
    kept = int(filled[-1]) + 1 if filled.size else 0
    for session in dated.index[kept:]:
        logger.warning("%s: no prices yet on %s: left out", symbol, _day(session))
    unfilled = kept < len(dated)
    there = prices.any(axis=1).to_numpy()[:kept]
    listed = int(np.argmax(there)) if kept else 0
    for session in dated.index[listed:kept][~there[listed:]]:
        logger.warning("%s: no prices on %s: left out", symbol, _day(session))
    dated = dated.iloc[:kept][there]
    if dated.empty:
        return None
    bars = one_row_per_session(symbol, dated)
    if unfilled or last > today - SETTLING:
        last = min(last, _weekend_after(_day(bars.index[-1])))
    return CoveredBars(bars, first, last)


def joined(cached: CoveredBars, update: CoveredBars) -> CoveredBars | None:
    """Append an update, of bars from ``cached.recent`` on, to the bars it overlaps.

    None where the shared sessions differ in Close or Adj Close by more than
    `SAME_PRICE`, or there are none: then `cached` was adjusted at another time. On
    shared sessions the update's bar is taken, as vendors correct volumes later. A
    session that only one of the two has is kept: vendors lose bars for some days.
    """
    shared = cached.bars.index.intersection(update.bars.index)
    prices = ["Close", ADJUSTED_CLOSE]
    before = cached.bars.loc[shared, prices].to_numpy()
    after = update.bars.loc[shared, prices].to_numpy()
    if shared.empty or not np.allclose(
        before, after, rtol=SAME_PRICE, atol=0, equal_nan=True
    ):
        return None
    older = cached.bars.drop(index=shared)
    bars = pd.concat([older, update.bars]).sort_index()
    return CoveredBars(bars, cached.first, max(cached.last, update.last))


def _weekend_after(day: dt.date) -> dt.date:
    """Go from a Friday to its Sunday; any other day is its own."""
    return day + dt.timedelta(days=2) if day.weekday() == 4 else day


def _day(stamp: pd.Timestamp) -> dt.date:
    return stamp.date()
