"""The world of delay: a return comes back after `lag` sessions.

A sector's own return y is a seasonal autoregression,

    y[t] = theta y[t - lag] + noise e[t],    y[t] = noise e[t] for t < lag

so what the next h sessions will bring was seen from `lag` to ``lag - h`` sessions ago,
and nothing since then says more. The optimum is linear, and exact: y[t + j] is expected
to be theta^c y[t + j - c lag], c being the least number that leads back to t. But it is
one of memory, not of smoothing: means that forget the distant past first do not see it.

References
----------
G. E. P. Box and G. M. Jenkins (1970), Time Series Analysis: Forecasting and Control,
Holden-Day, chapter 9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from bt_lstm_rotation.prices.simulated.market import Floats, KnownMarket, Range

__all__ = ["DelayedMarket"]

ECHO = 0.2  # theta at signal 1


@dataclass(frozen=True, kw_only=True)
class DelayedMarket(KnownMarket):
    """The world of delay: the optimum remembers returns of a lag ago.

    Parameters
    ----------
    signal : float
        The coefficient theta over 0.2, 0 (nothing to find) to 4.
    lag : int
        Sessions after which a return comes back, 5 to 100.
    seed, n_sectors, n_sessions, start, noise, market_volatility, market_drift
        See `KnownMarket`.
    """

    name: ClassVar[str] = "simulated:delayed"
    ranges: ClassVar[dict[str, Range]] = {
        **KnownMarket.ranges,
        "lag": (Integral, 5, 100),
    }

    lag: int = 42

    def _expected(self, own: Floats) -> Floats:
        expected, theta = np.zeros_like(own), ECHO * self.signal
        for t in range(self.lag, len(own)):
            expected[t] = theta * (expected[t - self.lag] + own[t - self.lag])
        return expected

    def _ahead(self, own: Floats, horizon: int) -> Floats:
        theta, lag = ECHO * self.signal, self.lag
        ahead = np.zeros_like(own)
        for back in range(min(lag, len(own))):
            # The return of `back` sessions ago comes again after lag - back, and so on.
            times = (horizon + back) // lag
            weight = sum(theta**time for time in range(1, times + 1))
            ahead[back:] += weight * own[: len(own) - back]
        # A shock j sessions before the end has come again (j // lag) times by then.
        echoes = [
            sum(theta**time for time in range(before_end // lag + 1))
            for before_end in range(horizon)
        ]
        return ahead + self.noise**2 * math.fsum(echo**2 for echo in echoes) / 2
