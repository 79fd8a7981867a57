"""Known-answer markets: bars whose best possible forecast can be computed.

A `SimulatedMarket` is the embedded default source, and a measuring rod. Each sector's
expected return is a hidden process, so the forecast that nobody can beat is known; and
at ``signal=0`` there is nothing to find, so whatever finds something there leaks.

The daily log returns of sector k and of the market are, with standard normal e,

    r[t,k] = beta[k] m[t] + mu[t,k] + noise s[t,k] e[t,k]
    m[t] = drift + market_volatility s[t,m] e[t,m]

and the expected return mu is an AR(1) of coefficient phi around 0. The factors s are
log-normal stochastic volatility [1]_ [2]_, which clusters: log s² is a Gaussian AR(1),
the sum of a path that all share and one of their own, shifted so that s² has mean 1.

References
----------
.. [1] S. J. Taylor (1986), Modelling Financial Time Series, Wiley.
.. [2] S. Kim, N. Shephard and S. Chib (1998), Stochastic Volatility: Likelihood
   Inference and Comparison with ARCH Models, Review of Economic Studies 65, 361-393.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.periods import YEAR
from bt_lstm_rotation.prices.panel import PricePanel

__all__ = ["MARKET", "HiddenPath", "SimulatedMarket"]

MARKET = "MARKET"
DRIFT_DEVIATION = 0.0025  # of a sector's expected daily return, at signal 1
BETA_SPREAD = 0.1
FIRST_DAY, LAST_DAY = dt.date(1678, 1, 1), dt.date(2261, 12, 31)  # all in pandas' range
FIRST_PRICE = 100.0
LARGEST_PRICE = 1e30  # it and its inverse are well inside a 32-bit float's range
TYPICAL_VOLUME, VOLUME_DEVIATION = 5_000_000, 0.3  # shares; of their logarithm
OVERNIGHT = 0.2  # the share of a day's variance that lies before the open

# About what Kim, Shephard and Chib find for sterling; so is the default `clustering`.
VOLATILITY_PERSISTENCE = 0.98
SHARED_VOLATILITY = 0.8

# What a generator is for is part of its key: a new order would make new markets.
_BETA, _EXPECTED, _RETURN, _OWN, _SHARED, _OPEN, _HIGH, _LOW, _VOLUME = range(9)
_Floats = NDArray[np.float64]
_Range = tuple[type, float, float]
_Law = Callable[[Generator, int], _Floats]
_RANGES: dict[str, _Range] = {
    "seed": (Integral, 0, 2**64 - 1),
    "n_sectors": (Integral, 1, 500),
    "n_sessions": (Integral, 2, 50_000),
    "signal": (Real, 0, 4),
    "persistence": (Real, 0, 0.999),
    "noise": (Real, 0.0001, 0.1),
    "market_volatility": (Real, 0, 0.1),
    "market_drift": (Real, -1, 1),
    "clustering": (Real, 0, 2),
}


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

    betas: _Floats
    expected: _Floats
    volatility: _Floats
    market: _Floats
    returns: _Floats


@dataclass(frozen=True, kw_only=True)
class SimulatedMarket:
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
        How much there is to find, 0 (nothing) to 4: the deviation of mu over 0.0025.
    persistence : float
        The coefficient phi of the expected return's AR(1), 0 to 0.999.
    noise : float
        Deviation of a sector's own daily log return, 0.0001 to 0.1.
    market_volatility : float
        Deviation of the market's daily log return, 0 to 0.1.
    market_drift : float
        Expected log return of the market over 252 sessions, -1 to 1.
    clustering : float
        Stationary deviation of log s², 0 (constant volatility) to 2.

    Raises
    ------
    SpecError
        If a setting is not of its type or is outside its range.
    """

    seed: int = 0
    n_sectors: int = 9
    n_sessions: int = 3120
    start: dt.date = dt.date(2000, 1, 3)
    signal: float = 1.0
    persistence: float = 0.98
    noise: float = 0.01
    market_volatility: float = 0.01
    market_drift: float = 0.06
    clustering: float = 0.75

    def __post_init__(self) -> None:
        for field, allowed in _RANGES.items():
            _check(field, getattr(self, field), allowed)
        latest = LAST_DAY - dt.timedelta(weeks=int(self.n_sessions) // 5)
        # A datetime is a date to isinstance, but carries a clock and perhaps a zone.
        if type(self.start) is not dt.date or not FIRST_DAY <= self.start <= latest:
            valid = f"a datetime.date from {FIRST_DAY} to {latest}"
            raise SpecError("SimulatedMarket", "start", self.start, valid)

    @cached_property
    def path(self) -> HiddenPath:
        """The hidden processes behind the bars."""
        betas = 1 + BETA_SPREAD * (2 * self._draw(_BETA, Generator.random) - 1)[0, :-1]
        wandering = _autoregression(self._draw(_EXPECTED), self.persistence)
        expected = DRIFT_DEVIATION * self.signal * wandering[:, :-1]
        turbulence = math.sqrt(SHARED_VOLATILITY) * self._draw(_SHARED)[:, -1:]
        turbulence = turbulence + math.sqrt(1 - SHARED_VOLATILITY) * self._draw(_OWN)
        log_square = _autoregression(turbulence, VOLATILITY_PERSISTENCE)
        log_square *= self.clustering
        # A normal x of mean 0 has E exp(x) = exp(var / 2): the shift brings it to 1.
        volatility = np.exp((log_square - self.clustering**2 / 2) / 2)
        shocks = volatility * self._draw(_RETURN)
        drift = self.market_drift / YEAR
        market = drift + self.market_volatility * shocks[:, -1]
        returns = betas * market[:, np.newaxis] + expected + self.noise * shocks[:, :-1]
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
            raise SpecError("SimulatedMarket", "n_sessions", self.n_sessions, fewer)
        # The market's column comes last: a beta of 1, and no noise of its own.
        common = np.outer(path.volatility[:, -1], np.append(path.betas, 1.0))
        common *= self.market_volatility
        own = np.append(np.full(self.n_sectors, self.noise), 0.0) * path.volatility
        morning = self._draw(_OPEN)
        opened = close - (1 - OVERNIGHT) * returns
        bridge = common * morning[:, -1:] + own * morning
        opened += math.sqrt(OVERNIGHT * (1 - OVERNIGHT)) * bridge
        move = np.abs(close - opened)
        variance = (1 - OVERNIGHT) * (common**2 + own**2)
        law = Generator.standard_exponential
        tails = np.stack([self._draw(_HIGH, law), self._draw(_LOW, law)])
        above, below = (np.sqrt(move**2 + 2 * variance * tails) - move) / 2
        high = np.maximum(opened, close) + above
        low = np.minimum(opened, close) - below
        prices = np.exp(np.stack([opened, high, low, close])).astype(np.float32)
        busy = np.exp(VOLUME_DEVIATION * self._draw(_VOLUME))
        volume = np.rint(TYPICAL_VOLUME * path.volatility * busy)
        days = np.arange(self.n_sessions)
        width = len(str(self.n_sectors))
        sectors = (f"S{number:0{width}}" for number in range(1, self.n_sectors + 1))
        return PricePanel(
            sessions=np.busday_offset([self.start], days, roll="forward"),
            symbols=(*sectors, MARKET),
            bars=np.concatenate([prices, volume[np.newaxis]], dtype=np.float64),
            source=f"simulated(seed={self.seed}, signal={self.signal:g})",
        )

    def optimal_forecast(self, horizon: int) -> _Floats:
        """Forecast the sectors as well as the true parameters allow.

        Parameters
        ----------
        horizon : int
            Sessions ahead, 1 to 2,520; anything else raises SpecError.

        Returns
        -------
        (n_sessions, n_sectors) float64
            Expected simple return (decimal) from the close of t to the close of
            ``t + horizon``, given all returns up to t.

        Notes
        -----
        A Kalman filter on ``y = r - beta m`` gives the mean and variance of mu at t.
        It knows the betas and the volatility of every session up to t: an oracle, a
        bound on what is attainable, not a competitor. The log return ahead then has
        mean ``M = beta drift h + mu phi (1 - phi^h) / (1 - phi)`` and variance V, with
        volatility after t at its long-run mean. The result is ``exp(M + V / 2) - 1``:
        exact without clustering, and close with it, as V hardly differs by sector.
        """
        _check("horizon", horizon, (Integral, 1, 2520))
        path, phi = self.path, self.persistence
        observed = path.returns - path.betas * path.market[:, np.newaxis]
        observed_variance = (self.noise * path.volatility[:, :-1]) ** 2
        stationary = (DRIFT_DEVIATION * self.signal) ** 2
        shock = stationary * (1 - phi**2)
        # Of the return ahead, mu[t] brings `carried`, a later shock one of `echoes`.
        echoes = np.cumsum(phi ** np.arange(horizon))
        carried = phi * echoes[-1]
        daily = (path.betas * self.market_volatility) ** 2 + self.noise**2
        unforeseen = horizon * daily + shock * np.sum(echoes**2)
        drift = path.betas * horizon * self.market_drift / YEAR
        forecast = np.empty_like(observed)
        mean, variance = np.zeros(self.n_sectors), np.full(self.n_sectors, stationary)
        for t in range(self.n_sessions):
            gain = variance / (variance + observed_variance[t])
            mean = mean + gain * (observed[t] - mean)
            variance = (1 - gain) * variance
            forecast[t] = drift + carried * mean + carried**2 * variance / 2
            mean, variance = phi * mean, phi**2 * variance + shock
        return np.asarray(np.expm1(forecast + unforeseen / 2))

    def _draw(self, stream: int, law: _Law = Generator.standard_normal) -> _Floats:
        """Draw a column for each sector, and last the market's."""
        # A generator for each, so that more sessions or sectors only add to the draws.
        keys = [(series, stream) for series in (*range(1, self.n_sectors + 1), 0)]
        rngs = [default_rng(SeedSequence(self.seed, spawn_key=key)) for key in keys]
        return np.column_stack([law(rng, self.n_sessions) for rng in rngs])


def _autoregression(shocks: _Floats, persistence: float) -> _Floats:
    """AR(1) paths down the rows, of variance 1 from the first row on."""
    path = shocks.copy()
    scale = math.sqrt(1 - persistence**2)
    for t in range(1, len(path)):
        path[t] = persistence * path[t - 1] + scale * shocks[t]
    return path


def _check(field: str, value: object, allowed: _Range) -> None:
    kind, low, high = allowed
    number = isinstance(value, kind) and not isinstance(value, bool)
    if not (number and low <= value <= high):  # type: ignore[operator]
        whole = "whole " if kind is Integral else ""
        valid = f"a {whole}number from {low:,} to {high:,}"
        raise SpecError("SimulatedMarket", field, value, valid)
