"""The features that there are, by name; formulas and sources stand at each."""

from __future__ import annotations

from dataclasses import replace

from bt_lstm_rotation.forecasting.features import (
    against,
    dated,
    prices,
    volumes,
)
from bt_lstm_rotation.forecasting.features.column import Feature
from bt_lstm_rotation.periods import MONTH, YEAR

__all__ = ["FEATURES"]

_TABLE = {
    "log_return": Feature(prices.log_return, warmup=1, odd=True),
    "relative_return": Feature(
        prices.relative_return, warmup=1, cross_sectional=True, odd=True
    ),
    "overnight_return": Feature(prices.overnight_return, warmup=1, odd=True),
    "intraday_return": Feature(prices.intraday_return, warmup=0, odd=True),
    "volatility": Feature(prices.volatility, warmup=MONTH),
    "garman_klass": Feature(prices.garman_klass, warmup=MONTH - 1),
    "volume": Feature(volumes.volume, warmup=MONTH - 1),
    "amihud": Feature(volumes.amihud, warmup=YEAR),
    "rank": Feature(prices.rank, warmup=MONTH, cross_sectional=True, odd=True),
    "momentum_12_1": Feature(prices.momentum_12_1, warmup=YEAR, odd=True),
    "drawdown": Feature(prices.drawdown, warmup=YEAR - 1),
    "high_52_week": Feature(prices.high_52_week, warmup=YEAR - 1),
    "beta": Feature(against.beta, warmup=YEAR, needs_benchmark=True),
    "residual_return": Feature(
        against.residual_return, warmup=YEAR, odd=True, needs_benchmark=True
    ),
    "turn_of_month": Feature(dated.turn_of_month, warmup=3),
}

FEATURES: dict[str, Feature] = {
    name: replace(feature, name=name) for name, feature in _TABLE.items()
}
