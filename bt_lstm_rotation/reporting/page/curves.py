"""What a run's curves are compared by: the account, its benchmark, equal parts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.equal_weight import equal_weight
from bt_lstm_rotation.measures.flows import growth
from bt_lstm_rotation.measures.performance import performance
from bt_lstm_rotation.measures.units import restated_closes
from bt_lstm_rotation.reporting.page.plots import BENCHMARK, EQUAL, STRATEGY
from bt_lstm_rotation.result import BacktestResult

__all__ = ["Curve", "Curves"]


@dataclass(frozen=True, eq=False)
class Curve:
    """Worth in currency, session by session, without what was paid in or out.

    `figures` are named as in ``summary.json``.
    """

    name: str
    color: str
    worth: pd.Series[Any]
    figures: dict[str, Any]

    @cached_property
    def returns(self) -> pd.Series[Any]:
        """Decimal returns, from the second session on."""
        return (self.worth / self.worth.shift() - 1).iloc[1:]

    @property
    def is_sound(self) -> bool:
        """Whether it is above 0 wherever it is known: only then are there returns."""
        known = self.worth.dropna()
        return bool(len(known) > 1 and (known > 0).all())


class Curves:
    """The curves of a result."""

    def __init__(self, result: BacktestResult) -> None:
        account, summary = result.account, result.summary
        flows = account["flows"]
        periods = summary["metrics"]["periods_a_year"]
        self.strategy = Curve(
            "Strategy", STRATEGY, growth(account["equity"], flows), summary["metrics"]
        )
        self.benchmark: Curve | None = None
        if summary["benchmark"] is not None:
            worth = growth(account["benchmark"], flows)
            name = str(summary["data"]["benchmark"])
            self.benchmark = Curve(name, BENCHMARK, worth, summary["benchmark"])
        worth = self._equal_weight(result)
        self.equal_weight: Curve | None = None
        if len(worth) > 1 and worth.notna().all():
            figures = performance(
                worth, traded_value=0.0, costs=0.0, periods_a_year=periods
            )
            # It is a yardstick without costs, and not a portfolio that was traded.
            figures |= {"turnover": None, "costs": None}
            self.equal_weight = Curve("Equal weight", EQUAL, worth, figures)

    @property
    def all(self) -> list[Curve]:
        """Those there are, the strategy first."""
        curves = (self.strategy, self.benchmark, self.equal_weight)
        return [curve for curve in curves if curve is not None]

    def _equal_weight(self, result: BacktestResult) -> pd.Series[Any]:
        traded = result.summary["data"]["symbols"]
        closes = restated_closes(result.bars, result.actions)
        symbols = [symbol for symbol in traded if symbol in closes]
        if not symbols:
            return pd.Series(dtype="float64")
        close = closes[symbols].reindex(result.account.index)
        capital = float(result.account["equity"].iloc[0])
        return equal_weight(close, capital if capital > 0 else np.nan)
