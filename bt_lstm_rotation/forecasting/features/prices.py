"""Features of a symbol's own prices."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features.crosswise import (
    across,
    centred_rank,
    deviation,
)
from bt_lstm_rotation.forecasting.features.trailing import (
    trailing_max,
    trailing_mean,
    trailing_sum,
)
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import MONTH, YEAR

__all__ = [
    "drawdown",
    "garman_klass",
    "high_52_week",
    "intraday_return",
    "log_return",
    "momentum_12_1",
    "overnight_return",
    "rank",
    "relative_return",
    "volatility",
]

Array = NDArray[np.float64]

# Of a day's range and of its return, in the variance of Garman and Klass.
RANGE, RETURN = 0.5, 2 * math.log(2) - 1


def log_return(window: Window) -> Array:
    r"""Log return of a bar: :math:`r_t = \ln c_t - \ln c_{t-1}`."""
    return _change(np.log(window.close), np.log(window.close))


def relative_return(window: Window) -> Array:
    """Log return less its mean over the symbols that have a bar of the session."""
    return deviation(log_return(window), window.dates)


def overnight_return(window: Window) -> Array:
    r"""Log return from a close to the next open: :math:`\ln o_t - \ln c_{t-1}`.

    With `intraday_return` it adds up to the log return; the two behave differently
    (Lou, Polk and Skouras, "A tug of war: overnight versus intraday expected returns",
    Journal of Financial Economics 134(1), 2019).
    """
    return _change(np.log(window.bars[0]), np.log(window.close))


def intraday_return(window: Window) -> Array:
    r"""Log return from open to close: :math:`\ln c_t - \ln o_t`."""
    change: Array = np.log(window.close) - np.log(window.bars[0])
    return change


def volatility(window: Window) -> Array:
    """Root mean square of the log returns of a month, as in RiskMetrics: no mean."""
    squared: Array = log_return(window) ** 2
    return np.sqrt(trailing_mean(squared, MONTH))


def garman_klass(window: Window) -> Array:
    r"""Volatility of a month from opens, highs, lows and closes.

    The root of the mean over 21 bars of
    :math:`\frac12 (\ln h_t/l_t)^2 - (2 \ln 2 - 1)(\ln c_t/o_t)^2` (Garman and Klass,
    "On the estimation of security price volatilities from historical data", Journal of
    Business 53(1), 1980). What happens overnight is not in it.
    """
    opened, high, low, close = np.log(window.bars[:4])
    variance = RANGE * (high - low) ** 2 - RETURN * (close - opened) ** 2
    # A range that holds open and close makes it positive, but for rounding.
    root: Array = np.sqrt(np.maximum(trailing_sum(variance, MONTH) / MONTH, 0.0))
    return root


def rank(window: Window) -> Array:
    """Cross-sectional rank of the return of a month, ties shared."""
    month = np.full_like(window.close, np.nan)
    month[..., MONTH:] = window.close[..., MONTH:] / window.close[..., :-MONTH]
    return across(centred_rank, month, window.dates)


def momentum_12_1(window: Window) -> Array:
    r"""Log return of a year without its last month: :math:`\ln c_{t-21}/c_{t-252}`.

    The month is left out because it reverses (Jegadeesh and Titman, "Returns to buying
    winners and selling losers", Journal of Finance 48(1), 1993).
    """
    log_close = np.log(window.close)
    momentum: Array = np.full_like(log_close, np.nan)
    momentum[..., YEAR:] = log_close[..., YEAR - MONTH : -MONTH]
    momentum[..., YEAR:] -= log_close[..., :-YEAR]
    return momentum


def drawdown(window: Window) -> Array:
    r"""Loss since the highest close of a year: :math:`c_t / \max_{i<252} c_{t-i} - 1`.

    From -1 to 0; its worst is the maximum drawdown of that year (Grossman and Zhou,
    "Optimal investment strategies for controlling drawdowns", Mathematical Finance
    3(3), 1993). Seen in a mirror it is the rise since the lowest close, so it is
    neither odd nor even; it counts as what keeps its sign.
    """
    return window.close / trailing_max(window.close, YEAR) - 1.0


def high_52_week(window: Window) -> Array:
    r"""Nearness to the highest price of a year: :math:`c_t / \max_{i<252} h_{t-i}`.

    Above 0 and at most 1 (George and Hwang, "The 52-week high and momentum investing",
    Journal of Finance 59(5), 2004). Like `drawdown` it is neither odd nor even.
    """
    return window.close / trailing_max(window.bars[1], YEAR)


def _change(log_price: Array, log_before: Array) -> Array:
    # NaN and not 0: what has no meaning must not be compared with what has, and does
    # meet it where two symbols' windows begin on different dates.
    change = np.full_like(log_price, np.nan)
    change[..., 1:] = log_price[..., 1:] - log_before[..., :-1]
    return change
