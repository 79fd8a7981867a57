"""The orders of a rebalancer that are alive: market orders, at most one a feed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bt_lstm_rotation.rebalancing.account import Account

__all__ = ["OpenOrders"]


class OpenOrders:
    """Sends, ends and remembers orders in a strategy's name.

    Orders that others have sent are not in it and never touched.
    """

    def __init__(self, strategy: Any, account: Account) -> None:
        self._strategy = strategy
        self._account = account
        self._orders: dict[Any, Any] = {}

    def __contains__(self, feed: object) -> bool:
        return feed in self._orders

    def __iter__(self) -> Iterator[Any]:
        """Walk the feeds that have an order; orders may be sent or ended meanwhile."""
        return iter(list(self._orders))

    def send(self, feed: Any, lots: int) -> None:
        """Buy, or with a minus sell, at the open of the feed's next bar."""
        side = self._strategy.buy if lots > 0 else self._strategy.sell
        shares = abs(self._account.shares(feed, lots))
        self._orders[feed] = side(data=feed, size=shares)

    def remaining(self, feed: Any) -> int:
        """Lots that the feed's order has still to fill, with a minus for a sell."""
        return self._account.in_lots(self._orders[feed].executed.remsize)

    def pending(self) -> bool:
        """Whether any order can still fill."""
        return any(order.alive() for order in self._orders.values())

    def take(self, order: Any) -> bool:
        """Forget an order that has ended; says whether it was one of these."""
        own = self._orders.get(order.data)
        if own is None or own.ref != order.ref or order.alive():
            return False
        del self._orders[order.data]
        return True

    def end_passed_by(self) -> list[Any]:
        """End orders that a bar has passed by; return all ended since the last call."""
        ended = []
        for feed, order in self._orders.items():
            if order.alive() and feed.datetime[0] > order.created.dt:
                self._strategy.cancel(order)
            if not order.alive():
                ended.append(order)
        return ended

    def withdraw(self, feed: Any) -> None:
        """End a feed's order, if there is one and the broker still can."""
        order = self._orders.get(feed)
        if order is not None:
            self._strategy.cancel(order)
            if not order.alive():
                del self._orders[feed]
