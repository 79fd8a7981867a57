"""Which of the buys that are wanted there is cash for."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from bt_lstm_rotation.rebalancing.account import Account
from bt_lstm_rotation.rebalancing.margin import free_cash_flow

__all__ = ["before_gap", "cut", "cut_to_cash", "kept_for_gaps", "paid_in_full"]

# Sells and buys meet opens of their own. So many root mean squares of last month's gaps
# are kept back of the proceeds; what they would have paid is bought a session later.
GAPS = 3.0


def paid_in_full(
    account: Account, buys: Mapping[Any, int], cash: float
) -> dict[Any, int]:
    """Pick, in order, the buys (feed -> lots) that `cash` pays for in full."""
    paid = {}
    for feed, lots in buys.items():
        left = cash + free_cash_flow(account, feed, lots)
        if left >= 0:
            paid[feed] = lots
            cash = left
    return paid


def cut(account: Account, buys: Mapping[Any, int], cash: float) -> dict[Any, int]:
    """Cut all buys (feed -> lots) in proportion, until free `cash` pays for them."""
    return _cut(functools.partial(free_cash_flow, account), buys, cash)


def cut_to_cash(
    account: Account, buys: Mapping[Any, int], cash: float
) -> dict[Any, int]:
    """Cut all buys (feed -> lots) in proportion, until so much cash pays for them."""
    return _cut(account.cash_flow, buys, cash)


def _cut(
    flow: Callable[[Any, int], float], buys: Mapping[Any, int], cash: float
) -> dict[Any, int]:
    paid = dict(buys)
    while paid:
        cost = -sum(flow(feed, lots) for feed, lots in paid.items())
        if cost <= cash:
            break
        # Once is enough unless a commission has a minimum; each turn cuts them all.
        part = max(cash, 0.0) / cost
        smaller = {f: math.floor(n * part) for f, n in paid.items()}
        paid = {feed: lots for feed, lots in smaller.items() if lots}
    return paid


def kept_for_gaps(account: Account, value: float) -> float:
    """Return what next morning's gaps may take of a value, in currency."""
    return GAPS * account.overnight() * value


def before_gap(account: Account, cash: float) -> float:
    """Return what may be bought at this close for `cash` to pay after the gap."""
    return cash / (1.0 + GAPS * account.overnight())
