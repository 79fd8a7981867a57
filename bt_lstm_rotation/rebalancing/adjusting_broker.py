"""Backtrader's simulated broker, for shares that split and pay dividends on the way.

Backtrader expects prices in one unit from the first bar to the last. Bars that are kept
as they were seen change their unit at each split and dividend. This broker then does
what a real one does to the account, in the session that shows the first bar in new
units and before any order is matched: it changes the number of shares, or pays cash.
No order is sent for it, and the cash is no deposit: it is what the price has lost.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import backtrader as bt

from bt_lstm_rotation.checks import check_positive
from bt_lstm_rotation.errors import SpecError, StrategyError, closest
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.restating import recalculate, restate, tell
from bt_lstm_rotation.feeds.sessions import SessionDates, dates_of
from bt_lstm_rotation.prices.corporate_actions import CorporateAction
from bt_lstm_rotation.rebalancing.adjusted_orders import adjust_order, adjust_trades

__all__ = ["AdjustingBroker", "AppliedAction"]

logger = logging.getLogger(__name__)


class AppliedAction(NamedTuple):
    """A corporate action, and what it did to the account.

    Parameters
    ----------
    session : date
        Whose bar was the first in new units.
    symbol : str
        Name of the feed.
    action : CorporateAction
    size_before, size_after : float
        Shares held, below 0 if short.
    cash : float
        Currency paid to the account for all of them, parts of a lot included; below 0
        if the account paid.
    """

    session: dt.date
    symbol: str
    action: CorporateAction
    size_before: float
    size_after: float
    cash: float


class AdjustingBroker(bt.brokers.BackBroker):
    """A `BackBroker` under which shares split and pay dividends.

    ::

        actions = {dt.date(2020, 8, 31): {"AAPL": classified(0.25, last_close)}}
        cerebro.broker = AdjustingBroker(actions=actions)

    At an action's session, or at the feed's next bar if it has none then, and before
    orders are matched:

    - the feed's bars before that one are brought into new units, and so are indicators
      of it (`bt_lstm_rotation.feeds.restating`); of those that cannot be calculated
      again a warning is logged;
    - its position and its open orders become new shares at new prices. Parts of a lot
      are paid out at the last close, and an order that comes to less than a lot ends;
    - cash is paid for each old share, or by the account if it is short;
    - a strategy, indicator or analyzer that has a method ``notify_corporate_action``
      is told, with the feed and the `CorporateAction`.

    A feed that is resampled from another has bars, and so actions, of its own.
    ``applied`` lists every `AppliedAction` so far. Without actions it is a
    `BackBroker`; with some, a run goes bar by bar (``runonce=False``).

    Params:
      - actions: mapping of session -> feed's name -> CorporateAction (None: none)
      - lot: shares that the account holds at a time: 1 for whole ones (1)

    Raises
    ------
    SpecError
        If a param is of the wrong kind.
    StrategyError
        When the run begins, if no feed has a name that is given, or two have, or bars
        are not kept, or orders are filled at the open that decides (cheat-on-open); on
        the way, if a future is to be adjusted.
    """

    params: tuple[tuple[str, Any], ...] = (("actions", None), ("lot", 1))

    def __init__(self) -> None:
        super().__init__()
        owner = type(self).__name__
        check_positive(owner, "lot", self.p.lot)
        if not _are_actions(self.p.actions):
            valid = "a mapping of date to a mapping of feed's name to CorporateAction"
            raise SpecError(owner, "actions", self.p.actions, valid)

    def init(self) -> None:
        """Begin anew; Backtrader calls this before each run."""
        super().init()
        self.applied: list[AppliedAction] = []
        self._due: dict[Any, deque[tuple[dt.date, CorporateAction]]] = {}
        self._dates: dict[Any, SessionDates] = {}
        self._shown: dict[Any, int] = {}
        self._warned: set[str] = set()

    def start(self) -> None:
        """Find the feeds that actions are for."""
        super().start()
        for session, named in sorted((self.p.actions or {}).items()):
            for name, action in named.items():
                feed = self._feed_called(name)
                self._due.setdefault(feed, deque()).append((session, action))
        if not self._due:
            return
        for setting, needed in (("exactbars", 0), ("cheat_on_open", False)):
            if (value := getattr(self.cerebro.p, setting)) != needed:
                raise StrategyError(
                    f"corporate actions need {setting}={needed} (got {value!r})"
                )
        self.cerebro._disable_runonce()

    def next(self) -> None:
        """Adjust what is due, and then match orders."""
        for feed in self._due:
            if len(feed) != self._shown.get(feed, 0):
                self._shown[feed] = len(feed)
                for action in self._due_now(feed):
                    self._adjust(feed, action)
        super().next()

    def _due_now(self, feed: Any) -> Iterator[CorporateAction]:
        waiting, today = self._due[feed], self._session_of(feed)
        while waiting and waiting[0][0] <= today:
            yield waiting.popleft()[1]

    def _session_of(self, feed: Any) -> dt.date:
        # Not earlier: a strategy may have put filters on the feed.
        if feed not in self._dates:
            self._dates[feed] = dates_of(feed)
        return dt.date.fromordinal(self._dates[feed].day(feed.lines.datetime[0]))

    def _feed_called(self, name: str) -> Any:
        feeds = self.cerebro.datas
        found = [feed for feed in feeds if feed_name(feed) == name]
        if len(found) != 1:
            known = closest(str(name), map(feed_name, feeds))
            many = "no feed is" if not found else f"{len(found)} feeds are"
            raise StrategyError(f"{many} called {name!r}, which has an action; {known}")
        return found[0]

    def _adjust(self, feed: Any, action: CorporateAction) -> None:
        restate(feed, action)
        before = self.positions[feed].size if feed in self.positions else 0
        cash = self._adjust_position(feed, action) if before else 0.0
        for order in self._open_orders(feed):
            if not adjust_order(order, action, self.p.lot):
                self._end(order)
        self.applied.append(
            AppliedAction(
                self._session_of(feed),
                feed_name(feed),
                action,
                float(before),
                float(self.positions[feed].size if before else 0),
                cash,
            )
        )
        for strategy in self.cerebro.runningstrats:
            self._warn_of(recalculate(strategy, [feed]))
            tell(strategy, feed, action)

    def _adjust_position(self, feed: Any, action: CorporateAction) -> float:
        """Change shares held, and cash; return what was paid."""
        if not self.getcommissioninfo(feed).stocklike:
            raise StrategyError(
                f"{feed_name(feed)} is held as a future, and corporate actions are of "
                "shares (setcommission(stocklike=True), or no margin)"
            )
        position, lot = self.positions[feed], self.p.lot
        size, price = position.size, position.price / action.shares
        if action.shares != 1:
            size = action.whole(position.size / lot) * lot
        paid_out = position.size * action.shares - size
        close = _last_close(feed, otherwise=price)
        cash = float(action.cash * position.size + paid_out * close)
        position.fix(size, price if size else 0.0)
        self.cash += cash
        for strategy in self.cerebro.runningstrats:
            paid_out = adjust_trades(strategy, feed, action, paid_out, close)
        return cash

    def _open_orders(self, feed: Any) -> list[Any]:
        queues = (self.submitted, self.pending, *self._pchildren.values())
        orders = {order.ref: order for queue in queues for order in queue}
        return [one for one in orders.values() if one.data is feed and one.alive()]

    def _end(self, order: Any) -> None:
        """End an order of which not a lot is left."""
        # One that was only just sent is not among those that `cancel` knows.
        if self.cancel(order) or order not in self.submitted:
            return
        self.submitted.remove(order)
        order.cancel()
        self.notify(order)
        self._ococheck(order)
        self._bracketize(order, cancel=True)

    def _warn_of(self, indicators: list[str]) -> None:
        for name in indicators:
            if name not in self._warned:
                self._warned.add(name)
                logger.warning(
                    "%s cannot be calculated again after a split or a dividend, and "
                    "goes on from what it was in old units; give it a method "
                    "notify_corporate_action(data, action), or a vectorised once",
                    name,
                )


def _are_actions(actions: Any) -> bool:
    if actions is None:
        return True
    return isinstance(actions, Mapping) and all(
        isinstance(session, dt.date)
        and not isinstance(session, dt.datetime)
        and isinstance(named, Mapping)
        and all(isinstance(action, CorporateAction) for action in named.values())
        for session, named in actions.items()
    )


def _last_close(feed: Any, *, otherwise: float) -> float:
    """Return the last close before the bar that a feed shows that was one."""
    closes = feed.lines.close.get(ago=-1, size=len(feed) - 1)
    known = (close for close in reversed(closes) if 0 < close < math.inf)
    return float(next(known, otherwise))
