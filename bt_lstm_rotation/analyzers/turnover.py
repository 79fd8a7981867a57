"""How much of an account was traded."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from bt_lstm_rotation.analyzers.derived import DerivedAnalyzer, defined, series_of
from bt_lstm_rotation.analyzers.equity import EquityCurve
from bt_lstm_rotation.analyzers.fills import FillHistory
from bt_lstm_rotation.measures.performance import performance

__all__ = ["Turnover"]


class Turnover(DerivedAnalyzer):
    """How much of the account was traded, by session and a year.

    ``get_analysis()`` gives a dict:

    - ``by_session``: date -> what its fills were worth, bought plus sold, over equity
      at its close, a decimal; None where equity is not above 0
    - ``traded_value``: the sum of all fills, in currency
    - ``turnover``: one way and a year, 1 being a whole portfolio, as ``summary.json``
      has it of the sessions since its first decision: half the traded value over mean
      equity and years; None of a single session, and of an account that was ruined or
      is not finite
    """

    def __init__(self) -> None:
        super().__init__()
        self._curve = EquityCurve()
        self._fills = FillHistory()

    def analysis(self) -> dict[str, Any]:
        """Divide what was traded by equity."""
        traded: dict[Any, float] = defaultdict(float)
        for fill in self._fills.get_analysis():
            traded[fill.session] += fill.traded_value
        total = float(sum(traded.values()))
        curve = self._curve.get_analysis()
        equity, flows = series_of(curve["equity"]), curve["flows"]
        measured = None
        if len(equity) and not equity.hasnans:
            paid = series_of({day: flows.get(day, 0.0) for day in curve["equity"]})
            measured = performance(equity, traded_value=total, costs=0.0, flows=paid)
        return {
            "by_session": {
                day: defined(traded.get(day, 0.0) / worth)
                if worth and worth > 0
                else None
                for day, worth in curve["equity"].items()
            },
            "traded_value": total,
            "turnover": measured and measured["turnover"],
        }
