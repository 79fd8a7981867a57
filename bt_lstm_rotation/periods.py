"""Calendar periods: when networks are refitted and portfolios rebalanced.

A decision at a session's close is filled at the next open, so a session belongs to the
period of the *next weekday*: the close of January's last weekday belongs to February.
Nothing but the session's own date counts; decision record 0001 says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import is_whole
from bt_lstm_rotation.errors import SpecError

__all__ = [
    "EPOCH",
    "LONGEST",
    "MONTH",
    "NEVER",
    "PERIODS",
    "QUARTER",
    "STALE_AFTER",
    "YEAR",
    "Period",
    "check_period",
    "longest_period",
    "period_of",
    "stale_after",
]

Period = Literal["weekly", "monthly", "quarterly"] | int

PERIODS = ("weekly", "monthly", "quarterly")
NEVER: np.datetime64 = np.datetime64("NaT", "D")

# Day number of 1970-01-01, NumPy's day 0, counted from 0001-01-01, Python's day 1.
EPOCH = 719_163

# Sessions, as is usual for an exchange.
MONTH, QUARTER, YEAR = 21, 63, 252

# A symbol with daily bars and none for longer has stopped trading. Longer than any
# holiday; shorter than a month after a delisting.
STALE_AFTER = 10  # days

# Spacings: two bars may be missing, and dates may move, as those of months' ends do.
STALE_SPACINGS = 3.5

# Calendar days; a test counts them in the 400 years after which dates repeat.
_DAYS = {"weekly": 7, "monthly": 33, "quarterly": 94}

LONGEST = 1_000_000  # weekdays: longer than any market, and no overflow in int64

# 1970-01-01 was a Thursday: three days more make day numbers count from a Monday.
_THURSDAY = 3


def check_period(owner: str, field: str, every: object) -> Period:
    """Return ``every`` if it names a calendar period.

    Raises SpecError if it is neither one of `PERIODS` nor a whole number of weekdays
    from 1 to `LONGEST`.
    """
    if isinstance(every, str) and every in PERIODS:
        return cast(Period, every)
    if is_whole(every) and 0 < every <= LONGEST:
        return every
    whole = f"a whole number of weekdays from 1 to {LONGEST:,}"
    valid = f"one of {', '.join(PERIODS)}, or {whole}"
    raise SpecError(owner, field, every, valid)


def stale_after(gaps: Sequence[float] | NDArray[np.float64]) -> int:
    """Return after how many days without a bar a symbol has stopped trading.

    Parameters
    ----------
    gaps : (n,) float
        Calendar days between its last bars, up to the session that asks. A month of
        bars (`MONTH`) is enough, of which halts move the median little.

    Returns
    -------
    int
        `STALE_AFTER` for daily bars and while there is no gap; 24 for weekly bars, 105
        or 108 for monthly ones.
    """
    if not len(gaps):
        return STALE_AFTER
    return max(STALE_AFTER, int(STALE_SPACINGS * float(np.median(gaps))))


def period_of(sessions: NDArray[np.datetime64], every: Period) -> NDArray[np.int64]:
    """Return the number of the period that each session's fills belong to.

    Parameters
    ----------
    sessions : (n,) datetime64[D]
        In any order; weekends are allowed.
    every : {"weekly", "monthly", "quarterly"} or int
        A number counts weekdays from 1970-01-01, not from the first session.

    Returns
    -------
    (n,) int64
        Equal for sessions of one period, greater for a later one.
    """
    fill = np.busday_offset(sessions.astype("datetime64[D]"), 1, roll="backward")
    if every == "weekly":
        return (fill.astype(np.int64) + _THURSDAY) // 7
    if every == "monthly":
        return fill.astype("datetime64[M]").astype(np.int64)
    if every == "quarterly":
        return fill.astype("datetime64[M]").astype(np.int64) // 3
    return np.busday_count(np.datetime64("1970-01-01", "D"), fill) // every


def longest_period(every: Period) -> int:
    """Return the most calendar days that sessions of one period can fall on."""
    if isinstance(every, str):
        return _DAYS[every]
    # Each weekday is the next one of a single day, and a Monday that of three.
    mondays = -(-every // 5)
    return every + 2 * mondays
