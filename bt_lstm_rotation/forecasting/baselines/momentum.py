"""Momentum: what has risen will go on rising, at that pace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole, plain_fields
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import LONGEST, Period, check_period

__all__ = ["MomentumSpec"]


@dataclass(frozen=True, kw_only=True)
class MomentumSpec:
    """Past return as the forecast: what has risen will go on rising, at that pace.

    The forecast is the mean daily return from `lookback` to `skip` bars ago, times the
    horizon. With the defaults it is the 12-1 momentum of Jegadeesh and Titman (1993):
    a year, without its last month, in which returns tend to turn round.

    Parameters
    ----------
    lookback : int
        Bars back that the return begins; above `skip`.
    skip : int
        Bars back that it ends.
    horizon : int
        Bars ahead that are forecast.
    retrain : {"weekly", "monthly", "quarterly"} or int
        When the symbols with enough history are looked up again; nothing is learned.

    Raises
    ------
    SpecError
        If a value is impossible, or `lookback` is not above `skip`.

    References
    ----------
    N. Jegadeesh and S. Titman, "Returns to buying winners and selling losers", Journal
    of Finance 48(1), 1993.
    """

    lookback: int = 252
    skip: int = 21
    horizon: int = 21
    retrain: Period = "monthly"

    def __post_init__(self) -> None:
        plain_fields(self)
        for name, least in (("lookback", 1), ("skip", 0), ("horizon", 1)):
            value = getattr(self, name)
            check_whole("MomentumSpec", name, value, least=least, most=LONGEST)
        check_period("MomentumSpec", "retrain", self.retrain)
        if self.lookback <= self.skip:
            valid = f"more than skip, which is {self.skip}"
            raise SpecError("MomentumSpec", "lookback", self.lookback, valid)

    @property
    def fit_bars(self) -> int:
        """Bars of each symbol that a fit looks at: as many as a forecast."""
        return self.forecast_bars

    @property
    def forecast_bars(self) -> int:
        """Bars of each symbol that a forecast is made of."""
        return self.lookback + 1

    @property
    def min_symbols(self) -> int:
        """1: symbols are not compared with each other."""
        return 1

    def forecaster(self) -> _Momentum:
        """Make the forecaster that this describes."""
        return _Momentum(self)


@dataclass(frozen=True)
class _Momentum:
    spec: MomentumSpec
    symbols: tuple[str, ...] = ()

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        return Fit(_Momentum(self.spec, window.symbols))

    def forecast(self, window: Window) -> NDArray[np.float64]:
        spec = self.spec
        begin = window.close[..., -1 - spec.lookback]
        end = window.close[..., -1 - spec.skip]
        pace: NDArray[np.float64] = np.log(end / begin) / (spec.lookback - spec.skip)
        return np.expm1(pace * spec.horizon)[None]
