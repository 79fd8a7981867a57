r"""How sure a Sharpe ratio is, and what the best of many would be by luck alone.

With n returns of skewness g and kurtosis k (3 of a normal law), the *probabilistic*
Sharpe ratio is the chance that the true one is above SR* [1]_

    PSR(SR*) = Φ((SR - SR*) sqrt(n - 1) / sqrt(1 - g SR + (k - 1) / 4 SR²)).

The best of N independent trials without skill, whose ratios have the variance V, is
expected to reach [2]_, with Euler's constant c,

    SR0 = sqrt(V) ((1 - c) Φ⁻¹(1 - 1 / N) + c Φ⁻¹(1 - 1 / (N e)))

and the *deflated* Sharpe ratio is PSR(SR0). Of M trials whose mean correlation is r,
N = r + (1 - r) M are independent [2]_. Ratios are those of one session.

References
----------
.. [1] D. H. Bailey and M. López de Prado, "The Sharpe ratio efficient frontier",
   Journal of Risk 15(2), 2012.
.. [2] D. H. Bailey and M. López de Prado, "The deflated Sharpe ratio: correcting for
   selection bias, backtest overfitting, and non-normality", Journal of Portfolio
   Management 40(5), 2014.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_range, check_whole
from bt_lstm_rotation.measures.inference.mean_test import checked_series

__all__ = [
    "Moments",
    "best_by_luck",
    "effective_trials",
    "moments",
    "probabilistic_sharpe",
]

NORMAL = NormalDist()
EULER = 0.57721566490153286


@dataclass(frozen=True)
class Moments:
    """What a probabilistic Sharpe ratio is made of; `sharpe` is that of one session."""

    sharpe: float
    skewness: float
    kurtosis: float
    n: int


def moments(returns: NDArray[np.float64]) -> Moments:
    """Measure returns, (n,) decimals; NaN are left out.

    The deviation of the Sharpe ratio is that of a sample (n - 1); skewness and kurtosis
    are plain ratios of central moments. NaN of fewer than 3, or of no spread.
    """
    series = checked_series("returns", returns)
    series = series[~np.isnan(series)]
    n = len(series)
    nothing = Moments(math.nan, math.nan, math.nan, n)
    if n < 3:
        return nothing
    apart = series - series.mean()
    variance = float((apart**2).mean())
    if not variance > (1e-12 * float(np.abs(series).max())) ** 2:
        return nothing
    return Moments(
        float(series.mean() / math.sqrt(variance * n / (n - 1))),
        float((apart**3).mean() / variance**1.5),
        float((apart**4).mean() / variance**2),
        n,
    )


def probabilistic_sharpe(found: Moments, above: float = 0.0) -> float:
    """Return the chance that the true Sharpe ratio is higher than `above`.

    Both are of one session. NaN where it is not defined.
    """
    if found.n < 3 or math.isnan(found.sharpe) or math.isnan(above):
        return math.nan
    variance = 1 - found.skewness * found.sharpe
    variance += (found.kurtosis - 1) / 4 * found.sharpe**2
    if not variance > 0:
        return math.nan
    reach = (found.sharpe - above) * math.sqrt((found.n - 1) / variance)
    return NORMAL.cdf(reach)


def best_by_luck(trials: float, variance: float) -> float:
    """Return the Sharpe ratio that the best of some trials without skill would have.

    Parameters
    ----------
    trials : float
        How many independent ones, 1 to 1e12; of a single one it is 0.
    variance : float
        Of the trials' Sharpe ratios of one session, 0 to 1e6.
    """
    check_range("best_by_luck", "trials", trials, 1, 1e12)
    check_range("best_by_luck", "variance", variance, 0, 1e6)
    if trials == 1:
        return 0.0
    first = NORMAL.inv_cdf(1 - 1 / trials)
    second = NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * max(0.0, (1 - EULER) * first + EULER * second)


def effective_trials(trials: int, correlation: float) -> float:
    """Return how many independent trials some are worth.

    Parameters
    ----------
    trials : int
        1 or more.
    correlation : float
        The mean of their returns' correlations, -1 to 1; below 0 it counts as 0.
    """
    check_whole("effective_trials", "trials", trials, least=1)
    check_range("effective_trials", "correlation", correlation, -1, 1)
    shared = max(0.0, float(correlation))
    return shared + (1 - shared) * trials
