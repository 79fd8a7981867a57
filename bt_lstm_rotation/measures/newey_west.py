"""The error of a mean over sessions that are not independent.

A return over h sessions shares h - 1 of them with the next one's, so that whatever is
measured of it session by session is correlated over as many lags. With d the deviations
from the mean of n values, and L lags, the mean's variance is [1]_

    (1 / n) (g[0] + 2 Σ (1 - l / (L + 1)) g[l]),  l = 1..L,
    g[l] = Σ d[t] d[t - l] / (n - 1)

which is never below 0, and without lags the usual s² / n. A session without a value
deviates by 0, and keeps the distance of its neighbours [2]_.

References
----------
.. [1] W. K. Newey and K. D. West, "A simple, positive semi-definite, heteroskedasticity
   and autocorrelation consistent covariance matrix", Econometrica 55(3), 1987.
.. [2] E. Parzen, "On spectral analysis with missing observations and amplitude
   modulation", Sankhya A 25(4), 1963.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole

__all__ = ["means_with_errors"]

_Floats = NDArray[np.float64]


def means_with_errors(
    values: _Floats, lags: int
) -> tuple[_Floats, _Floats, NDArray[np.int64]]:
    """Return the means of the last axis, their standard errors, and of how many.

    Parameters
    ----------
    values : (..., n_sessions) float64
        NaN where a session has none.
    lags : int
        Over how many sessions values are correlated: of returns over a horizon, one
        less than that. SpecError unless it is a whole number of at least 0.

    Returns
    -------
    mean, error : (...,) float64
        NaN of no value, and of fewer than two.
    count : (...,) int64
    """
    check_whole("means_with_errors", "lags", lags, least=0)
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=-1) / count
        apart = np.where(known, values - mean[..., None], 0.0)
        total = (apart**2).sum(axis=-1)
        for lag in range(1, min(lags, values.shape[-1] - 1) + 1):
            both = np.einsum("...t,...t->...", apart[..., lag:], apart[..., :-lag])
            total = total + 2 * (1 - lag / (lags + 1)) * both
        # What is below 0 is rounding.
        error = np.sqrt(np.maximum(total, 0.0) / (count - 1) / count)
    return mean, np.where(count > 1, error, np.nan), count
