"""The best forecast there is, on a market that knows its own.

A simulated market can say what its returns ahead are expected to be, given all that has
been up to a session and its true parameters. No forecaster can beat it but by luck, so
it is what `share of the attainable` is measured against, and what a strategy can earn
at most. It is refused on any other bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_choice, check_kind, check_whole
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import Period, check_period
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import (
    WORLDS,
    KnownMarket,
    simulated_market,
)

__all__ = ["OracleSpec"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class OracleSpec:
    """A simulated market's own expectation of the return over the horizon.

    Parameters
    ----------
    seed : int
        Of the simulated market, as ``--data simulated`` has it.
    world : str
        Which world it is of, as ``--data simulated:NAME`` has it.
    market : KnownMarket, optional
        A market with other settings, in place of `seed` and `world`; for scripts.
    horizon : int
        Bars ahead that are forecast.
    retrain : {"weekly", "monthly", "quarterly"} or int
        When the bars are compared with the market's again; nothing is learned.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    seed: int = 0
    world: str = "linear"
    market: KnownMarket | None = None
    horizon: int = 21
    retrain: Period = "monthly"

    def __post_init__(self) -> None:
        check_whole("OracleSpec", "seed", self.seed, least=0, most=2**64 - 1)
        check_whole("OracleSpec", "horizon", self.horizon, least=1, most=2520)
        check_period("OracleSpec", "retrain", self.retrain)
        check_choice("OracleSpec", "world", self.world, tuple(WORLDS))
        valid = "a SimulatedMarket(...), that of another world, or None"
        check_kind("OracleSpec", "market", self.market, KnownMarket | None, valid)

    @property
    def fit_bars(self) -> int:
        """1: a bar is enough to know the market by."""
        return 1

    @property
    def forecast_bars(self) -> int:
        """1: the market knows what was before."""
        return 1

    @property
    def min_symbols(self) -> int:
        """1: symbols are not compared with each other."""
        return 1

    def forecaster(self) -> _Oracle:
        """Make the forecaster that this describes."""
        market = self.market
        if market is None:
            market = simulated_market(self.world, seed=self.seed)
        return _Oracle(market, self.horizon)


class _Known(NamedTuple):
    """What a market has said of itself, symbols and sessions in its own order."""

    panel: PricePanel
    expected: Array


@dataclass(frozen=True)
class _Oracle:
    market: KnownMarket
    horizon: int
    symbols: tuple[str, ...] = ()

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        known = _asked(self.market, self.horizon)
        _places(known.panel, window)
        # Of the market's own index it has no forecast.
        sectors = known.panel.symbols[: known.expected.shape[1]]
        symbols = tuple(name for name in window.symbols if name in sectors)
        return Fit(_Oracle(self.market, self.horizon, symbols))

    def forecast(self, window: Window) -> Array:
        known = _asked(self.market, self.horizon)
        rows, columns = _places(known.panel, window)
        return known.expected[rows, columns][..., -1][None]


@lru_cache(maxsize=4)
def _asked(market: KnownMarket, horizon: int) -> _Known:
    return _Known(market.panel(), market.optimal_forecast(horizon))


def _places(
    panel: PricePanel, window: Window
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of a panel where a window's bars stand, of its shape.

    Raises DataError if one stands nowhere.
    """
    known = {symbol: column for column, symbol in enumerate(panel.symbols)}
    there = np.array([known.get(symbol, -1) for symbol in window.symbols])
    columns = np.broadcast_to(there[:, None], window.dates.shape)
    rows = np.searchsorted(panel.sessions, window.dates)
    rows = np.minimum(rows, len(panel.sessions) - 1)
    alike = (columns >= 0) & (panel.sessions[rows] == window.dates)
    # The last digit may be lost on the way, as where prices are multiplied.
    alike &= np.isclose(panel.close[rows, columns], window.close, rtol=1e-9, atol=0.0)
    if not alike.all():
        at = tuple(np.argwhere(~alike)[0])
        raise DataError(
            "the oracle does not know this bar",
            symbol=window.symbols[at[-2]],
            session=str(window.dates[at]),
            value=float(window.close[at]),
            valid=f"it knows {panel.source} alone: give it the bars' world and seed",
        )
    return rows, columns
