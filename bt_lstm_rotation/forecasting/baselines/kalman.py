"""An expected return that wanders and comes back, seen through noise, filtered.

The two parameters and the gain K are fitted as `filters.autoregression` says. The
filter is

    m_t = phi m_{t-1} + K (r_t - phi m_{t-1}),

and the forecast m_t (phi + ... + phi^h) over the horizon h.

Sources: R. E. Kalman, "A new approach to linear filtering and prediction problems",
Journal of Basic Engineering 82(1), 1960; A. C. Harvey, "Forecasting, structural time
series models and the Kalman filter", 1989, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.baselines.windowed import (
    Sample,
    WindowSettings,
    daily_returns,
)
from bt_lstm_rotation.forecasting.filters.autoregression import (
    ahead,
    autoregression,
    gain,
)
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["KalmanSpec"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class KalmanSpec(WindowSettings):
    """A first-order autoregression seen through noise, filtered.

    Parameters are those of `WindowSettings`.
    """

    def forecaster(self) -> _Filter:
        """Make the forecaster that this describes."""
        return _Filter(self)


@dataclass(frozen=True)
class _Filter:
    spec: KalmanSpec
    symbols: tuple[str, ...] = ()
    phi: float = 0.0
    gain: float = 0.0
    level: float = 0.0

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        sample = Sample.of(self.spec, window)
        phi, signal, total = autoregression(sample.returns)
        found = gain(phi, signal, max(total - signal, 0.0))
        return Fit(_Filter(self.spec, window.symbols, phi, found, sample.level))

    def forecast(self, window: Window) -> Array:
        returns = daily_returns(self.spec, window)
        mean = np.zeros_like(returns[..., 0])
        for bar in range(returns.shape[-1]):
            expected = self.phi * mean
            mean = expected + self.gain * (returns[..., bar] - expected)
        made: Array = self.level + ahead(self.phi, self.spec.horizon) * mean
        return made[None]
