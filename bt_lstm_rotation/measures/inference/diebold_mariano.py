"""Whether one forecast's losses are smaller than another's.

The test of Diebold and Mariano [1]_ is of the mean of the difference d between two
losses on the same session. Losses of returns over h sessions overlap. The variance is
the equal-weighted cosine estimate of `bt_lstm_rotation.measures.inference.mean_test`,
with Student's law in place of the normal: fixed-smoothing critical values, which keep
the test's size in small samples where the original and its correction by Harvey,
Leybourne and Newbold do not [2]_.

References
----------
.. [1] F. X. Diebold and R. S. Mariano, "Comparing predictive accuracy", Journal of
   Business and Economic Statistics 13(3), 1995.
.. [2] L. Coroneo and F. Iacone, "Comparing predictive accuracy in small samples using
   fixed-smoothing asymptotics", Journal of Applied Econometrics 35(4), 2020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.inference.mean_test import (
    MeanTest,
    checked_series,
    mean_test,
)
from bt_lstm_rotation.measures.skill import checked_forecasts

__all__ = ["diebold_mariano", "session_losses"]

_Floats = NDArray[np.float64]


def diebold_mariano(losses: _Floats, other: _Floats, horizon: int) -> MeanTest:
    """Test by how much another forecast's losses are larger.

    Parameters
    ----------
    losses, other : (n_sessions,) float64
        Of the same sessions; one where either is NaN is left out.
    horizon : int
        Sessions that each loss looks ahead over, 1 or more.

    Returns
    -------
    MeanTest
        Of `other` less `losses`: a mean above 0 is in favour of `losses`, and
        ``p_above`` is the chance of such a one if both are equally good.

    Raises
    ------
    DataError, SpecError
        As `mean_test`, and if the two are not of one length.
    """
    first, second = checked_series("losses", losses), checked_series("other", other)
    if len(first) != len(second):
        raise DataError(
            "not of the same sessions",
            field="other",
            value=len(second),
            valid=f"as many as losses, which are {len(first)}",
        )
    return mean_test(second - first, horizon)


def session_losses(forecast: _Floats, realised: _Floats) -> _Floats:
    """Return each session's mean squared error, (n_sessions,); NaN without a pair.

    Parameters
    ----------
    forecast, realised : (n_sessions, n_symbols) float64
        As `bt_lstm_rotation.measures.skill.skill` takes them; raises as it does.
    """
    forecast, realised = checked_forecasts(forecast, realised)
    pairs = np.isfinite(forecast) & np.isfinite(realised)
    squares = np.where(pairs, forecast - realised, 0.0) ** 2
    with np.errstate(invalid="ignore"):
        return np.asarray(squares.sum(axis=1) / pairs.sum(axis=1))
