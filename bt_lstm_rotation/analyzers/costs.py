"""What trading cost, in total, by feed and by year."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bt_lstm_rotation.analyzers.derived import DerivedAnalyzer
from bt_lstm_rotation.analyzers.fills import Fill, FillHistory

__all__ = ["Costs"]


class Costs(DerivedAnalyzer):
    """What trading cost, and how much of it there was.

    ``get_analysis()`` gives a dict:

    - ``commission`` and ``slippage``, in currency, as `OrderRecord` defines them
    - ``traded_value``: what all fills were worth, in currency
    - ``fills``: how many orders were filled, wholly or in part
    - ``cost_rate``: commission and slippage over traded value, a decimal; None where
      nothing was traded
    - ``by_feed``: feed name -> a dict of these five
    - ``by_year``: year -> the same; an order that is filled in two years counts in both
    """

    def __init__(self) -> None:
        super().__init__()
        self._fills = FillHistory()

    def analysis(self) -> dict[str, Any]:
        """Add up what was recorded."""
        fills = self._fills.get_analysis()
        return {
            **_added_up(fills),
            "by_feed": _grouped(fills, lambda fill: fill.symbol),
            "by_year": _grouped(fills, lambda fill: fill.session.year),
        }


def _grouped(fills: Iterable[Fill], key: Callable[[Fill], Any]) -> dict[Any, Any]:
    groups: dict[Any, list[Fill]] = {}
    for fill in fills:
        groups.setdefault(key(fill), []).append(fill)
    return {name: _added_up(groups[name]) for name in sorted(groups)}


def _added_up(fills: Iterable[Fill]) -> dict[str, Any]:
    fills = list(fills)
    commission = sum(fill.commission for fill in fills)
    slippage = sum(fill.slippage for fill in fills)
    traded = sum(fill.traded_value for fill in fills)
    return {
        "commission": float(commission),
        "slippage": float(slippage),
        "traded_value": float(traded),
        "fills": len({fill.order for fill in fills}),
        "cost_rate": (commission + slippage) / traded if traded else None,
    }
