"""What an account held and was worth at each close."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import backtrader as bt

from bt_lstm_rotation.analyzers.clock import clock_of
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.feeds.naming import FeedLabels
from bt_lstm_rotation.rebalancing.schemes import multiplier_of

__all__ = ["AccountHistory", "Weights"]

# Sums of floats this far apart, as a share of the account, are the same sum.
DIGITS = 12


class AccountHistory(bt.Analyzer):
    """Equity, cash and positions at each session's close.

    ``get_analysis()`` gives a dict of date -> (equity, cash, {feed name: (shares,
    value)}), in currency; positions of zero are left out. A value is the exposure: of a
    future, size times close times its multiplier, and not the margin that it ties up.

    ``flows`` is a dict of date -> what was paid in by that close, withdrawals below 0;
    sessions without any are left out. ``broker.add_cash`` arrives at the next close;
    cash that a strategy's ``next`` changes at once (``broker.set_cash``), at its own.

    Raises
    ------
    StrategyError
        While it runs, if cash is set where it cannot be told from a return.
    """

    def __init__(self) -> None:
        self.rets: dict[dt.date, tuple[float, float, dict[str, tuple[float, float]]]]
        self.rets = {}
        self._sessions = clock_of(self)
        self._labels = FeedLabels(self.strategy)
        self.flows: dict[dt.date, float] = {}

    def start(self) -> None:
        """Note how many shares the account begins with, as a fund counts them."""
        broker = self.strategy.broker
        self._shares, self._share_value = broker.fundshares, broker.fundvalue
        self._cash = self._value = self._arrived = 0.0
        self._cash_set: float | None = None

    def notify_fund(
        self, cash: float, value: float, fundvalue: float, shares: float
    ) -> None:
        """Take the account as the broker left it, before the strategy acts."""
        cash_set = getattr(self.strategy.broker, "startingcash", None)
        if self.rets and cash_set != self._cash_set:
            raise StrategyError(
                f"cash was set to {cash_set:,.2f} outside the strategy's next(), among "
                "fills that change it too, so that no return can be told from it; use "
                "broker.add_cash"
            )
        # Backtrader issues shares for what is paid in, at the last close's value.
        self._arrived = (shares - self._shares) * self._share_value
        self._cash, self._value = cash, value

    def prenext(self) -> None:
        """Record sessions on which some feed has not begun yet as well."""
        self.next()

    def next(self) -> None:
        """Record this session."""
        broker, today = self.strategy.broker, self._sessions.today()
        positions = {
            self._labels[feed]: (
                float(position.size),
                _exposure(broker, feed, position),
            )
            for feed, position in broker.positions.items()
            if position.size
        }
        equity, cash, paid = float(self._value), float(self._cash), self._arrived
        # Elsewhere cash can change by a fill at any moment; here it takes a bar.
        if isinstance(broker, bt.brokers.BackBroker) and broker.cash != cash:
            equity, paid = equity - cash + broker.cash, paid + (broker.cash - cash)
            cash = float(broker.cash)
        if flow := _rounded(paid, equity):
            # Of bars shorter than a day, a session has several.
            self.flows[today] = self.flows.get(today, 0.0) + flow
        self.rets[today] = (equity, cash, positions)
        self._shares, self._share_value = broker.fundshares, broker.fundvalue
        self._cash_set = getattr(broker, "startingcash", None)

    def get_analysis(self) -> Any:
        """Return the record."""
        return self.rets


class Weights(AccountHistory):
    """Share of equity in each feed and in cash, at each session's close.

    ``get_analysis()`` gives a dict of date -> {feed name or "cash": share}, decimals;
    NaN where equity is 0. Where all feeds are stock-like and not leveraged, they add
    up to 1. A future, or a position on leverage, is an exposure that was not paid for:
    with them the sum can be anything.
    """

    def get_analysis(self) -> Any:
        """Divide what was recorded by equity."""
        weights = {}
        for day, (equity, cash, held) in self.rets.items():
            amounts = {name: value for name, (_, value) in held.items()} | {
                "cash": cash
            }
            weights[day] = {
                name: amount / equity if equity else math.nan
                for name, amount in amounts.items()
            }
        return weights


def _exposure(broker: Any, feed: Any, position: Any) -> float:
    # Not ``broker.getvalue([feed])``, which books cash that waits to be added, and so
    # would change the run that it records.
    close, scheme = feed.lines.close[0], broker.getcommissioninfo(feed)
    multiplier = multiplier_of(scheme)
    if scheme.stocklike and multiplier == 1:
        return float(scheme.getvaluesize(position.size, close))
    return float(position.size * close * multiplier)


def _rounded(flow: float, equity: float) -> float:
    """Take the rounding off an amount that was divided into shares."""
    size = max(abs(flow), abs(equity))
    if not math.isfinite(size) or not size:
        return 0.0
    return round(flow, DIGITS - math.ceil(math.log10(size))) + 0.0
