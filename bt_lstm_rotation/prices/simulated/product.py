"""The world of products: volume says whether a return will go on or turn round.

With z the standard normal that moves a sector's log volume, the expected return is

    mu[t+1] = phi mu[t] + kappa e[t] (z[t] - c)

so that a return on high volume goes on and one on low volume is taken back, as
Llorente, Michaely, Saar and Wang [1]_ find where trading is on what others do not know,
and Campbell, Grossman and Wang [2]_, with the opposite sign, where it is not. With

    c = (1 - sqrt(1 - 4 a²)) / (2 a),    a = phi kappa / (noise (1 - phi²))

what goes on and what is taken back cancel: all autocovariances of y are 0, as are all
covariances of y with earlier volumes, so that nothing linear in either finds anything.

Given the start, mu = 0, the bars show everything: e[t] = (y[t] - mu[t]) / noise. So mu
of the next session is known, the optimum is exact, and so is its growth, as
E exp((u + v z)² / 2) = exp(u² / (2 (1 - v²))) / sqrt(1 - v²).

References
----------
.. [1] G. Llorente, R. Michaely, G. Saar and J. Wang (2002), Dynamic Volume-Return
   Relation of Individual Stocks, Review of Financial Studies 15, 1005-1047.
.. [2] J. Y. Campbell, S. J. Grossman and J. Wang (1993), Trading Volume and Serial
   Correlation in Stock Returns, Quarterly Journal of Economics 108, 905-939.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from bt_lstm_rotation.prices.simulated.market import (
    Floats,
    KnownMarket,
    Range,
    Stream,
)

__all__ = ["ProductMarket"]

MOST_SIGNAL = 2.0  # at which a = 1 / 2, the most that can be hidden from linear filters


@dataclass(frozen=True, kw_only=True)
class ProductMarket(KnownMarket):
    """The world of products: return times volume tells, and neither of them does.

    Parameters
    ----------
    signal : float
        4 times the number a above, 0 (nothing to find) to 2.
    persistence : float
        The coefficient phi of the expected return, 0.1 to 0.99.
    seed, n_sectors, n_sessions, start, noise, market_volatility, market_drift
        See `KnownMarket`.
    """

    name: ClassVar[str] = "simulated:product"
    ranges: ClassVar[dict[str, Range]] = {
        **KnownMarket.ranges,
        "signal": (Real, 0, MOST_SIGNAL),
        "persistence": (Real, 0.1, 0.99),
    }

    persistence: float = 0.9

    @property
    def kappa(self) -> float:
        """How much of a return goes on at a volume one deviation up, decimal."""
        share = (1 - self.persistence**2) / self.persistence
        return self.noise * share * self.signal / (2 * MOST_SIGNAL)

    @property
    def threshold(self) -> float:
        """The z of a volume above which a return goes on: c."""
        a = self.signal / (2 * MOST_SIGNAL)
        return 2 * a / (1 + math.sqrt(1 - 4 * a**2))

    def _expected(self, own: Floats) -> Floats:
        return self._carried(own, known=False)[:-1]

    def _carried(self, returns: Floats, *, known: bool) -> Floats:
        """Return mu of each session and the next, given the shocks or y (`known`)."""
        volume = self._draw(Stream.VOLUME)[:, :-1] - self.threshold
        expected = np.zeros((len(returns) + 1, returns.shape[1]))
        for t, seen in enumerate(returns):
            shock = (seen - expected[t] if known else seen) / self.noise
            expected[t + 1] = self.persistence * expected[t]
            expected[t + 1] += self.kappa * shock * volume[t]
        return expected

    def _ahead(self, own: Floats, horizon: int) -> Floats:
        echoes = np.cumsum(self.persistence ** np.arange(horizon))
        carried: Floats = echoes[-1] * self._carried(own, known=True)[1:]
        # The shock j sessions before the end is multiplied by u + v z.
        v = self.kappa * np.append(0.0, echoes[:-1])
        u = self.noise - v * self.threshold
        growth = u**2 / (2 * (1 - v**2)) - np.log1p(-(v**2)) / 2
        return carried + math.fsum(growth)
