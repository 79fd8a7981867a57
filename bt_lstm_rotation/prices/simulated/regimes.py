"""The world of regimes: each sector's expected return follows a hidden chain.

The expected return mu is one of two levels. A chain of two states, the same law for all
sectors but a path of its own for each, leaves the low state with probability 1 / `low`
a session, so that spells last `low` sessions on average, and the high one with
1 / `high`. With the share w = low / (low + high) of sessions in the low state, levels

    mu = d sqrt(w / (1 - w)) in the high state,    mu = -d sqrt((1 - w) / w) in the low

have mean 0 and deviation d. The Hamilton filter [1]_ [2]_ is the optimum: with
p = P(high at t | bars up to t), the expected growth over h sessions is
``p g(high) + (1 - p) g(low)``, where g = (P D)^h 1, P being the chain's matrix and D
the diagonal of exp(mu).

References
----------
.. [1] J. D. Hamilton (1989), A New Approach to the Economic Analysis of Nonstationary
   Time Series and the Business Cycle, Econometrica 57, 357-384.
.. [2] J. D. Hamilton (1994), Time Series Analysis, Princeton University Press, chapter
   22.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from bt_lstm_rotation.prices.simulated.filters import chain, chain_growth, hamilton
from bt_lstm_rotation.prices.simulated.market import (
    Floats,
    KnownMarket,
    Range,
    Stream,
)

__all__ = ["RegimeMarket"]

LEVEL_DEVIATION = 0.005  # of a sector's expected daily return, at signal 1


@dataclass(frozen=True, kw_only=True)
class RegimeMarket(KnownMarket):
    """The world of regimes: the Hamilton filter is the optimum.

    Parameters
    ----------
    signal : float
        The deviation d of mu over 0.005, 0 (nothing to find) to 4.
    low, high : float
        Mean length of a spell in the low and in the high state, 2 to 1,000 sessions.
    seed, n_sectors, n_sessions, start, noise, market_volatility, market_drift
        See `KnownMarket`.
    """

    name: ClassVar[str] = "simulated:regimes"
    ranges: ClassVar[dict[str, Range]] = {
        **KnownMarket.ranges,
        "low": (Real, 2, 1000),
        "high": (Real, 2, 1000),
    }

    low: float = 15.0
    high: float = 150.0

    @property
    def leave(self) -> tuple[float, float]:
        """Probabilities of leaving the low and the high state."""
        return 1 / self.low, 1 / self.high

    @property
    def levels(self) -> tuple[float, float]:
        """Expected daily log return in the low and in the high state."""
        odds = math.sqrt(self.low / self.high)
        deviation = LEVEL_DEVIATION * self.signal
        return -deviation / odds, deviation * odds

    def _expected(self, own: Floats) -> Floats:
        uniform = self._draw(Stream.STATE, Generator.random)[:, :-1]
        return np.array(self.levels)[chain(uniform, self.leave)]

    def _ahead(self, own: Floats, horizon: int) -> Floats:
        high = hamilton(own, self.levels, self.noise, self.leave)
        growth = chain_growth(self.levels, self.leave, horizon)
        ahead: Floats = np.log(growth[0] + high * (growth[1] - growth[0]))
        return ahead + horizon * self.noise**2 / 2
