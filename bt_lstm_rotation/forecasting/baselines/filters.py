"""The filters that the default network begins with, and nothing else.

How far the network is ahead of this rival is what it has learned. Their mathematics and
sources are in `bt_lstm_rotation/forecasting/filters/bank.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.baselines.windowed import Sample, WindowSettings
from bt_lstm_rotation.forecasting.features import (
    Feature,
    compute,
    features_of,
    warmup,
)
from bt_lstm_rotation.forecasting.features.scaling import scale_of, scaled
from bt_lstm_rotation.forecasting.filters.bank import FilterBank
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["FiltersSpec"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FiltersSpec(WindowSettings):
    """An expected return that wanders, jumps or comes back, filtered.

    How much noise a bar has is told by its volume. Parameters are those of
    `WindowSettings`.
    """

    lookback: int = 126

    @property
    def feature_columns(self) -> tuple[Feature, ...]:
        """What is read of each bar: its return and its volume."""
        daily = "relative_return" if self.target == "relative" else "log_return"
        return features_of((daily, "volume"), ())

    @property
    def fit_bars(self) -> int:
        """Bars of each symbol that a fit is made of."""
        skipped = warmup(self.feature_columns)
        return max(self.train_size + self.horizon + skipped, self.forecast_bars)

    @property
    def forecast_bars(self) -> int:
        """Bars of each symbol that a forecast is made of."""
        return self.lookback + warmup(self.feature_columns)

    def forecaster(self) -> _Fitter:
        """Make the forecaster that this describes."""
        return _Fitter(self)


@dataclass(frozen=True)
class _Fitter:
    spec: FiltersSpec

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        spec = self.spec
        columns = compute(spec.feature_columns, window)
        mean, scale = scale_of(columns[..., 1:])
        read, known = _read(columns, mean, scale), columns.shape[1]
        bank, _ = FilterBank.fitted(*read, known, spec.lookback)
        sample = Sample.of(spec, window)
        # Around the level, what is relative has a mean of 0, and what is plain its own.
        level = sample.level + float(np.nanmean(sample.targets))
        return Fit(_Fitted(spec, window.symbols, bank, mean, scale, level))


@dataclass(frozen=True, eq=False)
class _Fitted:
    spec: FiltersSpec
    symbols: tuple[str, ...]
    bank: FilterBank
    mean: Array
    scale: Array
    level: float

    def forecast(self, window: Window) -> Array:
        columns = compute(self.spec.feature_columns, window)
        read = _read(columns, self.mean, self.scale)
        made: Array = self.level + self.bank.last(*read, self.spec.horizon)
        return made[None]


def _read(columns: Array, mean: Array, scale: Array) -> tuple[Array, Array]:
    """Return daily returns, and what may tell how much noise a bar has."""
    telling = scaled(columns[..., 1:], mean, scale)
    return columns[..., 0], telling.astype(np.float64)
