"""Analyzers for anybody's Cerebro: what happened, what it cost, what it was worth.

Some record, for reports and for the others; the rest work out figures from a record at
the end of a run. They work with any strategy and come back through ``optstrategy``:
what they give are plain dates, names and numbers. ``docs/analyzers.md`` has them all.
"""

from typing import TYPE_CHECKING

from bt_lstm_rotation._lazy import lazy_names

if TYPE_CHECKING:
    from bt_lstm_rotation.analyzers.account import AccountHistory, Weights
    from bt_lstm_rotation.analyzers.bars import ShownBars
    from bt_lstm_rotation.analyzers.contribution import SectorContribution
    from bt_lstm_rotation.analyzers.costs import Costs
    from bt_lstm_rotation.analyzers.drawdowns import Drawdowns
    from bt_lstm_rotation.analyzers.equity import EquityCurve
    from bt_lstm_rotation.analyzers.fills import Fill, FillHistory
    from bt_lstm_rotation.analyzers.forecasts import ForecastHistory
    from bt_lstm_rotation.analyzers.orders import (
        OrderHistory,
        OrderRecord,
        TradingCosts,
    )
    from bt_lstm_rotation.analyzers.retrains import RetrainLedger
    from bt_lstm_rotation.analyzers.run_report import RunReport
    from bt_lstm_rotation.analyzers.skill import ForecastSkill
    from bt_lstm_rotation.analyzers.turnover import Turnover
    from bt_lstm_rotation.analyzers.waiting import WaitHistory

__all__ = [
    "AccountHistory",
    "Costs",
    "Drawdowns",
    "EquityCurve",
    "Fill",
    "FillHistory",
    "ForecastHistory",
    "ForecastSkill",
    "OrderHistory",
    "OrderRecord",
    "RetrainLedger",
    "RunReport",
    "SectorContribution",
    "ShownBars",
    "TradingCosts",
    "Turnover",
    "WaitHistory",
    "Weights",
]

__getattr__ = lazy_names(
    __name__,
    {
        "AccountHistory": "account",
        "Costs": "costs",
        "Drawdowns": "drawdowns",
        "EquityCurve": "equity",
        "Fill": "fills",
        "FillHistory": "fills",
        "ForecastHistory": "forecasts",
        "ForecastSkill": "skill",
        "OrderHistory": "orders",
        "OrderRecord": "orders",
        "RetrainLedger": "retrains",
        "RunReport": "run_report",
        "SectorContribution": "contribution",
        "ShownBars": "bars",
        "TradingCosts": "orders",
        "Turnover": "turnover",
        "WaitHistory": "waiting",
        "Weights": "account",
    },
)


def __dir__() -> list[str]:
    # By it btrun looks for the class that it is told of.
    return sorted({*globals(), *__all__})
