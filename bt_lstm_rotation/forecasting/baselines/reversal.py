"""Short-term reversal: what has risen this month will fall back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import Period, check_period

__all__ = ["ReversalSpec"]


@dataclass(frozen=True, kw_only=True)
class ReversalSpec:
    """The return of the last `lookback` bars with its sign changed, per bar of horizon.

    Parameters
    ----------
    lookback : int
        Bars back that the return begins.
    horizon : int
        Bars ahead that are forecast.
    retrain : {"weekly", "monthly", "quarterly"} or int
        When the symbols with enough history are looked up again; nothing is learned.

    Raises
    ------
    SpecError
        If a value is impossible.

    References
    ----------
    N. Jegadeesh, "Evidence of predictable behavior of security returns", Journal of
    Finance 45(3), 1990.
    """

    lookback: int = 21
    horizon: int = 21
    retrain: Period = "monthly"

    def __post_init__(self) -> None:
        for name in ("lookback", "horizon"):
            check_whole("ReversalSpec", name, getattr(self, name), least=1)
        check_period("ReversalSpec", "retrain", self.retrain)

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

    def forecaster(self) -> _Reversal:
        """Make the forecaster that this describes."""
        return _Reversal(self)


@dataclass(frozen=True)
class _Reversal:
    spec: ReversalSpec
    symbols: tuple[str, ...] = ()

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        return Fit(_Reversal(self.spec, window.symbols))

    def forecast(self, window: Window) -> NDArray[np.float64]:
        spec = self.spec
        risen = np.log(window.close[..., -1] / window.close[..., -1 - spec.lookback])
        pace: NDArray[np.float64] = -risen / spec.lookback
        return np.expm1(pace * spec.horizon)[None]
