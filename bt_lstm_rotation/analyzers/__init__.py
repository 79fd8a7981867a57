"""Analyzers that record what a report is made of; they compute next to nothing.

They work with any strategy and come back through ``optstrategy``: what they keep are
plain dates, names and numbers.
"""

from bt_lstm_rotation.analyzers.account import AccountHistory, Weights
from bt_lstm_rotation.analyzers.forecasts import ForecastHistory
from bt_lstm_rotation.analyzers.orders import OrderHistory, OrderRecord, TradingCosts

__all__ = [
    "AccountHistory",
    "ForecastHistory",
    "OrderHistory",
    "OrderRecord",
    "TradingCosts",
    "Weights",
]
