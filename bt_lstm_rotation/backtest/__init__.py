"""A backtest: a Cerebro set up, run, and what it left."""

from typing import TYPE_CHECKING

from bt_lstm_rotation._lazy import lazy_names

if TYPE_CHECKING:
    from bt_lstm_rotation.backtest.broker import Broker
    from bt_lstm_rotation.backtest.run import run_backtest

__all__ = ["Broker", "run_backtest"]

__getattr__ = lazy_names(__name__, {"Broker": "broker", "run_backtest": "run"})
