"""Backtrader's open orders and open trades after a split or a dividend."""

from __future__ import annotations

import math
from copy import copy
from types import SimpleNamespace
from typing import Any

import backtrader as bt

from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["adjust_order", "adjust_trades"]

# ``Trade.update`` asks an order for no more than this.
NO_ORDER = SimpleNamespace(p=SimpleNamespace(simulated=False))


def adjust_order(order: Any, action: CorporateAction, lot: float) -> bool:
    """Bring an open order into new units; say whether there is a lot of it left.

    What is left is rounded towards none, in lots; what was filled is not rounded.
    """
    created, executed, left = order.created, order.executed, order.executed.remsize
    lots = left
    if action.shares != 1:
        lots = action.whole(left / lot) * lot
        executed.size *= action.shares
        executed.price /= action.shares
        executed.remsize = lots or left * action.shares
        created.size = order.size = executed.size + executed.remsize
    booked = created.price
    _multiply(created, action.price, "price pricelimit pclose plimit trailamount")
    # In place of the order's parameters, which are those that it was sent with.
    _multiply(order, action.price, "price pricelimit plimit trailamount _limitoffset")
    _multiply(order, action.price, "pannotated")  # of a Close order, the last close
    if order.exectype == bt.Order.Historical:
        # It books an amount, and the position is paid what the price has lost.
        price = (booked - action.cash) / action.shares
        created.price = price if price > 0 else created.price
    return bool(lots)


def _multiply(owner: Any, factor: float, names: str) -> None:
    for name in names.split():
        value = getattr(owner, name, None)
        if value:
            setattr(owner, name, value * factor)


def adjust_trades(
    strategy: Any, feed: Any, action: CorporateAction, paid_out: float, price: float
) -> float:
    """Bring a strategy's open trades in a feed into new units.

    Cash is part of what they gain. `paid_out` new shares, below 0 of a short position,
    leave them at a price in new units; one that this ends is told as any other is.
    What is more than they hold is returned, for another strategy's.
    """
    scheme = strategy.broker.getcommissioninfo(feed)
    for trades in strategy._trades.get(feed, {}).values():
        trade = trades[-1]
        if not trade.isopen:
            continue
        trade.pnl += action.cash * trade.size
        trade.pnlcomm = trade.pnl - trade.commission
        trade.size *= action.shares
        trade.price /= action.shares
        trade.value = scheme.getvaluesize(trade.size, trade.price)
        left = 0.0
        if trade.size * paid_out > 0:
            left = math.copysign(min(abs(paid_out), abs(trade.size)), paid_out)
        paid_out -= left
        trade.update(NO_ORDER, -left, price, 0.0, 0.0, 0.0, scheme)
        if trade.isclosed:
            strategy._tradespending.append(copy(trade))
    return paid_out
