"""One forecast, opened: what the network saw, remembered, and made of it."""

from bt_lstm_rotation.explaining.explanation import Explanation
from bt_lstm_rotation.explaining.in_run import explain_forecast
from bt_lstm_rotation.explaining.making import explain

__all__ = ["Explanation", "explain", "explain_forecast"]
