"""Arrays in, arrays out: windows, networks, forecasts. Knows nothing of Backtrader."""

from bt_lstm_rotation.forecasting.baselines import MomentumSpec
from bt_lstm_rotation.forecasting.retraining import first_forecast
from bt_lstm_rotation.forecasting.spec import ForecastSpec
from bt_lstm_rotation.forecasting.walkforward import (
    FitRecord,
    Forecasts,
    WalkForward,
    walk_forward,
)
from bt_lstm_rotation.forecasting.window import BarHistory, Window

__all__ = [
    "BarHistory",
    "FitRecord",
    "ForecastSpec",
    "Forecasts",
    "MomentumSpec",
    "WalkForward",
    "Window",
    "first_forecast",
    "walk_forward",
]
