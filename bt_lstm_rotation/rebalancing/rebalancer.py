"""Target weights -> orders that fill.

``order_target_percent`` sizes every order from a portfolio value of its own, leaves a
rejected order rejected, and silently does nothing when the value is NaN. A `Rebalancer`
works towards one target until it is reached:

- One snapshot of equity, at the close that decides, gives every target size.
- Sells are sent before buys. Backtrader's broker checks cash in the order of arrival
  (``BackBroker.check_submitted``), and a rejection spends the cash of all that follow.
- A feed is sized and traded only at a close of its own.
- What failed is tried again at the next close, a bounded number of times.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bt_lstm_rotation.feeds.bar_order import OrderWatch
from bt_lstm_rotation.rebalancing.account import Account
from bt_lstm_rotation.rebalancing.delisting import Delisting
from bt_lstm_rotation.rebalancing.events import EventLog, Kind, RebalanceEvent
from bt_lstm_rotation.rebalancing.execution import place_orders
from bt_lstm_rotation.rebalancing.margin import called
from bt_lstm_rotation.rebalancing.no_trade import no_trade_region
from bt_lstm_rotation.rebalancing.open_orders import OpenOrders
from bt_lstm_rotation.rebalancing.rules import Rules
from bt_lstm_rotation.rebalancing.schemes import check_shorts, require_paid_in_full
from bt_lstm_rotation.rebalancing.sharing import refuse_shared_feeds
from bt_lstm_rotation.rebalancing.target import Target, checked_weights

if TYPE_CHECKING:
    from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["Rebalancer"]


class Rebalancer:
    """Bring a strategy's positions to target weights, with orders that fill.

    Call :meth:`target` when the weights change, :meth:`next` every session (from the
    strategy's ``prenext`` too, if its feeds begin at different dates), and forward
    ``notify_order``, and under an `AdjustingBroker` ``notify_corporate_action``.
    ``docs/backtrader.md`` has an example, and says how it trades: sizes, margin, small
    changes, settlements.

    Parameters
    ----------
    strategy : bt.Strategy
        Its broker and its feeds are used; orders are sent in its name.
    max_attempts : int
        Sessions on which a feed may fail, by a rejection or for want of a bar, before
        it is left where it is.
    ignore : iterable of feeds
        Feeds that are never traded: a benchmark, or positions of the strategy's own.
    lot : float
        Shares that are traded at a time: 1 for whole shares, 0.001 for fractions.
    min_trade : float
        Currency. A change worth less at the deciding close is not made.
    band : float
        Share of equity. A position that is held and within it of its target at the
        deciding close is left as it is.
    delisted : {"last_close", "write_off", "hold"}
        What becomes of a position in a feed that has ended: it is settled at its last
        close, settled at next to nothing, or stays.
    delisted_after : int, optional
        A feed has ended after more than this many calendar days without a bar. By
        default its own bars up to then say how many: ten of daily bars, 24 of weekly
        and about 105 of monthly ones (`bt_lstm_rotation.periods.stale_after`).
    shorts : bool
        Whether weights may be negative.

    Raises
    ------
    SpecError
        If a setting is impossible, or `ignore` has something other than the strategy's
        feeds, or shorts are asked for of a broker without `shortcash`.
    """

    def __init__(
        self,
        strategy: Any,
        max_attempts: int = Rules.max_attempts,
        *,
        ignore: Iterable[Any] = (),
        lot: float = Rules.lot,
        min_trade: float = Rules.min_trade,
        band: float = Rules.band,
        delisted: str = Rules.delisted,
        delisted_after: int | None = Rules.delisted_after,
        shorts: bool = Rules.shorts,
    ) -> None:
        self._rules = Rules(
            max_attempts=max_attempts,
            lot=lot,
            min_trade=min_trade,
            band=band,
            delisted=delisted,
            delisted_after=delisted_after,
            shorts=shorts,
        )
        if shorts:
            check_shorts(strategy.broker, shorts)
        self._strategy = strategy
        self._begun = False
        self._order = OrderWatch(strategy.datas)
        self.account = Account(strategy, self._rules.lot, ignore=ignore)
        self._log = EventLog(self.account)
        self._orders = OpenOrders(strategy, self.account)
        self._target = Target(self.account)
        self._delisting = Delisting(strategy, self.account, self._rules, self._log)
        self._session: dt.date | None = None

    @property
    def events(self) -> list[RebalanceEvent]:
        """What did not go smoothly, over all targets, oldest first."""
        return self._log.events

    @property
    def traded(self) -> list[Any]:
        """The feeds that it may trade, by name."""
        return [*self.account.traded]

    @property
    def done(self) -> bool:
        """Whether no order is pending and every position has its target size."""
        return not self._target.gave_up and self._reached()

    def begin(self) -> None:
        """Raise StrategyError if another rebalancer of the run trades its feeds.

        It is asked in the first session, or in a strategy's ``start``.
        """
        refuse_shared_feeds(self._strategy, self)
        self._begun = True

    def target(self, weights: Mapping[Any, float]) -> None:
        """Set the target from this session's close, and send the first orders.

        It replaces a target still being worked on. Orders sent earlier in the same
        session cannot be taken back: they fill first and are then corrected.

        Parameters
        ----------
        weights : mapping of feed to float
            Share of equity, at most 1 in all; with `shorts`, negative for a short
            position, of which half counts. A feed that is held and not named goes to
            0, unless it is ignored.

        Raises
        ------
        SpecError
            If a key is not one of the strategy's feeds or is ignored, or a weight is
            negative without `shorts` or not finite, or the sum is above 1.
        DataError
            If the broker's cash is not a number.
        StrategyError
            If a feed is a future, or has a multiplier or leverage.
        """
        wanted = checked_weights(weights, self.account, shorts=self._rules.shorts)
        require_paid_in_full(self._strategy.broker, filter(wanted.get, wanted))
        self._watch()
        self._collect()  # what has ended by now belongs to the old target
        for feed in self.account.traded:
            if self.account.held(feed) or feed in self._orders:
                wanted.setdefault(feed, 0.0)
        self._target = Target(self.account, wanted, self._equity())
        self._keep_in_no_trade_region()
        self._work(new_session=True)

    def next(self) -> None:
        """Work towards the target; a second call in one session changes nothing."""
        self._watch()
        self._work(new_session=self._session != self.account.today)

    def notify_order(self, order: Any) -> None:
        """Take note of an order that has ended; orders of others are left alone."""
        if self._orders.take(order):
            self._note_ended(order)

    def notify_corporate_action(self, data: Any, action: CorporateAction) -> None:
        """Take note of a split or a dividend of a feed: sizes are in new shares."""
        self.account.restate(data, action)
        self._target.restate(data, action)
        self._delisting.restate(data, action)

    def record(self, kind: Kind, feed: Any | None, detail: str) -> None:
        """Put an event of the strategy's own among the others; see RebalanceEvent."""
        self._log.record(kind, feed, detail)

    def _watch(self) -> None:
        if not self._begun:
            self.begin()
        self._order.watch()
        self.account.observe()
        self._delisting.watch(self.account.traded)

    def _work(self, *, new_session: bool) -> None:
        self._session = self.account.today
        self._collect()
        if new_session and self.account.is_open:
            self._note_missing_bars()
        self._size()
        if self._rules.shorts or self.account.due < 0:
            self._answer_margin_call()
        self._withdraw_misfits()
        if self._reached():
            # Positions are the strategy's own again until the next target.
            self._target.weights.clear()
        else:
            place_orders(self._target, self.account, self._orders, self._log)

    def _collect(self) -> None:
        for order in self._orders.end_passed_by():
            self.notify_order(order)

    def _note_ended(self, order: Any) -> None:
        # Part of an order is progress: what is missing is sent again, and not counted.
        if order.status != order.Completed and not order.executed.size:
            side = "buy" if order.isbuy() else "sell"
            ended = order.getstatusname()
            detail = f"{side} {abs(order.created.size):.12g}: {ended}"
            self._fail(order.data, "retry", detail)
        if order.status == order.Margin and order.isbuy():
            self._target.short_of_cash |= order.data in self._target.weights

    def _note_missing_bars(self) -> None:
        for feed in self.account.ordered(self._target.weights):
            if self.account.close(feed) is not None or self._delisting.settles(feed):
                continue
            if self._target.missing(feed) != 0:
                self._fail(feed, "no_bar", "no bar with a close above 0")

    def _fail(self, feed: Any, kind: Kind, detail: str) -> None:
        target = self._target
        if feed not in target.weights:
            return
        target.failures[feed] += 1
        if target.failures[feed] < self._rules.max_attempts:
            self._log.record(kind, feed, detail)
            return
        self._orders.withdraw(feed)
        target.give_up(feed)
        self._log.record("gave_up", feed, f"{detail}, attempt {target.failures[feed]}")

    def _size(self) -> None:
        target = self._target
        # Cash that a waiting sell will bring is late, not missing: sizes stay.
        again = target.short_of_cash and not target.waits_for_cash(self._orders)
        target.short_of_cash = False
        if again:
            target.equity = self._equity()
            target.cash_rejections += 1
        self._note_too_dear(target.size(again=again))

    def _note_too_dear(self, found: Mapping[Any, str]) -> None:
        for feed in self.account.ordered(found):
            self._log.record("too_dear", feed, found[feed])

    def _answer_margin_call(self) -> None:
        for feed, lots in called(self.account).items():
            target, held = self._target, self.account.held(feed)
            size = target.sizes.get(feed, held)
            if size < lots if held < 0 else size > lots:
                target.weights.setdefault(feed, 0.0)
                target.fix(feed, lots)
                shown = self.account.shown
                detail = f"{shown(lots)} of {shown(held)} may stay"
                self._log.record("margin_call", feed, detail)

    def _keep_in_no_trade_region(self) -> None:
        self._note_too_dear(self._target.size(again=False))
        for feed, reason in no_trade_region(self._target, self._rules).items():
            self._target.fix(feed, self.account.held(feed))
            self._log.record("kept", feed, reason)

    def _withdraw_misfits(self) -> None:
        for feed in self._orders:
            step = self._target.step(feed)
            left = self._orders.remaining(feed)
            # A part of a short's buying back was all that cash was sure to pay for.
            part = step is not None and 0 < left <= step and self.account.held(feed) < 0
            if left != step and not part:
                self._orders.withdraw(feed)

    def _reached(self) -> bool:
        return not self._orders.pending() and self._target.reached()

    def _equity(self) -> float:
        equity, estimated = self.account.equity()
        for feed, close in estimated.items():
            self._log.record("estimated", feed, f"valued at an old close, {close:g}")
        return equity
