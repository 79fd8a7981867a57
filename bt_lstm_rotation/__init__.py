"""Sector rotation for Backtrader with an LSTM that retrains on rolling windows."""

from bt_lstm_rotation._version import __version__

__all__ = ["__version__"]
