"""An LSTM, a GRU or a vanilla RNN as a forecaster; only here is TensorFlow imported."""

from bt_lstm_rotation.forecasting.recurrent.spec import ForecastSpec

__all__ = ["ForecastSpec"]
