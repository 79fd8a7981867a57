"""Walk forward: when fits are due, how they are made, and what they forecast."""

from bt_lstm_rotation.forecasting.walkforward.calendar import first_forecast
from bt_lstm_rotation.forecasting.walkforward.past import FitJournal, Past
from bt_lstm_rotation.forecasting.walkforward.records import FitRecord, Forecasts
from bt_lstm_rotation.forecasting.walkforward.training import Training
from bt_lstm_rotation.forecasting.walkforward.walk import WalkForward
from bt_lstm_rotation.forecasting.walkforward.whole_panel import walk_forward
from bt_lstm_rotation.forecasting.walkforward.workers import Workers

__all__ = [
    "FitJournal",
    "FitRecord",
    "Forecasts",
    "Past",
    "Training",
    "WalkForward",
    "Workers",
    "first_forecast",
    "walk_forward",
]
