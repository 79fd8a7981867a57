"""Arrays in, arrays out: windows, networks, forecasts. Knows nothing of Backtrader."""

from bt_lstm_rotation.forecasting.baselines import (
    EWMASpec,
    KalmanSpec,
    MeanSpec,
    MomentumSpec,
    ReversalSpec,
    RidgeSpec,
    ZeroSpec,
)
from bt_lstm_rotation.forecasting.recurrent import ForecastSpec
from bt_lstm_rotation.forecasting.store import ForecastStore
from bt_lstm_rotation.forecasting.walkforward import (
    FitJournal,
    FitRecord,
    Forecasts,
    Past,
    Training,
    WalkForward,
    Workers,
    first_forecast,
    walk_forward,
)
from bt_lstm_rotation.forecasting.window import BarHistory, Window

__all__ = [
    "BarHistory",
    "EWMASpec",
    "FitJournal",
    "FitRecord",
    "ForecastSpec",
    "ForecastStore",
    "Forecasts",
    "KalmanSpec",
    "MeanSpec",
    "MomentumSpec",
    "Past",
    "ReversalSpec",
    "RidgeSpec",
    "Training",
    "WalkForward",
    "Window",
    "Workers",
    "ZeroSpec",
    "first_forecast",
    "walk_forward",
]
