r"""The world of context: a series brings news to which sectors over-react.

The log returns e of a series that is not traded are white noise of deviation one, times
a volatility. Half of the sectors fall on good news and half rise, by too much on the
day, which then is made good:

    y[t,k] = b[k] a s[t] + noise v[t,k],    b[k] = 1 or -1
    s[t] = -phi e[t] + (1 - phi²) m[t-1],    m[t] = e[t] + phi m[t-1]

That prices over-react to news and drift back is what De Bondt and Thaler [1]_ found.
Here s is an all-pass filter of e [2]_: its spectrum is flat, so that returns are white
noise, and being normal say nothing of what comes, be it their own past or that of other
sectors. Who sees e knows m, and with it what will be made good:

    mu[t+1,k] = b[k] a (1 - phi²) m[t]

References
----------
.. [1] W. F. M. De Bondt and R. Thaler (1985), Does the Stock Market Overreact?, Journal
   of Finance 40, 793-805.
.. [2] A. V. Oppenheim and R. W. Schafer (1989), Discrete-Time Signal Processing,
   Prentice-Hall, section 5.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import ClassVar

import numpy as np

from bt_lstm_rotation.prices.panel import PricePanel
from bt_lstm_rotation.prices.simulated.market import (
    FIRST_PRICE,
    TYPICAL_VOLUME,
    Floats,
    KnownMarket,
    Range,
    Stream,
)

__all__ = ["CONTEXT", "ContextMarket"]

CONTEXT = "CONTEXT"
VOLATILITY = 0.02  # of the series' daily log return

ANSWER = 0.65  # of a sector to news, in its noise: three tenths of its variance


@dataclass(frozen=True, kw_only=True)
class ContextMarket(KnownMarket):
    """The world of context: the optimum reads a series that is not traded.

    Parameters
    ----------
    signal : float
        How strongly sectors answer, a over 0.65 of the noise, 0 to 4.
    persistence : float
        The coefficient phi, 0.1 to 0.99.
    seed, n_sectors, n_sessions, start, noise, market_volatility, market_drift
        See `KnownMarket`.

    Notes
    -----
    `path.expected` is all that the series adds, what it adds on the day included.
    """

    name: ClassVar[str] = "simulated:context"
    ranges: ClassVar[dict[str, Range]] = {
        **KnownMarket.ranges,
        "persistence": (Real, 0.1, 0.99),
    }

    persistence: float = 0.9

    def context(self) -> PricePanel:
        """Bars of the series, named ``CONTEXT``, on the same sessions.

        A day opens at the close before, and has no range beyond the two.
        """
        close = FIRST_PRICE * np.exp(VOLATILITY * np.cumsum(self._news))
        opened = np.append(FIRST_PRICE, close[:-1])
        high, low = np.maximum(opened, close), np.minimum(opened, close)
        prices = np.stack([opened, high, low, close]).astype(np.float32)
        volume = np.full((1, self.n_sessions), TYPICAL_VOLUME)
        bars = np.concatenate([prices, volume], dtype=np.float64)
        return PricePanel(
            sessions=self.panel().sessions,
            symbols=(CONTEXT,),
            bars=bars[:, :, np.newaxis],
            source=self.panel().source,
        )

    def bars(self, names: Sequence[str] = ()) -> PricePanel:
        """Bars of the panel, and of the series if it is among the names."""
        panel = self.panel()
        if CONTEXT not in names:
            return panel
        both = np.concatenate([panel.bars, self.context().bars], axis=2)
        return replace(panel, symbols=(*panel.symbols, CONTEXT), bars=both)

    @property
    def answers(self) -> Floats:
        """What sectors make of news, b a: (n_sectors,) decimal daily log returns."""
        signs = np.where(np.arange(self.n_sectors) % 2, -1.0, 1.0)
        return signs * (ANSWER * self.signal * self.noise)

    @cached_property
    def _news(self) -> Floats:
        return self._draw(Stream.STATE)[:, -1]

    @cached_property
    def _made_good(self) -> Floats:
        """The state m of each session, (n_sessions,)."""
        state, now = np.empty(self.n_sessions), 0.0
        for t, news in enumerate(self._news):
            state[t] = now = news + self.persistence * now
        return state

    def _expected(self, own: Floats) -> Floats:
        phi = self.persistence
        before = np.append(0.0, self._made_good[:-1])
        return np.outer(-phi * self._news + (1 - phi**2) * before, self.answers)

    def _ahead(self, own: Floats, horizon: int) -> Floats:
        phi = self.persistence
        # Of news j sessions before the end, the day and what was made good since.
        left = phi ** np.arange(horizon)
        total = -phi + (1 - phi**2) * np.append(0.0, np.cumsum(left)[:-1])
        known = (
            (1 - phi**2) * float(left.sum()) * np.outer(self._made_good, self.answers)
        )
        unknown = self.answers**2 * math.fsum(total**2) + horizon * self.noise**2
        return known + unknown / 2
