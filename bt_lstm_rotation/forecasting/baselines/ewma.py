"""An exponentially weighted mean of past returns, scaled to the horizon.

The mean at bar t is m_t = a r_t + (1 - a) m_{t-1} with a = 1 - 2^(-1 / half-life), from
m = 0 before the first bar; the forecast is b m_t, where b is the slope of the targets
on m, by least squares through the origin over all symbols. Without a half-life, that of
`HALF_LIVES` is taken whose forecasts are nearest to the targets in the window.

Source: J.P. Morgan, RiskMetrics technical document, 1996, chapter 5, for the recursion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_positive
from bt_lstm_rotation.forecasting.baselines.windowed import (
    Sample,
    WindowSettings,
    daily_returns,
)
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["HALF_LIVES", "EWMASpec", "smoothed"]

Array = NDArray[np.float64]

HALF_LIVES = (3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 144.0)


@dataclass(frozen=True, kw_only=True)
class EWMASpec(WindowSettings):
    """An exponentially weighted mean of past returns.

    Parameters
    ----------
    half_life : float, optional
        Bars after which a return counts half as much; chosen in each window if None.
    lookback, horizon, train_size, retrain, target
        See `WindowSettings`.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    half_life: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.half_life is not None:
            check_positive("EWMASpec", "half_life", self.half_life)

    def forecaster(self) -> _Smoother:
        """Make the forecaster that this describes."""
        return _Smoother(self)


@dataclass(frozen=True)
class _Smoother:
    spec: EWMASpec
    symbols: tuple[str, ...] = ()
    half_life: float = 1.0
    slope: float = 0.0
    level: float = 0.0

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        spec = self.spec
        returns, targets, level = Sample.of(spec, window)
        known = np.isfinite(targets)
        asked = HALF_LIVES if spec.half_life is None else (spec.half_life,)
        best = (np.inf, asked[0], 0.0)
        for half_life in asked:
            mean = smoothed(returns, half_life)[known]
            square = float(mean @ mean)
            slope = float(mean @ targets[known]) / square if square > 0 else 0.0
            error = float(((targets[known] - slope * mean) ** 2).mean())
            best = min(best, (error, half_life, slope))
        _, half_life, slope = best
        return Fit(_Smoother(spec, window.symbols, half_life, slope, level))

    def forecast(self, window: Window) -> Array:
        returns = daily_returns(self.spec, window)
        mean = smoothed(returns, self.half_life)[..., -1]
        made: Array = self.level + self.slope * mean
        return made[None]


def smoothed(returns: Array, half_life: float) -> Array:
    """Return the exponentially weighted mean at each bar of the last axis."""
    share = 1.0 - 0.5 ** (1.0 / half_life)
    means = np.empty_like(returns)
    mean = np.zeros_like(returns[..., 0])
    for bar in range(returns.shape[-1]):
        mean = mean + share * (returns[..., bar] - mean)
        means[..., bar] = mean
    return means
