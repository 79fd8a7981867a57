"""What each feed brought the account."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import backtrader as bt

from bt_lstm_rotation.analyzers.account import AccountHistory
from bt_lstm_rotation.analyzers.derived import DerivedAnalyzer, defined
from bt_lstm_rotation.analyzers.fills import executions
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.rebalancing.schemes import multiplier_of

__all__ = ["SectorContribution"]

Amounts = dict[str, float]


class SectorContribution(DerivedAnalyzer):
    """What the strategy's own orders in each feed brought the account.

    A feed's contribution to a session is what its position is worth more, plus what its
    fills brought in, less what they cost: price moves, slippage and commission; and
    plus what splits and dividends paid, under an `AdjustingBroker`. Over
    all feeds contributions add up to the change of equity since the first close, less
    what was paid in, plus the interest that was charged. Feeds that were never traded
    are left out.

    ``get_analysis()`` gives a dict:

    - ``beginning_equity``: at the first close, in currency
    - ``contribution``: feed name -> currency
    - ``share``: feed name -> the same over the beginning equity, a decimal; None where
      that is not above 0
    - ``interest``: what was charged for what these feeds' positions borrow, in currency
    - ``by_year``: year -> a dict of these four, each from the last close of the year
      before

    Positions are those that Backtrader's simulated broker keeps: long or short, paid in
    full, on leverage, or futures.
    """

    def __init__(self) -> None:
        super().__init__()
        self._account = AccountHistory()
        self._positions: dict[Any, Any] = {}
        self._worth: dict[Any, float] = {}
        self._brought: dict[Any, float] = defaultdict(float)
        self._booked = self._due = 0.0
        self._gains: dict[dt.date, Amounts] = {}
        self._interest: dict[dt.date, float] = {}

    def notify_order(self, order: Any) -> None:
        """Follow the position, and the cash that fills took and brought."""
        feed = order.data if order.data._compensate is None else order.data._compensate
        broker = self.strategy.broker
        scheme = broker.getcommissioninfo(order.data)
        for part in executions(order):
            position = self._positions.setdefault(feed, bt.Position())
            position.update(part.size, part.price)
            interest = _interest_booked(part, scheme)
            self._booked += interest
            self._brought[feed] += _cash_of(part, scheme) + interest

    def notify_corporate_action(self, data: Any, action: Any) -> None:
        """Follow the position, and the cash, through a split or a dividend."""
        position, done = self._positions.get(data), self.strategy.broker.applied[-1]
        if position is None or not position.size:
            return
        size, paid = position.size * action.shares, position.size * action.cash
        if done.size_before:
            # Strategies that share an account may have part of the position each.
            part = position.size / done.size_before
            size, paid = part * done.size_after, part * done.cash
        self._brought[data] += paid
        position.fix(size, position.price / action.shares)

    def next(self) -> None:
        """Record what each feed brought since the session before."""
        today = next(reversed(self._account.get_analysis()))
        gains = self._gains.setdefault(today, defaultdict(float))
        broker = self.strategy.broker
        for feed, position in self._positions.items():
            worth = _worth(broker, feed, position)
            gain = worth - self._worth.get(feed, 0.0) + self._brought[feed]
            gains[feed_name(feed)] += gain
            self._worth[feed], self._brought[feed] = worth, 0.0
        # What is due is booked, as commission, with the fill that closes a position.
        credits_due = getattr(broker, "d_credit", {})
        due = sum(credits_due.get(feed, 0.0) for feed in self._positions)
        charged = due - self._due + self._booked
        self._interest[today] = self._interest.get(today, 0.0) + charged
        self._due, self._booked = due, 0.0

    def analysis(self) -> dict[str, Any]:
        """Add up sessions, and divide by what was there before them."""
        equity = {day: row[0] for day, row in self._account.get_analysis().items()}
        sessions = list(equity)
        years: dict[int, list[int]] = defaultdict(list)
        for row in range(1, len(sessions)):
            years[sessions[row].year].append(row)
        everything = range(1, len(sessions))
        return {
            **self._sums(equity, sessions, everything),
            "by_year": {
                year: self._sums(equity, sessions, rows) for year, rows in years.items()
            },
        }

    def _sums(
        self, equity: dict[dt.date, float], sessions: list[dt.date], rows: Iterable[int]
    ) -> dict[str, Any]:
        rows = list(rows)
        before = sessions[rows[0] - 1 if rows else 0] if sessions else None
        beginning = None if before is None else defined(equity[before])
        gains: Amounts = defaultdict(float)
        for row in rows:
            for name, gain in self._gains.get(sessions[row], {}).items():
                gains[name] += gain
        names = sorted(gains)
        base = beginning if beginning and beginning > 0 else None
        return {
            "beginning_equity": beginning,
            "contribution": {name: defined(gains[name]) for name in names},
            "share": {
                name: None if base is None else defined(gains[name] / base)
                for name in names
            },
            "interest": sum(
                (self._interest.get(sessions[row], 0.0) for row in rows), 0.0
            ),
        }


def _cash_of(part: Any, scheme: Any) -> float:
    """Return what a fill brought in, in currency, after ``BackBroker._execute``.

    Of a future it counts the whole exposure, as `_worth` does.
    """
    leverage = scheme.get_leverage()
    cash = -float(part.comm)
    cash += part.closedvalue / (leverage if part.closedvalue > 0 else 1.0)
    cash -= part.openedvalue / (leverage if part.openedvalue > 0 else 1.0)
    if scheme.stocklike:
        cash += part.pnl
    else:
        cash -= part.size * part.price * multiplier_of(scheme)
    return float(cash)


def _worth(broker: Any, feed: Any, position: Any) -> float:
    """Return what a position counts for in equity, after ``BackBroker._get_value``.

    Of a future the broker counts the margin, and pays each move of its price in cash:
    both together are the margin and the exposure, less what fills paid for it.
    """
    if not position.size:
        return 0.0
    scheme, close = broker.getcommissioninfo(feed), float(feed.close[0])
    if getattr(broker.p, "shortcash", True):
        worth = scheme.getvaluesize(position.size, close)
    else:
        worth = abs(scheme.getvalue(position, close))
    if worth > 0:
        gain = scheme.profitandloss(position.size, position.price, close)
        worth = (worth - gain) / scheme.get_leverage() + gain
    if not scheme.stocklike:
        worth += position.size * close * multiplier_of(scheme)
    return float(worth)


def _interest_booked(part: Any, scheme: Any) -> float:
    """Return the interest that Backtrader books with the commission of a close."""
    standard = bt.CommInfoBase._get_credit_interest
    own = type(scheme)._get_credit_interest is not standard
    if not part.closed or not (own or scheme.p.interest):
        return 0.0
    return float(part.closedcomm - scheme.getcommission(part.closed, part.price))
