r"""Weighted autocovariances, and how sure of them one can be.

Weighted by the precision of bars, autocovariances forget the noise of days that have
more of it, and keep their form:

.. math::

    \hat\gamma_k = \sum_t \pi_t \pi_{t-k} \, r_t r_{t-k} \Big/
    \sum_t \pi_t \pi_{t-k}.

Their standard errors are those of White [1]_, because days that vary a lot follow each
other.

References
----------
.. [1] H. White, "A heteroskedasticity-consistent covariance matrix estimator and a
   direct test for heteroskedasticity", Econometrica 48(4), 1980.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.filters.autoregression import LAGS

__all__ = ["autocovariances"]

Array = NDArray[np.float64]


def autocovariances(returns: Array, weights: Array) -> tuple[Array, Array]:
    """Return autocovariances and their standard errors, from a lag of 1 on.

    Parameters
    ----------
    returns, weights : (n_symbols, n_bars) float64
        Pooled over symbols, each less its own mean.

    Returns
    -------
    covariances, errors : (n_lags,) float64
        `LAGS` of them, or half as many as there are bars.
    """
    mean = (weights * returns).sum(axis=1) / weights.sum(axis=1)
    products = weights * (returns - mean[:, None])
    n = returns.shape[1]
    lags = slice(1, min(LAGS, n // 2) + 1)

    def sums(values: Array) -> Array:
        # Of products with what was so many bars ago, by the spectrum.
        spectrum = np.fft.rfft(values, 2 * n, axis=1)
        total = (np.abs(spectrum) ** 2).sum(axis=0)
        return np.asarray(np.fft.irfft(total, 2 * n)[lags])

    counted = sums(weights)
    # What rounding leaves of squares may be below 0.
    errors = np.sqrt(np.maximum(sums(products**2), 0.0)) / counted
    return sums(products) / counted, errors
