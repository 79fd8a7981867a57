"""An account's worth beside what its capital would have made of a benchmark."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from bt_lstm_rotation.analyzers.account import AccountHistory
from bt_lstm_rotation.analyzers.derived import DerivedAnalyzer, defined, series_of
from bt_lstm_rotation.errors import SpecError, StrategyError, closest
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import SessionClock
from bt_lstm_rotation.measures.flows import growth, worth_after

__all__ = ["EquityCurve"]


class EquityCurve(DerivedAnalyzer):
    """Equity at each session's close, and what a benchmark would have made of it.

    Params:
      - benchmark: name of a feed to compare with (None)

    ``get_analysis()`` gives a dict of dicts of date -> currency:

    - ``equity``: what the account was worth, all that was paid in included
    - ``flows``: what was paid in by that close, withdrawals below 0; sessions without
      any, and the first, whose equity is the base, are left out
    - ``growth``: what the first equity would be worth without later flows. It grows by
      (E[t] - F[t]) / E[t-1] a session, so that neither a deposit nor a withdrawal is a
      return; without flows it is the equity
    - ``benchmark``: what the equity at the benchmark's first close would be worth, had
      it all been in the benchmark since, with the same flows. None before that close,
      after its last bar, and from where it could not have paid a withdrawal; in a
      session that it misses it keeps its price. Without the parameter, an empty dict

    None stands for an amount that is not finite.

    Raises
    ------
    StrategyError
        If no feed has the benchmark's name.
    SpecError
        If `benchmark` is neither a text nor None.
    """

    params = (("benchmark", None),)

    def __init__(self) -> None:
        super().__init__()
        self._account = AccountHistory()
        self._sessions = SessionClock(self.strategy)
        self._feed = _feed_called(self.p.benchmark, self.strategy.datas)
        self._worth: dict[dt.date, float] = {}
        self._last_bar: dt.date | None = None
        # The benchmark's worth and price at the close of the session before.
        self._before = self._now = (math.nan, math.nan)
        self._today: dt.date | None = None

    @property
    def latest(self) -> tuple[float, float]:
        """Equity and the benchmark's worth at the last close; NaN for none."""
        (equity, _, _) = next(reversed(self._account.get_analysis().values()))
        return float(equity), self._now[0]

    def next(self) -> None:
        """Follow the benchmark."""
        if self._feed is None:
            return
        history = self._account.get_analysis()
        today, (equity, _, _) = next(reversed(history.items()))
        if today != self._today:
            self._before, self._today = self._now, today
        worth, price = self._before
        if self._sessions.shows_today(self._feed):
            close = float(self._feed.close[0])
            if 0 < close < math.inf:
                price, self._last_bar = close, today
        if not self._begun:
            # It is bought with what the account is worth at its first close.
            worth = equity if price == price else math.nan
        else:
            step = price / self._before[1]
            worth = worth_after(worth, step, self._account.flows.get(today, 0.0))
        self._now = (worth, price)
        self._worth[today] = worth

    def notify_corporate_action(self, data: Any, action: Any) -> None:
        """Bring the benchmark's last price into new units."""
        if data is self._feed:
            (worth, price), (now, close) = self._before, self._now
            self._before = worth, price * action.price
            self._now = now, close * action.price

    @property
    def _begun(self) -> bool:
        """Whether the benchmark had a price by the close of the session before."""
        return self._before[1] == self._before[1]

    def analysis(self) -> dict[str, Any]:
        """Take the flows out of what was recorded."""
        history = self._account.get_analysis()
        equity = {day: defined(row[0]) for day, row in history.items()}
        flows = dict(list(self._flows().items())[1:])
        grown = growth(series_of(equity), series_of(self._flows()))
        end = self._last_bar
        return {
            "equity": equity,
            "flows": {day: flow for day, flow in flows.items() if flow},
            "growth": dict(zip(equity, map(defined, grown.tolist()), strict=True)),
            "benchmark": {
                day: defined(worth) if end is not None and day <= end else None
                for day, worth in self._worth.items()
            },
        }

    def _flows(self) -> dict[dt.date, float]:
        sessions = self._account.get_analysis()
        return {day: float(self._account.flows.get(day, 0.0)) for day in sessions}


def _feed_called(name: Any, feeds: Any) -> Any:
    """Return the feed of that name, None of None."""
    if name is None:
        return None
    if not isinstance(name, str):
        valid = "a feed's name, or None"
        raise SpecError("EquityCurve", "benchmark", name, valid)
    found = {feed_name(feed): feed for feed in feeds}
    if name not in found:
        raise StrategyError(f"no feed is called {name!r}; {closest(name, found)}")
    return found[name]
