"""What became of every order, and what trading cost."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import SessionClock

__all__ = ["OrderHistory", "OrderRecord", "TradingCosts"]


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
        Shares asked for, above 0.
    status : str
        How it ended, in Backtrader's words: Completed, Margin, Canceled, ...
    executed : date or None
        The session it was filled on, the last if there were several.
    filled : float
        Shares filled, above 0.
    price : float
        Average price, in currency; NaN if nothing was filled.
    commission, slippage : float
        In currency; slippage is what it cost not to be filled at the open.
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


class OrderHistory(bt.Analyzer):
    """Every order that a bar could fill, in the order of submission.

    ``get_analysis()`` gives a list of `OrderRecord`. Slippage is measured against the
    open of the bar that filled a market order; for other orders it is 0. Orders sent at
    the last close of a run are left out: no bar comes to fill them. An order that
    settles a feed that has ended (``Order.Historical``) is dated by the sessions it was
    sent and filled on, and not by the feed's last bar.
    """

    def __init__(self) -> None:
        self.rets: dict[int, OrderRecord] = {}
        self._sessions = SessionClock(self.strategy)

    def notify_order(self, order: Any) -> None:
        """Record what has become of an order."""
        record = self.rets.get(order.ref)
        if record is None:
            record = self.rets[order.ref] = OrderRecord(
                ref=len(self.rets) + 1,
                symbol=feed_name(order.data),
                submitted=order.info.get("session")
                or self._sessions.date_of(order.data, float(order.created.dt)),
                side="buy" if order.isbuy() else "sell",
                size=abs(float(order.created.size)),
                status="",
            )
        record.status = order.getstatusname()
        if abs(order.executed.size) > record.filled:
            filled, price = abs(float(order.executed.size)), float(order.executed.price)
            if order.exectype == bt.Order.Market:
                # `price` is the average of all parts: take what this one was paid.
                before = record.filled * record.price if record.filled else 0.0
                at_open = (filled - record.filled) * float(order.data.open[0])
                sign = 1 if order.isbuy() else -1
                record.slippage += sign * (filled * price - before - at_open)
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
            "traded_value": sum(record.filled * record.price for record in filled),
            "fills": len(filled),
        }
