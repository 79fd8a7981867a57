"""The orders of one close: sells first, then the buys that there is cash for."""

from __future__ import annotations

from typing import Any

from bt_lstm_rotation.rebalancing.account import Account
from bt_lstm_rotation.rebalancing.events import EventLog
from bt_lstm_rotation.rebalancing.funding import (
    before_gap,
    cut,
    cut_to_cash,
    kept_for_gaps,
    paid_in_full,
)
from bt_lstm_rotation.rebalancing.margin import free_cash, free_cash_flow
from bt_lstm_rotation.rebalancing.open_orders import OpenOrders
from bt_lstm_rotation.rebalancing.target import Target

__all__ = ["place_orders"]

# A buy that was rejected for cash met an open above the close it was sized at. Each
# new try leaves one more percent of the cash at hand for that.
RESERVE = 0.01

# A gap up that buying shorts back is prepared for at any time: more than a fund moves
# in a night, and less than the 50% that are kept besides the proceeds.
WILD = 0.25


def place_orders(
    target: Target, account: Account, orders: OpenOrders, log: EventLog
) -> None:
    """Send what frees cash and short sales, then the buys that can be paid.

    What has to be cut from a buy is taken from the target's sizes.
    """
    late = target.waits_for_cash(orders)
    cash = free_cash(account)
    # An order still alive is in front of the queue: a buy has first call on cash.
    for feed in orders:
        cash += min(0.0, free_cash_flow(account, feed, orders.remaining(feed)))
    buys: dict[Any, int] = {}
    buys_back: dict[Any, int] = {}
    sells_short: dict[Any, int] = {}
    proceeds = 0.0
    for feed in account.ordered(target.weights):
        lots = target.step(feed)
        if not lots or feed in orders or account.close(feed) is None:
            continue
        if lots > 0:
            (buys_back if account.held(feed) < 0 else buys)[feed] = lots
        elif (brings := free_cash_flow(account, feed, lots)) < 0:
            sells_short[feed] = lots
        else:
            proceeds += brings
            orders.send(feed, lots)
    proceeds += _buy_back(account, orders, buys_back)
    # The proceeds of short sales would pay for a buy whose sell did not fill, and then
    # be missing as margin: with shorts, what takes cash waits until it has been freed.
    if proceeds and target.has_shorts():
        late = True
    else:
        cash += proceeds
    if late:
        sells_short = paid_in_full(account, sells_short, cash)
    for feed, lots in sells_short.items():
        cash += free_cash_flow(account, feed, lots)
        orders.send(feed, lots)
    # Nothing is bought with cash below 0, however far below.
    cash -= RESERVE * target.cash_rejections * abs(cash)
    # What is bought later than the first orders has a gap before it, too, be it paid
    # from what sells brought or will bring; so has what is bought beside a late sell.
    # After a rejection for cash its own percent is kept.
    first = not late and (not target.begun or target.cash_rejections > 0)
    sure = cash - kept_for_gaps(account, proceeds)
    if not first:
        sure = min(sure, before_gap(account, cash))
    if late:  # while a sell waits, so do the buys that its proceeds are to pay
        buys = paid_in_full(account, buys, sure)
    elif target.staged:
        buys = _resized(target, account, log, buys, sure)
    else:
        buys = _resized(target, account, log, buys, cash)
        if proceeds or not first:
            buys = _staged(target, account, log, buys, sure)
    target.begun = True
    for feed, lots in buys.items():
        orders.send(feed, lots)


def _buy_back(account: Account, orders: OpenOrders, wanted: dict[Any, int]) -> float:
    """Buy shorts back; return the free cash that brings.

    The broker does not look at cash when a position is closed
    (``BackBroker._execute``), so only as much is bought back as cash pays
    for after a wide gap, and the rest at the next session. A limit order would be
    filled at an old bar where the feed misses a session.
    """
    lots = cut_to_cash(account, wanted, account.cash / (1.0 + WILD))
    for feed, count in lots.items():
        orders.send(feed, count)
    # What was sent changes no position yet, so that this may be asked afterwards.
    return sum(free_cash_flow(account, feed, count) for feed, count in lots.items())


def _resized(
    target: Target, account: Account, log: EventLog, buys: dict[Any, int], cash: float
) -> dict[Any, int]:
    """Cut buys to what cash pays for, and leave it at that."""
    paid, shown = cut(account, buys, cash), account.shown
    for feed, wanted in buys.items():
        lots = paid.get(feed, 0)
        if lots < wanted:
            target.sizes[feed] -= wanted - lots
            log.record("resized", feed, f"buy {shown(lots)}, not {shown(wanted)}")
    return paid


def _staged(
    target: Target, account: Account, log: EventLog, buys: dict[Any, int], cash: float
) -> dict[Any, int]:
    """Leave a part for the next session, if gaps might make the cash too little."""
    staged, shown = cut(account, buys, cash), account.shown
    target.staged = staged != buys
    for feed, wanted in buys.items():
        lots = staged.get(feed, 0)
        if lots < wanted:
            log.record("staged", feed, f"buy {shown(lots)} of {shown(wanted)} now")
    return staged
