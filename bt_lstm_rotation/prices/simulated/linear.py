"""The linear world: an expected return that wanders, seen through noise that clusters.

The expected return mu is an AR(1) of coefficient phi around 0. The factors s are
log-normal stochastic volatility [1]_ [2]_, which clusters: log s² is a Gaussian AR(1),
the sum of a path that all share and one of their own, shifted so that s² has mean 1.

References
----------
.. [1] S. J. Taylor (1986), Modelling Financial Time Series, Wiley.
.. [2] S. Kim, N. Shephard and S. Chib (1998), Stochastic Volatility: Likelihood
   Inference and Comparison with ARCH Models, Review of Economic Studies 65, 361-393.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from bt_lstm_rotation.prices.simulated.filters import autoregression, kalman, log_growth
from bt_lstm_rotation.prices.simulated.market import (
    Floats,
    KnownMarket,
    Range,
    Stream,
)

__all__ = ["SimulatedMarket"]

DRIFT_DEVIATION = 0.0025  # of a sector's expected daily return, at signal 1

# About what Kim, Shephard and Chib find for sterling; so is the default `clustering`.
VOLATILITY_PERSISTENCE = 0.98
SHARED_VOLATILITY = 0.8


@dataclass(frozen=True, kw_only=True)
class SimulatedMarket(KnownMarket):
    """The linear world: a Kalman filter is the optimum.

    Parameters
    ----------
    signal : float
        The deviation of mu over 0.0025, 0 (nothing to find) to 4.
    persistence : float
        The coefficient phi of the expected return's AR(1), 0 to 0.999.
    clustering : float
        Stationary deviation of log s², 0 (constant volatility) to 2.
    seed, n_sectors, n_sessions, start, noise, market_volatility, market_drift
        See `KnownMarket`.

    Notes
    -----
    The optimum knows the volatility of every session up to t, which bars only hint at.
    With volatility after t at its long-run mean, it is exact without clustering, and
    close with it, as the variance ahead hardly differs by sector.
    """

    name: ClassVar[str] = "simulated"
    ranges: ClassVar[dict[str, Range]] = {
        **KnownMarket.ranges,
        "persistence": (Real, 0, 0.999),
        "clustering": (Real, 0, 2),
    }

    persistence: float = 0.98
    clustering: float = 0.75

    def _expected(self, own: Floats) -> Floats:
        wandering = autoregression(self._draw(Stream.EXPECTED), self.persistence)
        return DRIFT_DEVIATION * self.signal * wandering[:, :-1]

    def _volatility(self) -> Floats:
        shared = math.sqrt(SHARED_VOLATILITY) * self._draw(Stream.SHARED)[:, -1:]
        own = math.sqrt(1 - SHARED_VOLATILITY) * self._draw(Stream.OWN)
        log_square = autoregression(shared + own, VOLATILITY_PERSISTENCE)
        log_square *= self.clustering
        # A normal x of mean 0 has E exp(x) = exp(var / 2): the shift brings it to 1.
        return np.exp((log_square - self.clustering**2 / 2) / 2)

    def _ahead(self, own: Floats, horizon: int) -> Floats:
        observed = (self.noise * self.path.volatility[:, :-1]) ** 2
        stationary = (DRIFT_DEVIATION * self.signal) ** 2
        known = kalman(own, observed, self.persistence, stationary)
        ahead = log_growth(*known, self.persistence, stationary, horizon)
        return ahead + horizon * self.noise**2 / 2
