"""Arrays in, arrays out: windows, networks, forecasts. Knows nothing of Backtrader."""

from bt_lstm_rotation.forecasting.baselines import MomentumSpec
from bt_lstm_rotation.forecasting.records import FitRecord, Forecasts
from bt_lstm_rotation.forecasting.retraining import first_forecast
from bt_lstm_rotation.forecasting.spec import ForecastSpec
from bt_lstm_rotation.forecasting.store import ForecastStore
from bt_lstm_rotation.forecasting.training import Training
from bt_lstm_rotation.forecasting.walkforward import WalkForward, walk_forward
from bt_lstm_rotation.forecasting.window import BarHistory, Window
from bt_lstm_rotation.forecasting.workers import Workers

__all__ = [
    "BarHistory",
    "FitRecord",
    "ForecastSpec",
    "ForecastStore",
    "Forecasts",
    "MomentumSpec",
    "Training",
    "WalkForward",
    "Window",
    "Workers",
    "first_forecast",
    "walk_forward",
]
