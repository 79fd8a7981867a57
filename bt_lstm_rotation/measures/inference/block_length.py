"""How long the blocks of a stationary bootstrap should be.

The mean length that is best for the variance of a mean is [1]_

    (2 G² / D)^(1/3) n^(1/3)

with a flat-top window λ(x) = min(1, 2 (1 - |x|)) over the lags k up to M,

    G = Σ λ(k / M) |k| R(k),    g = Σ λ(k / M) R(k),    D = 2 g²,

the D of the correction [2]_, and R the autocovariances. M is twice the lag after which
max(5, sqrt(log10 n)) autocorrelations in a row are within 2 sqrt(log10 n / n) of 0.

References
----------
.. [1] D. N. Politis and H. White, "Automatic block-length selection for the dependent
   bootstrap", Econometric Reviews 23(1), 2004.
.. [2] A. Patton, D. N. Politis and H. White, "Correction to 'Automatic block-length
   selection for the dependent bootstrap'", Econometric Reviews 28(4), 2009.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.measures.inference.mean_test import checked_series

__all__ = ["stationary_block"]

FEW = 10


def stationary_block(values: NDArray[np.float64]) -> float:
    """Return the mean length of blocks, in sessions.

    Parameters
    ----------
    values : (n_sessions,) float64
        NaN are left out.

    Returns
    -------
    float
        1 at least, and at most min(3 sqrt(n), n / 3); 1 of fewer than 10 values, and of
        values that do not vary.
    """
    series = checked_series("values", values)
    series = series[~np.isnan(series)]
    n = len(series)
    if n < FEW or not np.ptp(series) > 1e-12 * np.abs(series).max():
        return 1.0
    within = max(5, math.ceil(math.sqrt(math.log10(n))))
    most_lags = math.ceil(math.sqrt(n)) + within
    apart = series - series.mean()
    lags = min(most_lags, n - 1)
    covariance = np.array([apart[lag:] @ apart[: n - lag] for lag in range(lags + 1)])
    covariance /= n
    bound = 2 * math.sqrt(math.log10(n) / n)
    small = np.abs(covariance[1:] / covariance[0]) < bound
    last = _last_correlated(small, within)
    window = min(2 * max(last, 1), lags)
    lag = np.arange(1, window + 1)
    weight = np.minimum(1.0, 2 * (1 - lag / window)) * covariance[1 : window + 1]
    slope = 2 * float((weight * lag).sum())
    level = float(covariance[0] + 2 * weight.sum())
    if level == 0:
        return 1.0
    best = math.cbrt(slope**2 / level**2 * n)
    return min(max(1.0, best), float(math.ceil(min(3 * math.sqrt(n), n / 3))))


def _last_correlated(small: NDArray[np.bool_], within: int) -> int:
    """Return the lag after which `within` in a row are small; else the last large."""
    run = np.convolve(small, np.ones(within), "valid")
    quiet = np.flatnonzero(run == within)
    if len(quiet):
        return int(quiet[0])
    large = np.flatnonzero(~small)
    return int(large[-1]) + 1 if len(large) else 0
