"""Positions in feeds that have ended, or seemed to.

Backtrader has no word for it: the feed shows its last bar for ever, and an order waits
for ever for the next open. Here the position is settled by an order of Backtrader's
own, so that cash, trades and analyzers know of it: one of type ``Historical``, as
``cerebro.add_order_history`` sends, which ``BackBroker._try_exec_historical``
(``brokers/bbroker.py``) fills at its own price at the next session, bar or no bar.

Whether a feed has ended or only halts is not known. If it trades again, a pair of such
orders takes the settlement's price back and puts that of the first open in its place:
sold there and bought at the settlement's, they leave the difference and no position
(decision record 0020). The sale comes first, because a sale needs no cash.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_lstm_rotation.rebalancing.account import Account
from bt_lstm_rotation.rebalancing.events import EventLog
from bt_lstm_rotation.rebalancing.rules import Rules

if TYPE_CHECKING:
    from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["Delisting"]

# Backtrader takes a price of 0 for none, and puts the last close there (`order.py`,
# `OrderBase.__init__`). A million shares at this one are worth a tenth of a cent.
WORTHLESS = 1e-9


class Delisting:
    """Finds positions in feeds that have ended, and settles them.

    What it knows of corrections under way is `Account.due`.
    """

    def __init__(
        self, strategy: Any, account: Account, rules: Rules, log: EventLog
    ) -> None:
        self._strategy = strategy
        self._account = account
        self._rules = rules
        self._log = log
        self._settlements: dict[Any, Any] = {}
        self._corrections: list[Any] = []
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
                if feed in self._known and self._account.close(feed) is not None:
                    self._reopen(feed)
            elif self._holds:
                self._leave(feed)
            else:
                self._settle(feed)
        for order in self._corrections:
            if order.status == order.Margin:
                detail = (
                    f"{order.created.size:+.12g} at {order.created.price:g}: Margin"
                )
                self._log.record("gave_up", order.data, f"correction, {detail}")
        self._corrections = [order for order in self._corrections if order.alive()]
        self._account.due = math.fsum(map(self._flow, self._corrections))

    def restate(self, feed: Any, action: CorporateAction) -> None:
        """Bring a settlement that has been made into new units, should it be corrected.

        The broker does so with one that is open. A dividend has not been paid on what
        was settled: it makes the price lower that the settlement is held against.
        """
        settlement = self._settlements.get(feed)
        if settlement is not None and not settlement.alive():
            settlement.executed.size *= action.shares
            settlement.executed.price *= action.price

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
        self._settlements[feed] = self._order(feed, -shares, price)
        did = "sell" if shares > 0 else "buy"
        self._tell(feed, f"{did} {abs(shares):.12g} at", price)

    def _reopen(self, feed: Any) -> None:
        """Book what a settlement was off by, once the feed shows a bar again."""
        self._known.discard(feed)
        settlement, opened = self._settlements.pop(feed, None), self._first_open(feed)
        if settlement is None:
            shares = self._account.shares_held(feed)
            detail = f"{shares:.12g} held, which open at {opened:g}"
            self._log.record("reopened", feed, detail)
            return
        self._strategy.cancel(settlement)  # the rest, if a filler left one
        shares, price = settlement.executed.size, settlement.executed.price
        if not shares:
            return
        sold, bought = (opened, price) if shares < 0 else (price, opened)
        if sold != bought:
            sale = self._order(feed, -abs(shares), sold)
            self._corrections += [sale, self._order(feed, abs(shares), bought)]
        costs = self._strategy.broker.getcommissioninfo(feed)
        off = float(costs.profitandloss(abs(shares), bought, sold))
        did = "sold" if shares < 0 else "bought back"
        detail = f"{did} {abs(shares):.12g} at {opened:g}, not {price:g}: {off:+.2f}"
        self._log.record("reopened", feed, detail)

    def _first_open(self, feed: Any) -> float:
        opened = float(feed.open[0])
        # Without the filter of bars that are not valid, an open may be anything.
        usable = math.isfinite(opened) and opened > 0
        return opened if usable else float(feed.close[0])

    def _order(self, feed: Any, shares: float, price: float) -> Any:
        """Buy, or with a minus sell, at the next session and at this very price."""
        side = self._strategy.buy if shares > 0 else self._strategy.sell
        return side(
            data=feed,
            size=abs(shares),
            price=price,
            exectype=bt.Order.Historical,
            histnotify=True,
            _checksubmit=False,
            # The feed's own date is that of its last bar. `OrderHistory` reads this.
            session=self._account.today,
        )

    def _flow(self, order: Any) -> float:
        """Currency that an order at its own price has still to bring."""
        costs = self._strategy.broker.getcommissioninfo(order.data)
        shares, price = order.executed.remsize, order.created.price
        commission = float(costs.getcommission(shares, price))
        return float(costs.profitandloss(shares, price, 0.0)) - commission

    def _end_orders(self, feed: Any) -> None:
        """End what can never fill, whoever sent it: should a bar come, it would."""
        for order in self._strategy.broker.get_orders_open():
            own = order.owner is self._strategy and order.data is feed
            if own and order.exectype != bt.Order.Historical:
                self._strategy.cancel(order)

    def _tell(self, feed: Any, what: str, price: float) -> None:
        last = self._account.last_session(feed)
        self._log.record("delisted", feed, f"{what} {price:g}, no bar since {last}")
