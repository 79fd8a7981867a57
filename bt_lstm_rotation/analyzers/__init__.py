"""Analyzers that record what a report is made of, and the report itself.

They work with any strategy and come back through ``optstrategy``: what they keep are
plain dates, names and numbers.
"""

from typing import TYPE_CHECKING

from bt_lstm_rotation._lazy import lazy_names

if TYPE_CHECKING:
    from bt_lstm_rotation.analyzers.account import AccountHistory, Weights
    from bt_lstm_rotation.analyzers.bars import ShownBars
    from bt_lstm_rotation.analyzers.forecasts import ForecastHistory
    from bt_lstm_rotation.analyzers.orders import (
        OrderHistory,
        OrderRecord,
        TradingCosts,
    )
    from bt_lstm_rotation.analyzers.run_report import RunReport
    from bt_lstm_rotation.analyzers.waiting import WaitHistory

__all__ = [
    "AccountHistory",
    "ForecastHistory",
    "OrderHistory",
    "OrderRecord",
    "RunReport",
    "ShownBars",
    "TradingCosts",
    "WaitHistory",
    "Weights",
]

__getattr__ = lazy_names(
    __name__,
    {
        "AccountHistory": "account",
        "ForecastHistory": "forecasts",
        "OrderHistory": "orders",
        "OrderRecord": "orders",
        "RunReport": "run_report",
        "ShownBars": "bars",
        "TradingCosts": "orders",
        "WaitHistory": "waiting",
        "Weights": "account",
    },
)
