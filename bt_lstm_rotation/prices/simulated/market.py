"""What simulated markets share: betas, a market to be exposed to, shocks, and bars.

The daily log returns of sector k and of the market are, with standard normal e,

    r[t,k] = beta[k] m[t] + y[t,k],    y[t,k] = mu[t,k] + noise s[t,k] e[t,k]
    m[t] = drift + market_volatility s[t,m] e[t,m]

and the worlds differ in the law of the expected return mu and of the factors s. Because
that law is known, so is the forecast that nobody can beat.
"""

from __future__ import annotations

import datetime as dt
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.periods import YEAR
from bt_lstm_rotation.prices.panel import PricePanel

__all__ = ["MARKET", "HiddenPath", "KnownMarket", "Range", "Stream"]

MARKET = "MARKET"
BETA_SPREAD = 0.1
FIRST_DAY, LAST_DAY = dt.date(1678, 1, 1), dt.date(2261, 12, 31)  # all in pandas' range
FIRST_PRICE = 100.0
LARGEST_PRICE = 1e30  # it and its inverse are well inside a 32-bit float's range
TYPICAL_VOLUME, VOLUME_DEVIATION = 5_000_000, 0.3  # shares; of their logarithm
OVERNIGHT = 0.2  # the share of a day's variance that lies before the open

Floats = NDArray[np.float64]
Range = tuple[type, float, float]
_Law = Callable[[Generator, int], Floats]


class Stream:
    """What a generator is for. It is part of its key: a new order makes new markets."""

    BETA, EXPECTED, RETURN, OWN, SHARED, OPEN, HIGH, LOW, VOLUME, STATE = range(10)


class HiddenPath(NamedTuple):
    """What a simulated market knows and its bars do not show; read-only arrays.

    Parameters
    ----------
    betas : (n_sectors,) float64
        Each sector's exposure to the market.
    expected : (n_sessions, n_sectors) float64
        The expected daily log return mu, over and above the market's part.
    volatility : (n_sessions, n_sectors + 1) float64
        The factors s on daily deviations, of mean square 1; the market's is last.
    market : (n_sessions,) float64
        The market's daily log return m; the first is from a price of 100.
    returns : (n_sessions, n_sectors) float64
        The sectors' daily log returns r.
    """

    betas: Floats
    expected: Floats
    volatility: Floats
    market: Floats
    returns: Floats


