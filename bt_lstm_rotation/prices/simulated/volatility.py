"""The world of volatility: a day is worth as much as it is calm.

The expected return mu is an AR(1) of coefficient phi around 0, as in the linear world,
but a sector's noise is calm or wild: s² has two values, one `RATIO` times the other, of
mean 1, between which a chain of its own switches. Volume is proportional to the
variance of the day, as where both count the news [1]_, times a log-normal factor that
is cut off where the two states would meet: volume shows the variance exactly. So the
Kalman filter whose noise has a variance known for each session is the optimum [2]_, and
a filter that weighs all days alike is not.

The growth that volatility ahead adds, E exp(noise² (s[t+1]² + ... + s[t+h]²) / 2), is
exact too: (P D)^h 1, with the chain's matrix P and D the diagonal of
exp(noise² s² / 2).

References
----------
.. [1] P. K. Clark (1973), A Subordinated Stochastic Process Model with Finite Variance
   for Speculative Prices, Econometrica 41, 135-155.
.. [2] A. C. Harvey (1989), Forecasting, Structural Time Series Models and the Kalman
   Filter, Cambridge University Press, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from bt_lstm_rotation.prices.simulated.filters import (
    autoregression,
    chain,
    chain_growth,
    kalman,
    log_growth,
)
from bt_lstm_rotation.prices.simulated.market import (
    VOLUME_DEVIATION,
    Floats,
    KnownMarket,
    Range,
    Stream,
)

__all__ = ["VolatilityMarket"]

DRIFT_DEVIATION = 0.002  # of a sector's expected daily return, at signal 1
RATIO = 25.0  # of the wild variance to the calm one
MOST_BUSY = 4.0  # deviations: 2 * 4 * VOLUME_DEVIATION is below log(RATIO)


@dataclass(frozen=True, kw_only=True)
class VolatilityMarket(KnownMarket):
    """The world of volatility: a Kalman filter told each day's variance is the optimum.

    Parameters
    ----------
    signal : float
        The deviation of mu over 0.002, 0 (nothing to find) to 4.
    persistence : float
        The coefficient phi of the expected return's AR(1), 0 to 0.999.
    calm, wild : float
        Mean length of a spell of either kind, 2 to 1,000 sessions.
    seed, n_sectors, n_sessions, start, noise, market_volatility, market_drift
        See `KnownMarket`.
    """

    name: ClassVar[str] = "simulated:volatility"
    ranges: ClassVar[dict[str, Range]] = {
        **KnownMarket.ranges,
        "persistence": (Real, 0, 0.999),
        "calm": (Real, 2, 1000),
        "wild": (Real, 2, 1000),
    }

    persistence: float = 0.95
    calm: float = 5.0
    wild: float = 5.0

    @property
    def leave(self) -> tuple[float, float]:
        """Probabilities of leaving the calm and the wild state."""
        return 1 / self.calm, 1 / self.wild

    @property
    def squares(self) -> tuple[float, float]:
        """Values of s², calm and wild."""
        calm = (self.calm + self.wild) / (self.calm + self.wild * RATIO)
        return calm, calm * RATIO

    def _expected(self, own: Floats) -> Floats:
        wandering = autoregression(self._draw(Stream.EXPECTED), self.persistence)
        return DRIFT_DEVIATION * self.signal * wandering[:, :-1]

    def _volatility(self) -> Floats:
        states = chain(self._draw(Stream.STATE, Generator.random), self.leave)
        volatility = np.sqrt(self.squares)[states]
        volatility[:, -1] = 1.0  # the market's
        return volatility

    def _activity(self) -> Floats:
        busy = np.clip(self._draw(Stream.VOLUME), -MOST_BUSY, MOST_BUSY)
        return self.path.volatility**2 * np.exp(VOLUME_DEVIATION * busy)

    def _ahead(self, own: Floats, horizon: int) -> Floats:
        squares = self.path.volatility[:, :-1] ** 2
        stationary = (DRIFT_DEVIATION * self.signal) ** 2
        known = kalman(own, self.noise**2 * squares, self.persistence, stationary)
        ahead = log_growth(*known, self.persistence, stationary, horizon)
        halves = [self.noise**2 * square / 2 for square in self.squares]
        growth = np.log(chain_growth((halves[0], halves[1]), self.leave, horizon))
        ahead += np.where(squares > 1, growth[1], growth[0])
        return ahead
