"""What became of every order, and what trading cost."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from bt_lstm_rotation.analyzers.clock import clock_of
from bt_lstm_rotation.feeds.naming import FeedLabels
from bt_lstm_rotation.rebalancing.schemes import multiplier_of

__all__ = ["OrderHistory", "OrderRecord", "TradingCosts"]

# Of an order that can still be filled.
ALIVE = ("Created", "Submitted", "Accepted", "Partial")


@dataclass
class OrderRecord:
    """One row of ``orders.csv``.

    Parameters
    ----------
    ref : int
        Number of the order, from 1 on in each run.
    symbol : str
        Name of its feed.
    submitted : date
        The session at whose close it was sent.
    side : {"buy", "sell"}
    size : float
        Shares asked for, above 0. After a split, here and in what was filled and its
        price, new ones.
    status : str
        How it ended, in Backtrader's words: Completed, Margin, Canceled, ...
    executed : date or None
        The session it was filled on, the last if there were several.
    filled : float
        Shares filled, above 0.
    price : float
        Average price, in currency; NaN if nothing was filled.
    commission, slippage : float
        In currency. Slippage is what it cost to be filled at a worse price than without
        the broker's slippage setting. Commission has the interest that was due on what
        the order closed, as Backtrader books it.
    multiplier : float
        What a price of 1 is worth, in currency: 1, but for futures.
    """

    ref: int
    symbol: str
    submitted: dt.date
    side: str
    size: float
    status: str
    executed: dt.date | None = None
    filled: float = 0.0
    price: float = math.nan
    commission: float = 0.0
    slippage: float = 0.0
    multiplier: float = 1.0


class OrderHistory(bt.Analyzer):
    """Every order that a bar could fill, in the order of submission.

    ``get_analysis()`` gives a list of `OrderRecord`. Slippage is 0 unless the broker is
    set to have some (``slip_perc``, ``slip_fixed``). It is then measured against the
    price without it: the open, the deciding close under cheat-on-close, a stop's or a
    limit's own price; a stop-limit order counts as having none. Orders sent at
    the last close of a run are left out: no bar comes to fill them. An order that
    settles a feed that has ended (``Order.Historical``) is dated by the sessions it was
    sent and filled on, and not by the feed's last bar.
    """

    def __init__(self) -> None:
        self.rets: dict[int, OrderRecord] = {}
        self._sessions = clock_of(self)
        self._labels = FeedLabels(self.strategy)

    def notify_order(self, order: Any) -> None:
        """Record what has become of an order."""
        record = self.rets.get(order.ref)
        if record is None:
            record = self.rets[order.ref] = OrderRecord(
                ref=len(self.rets) + 1,
                symbol=self._labels[order.data],
                submitted=order.info.get("session")
                or self._sessions.date_of(order.data, float(order.created.dt)),
                side="buy" if order.isbuy() else "sell",
                size=0.0,
                status="",
            )
        record.size = abs(float(order.created.size))
        record.status = order.getstatusname()
        if abs(order.executed.size) > record.filled:
            filled, price = abs(float(order.executed.size)), float(order.executed.price)
            broker = self.strategy.broker
            multiplier = multiplier_of(broker.getcommissioninfo(order.data))
            if (fair := _price_without_slippage(order, broker)) is not None:
                # `price` is the average of all parts: take what this one was paid.
                before = record.filled * record.price if record.filled else 0.0
                at_fair = (filled - record.filled) * fair
                sign = multiplier if order.isbuy() else -multiplier
                record.slippage += sign * (filled * price - before - at_fair)
            record.multiplier = multiplier
            record.filled, record.price = filled, price
            if order.exectype == bt.Order.Historical:
                feeds = [feed for feed in self.strategy.datas if len(feed)]
                record.executed = max(
                    self._sessions.date_of(feed, feed.datetime[0]) for feed in feeds
                )
            else:
                executed = float(order.executed.dt)
                record.executed = self._sessions.date_of(order.data, executed)
            record.commission = float(order.executed.comm)

    def notify_corporate_action(self, data: Any, action: Any) -> None:
        """Count what was filled of orders that are still open in new shares."""
        label = self._labels[data]
        for record in self.rets.values():
            if record.symbol == label and record.status in ALIVE:
                record.filled *= action.shares
                record.price /= action.shares

    def get_analysis(self) -> Any:
        """Return the record."""
        return list(self.rets.values())


class TradingCosts(OrderHistory):
    """What trading cost, and how much there was of it.

    ``get_analysis()`` gives a dict with ``commission`` and ``slippage`` in currency,
    ``traded_value``, what all fills were worth, and ``fills``, how many there were.
    """

    def get_analysis(self) -> Any:
        """Add up what was recorded."""
        filled = [record for record in self.rets.values() if record.filled]
        return {
            "commission": sum(record.commission for record in filled),
            "slippage": sum(record.slippage for record in filled),
            "traded_value": sum(
                record.filled * record.price * record.multiplier for record in filled
            ),
            "fills": len(filled),
        }


def _price_without_slippage(order: Any, broker: Any) -> float | None:
    """Return what the fill that was just made would have cost; None for the same.

    After ``BackBroker._try_exec_market``, ``_try_exec_stop`` and ``_try_exec_limit``.
    """
    params: Any = getattr(broker, "p", None)
    slips = getattr(params, "slip_perc", 0.0) or getattr(params, "slip_fixed", 0.0)
    if not slips:
        return None
    opened, asked = float(order.data.open[0]), order.created.price
    worse, better = (max, min) if order.isbuy() else (min, max)
    if order.exectype == bt.Order.Market:
        if params.coc and order.info.get("coc", True):
            return float(order.created.pclose)
        return opened
    if order.exectype in (bt.Order.Stop, bt.Order.StopTrail):
        return worse(opened, float(asked))
    if order.exectype == bt.Order.Limit:
        return better(opened, float(asked))
    return None
