"""Whether a mean over sessions is above 0, when sessions are far from independent.

A return over h sessions shares h - 1 of them with the next one's. The usual remedy, an
error of Newey and West with h - 1 lags and the normal law's 1.96, is too sure of
itself: Bartlett's weights take a third off the covariances that h - 1 lags of such a
sum have, so that a test of 5% rejects in about 10%. Here the long-run variance is the
mean of B squared cosine transforms, the *equal-weighted cosine* estimate [1]_ [2]_

    Λ[j] = sqrt(2 / n) Σ v[t] cos(π j (t - 1/2) / n),    j = 1..B
    error² = (Λ[1]² + ... + Λ[B]²) / (B n)

each of which is orthogonal to the mean, so that mean / error follows Student's t of B
degrees of freedom. Critical values so large as a few low frequencies warrant are what
keeps the test's size [2]_. B = n / (4 h): the estimate then uses only cycles of 8
horizons and longer, where the spectrum of a sum over h sessions is still flat, within
2% on average of its value at 0. With forecasts from past bars alone, a session's value
has a mean of 0 given the past if there is no skill, so covariances end at h - 1 lags.

References
----------
.. [1] U. K. Müller, "HAC corrections for strongly autocorrelated time series", Journal
   of Business and Economic Statistics 32(3), 2014.
.. [2] E. Lazarus, D. J. Lewis, J. H. Stock and M. W. Watson, "HAR inference:
   recommendations for practice", Journal of Business and Economic Statistics 36(4),
   2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.inference.student import t_tail

__all__ = ["MeanTest", "checked_series", "mean_test"]

# Degrees of freedom below which an error is not worth the name.
LEAST_DEGREES = 2
HORIZONS_A_DEGREE = 4

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MeanTest:
    """A mean, its standard error, and Student's t of it.

    Parameters
    ----------
    mean, error : float
        NaN where it is not defined.
    degrees : int
        Of freedom: how many cosines the error is a mean of.
    sessions : int
        How many values there were.
    t : float
        Mean over error.
    p_above, p_below : float
        The chance of a t as high, and as low, if the true mean is 0.
    """

    mean: float
    error: float
    degrees: int
    sessions: int
    t: float
    p_above: float
    p_below: float

    @property
    def is_defined(self) -> bool:
        """Whether there was enough to test."""
        return math.isfinite(self.t)


def mean_test(values: _Floats, horizon: int) -> MeanTest:
    """Test a mean against 0.

    Parameters
    ----------
    values : (n_sessions,) float64
        One a session, in order; those that are NaN are left out.
    horizon : int
        Sessions that each value looks ahead over, 1 or more.

    Returns
    -------
    MeanTest
        Its t is NaN of fewer than 8 horizons, and of values that do not vary.

    Raises
    ------
    DataError, SpecError
        If the values are no one-dimensional numbers, or the horizon is impossible.
    """
    check_whole("mean_test", "horizon", horizon, least=1)
    series = checked_series("values", values)
    series = series[~np.isnan(series)]
    n = len(series)
    degrees = n // (HORIZONS_A_DEGREE * horizon)
    mean = float(series.mean()) if n else math.nan
    error = math.nan
    if degrees >= LEAST_DEGREES:
        error = _cosine_error(series, degrees)
    # Of values that are all alike, what is left of an error is rounding.
    if not error > 1e-12 * abs(mean):
        nothing = math.nan
        return MeanTest(mean, error, degrees, n, nothing, nothing, nothing)
    t = mean / error
    return MeanTest(mean, error, degrees, n, t, t_tail(t, degrees), t_tail(-t, degrees))


def checked_series(name: str, values: object) -> _Floats:
    """Return values as an array; DataError unless they are (n,) and not infinite."""
    valid = "a one-dimensional array of floats, NaN for none"
    try:
        found = np.asarray(values, dtype="float64")
    except (TypeError, ValueError) as error:
        raise DataError(
            "not numbers", field=name, value=str(error), valid=valid
        ) from error
    if found.ndim != 1:
        raise DataError("not a series", field=name, value=found.shape, valid=valid)
    if np.isinf(found).any():
        raise DataError("infinite", field=name, value=math.inf, valid=valid)
    return found


def _cosine_error(series: _Floats, degrees: int) -> float:
    n = len(series)
    place = np.pi * (np.arange(n) + 0.5) / n
    # A cosine at a time: thousands at once would not fit into memory.
    apart = series - series.mean()
    squares = [
        2 / n * float(np.cos(j * place) @ apart) ** 2 for j in range(1, degrees + 1)
    ]
    return math.sqrt(sum(squares) / degrees / n)
