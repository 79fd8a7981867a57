"""Commission schemes under which a weight is the share of equity that it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bt_lstm_rotation.errors import SpecError, StrategyError
from bt_lstm_rotation.feeds.naming import feed_name

__all__ = ["check_shorts", "multiplier_of", "require_paid_in_full"]


def multiplier_of(scheme: Any) -> float:
    """Return what a price of 1 is worth under a commission scheme, in currency."""
    return float(scheme.p.mult)


def require_paid_in_full(broker: Any, feeds: Iterable[Any]) -> None:
    """Raise StrategyError for a future, a multiplier or leverage.

    A position in one of them moves by more than what it ties up: half of equity, as
    Backtrader values it, would be several times equity.
    """
    for feed in feeds:
        scheme = broker.getcommissioninfo(feed)
        multiplier, leverage = multiplier_of(scheme), float(scheme.get_leverage())
        if scheme.stocklike and multiplier == leverage == 1:
            continue
        what = (
            f"leverage {leverage:g}"
            if scheme.stocklike and multiplier == 1
            else f"a multiplier of {multiplier:g}"
            if scheme.stocklike
            else f"a future's margin and a multiplier of {multiplier:g}"
        )
        raise StrategyError(
            f"{feed_name(feed)} has {what} in its commission scheme, so that a weight "
            "would not be a share of equity; rebalance feeds that are paid in full "
            "(stocklike=True or no margin, mult=1, leverage=1), and leave out others"
        )


def check_shorts(broker: Any, shorts: bool) -> None:
    """Raise SpecError for a broker that keeps what a short sale brings."""
    if not getattr(getattr(broker, "p", None), "shortcash", True):
        valid = "False with a broker that does not add what a short sale brings"
        raise SpecError("Rebalancer", "shorts", shorts, f"{valid} (shortcash=False)")
