r"""Echoes: returns that come back after so many bars.

Autocovariances that one memory explains fall off smoothly. What is left of them at lag
k, as a share of the variance, is :math:`\hat a_k` with a standard error :math:`s_k`,
and either noise or an echo: with probability `PRIOR` the true :math:`a_k` is from a
normal distribution of deviation `SIZE`, and else it is 0 (a spike and a slab [1]_). Its
mean, given :math:`\hat a_k`, is kept. It is next to nothing where noise would do, and
moves smoothly with the last digit of a price. Together they are of at most 1.

From what was new in each bar, :math:`e_t`, echoes expect :math:`\hat e_{t+j} = \sum_k
a_k \hat e_{t+j-k}`, where :math:`\hat e` of a bar that is past is what was seen.

References
----------
.. [1] T. J. Mitchell and J. J. Beauchamp, "Bayesian variable selection in linear
   regression", Journal of the American Statistical Association 83, 1988.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["bounded", "echo_weights", "echoes"]

Array = NDArray[np.float64]

# Of one lag; of 126, one in eight windows of noise would have an echo.
PRIOR: Final = 1e-3

# Deviation of echoes that are there, as a share of a return.
SIZE: Final = 0.1

# Echoes below it, as a share of a return, are left out.
NOTHING: Final = 1e-4


def echoes(left: Array, errors: Array) -> Array:
    """Return the mean of each lag's echo.

    Parameters
    ----------
    left, errors : (n_lags,) float64
        What of the autocorrelations is left, from a lag of 1 on, and its standard
        errors.
    """
    noise, slab = errors**2, SIZE**2
    # How much likelier it is with an echo: log N(0, noise + slab) - log N(0, noise).
    shrunk = slab / (noise + slab)
    likelier = 0.5 * (np.log1p(-shrunk) + left**2 / noise * shrunk)
    odds = np.log(PRIOR / (1.0 - PRIOR)) + likelier
    there = 0.5 + 0.5 * np.tanh(0.5 * odds)
    return np.where(np.abs(left) * there > NOTHING, there * shrunk * left, 0.0)


def bounded(echo: Array) -> Array:
    """Scale echoes down, if need be, so that they come to no more than what was new.

    Bars that repeat have an echo at every lag, each with the whole of a return; summed
    up they would grow from bar to bar. Shares whose sizes add up to 1 cannot.
    """
    return echo / max(float(np.abs(echo).sum()), 1.0)


def echo_weights(echo: Array, horizon: int) -> Array:
    """Return how much what was new b bars ago brings over the horizon, (n_lags,).

    b is 0, the latest bar, up to n_lags - 1.
    """
    n_lags = len(echo)
    # What each past bar brings to the next bar, the one after it, and so on.
    brought = np.zeros((horizon, n_lags))
    lags = np.flatnonzero(echo) + 1
    for bar in range(horizon):
        for lag in lags:
            if lag > bar:  # it reaches into the past
                brought[bar, lag - bar - 1] += echo[lag - 1]
            else:
                brought[bar] += echo[lag - 1] * brought[bar - lag]
    total: Array = brought.sum(axis=0)
    return total
