"""An expected return that wanders and comes back, seen through noise.

A symbol's daily return is r_t = mu_t + e_t, its expectation mu_t = phi mu_{t-1} + w_t.
Then cov(r_t, r_{t-k}) = q phi^k for k >= 1, with q = var(mu): two parameters, which are
fitted to the autocovariances at `LAGS` lags, pooled over symbols (method of moments).
With R = var(r) - q and Q = q (1 - phi²), the steady variance P of mu before a bar
solves P = phi² P R / (P + R) + Q, and the filter is

    m_t = phi m_{t-1} + K (r_t - phi m_{t-1}),    K = P / (P + R).

The forecast is m_t (phi + ... + phi^h) over the horizon h.

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
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["KalmanSpec", "autoregression", "gain"]

Array = NDArray[np.float64]

LAGS = 126

# Bars after which an expectation has fallen to a half, from a week to two years.
MEMORIES = np.geomspace(5.0, 504.0, 60)


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
        ahead = sum(self.phi**day for day in range(1, self.spec.horizon + 1))
        made: Array = self.level + ahead * mean
        return made[None]


def autoregression(returns: Array) -> tuple[float, float, float]:
    """Fit phi, var(mu) and var(r) to (n_symbols, n) returns, pooled over symbols.

    The variance of mu is 0 where there is no positive autocovariance.
    """
    centred = returns - returns.mean(axis=1, keepdims=True)
    n = centred.shape[1]
    lags = np.arange(1, min(LAGS, n // 2) + 1)
    total = float((centred**2).mean())
    covariances = np.array(
        [float((centred[:, lag:] * centred[:, :-lag]).mean()) for lag in lags]
    )
    best = (np.inf, 0.0, 0.0)
    for phi in 0.5 ** (1.0 / MEMORIES):
        shape = phi**lags
        signal = max(float(shape @ covariances) / float(shape @ shape), 0.0)
        error = float(((covariances - signal * shape) ** 2).sum())
        best = min(best, (error, float(phi), signal))
    _, phi, signal = best
    return phi, min(signal, total), total


def gain(phi: float, signal: float, noise: float) -> float:
    """Return the filter's steady gain K, from 0 (nothing is learned) to 1."""
    if signal <= 0.0:
        return 0.0
    if noise <= 0.0:
        return 1.0
    # P² + P (R (1 - phi²) - Q) - Q R = 0, of which one root is positive.
    added = signal * (1.0 - phi**2)
    half = (noise * (1.0 - phi**2) - added) / 2.0
    before = -half + (half**2 + added * noise) ** 0.5
    return float(before / (before + noise))
