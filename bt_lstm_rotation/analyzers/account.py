"""What an account held and was worth at each close."""

from __future__ import annotations

import datetime as dt
from typing import Any

import backtrader as bt

from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import SessionClock

__all__ = ["AccountHistory", "Weights"]


class AccountHistory(bt.Analyzer):
    """Equity, cash and positions at each session's close.

    ``get_analysis()`` gives a dict of date -> (equity, cash, {feed name: (shares,
    value)}), in currency; positions of zero are left out.
    """

    def __init__(self) -> None:
        self.rets: dict[dt.date, tuple[float, float, dict[str, tuple[float, float]]]]
        self.rets = {}
        self._sessions = SessionClock(self.strategy)

    def prenext(self) -> None:
        """Record sessions on which some feed has not begun yet as well."""
        self.next()

    def next(self) -> None:
        """Record this session."""
        broker = self.strategy.broker
        held = {}
        for feed, position in broker.positions.items():
            if position.size:
                value = broker.getvalue([feed])
                held[feed_name(feed)] = (float(position.size), float(value))
        account = (float(broker.getvalue()), float(broker.getcash()), held)
        self.rets[self._sessions.today()] = account

    def get_analysis(self) -> Any:
        """Return the record."""
        return self.rets


class Weights(AccountHistory):
    """Share of equity in each feed and in cash, at each session's close.

    ``get_analysis()`` gives a dict of date -> {feed name or "cash": share}, decimals
    that add up to 1.
    """

    def get_analysis(self) -> Any:
        """Divide what was recorded by equity."""
        weights = {}
        for day, (equity, cash, held) in self.rets.items():
            amounts = {name: value for name, (_, value) in held.items()} | {
                "cash": cash
            }
            weights[day] = {name: amount / equity for name, amount in amounts.items()}
        return weights
