"""What a strategy waited for before Backtrader called its ``next``.

Backtrader calls ``next`` only once every feed has begun and every indicator has its
minimum period: one late listing keeps a strategy out of all its feeds for years.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import backtrader as bt

from bt_lstm_rotation.analyzers.clock import clock_of
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.rebalancing import RebalanceEvent

__all__ = ["WaitHistory", "waited"]

logger = logging.getLogger(__name__)


class WaitHistory(bt.Analyzer):
    """The first session of a strategy's ``next``, and what was waited for until then.

    ``get_analysis()`` gives a dict with ``sessions``, the dates of those before it;
    ``first``, a date, or None if it was never called; ``waited_for``, feed name -> what
    of it was missing, in words; and ``needed``, the most bars that a feed has to have.
    """

    def __init__(self) -> None:
        self._sessions = clock_of(self)
        self._before: dict[dt.date, None] = {}
        self._first: dt.date | None = None
        self._missing: dict[str, str] = {}
        self._needed = 1

    def prenext(self) -> None:
        """Note what is missing still."""
        self._before[self._sessions.today()] = None
        self._missing = {
            feed_name(feed): _missing(len(feed), period)
            for feed, period in self._periods()
            if len(feed) < period
        }

    def nextstart(self) -> None:
        """Note that the wait is over."""
        self._first = self._sessions.today()
        self._before.pop(self._first, None)
        # Of what was missing a session ago, that which has come today was waited for.
        came = {
            feed_name(feed): _came(period)
            for feed, period in self._periods()
            if len(feed) == period and feed_name(feed) in self._missing
        }
        self._missing = came or self._missing

    def next(self) -> None:
        """Note nothing: the wait is over."""  # by default `nextstart` is called again

    def stop(self) -> None:
        """Note how many bars had to be there."""
        self._needed = max(period for _, period in self._periods())

    def get_analysis(self) -> Any:
        """Return the record."""
        return {
            "sessions": list(self._before),
            "first": self._first,
            "waited_for": self._missing,
            "needed": self._needed,
        }

    def _periods(self) -> list[tuple[Any, int]]:
        """Return the strategy's feeds, each with the bars it has to have."""
        # `Strategy._getminperstatus` (strategy.py) decides by these.
        periods = [max(period, 1) for period in self.strategy._minperiods]
        return list(zip(self.strategy.datas, periods, strict=True))


def waited(strategy: Any, record: Any, since: dt.date) -> list[RebalanceEvent]:
    """Say which sessions were not traded because ``next`` was not called.

    Parameters
    ----------
    strategy : type of bt.Strategy
        One with a ``prenext`` of its own trades in that, and has not waited.
    record : mapping
        What `WaitHistory` recorded.
    since : date
        The first close at which a decision was possible.

    Returns
    -------
    list of RebalanceEvent
        None or one, of kind ``"waited"``. In the log it is a warning, unless indicators
        have only waited for as many bars as they need.
    """
    idle = [day for day in record["sessions"] if day >= since]
    own = getattr(strategy, "held_back", strategy)
    if not idle or own.prenext is not bt.Strategy.prenext:
        return []
    reasons = "; ".join(f"{name} {what}" for name, what in record["waited_for"].items())
    first = record["first"]
    if first is None:
        detail = f"next() was never called: {reasons}; no session was traded"
    else:
        earlier = (
            f"{len(idle)} earlier sessions, from {idle[0]}, were"
            if len(idle) > 1
            else f"1 earlier session, {idle[0]}, was"
        )
        detail = f"next() was first called on {first}; {reasons}; {earlier} not traded"
    expected = first is not None and len(record["sessions"]) < record["needed"]
    level = logging.INFO if expected else logging.WARNING
    logger.log(level, "%s: %s", strategy.__name__, detail)
    name = next(iter(record["waited_for"]), "")
    return [RebalanceEvent(first or idle[-1], "waited", name, detail)]


def _came(period: int) -> str:
    return "begins then" if period == 1 else f"has the {period} bars needed then"


def _missing(bars: int, period: int) -> str:
    return f"has {bars} of the {period} bars needed" if bars else "has no bar"
