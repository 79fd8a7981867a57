"""Features against the benchmark: a symbol's beta, and what beta does not explain."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features.prices import log_return
from bt_lstm_rotation.forecasting.features.trailing import trailing_count, trailing_sum
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import YEAR

__all__ = ["beta", "residual_return"]

Array = NDArray[np.float64]

# Returns of the benchmark that rounding makes of a price that does not move.
STILL = 1e-20


@functools.lru_cache(maxsize=1)  # the residual needs it of the same window
def beta(window: Window) -> Array:
    r"""Slope of the symbol's log returns on the benchmark's, over a year.

    :math:`\beta_t = \mathrm{cov}(r, m) / \mathrm{var}(m)` over 252 bars (Fama and
    MacBeth, "Risk, return, and equilibrium: empirical tests", Journal of Political
    Economy 81(3), 1973; daily returns of a year, as Lewellen and Nagel, Journal of
    Financial Economics 82(2), 2006, have them). Bars on which the benchmark has no
    return are left out; 0 where it does not move.
    """
    own, market = _returns(window)
    there = np.isfinite(market)
    x, y = (np.where(there, values, 0.0) for values in (market, own))
    # Where all symbols have the same dates, one row stands for all.
    alike = (x == x[..., :1, :]).all()
    one = x[..., :1, :] if alike else x
    n = np.maximum(trailing_count(there, YEAR), 1.0)
    sum_x, sum_y, square, product = (
        trailing_sum(values, YEAR) for values in (one, y, one * one, x * y)
    )
    variance = square / n - (sum_x / n) ** 2
    covariance = product / n - (sum_x / n) * (sum_y / n)
    moves = ~(variance <= STILL)
    slope = np.where(moves, covariance / np.where(moves, variance, 1.0), 0.0)
    slope.setflags(write=False)
    return slope


def residual_return(window: Window) -> Array:
    r"""Log return that beta does not explain: :math:`r_t - \beta_t m_t`.

    With the benchmark as the one factor of Blitz, Huij and Martens ("Residual
    momentum", Journal of Empirical Finance 18(3), 2011). NaN where the benchmark has no
    return.
    """
    own, market = _returns(window)
    return own - beta(window) * market


def _returns(window: Window) -> tuple[Array, Array]:
    """Return log returns of each symbol, and of the benchmark on the same bars."""
    log_market = np.log(window.row("benchmark"))
    market = np.full_like(log_market, np.nan)
    market[..., 1:] = log_market[..., 1:] - log_market[..., :-1]
    return log_return(window), market
