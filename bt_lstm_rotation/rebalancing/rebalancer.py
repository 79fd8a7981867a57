"""Target weights -> orders that fill.

``order_target_percent`` sizes every order from a portfolio value of its own, leaves a
rejected order rejected, and does nothing without a word when the value is NaN. A
`Rebalancer` works towards one target until it is reached:

- One snapshot of equity, at the close that decides, gives every target size.
- Sells are sent before buys. Backtrader's broker checks cash in the order of arrival
  (``BackBroker.check_submitted``), and a rejection spends the cash of all that follow.
- A feed is sized and traded only at a close of its own.
- What was rejected or cancelled, or had no bar, is tried again at the next close from
  what is held then, a bounded number of times. Giving up is logged and recorded.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import backtrader as bt

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.rebalancing.account import Account, feed_name
from bt_lstm_rotation.rebalancing.goal import Goal, checked_weights

__all__ = ["RebalanceEvent", "Rebalancer"]

_log = logging.getLogger(__name__)

# A buy that was rejected for cash met an open above the close it was sized at. Each
# new try leaves one more percent of the cash at hand for that.
RESERVE = 0.01

# Sells and buys meet opens of their own. So many root mean squares of last month's gaps
# are kept back of the proceeds; what they would have paid is bought a session later.
GAPS = 3.0

Kind = Literal["retry", "no_bar", "resized", "staged", "gave_up", "estimated"]


@dataclass(frozen=True)
class RebalanceEvent:
    """Something that kept a rebalance from being one set of orders that filled.

    Parameters
    ----------
    session : date
        When it was noticed.
    kind : str
        ``"retry"``, an order that ended unfilled and is tried again; ``"no_bar"``, a
        feed that has to wait for its bar; ``"resized"``, a buy cut to the cash there
        is; ``"staged"``, a buy of which a part waits for a session, because gaps have
        been wide; ``"gave_up"``, a feed left where it is; ``"estimated"``, a position
        valued at an old close.
    feed : str
        The feed's name.
    detail : str
        What happened, in words.
    """

    session: dt.date
    kind: Kind
    feed: str
    detail: str


class Rebalancer:
    """Bring a strategy's positions to target weights, with orders that fill.

    Call :meth:`target` when the weights change, :meth:`next` every session (from the
    strategy's ``prenext`` too, if its feeds begin at different dates), and forward
    ``notify_order``::

        def __init__(self):
            self.rebalancer = Rebalancer(self, ignore=[self.benchmark])

        def next(self):
            if self.is_due():
                self.rebalancer.target({feed: 0.98 / 3 for feed in self.best()})
            self.rebalancer.next()

        def notify_order(self, order):
            self.rebalancer.notify_order(order)

    Parameters
    ----------
    strategy : bt.Strategy
        Its broker and its feeds are used; orders are sent in its name.
    max_attempts : int
        Sessions on which a feed may fail, by a rejection or for want of a bar, before
        it is left where it is.
    ignore : iterable of feeds
        Feeds that are never traded: a benchmark, or positions of the strategy's own.

    Attributes
    ----------
    events : list of RebalanceEvent
        What did not go smoothly, over all targets, oldest first.

    Raises
    ------
    SpecError
        If `max_attempts` is not a whole number of 1 or more, or `ignore` has something
        other than the strategy's feeds.

    Notes
    -----
    Sizes are whole shares, rounded down, of instruments that are paid in full; there
    are no short positions. Orders are market orders, filled at the open of the feed's
    next bar, and at most one a feed is alive. Orders that are not its own are never
    touched, but while it works towards a target, that target's feeds belong to it.
    """

    def __init__(
        self, strategy: Any, max_attempts: int = 5, *, ignore: Iterable[Any] = ()
    ) -> None:
        if type(max_attempts) is not int or max_attempts < 1:
            raise SpecError(
                "Rebalancer", "max_attempts", max_attempts, "a whole number, 1 or more"
            )
        # A feed answers to indexing, so a lone one would be walked bar by bar.
        if isinstance(ignore, bt.LineRoot):
            raise SpecError(
                "Rebalancer", "ignore", feed_name(ignore), "a list of feeds"
            )
        self.events: list[RebalanceEvent] = []
        self._strategy = strategy
        self._max_attempts = max_attempts
        self._account = Account(strategy)
        self._ignored = {self._account.known("ignore", feed) for feed in ignore}
        self._goal = Goal(self._account)
        self._orders: dict[Any, Any] = {}
        self._session: dt.date | None = None

    @property
    def done(self) -> bool:
        """Whether no order is pending and every position has its target size."""
        return not self._goal.gave_up and self._reached()

    def target(self, weights: Mapping[Any, float]) -> None:
        """Set the target from this session's close, and send the first orders.

        Parameters
        ----------
        weights : mapping of feed to float
            Share of equity, 0 or more, at most 1 in all. A feed that is held and not
            named goes to 0, unless it is ignored.

        Raises
        ------
        SpecError
            If a key is not one of the strategy's feeds or is ignored, or a weight is
            negative or not finite, or the sum is above 1.
        DataError
            If the broker's cash is not a number.

        Notes
        -----
        It replaces a target still being worked on. The broker cannot take back an order
        sent earlier in the same session; that one fills first and is then corrected.
        """
        wanted = checked_weights(weights, self._account, self._ignored)
        self._account.observe()
        self._collect()  # what has ended by now belongs to the old target
        for feed in self._account.feeds:
            stays = feed in self._ignored or feed in wanted
            if not stays and (self._account.held(feed) or feed in self._orders):
                wanted[feed] = 0.0
        self._goal = Goal(self._account, wanted, self._equity())
        self._work(new_session=True)

    def next(self) -> None:
        """Work towards the target; a second call in one session changes nothing."""
        self._account.observe()
        self._work(new_session=self._session != self._account.today)

    def notify_order(self, order: Any) -> None:
        """Take note of an order that has ended; orders of others are left alone."""
        own = self._orders.get(order.data)
        if own is not None and own.ref == order.ref and not order.alive():
            self._settle(order)

    def _work(self, *, new_session: bool) -> None:
        self._session = self._account.today
        self._collect()
        if new_session:
            self._note_missing_bars()
        self._size()
        self._withdraw_misfits()
        if self._reached():
            # Positions are the strategy's own again until the next target.
            self._goal.weights.clear()
        else:
            self._send_orders()

    def _collect(self) -> None:
        """Settle orders that have ended, and end those that a bar has passed by."""
        for feed, order in list(self._orders.items()):
            if order.alive() and feed.datetime[0] > order.created.dt:
                self._strategy.cancel(order)
            if not order.alive():
                self._settle(order)

    def _settle(self, order: Any) -> None:
        feed = order.data
        del self._orders[feed]
        # Part of an order is progress: what is missing is sent again, and not counted.
        if order.status != order.Completed and not order.executed.size:
            side = "buy" if order.isbuy() else "sell"
            ended = order.getstatusname()
            self._fail(feed, "retry", f"{side} {abs(order.created.size)}: {ended}")
        if order.status == order.Margin and order.isbuy():
            self._goal.short_of_cash |= feed in self._goal.weights

    def _note_missing_bars(self) -> None:
        for feed in self._account.ordered(self._goal.weights):
            if self._account.close(feed) is None and self._goal.missing(feed) != 0:
                self._fail(feed, "no_bar", "no bar with a close above 0")

    def _fail(self, feed: Any, kind: Kind, detail: str) -> None:
        goal = self._goal
        if feed not in goal.weights:
            return
        goal.failures[feed] += 1
        if goal.failures[feed] < self._max_attempts:
            self._record(kind, feed, detail)
            return
        self._withdraw(feed)
        goal.give_up(feed)
        self._record("gave_up", feed, f"{detail}, attempt {goal.failures[feed]}")

    def _size(self) -> None:
        goal = self._goal
        # Cash that a waiting sell will bring is late, not missing: sizes stay.
        again = goal.short_of_cash and not goal.waits_for_sell(self._orders)
        goal.short_of_cash = False
        if again:
            goal.equity = self._equity()
            goal.cash_rejections += 1
        goal.size(again=again)

    def _withdraw_misfits(self) -> None:
        for feed, order in list(self._orders.items()):
            if order.executed.remsize != self._goal.missing(feed):
                self._withdraw(feed)

    def _withdraw(self, feed: Any) -> None:
        order = self._orders.get(feed)
        if order is not None:
            self._strategy.cancel(order)
            if not order.alive():
                del self._orders[feed]

    def _send_orders(self) -> None:
        """Send sells, then the buys that today's closes say can be paid."""
        account = self._account
        late = self._goal.waits_for_sell(self._orders)
        cash = account.cash
        # An order still alive is in front of the queue: a buy has first call on cash.
        for feed, order in self._orders.items():
            cash += min(0.0, account.cash_flow(feed, order.executed.remsize))
        buys: dict[Any, int] = {}
        proceeds = 0.0
        for feed in account.ordered(self._goal.weights):
            shares = self._goal.missing(feed)
            if not shares or feed in self._orders or account.close(feed) is None:
                continue
            if shares > 0:
                buys[feed] = shares
            else:
                self._orders[feed] = self._strategy.sell(data=feed, size=-shares)
                proceeds += account.cash_flow(feed, shares)
        cash += proceeds
        cash -= RESERVE * self._goal.cash_rejections * max(cash, 0.0)
        if self._goal.staged:  # the part that waited has a gap before it, too
            cost = -sum(account.cash_flow(f, shares) for f, shares in buys.items())
            cash -= GAPS * account.overnight() * cost
        # While a sell waits, so do the buys that its proceeds are to pay.
        buys = account.paid_in_full(buys, cash) if late else self._cut(buys, cash)
        if proceeds and not self._goal.begun:
            buys = self._stage(buys, cash, proceeds)
        self._goal.begun = True
        for feed, shares in buys.items():
            self._orders[feed] = self._strategy.buy(data=feed, size=shares)

    def _cut(self, buys: dict[Any, int], cash: float) -> dict[Any, int]:
        paid = self._account.cut(buys, cash)
        for feed, wanted in buys.items():
            shares = paid.get(feed, 0)
            if shares < wanted:
                self._goal.sizes[feed] -= wanted - shares
                self._record("resized", feed, f"buy {shares}, not {wanted}")
        return paid

    def _stage(
        self, buys: dict[Any, int], cash: float, proceeds: float
    ) -> dict[Any, int]:
        """Leave a part for the next session, if gaps might make the cash too little."""
        account = self._account
        staged = account.cut(buys, cash - GAPS * account.overnight() * proceeds)
        self._goal.staged = staged != buys
        for feed, wanted in buys.items():
            shares = staged.get(feed, 0)
            if shares < wanted:
                self._record("staged", feed, f"buy {shares} of {wanted} now")
        return staged

    def _reached(self) -> bool:
        pending = any(order.alive() for order in self._orders.values())
        return not pending and self._goal.reached()

    def _equity(self) -> float:
        equity, estimated = self._account.equity()
        for feed, close in estimated.items():
            self._record("estimated", feed, f"valued at an old close, {close:g}")
        return equity

    def _record(self, kind: Kind, feed: Any, detail: str) -> None:
        event = RebalanceEvent(self._account.today, kind, feed_name(feed), detail)
        self.events.append(event)
        level = logging.WARNING if kind in ("gave_up", "estimated") else logging.INFO
        _log.log(level, "%s %s: %s, %s", event.session, event.feed, kind, detail)
