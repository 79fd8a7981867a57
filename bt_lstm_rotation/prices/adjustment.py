"""Adj Close: applied to all four prices, and judged before that.

A dividend moves ``Adj Close / Close`` and Close falls by as much; a split moves the
ratio only where Close itself has been left as it traded, and then falls too. A move of
the ratio with no such fall is a return that nobody earned.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.columns import ADJUSTED_CLOSE, COLUMNS, PRICES, numeric
from bt_lstm_rotation.prices.findings import Finding, finding
from bt_lstm_rotation.prices.neighbours import spread_of
from bt_lstm_rotation.prices.validity import FAULTS, POSITIVE

__all__ = ["adjusted", "judged_adjustment"]

# Ordinary dividends move the ratio by less, and a market by as much in a day.
SMALLEST = 0.03
# What a fall of Close leaves unexplained: this share of the ratio's move, or so many of
# the series' own daily deviations, whichever is more.
UNEXPLAINED, SPREADS = 1 / 3, 4.0


def adjusted(bars: pd.DataFrame, *, symbol: str | None = None) -> pd.DataFrame:
    """Apply ``Adj Close`` to all four prices, so that returns include dividends.

    Parameters
    ----------
    bars : DataFrame
        Columns ``Open High Low Close Volume`` and ``Adj Close``, as vendors spell them.

    Returns
    -------
    DataFrame
        Open, High, Low and Close, each times ``Adj Close / Close``, and Volume as it
        is: the vendor has adjusted it for splits, and dividends do not change it.

    Raises
    ------
    DataError
        On no data, a missing column, and a Close or Adj Close that is NaN, infinite,
        zero or negative.
    """
    frame = numeric(symbol, bars, (*COLUMNS, ADJUSTED_CLOSE))
    for name in ("Close", ADJUSTED_CLOSE):
        _check_price(symbol, frame, name)
    ratio = frame[ADJUSTED_CLOSE] / frame["Close"]
    prices = frame[list(PRICES)].mul(ratio.to_numpy(), axis=0)
    return prices.assign(Volume=frame["Volume"])


def judged_adjustment(symbol: str, bars: pd.DataFrame) -> list[Finding]:
    """Find moves of ``Adj Close / Close`` that no fall of Close explains.

    `bars` are valid, by session, with the columns ``Open``, ``Close``, ``Adj Close``.
    """
    opened, close, ratio = (
        np.log(bars[name].to_numpy()) for name in ("Open", "Close", ADJUSTED_CLOSE)
    )
    moved = np.diff(ratio - close)
    # What a holder seems to have earned: overnight, and to the close.
    night, day = opened[1:] - close[:-1] + moved, np.diff(ratio)
    left = np.minimum(np.abs(night), np.abs(day))
    noise = SPREADS * spread_of(close)[1:]
    false = left > np.maximum(UNEXPLAINED * np.abs(moved), noise)
    sessions = bars.index.to_numpy().astype("datetime64[D]")
    found = []
    for row in np.flatnonzero(false & (np.abs(moved) > SMALLEST)):
        size, fell = math.exp(moved[row]), math.expm1(close[row + 1] - close[row])
        what = (
            f"Adj Close / Close is {size:.4g} times that of the bar before, and Close "
            f"moves by {fell:+.1%}: a return of {math.expm1(day[row]):+.1%} that is "
            "hardly true"
        )
        at = sessions[row + 1 : row + 2]
        found.append(finding(symbol, "false adjustment", at, size, what))
    return found


def _check_price(symbol: str | None, frame: pd.DataFrame, name: str) -> None:
    for problem, is_bad in FAULTS:
        rows = np.flatnonzero(is_bad(frame[name].to_numpy()))
        if rows.size:
            stamp = frame.index[rows[0]]
            raise DataError(
                problem,
                symbol=symbol,
                session=str(stamp.date() if isinstance(stamp, pd.Timestamp) else stamp),
                field=name,
                value=float(frame[name].iloc[rows[0]]),
                valid=POSITIVE,
            )
