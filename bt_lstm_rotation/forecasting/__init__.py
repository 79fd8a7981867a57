"""Arrays in, arrays out: windows, networks, forecasts. Knows nothing of Backtrader."""

from bt_lstm_rotation.forecasting.baselines import (
    ArimaSpec,
    EWMASpec,
    FiltersSpec,
    KalmanSpec,
    MeanSpec,
    MomentumSpec,
    OracleSpec,
    ReversalSpec,
    RidgeSpec,
    TreeSpec,
    ZeroSpec,
)
from bt_lstm_rotation.forecasting.named import FORECASTERS, find_forecaster
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
    "FORECASTERS",
    "ArimaSpec",
    "BarHistory",
    "EWMASpec",
    "FiltersSpec",
    "FitJournal",
    "FitRecord",
    "ForecastSpec",
    "ForecastStore",
    "Forecasts",
    "KalmanSpec",
    "MeanSpec",
    "MomentumSpec",
    "OracleSpec",
    "Past",
    "ReversalSpec",
    "RidgeSpec",
    "Training",
    "TreeSpec",
    "WalkForward",
    "Window",
    "Workers",
    "ZeroSpec",
    "find_forecaster",
    "first_forecast",
    "walk_forward",
]