@dataclass(frozen=True, kw_only=True)
class KnownMarket(ABC):
    """A market of sectors with a known amount of something to find.

    Parameters
    ----------
    seed : int
        0 or more, in 64 bits. Equal settings make equal bars, in any process.
    n_sectors : int
        1 to 500. More sectors leave the bars of the first ones unchanged.
    n_sessions : int
        2 to 50,000. More sessions leave earlier bars unchanged. Default: 12 years.
    start : date
        The first session, or the weekend before it. Every weekday is a session.
    signal : float
        How much there is to find; at 0, nothing.
    noise : float
        Deviation of a sector's own daily log return, 0.0001 to 0.1.
    market_volatility : float
        Deviation of the market's daily log return, 0 to 0.1.
    market_drift : float
        Expected log return of the market over 252 sessions, -1 to 1.

    Raises
    ------
    SpecError
        If a setting is not of its type or is outside its range.
    """

    name: ClassVar[str]
    ranges: ClassVar[dict[str, Range]] = {
        "seed": (Integral, 0, 2**64 - 1),
        "n_sectors": (Integral, 1, 500),
        "n_sessions": (Integral, 2, 50_000),
        "signal": (Real, 0, 4),
        "noise": (Real, 0.0001, 0.1),
        "market_volatility": (Real, 0, 0.1),
        "market_drift": (Real, -1, 1),
    }

    seed: int = 0
    n_sectors: int = 9
    n_sessions: int = 3120
    start: dt.date = dt.date(2000, 1, 3)
    signal: float = 1.0
    noise: float = 0.01
    market_volatility: float = 0.01
    market_drift: float = 0.06

    def __post_init__(self) -> None:
        for field, allowed in self.ranges.items():
            self._check(field, getattr(self, field), allowed)
        latest = LAST_DAY - dt.timedelta(weeks=int(self.n_sessions) // 5)
        # A datetime is a date to isinstance, but carries a clock and perhaps a zone.
        if type(self.start) is not dt.date or not FIRST_DAY <= self.start <= latest:
            valid = f"a datetime.date from {FIRST_DAY} to {latest}"
            raise SpecError(type(self).__name__, "start", self.start, valid)

    @cached_property
    def path(self) -> HiddenPath:
        """The hidden processes behind the bars."""
        uniform = self._draw(Stream.BETA, Generator.random)
        betas = 1 + BETA_SPREAD * (2 * uniform - 1)[0, :-1]
        volatility = self._volatility()
        shocks = volatility * self._draw(Stream.RETURN)
        own = self.noise * shocks[:, :-1]
        expected = self._expected(own)
        market = self.market_drift / YEAR + self.market_volatility * shocks[:, -1]
        returns = betas * market[:, np.newaxis] + expected + own
        path = HiddenPath(betas, expected, volatility, market, returns)
        for values in path:
            values.setflags(write=False)
        return path

    def panel(self) -> PricePanel:
        """Bars of ``S1``, ``S2``, ... and last of ``MARKET``, the benchmark.

        Raises
        ------
        SpecError
            If these settings take a price beyond 1e30 or 1e-30.

        Notes
        -----
        A day is a Brownian path from close to close, opening at 0.2 of its variance.
        High and low each follow the law of a Brownian bridge's extreme given open and
        close, in logs P(max > h) = exp(-2 (h - open)(h - close) / variance), but are
        drawn independently. Prices are rounded to 32 bits and volumes to shares, so
        that another processor's last bit all but never shows in the content hash.
        """
        path = self.path
        returns = np.column_stack([path.returns, path.market])
        close = math.log(FIRST_PRICE) + np.cumsum(returns, axis=0)
        if np.abs(close).max() > math.log(LARGEST_PRICE):
            fewer = "smaller, or the signal, drift and volatilities: a price left 1e±30"
            raise SpecError(type(self).__name__, "n_sessions", self.n_sessions, fewer)
        # The market's column comes last: a beta of 1, and no noise of its own.
        common = np.outer(path.volatility[:, -1], np.append(path.betas, 1.0))
        common *= self.market_volatility
        own = np.append(np.full(self.n_sectors, self.noise), 0.0) * path.volatility
        morning = self._draw(Stream.OPEN)
        opened = close - (1 - OVERNIGHT) * returns
        bridge = common * morning[:, -1:] + own * morning
        opened += math.sqrt(OVERNIGHT * (1 - OVERNIGHT)) * bridge
        move = np.abs(close - opened)
        variance = (1 - OVERNIGHT) * (common**2 + own**2)
        law = Generator.standard_exponential
        tails = np.stack([self._draw(Stream.HIGH, law), self._draw(Stream.LOW, law)])
        above, below = (np.sqrt(move**2 + 2 * variance * tails) - move) / 2
        high = np.maximum(opened, close) + above
        low = np.minimum(opened, close) - below
        prices = np.exp(np.stack([opened, high, low, close])).astype(np.float32)
        volume = np.rint(TYPICAL_VOLUME * self._activity())
        days = np.arange(self.n_sessions)
        width = len(str(self.n_sectors))
        sectors = (f"S{number:0{width}}" for number in range(1, self.n_sectors + 1))
        return PricePanel(
            sessions=np.busday_offset([self.start], days, roll="forward"),
            symbols=(*sectors, MARKET),
            bars=np.concatenate([prices, volume[np.newaxis]], dtype=np.float64),
            source=f"{self.name}(seed={self.seed}, signal={self.signal:g})",
        )

    def bars(self, names: Sequence[str] = ()) -> PricePanel:
        """Bars of the panel, and of series that are not traded, as far as there are.

        A name that no series has is left to whoever asked for it.
        """
        return self.panel()

    def optimal_forecast(self, horizon: int) -> Floats:
        """Forecast the sectors as well as the true parameters allow.

        Parameters
        ----------
        horizon : int
            Sessions ahead, 1 to 2,520; anything else raises SpecError.

        Returns
        -------
        (n_sessions, n_sectors) float64
            Expected simple return (decimal) from the close of t to the close of
            ``t + horizon``, given all bars up to t and the world's parameters, the
            betas among them: a bound on what is attainable, not a competitor.
        """
        self._check("horizon", horizon, (Integral, 1, 2520))
        path = self.path
        own = path.returns - path.betas * path.market[:, np.newaxis]
        drift = path.betas * horizon * self.market_drift / YEAR
        variance = horizon * (path.betas * self.market_volatility) ** 2
        return np.asarray(np.expm1(drift + variance / 2 + self._ahead(own, horizon)))

    @abstractmethod
    def _expected(self, own: Floats) -> Floats:
        """Return mu of (n_sessions, n_sectors), given the sectors' own shocks."""

    @abstractmethod
    def _ahead(self, own: Floats, horizon: int) -> Floats:
        """Return the log of what exp(y[t+1] + ... + y[t+horizon]) is expected to be.

        Parameters
        ----------
        own : (n_sessions, n_sectors) float64
            The returns y, as bars up to each session show them.
        """

    def _volatility(self) -> Floats:
        """Return the factors s of (n_sessions, n_sectors + 1)."""
        return np.ones((self.n_sessions, self.n_sectors + 1))

    def _activity(self) -> Floats:
        """Return volumes as multiples of a typical one."""
        busy = np.exp(VOLUME_DEVIATION * self._draw(Stream.VOLUME))
        return self.path.volatility * busy

    def _draw(self, stream: int, law: _Law = Generator.standard_normal) -> Floats:
        """Draw a column for each sector, and last the market's."""
        # A generator for each, so that more sessions or sectors only add to the draws.
        keys = [(series, stream) for series in (*range(1, self.n_sectors + 1), 0)]
        rngs = [default_rng(SeedSequence(self.seed, spawn_key=key)) for key in keys]
        return np.column_stack([law(rng, self.n_sessions) for rng in rngs])

    def _check(self, field: str, value: object, allowed: Range) -> None:
        kind, low, high = allowed
        number = isinstance(value, kind) and not isinstance(value, bool)
        if not (number and low <= value <= high):  # type: ignore[operator]
            whole = "whole " if kind is Integral else ""
            valid = f"a {whole}number from {low:,} to {high:,}"
            raise SpecError(type(self).__name__, field, value, valid)
