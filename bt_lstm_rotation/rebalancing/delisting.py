"""Positions in feeds that have ended.

Backtrader has no word for it: the feed shows its last bar for ever, and an order waits
for ever for the next open. Here the position is settled by an order of Backtrader's
own, so that cash, trades and analyzers know of it: one of type ``Historical``, as
``cerebro.add_order_history`` sends, which ``BackBroker._try_exec_historical``
(``brokers/bbroker.py``) fills at its own price at the next session, bar or no bar.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import backtrader as bt

from bt_lstm_rotation.rebalancing.account import Account
from bt_lstm_rotation.rebalancing.events import EventLog
from bt_lstm_rotation.rebalancing.rules import Rules

__all__ = ["Delisting"]

# Backtrader takes a price of 0 for none, and puts the last close there (`order.py`,
# `OrderBase.__init__`). A million shares at this one are worth a tenth of a cent.
WORTHLESS = 1e-9


class Delisting:
    """Finds positions in feeds that have ended, and settles them."""

    def __init__(
        self, strategy: Any, account: Account, rules: Rules, log: EventLog
    ) -> None:
        self._strategy = strategy
        self._account = account
        self._rules = rules
        self._log = log
        self._settlements: dict[Any, Any] = {}
        self._known: set[Any] = set()
        # A real broker settles for itself, and takes no order at a price of the past.
        simulated = isinstance(strategy.broker, bt.brokers.BackBroker)
        self._holds = rules.delisted == "hold" or not simulated

    def settles(self, feed: Any) -> bool:
        """Whether a feed's position is on its way out."""
        order = self._settlements.get(feed)
        return order is not None and bool(order.alive())

    def watch(self, feeds: Iterable[Any]) -> None:
        """Settle what is held of feeds that have ended; call it every session."""
        for feed in feeds:
            if not self._account.ended(feed, self._rules.delisted_after):
                self._known.discard(feed)
            elif self._holds:
                self._leave(feed)
            else:
                self._settle(feed)

    def _leave(self, feed: Any) -> None:
        shares = self._account.shares_held(feed)
        if shares and feed not in self._known:
            self._known.add(feed)
            self._tell(feed, f"hold {shares:.12g} at", self._account.last_close(feed))

    def _settle(self, feed: Any) -> None:
        shares = self._account.shares_held(feed)
        if shares or feed in self._known:
            self._known.add(feed)
            # Each session anew: the broker ends no order in the session it was sent in.
            self._end_orders(feed)
        if not shares or self.settles(feed):
            return
        at_close = self._rules.delisted == "last_close"
        price = self._account.last_close(feed) if at_close else WORTHLESS
        side = self._strategy.sell if shares > 0 else self._strategy.buy
        self._settlements[feed] = side(
            data=feed,
            size=abs(shares),
            price=price,
            exectype=bt.Order.Historical,
            histnotify=True,
            _checksubmit=False,
            # The feed's own date is that of its last bar. `OrderHistory` reads this.
            session=self._account.today,
        )
        did = "sell" if shares > 0 else "buy"
        self._tell(feed, f"{did} {abs(shares):.12g} at", price)

    def _end_orders(self, feed: Any) -> None:
        """End what can never fill, whoever sent it: should a bar come, it would."""
        for order in self._strategy.broker.get_orders_open():
            own = order.owner is self._strategy and order.data is feed
            if own and order.exectype != bt.Order.Historical:
                self._strategy.cancel(order)

    def _tell(self, feed: Any, what: str, price: float) -> None:
        last = self._account.last_session(feed)
        self._log.record("delisted", feed, f"{what} {price:g}, no bar since {last}")
