"""Forecasts as Backtrader lines, and the pool that joins several feeds by date."""

from bt_lstm_rotation.indicators.beside import Context, Input
from bt_lstm_rotation.indicators.forecast import Forecast, LSTMForecast
from bt_lstm_rotation.indicators.gates import LSTMGates
from bt_lstm_rotation.indicators.pool import ForecastPool

__all__ = [
    "Context",
    "Forecast",
    "ForecastPool",
    "Input",
    "LSTMForecast",
    "LSTMGates",
]
