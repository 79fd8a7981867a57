"""How many sessions a year has, measured from the sessions themselves.

A Sharpe ratio of daily, weekly or monthly returns is one of a year only when its square
root is that of its own market: 252 on an exchange, 365 where every day is traded.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.checks import check_range
from bt_lstm_rotation.periods import YEAR

__all__ = ["annual_factor", "check_periods_a_year", "measured_periods"]

DAYS_A_YEAR = 365.25

# Typical days between two bars, from and to -> bars a year. Wide enough for months of
# 28 to 31 days, holidays, and weeks whose last session is a Thursday.
SPACINGS = (
    (5, 9, 52.0),
    (26, 35, 12.0),
    (85, 97, 4.0),
    (175, 190, 2.0),
    (350, 380, 1.0),
)
SIX_DAYS, SEVEN_DAYS = 313.0, 365.0

# Fewer sessions are too few for a typical spacing: a weekend may be all there is.
FEW = 5
LONG_WEEKEND = 4  # days

# A weekday on which a market is closed is told from one that is missing by chance only
# after some weeks.
WEEKS_TO_TELL = 8


def measured_periods(sessions: pd.DatetimeIndex) -> float | None:
    """Measure how many sessions a year has.

    Parameters
    ----------
    sessions : DatetimeIndex
        Ascending dates.

    Returns
    -------
    float or None
        By the typical (lower median) number of days from one to the next, which
        neither holidays nor missing sessions change:

        - 1: 365 if every weekday is traded, 313 if one is not (in less than eight weeks
          that is taken for a gap), and otherwise 252, whichever weekdays these are. A
          weekday counts as traded if it has half as many sessions as the busiest one.
        - 5 to 9: 52; 26 to 35: 12; 85 to 97: 4; 175 to 190: 2; 350 to 380: 1
        - anything else: 365.25 over the mean number of days

        Of fewer than five sessions, up to four days are a weekend. None of less than
        two sessions.
    """
    if len(sessions) < 2:
        return None
    days = sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
    gaps = np.diff(days)
    typical = int(np.sort(gaps)[(len(gaps) - 1) // 2])
    if typical <= 1 or (len(days) < FEW and typical <= LONG_WEEKEND):
        return _of_days(days)
    for least, most, periods in SPACINGS:
        if least <= typical <= most:
            return periods
    return float(DAYS_A_YEAR / gaps.mean())


def _of_days(days: Any) -> float:
    counts = np.bincount(days % 7)
    traded = int((2 * counts >= counts.max()).sum())
    if traded == 7:
        return SEVEN_DAYS
    if traded == 6:
        told = days[-1] - days[0] >= 7 * WEEKS_TO_TELL
        return SIX_DAYS if told else SEVEN_DAYS
    return float(YEAR)


def check_periods_a_year(owner: str, value: object) -> None:
    """Raise SpecError unless `value` is None or a number from 0.1 to 366."""
    if value is not None:
        check_range(owner, "periods_a_year", value, 0.1, 366)


def annual_factor(periods: float | None) -> float:
    """Return the square root that annualises a deviation; NaN of None."""
    return math.nan if periods is None else math.sqrt(periods)
