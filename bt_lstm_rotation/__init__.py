"""Sector rotation for Backtrader with an LSTM that retrains on rolling windows.

What a script needs is here, by its own name::

    from bt_lstm_rotation import ForecastSpec, SectorRotation

Names are looked up when they are first used: ``--help`` and a script that only reads
prices should not wait for Backtrader, and nobody for TensorFlow who trains nothing.
"""

from typing import TYPE_CHECKING

from bt_lstm_rotation._lazy import lazy_names
from bt_lstm_rotation._version import __version__

if TYPE_CHECKING:
    from bt_lstm_rotation.analyzers import RunReport
    from bt_lstm_rotation.backtest.broker import Broker
    from bt_lstm_rotation.backtest.run import run_backtest
    from bt_lstm_rotation.errors import LookaheadError, RotationError
    from bt_lstm_rotation.evidence.audit import audit
    from bt_lstm_rotation.explaining import explain, explain_forecast
    from bt_lstm_rotation.feeds.checked import CheckedPandasData
    from bt_lstm_rotation.forecasting import (
        ForecastSpec,
        ForecastStore,
        MomentumSpec,
        Training,
        Workers,
    )
    from bt_lstm_rotation.forecasting.features import feature
    from bt_lstm_rotation.indicators import (
        Context,
        Forecast,
        Input,
        LSTMForecast,
        LSTMGates,
    )
    from bt_lstm_rotation.lookahead import NoLookahead
    from bt_lstm_rotation.periodic import PeriodicRebalance
    from bt_lstm_rotation.plotting import save_plot
    from bt_lstm_rotation.prices import PricePanel
    from bt_lstm_rotation.prices.loading import load_prices
    from bt_lstm_rotation.rebalancing import Rebalancer
    from bt_lstm_rotation.result import BacktestResult
    from bt_lstm_rotation.strategy import SectorRotation

__all__ = [
    "BacktestResult",
    "Broker",
    "CheckedPandasData",
    "Context",
    "Forecast",
    "ForecastSpec",
    "ForecastStore",
    "Input",
    "LSTMForecast",
    "LSTMGates",
    "LookaheadError",
    "MomentumSpec",
    "NoLookahead",
    "PeriodicRebalance",
    "PricePanel",
    "Rebalancer",
    "RotationError",
    "RunReport",
    "SectorRotation",
    "Training",
    "Workers",
    "__version__",
    "audit",
    "explain",
    "explain_forecast",
    "feature",
    "load_prices",
    "run_backtest",
    "save_plot",
]

__getattr__ = lazy_names(
    __name__,
    {
        "BacktestResult": "result",
        "Broker": "backtest",
        "CheckedPandasData": "feeds",
        "Context": "indicators",
        "Forecast": "indicators",
        "ForecastSpec": "forecasting",
        "ForecastStore": "forecasting",
        "Input": "indicators",
        "LSTMForecast": "indicators",
        "LSTMGates": "indicators",
        "LookaheadError": "errors",
        "MomentumSpec": "forecasting",
        "NoLookahead": "lookahead",
        "PeriodicRebalance": "periodic",
        "PricePanel": "prices",
        "Rebalancer": "rebalancing",
        "RotationError": "errors",
        "RunReport": "analyzers",
        "SectorRotation": "strategy",
        "Training": "forecasting",
        "Workers": "forecasting",
        "audit": "evidence.audit",
        "explain": "explaining",
        "explain_forecast": "explaining",
        "feature": "forecasting.features",
        "load_prices": "prices.loading",
        "run_backtest": "backtest",
        "save_plot": "plotting",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
