"""Features of what was traded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features.prices import log_return
from bt_lstm_rotation.forecasting.features.trailing import (
    trailing_count,
    trailing_mean,
    trailing_sum,
)
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import MONTH, YEAR

__all__ = ["amihud", "volume"]

Array = NDArray[np.float64]


def volume(window: Window) -> Array:
    """Log volume against its mean of a month; log1p, because a volume may be 0."""
    log_volume: Array = np.log1p(window.volume)
    return log_volume - trailing_mean(log_volume, MONTH)


def amihud(window: Window) -> Array:
    r"""Illiquidity of a month against that of a year, as a log ratio.

    With :math:`a_t` the mean of :math:`|r_t| / (c_t v_t)` over 21 bars, and
    :math:`A_t` over 252, it is :math:`\ln a_t - \ln A_t` (Amihud, "Illiquidity and
    stock returns", Journal of Financial Markets 5(1), 2002; the ratio, because a level
    in a currency says more of a fund's size than of the day). Bars without volume are
    left out of both means. Where nothing was traded, or no price moved, in a month it
    is 0: nothing is known.
    """
    traded = window.close * window.volume
    there = traded > 0
    moved = np.abs(log_return(window))
    impact = np.where(there, moved / np.where(there, traded, 1.0), 0.0)
    month, year = (
        trailing_sum(impact, size) / np.maximum(trailing_count(there, size), 1.0)
        for size in (MONTH, YEAR)
    )
    # A year without is a month without; NaN, of what is before its time, stays NaN.
    known = ~(month <= 0)
    ratio = np.log(np.where(known, month, 1.0)) - np.log(np.where(known, year, 1.0))
    return np.where(known, ratio, 0.0)
