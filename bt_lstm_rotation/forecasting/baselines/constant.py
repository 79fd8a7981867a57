"""The simplest rivals: nothing will happen, or what happened on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.baselines.windowed import WindowSettings
from bt_lstm_rotation.forecasting.features import forward_return
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["MeanSpec", "ZeroSpec"]


@dataclass(frozen=True, kw_only=True)
class ZeroSpec(WindowSettings):
    """No return is forecast: by how much an error is worse than this, `mse_ratio` says.

    Parameters are those of `WindowSettings`; only `horizon` and `retrain` matter.
    """

    lookback: int = 1
    train_size: int = 2

    def forecaster(self) -> _Constant:
        """Make the forecaster that this describes."""
        return _Constant(self)


@dataclass(frozen=True, kw_only=True)
class MeanSpec(WindowSettings):
    """Each symbol's own mean return over the horizon, in the window of the fit.

    Parameters are those of `WindowSettings`; `lookback` and `target` do not matter.
    """

    lookback: int = 1

    def forecaster(self) -> _Constant:
        """Make the forecaster that this describes."""
        return _Constant(self)


@dataclass(frozen=True)
class _Constant:
    spec: WindowSettings
    symbols: tuple[str, ...] = ()
    values: tuple[float, ...] = ()

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        values = (0.0,) * len(window.symbols)
        if isinstance(self.spec, MeanSpec):
            means = forward_return(window, self.spec.horizon).mean(axis=1)
            values = tuple(means.tolist())
        return Fit(_Constant(self.spec, window.symbols, values))

    def forecast(self, window: Window) -> NDArray[np.float64]:
        own = [self.values[self.symbols.index(name)] for name in window.symbols]
        return np.broadcast_to(np.array(own), (1, *window.close.shape[:-1])).copy()
