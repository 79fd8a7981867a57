"""A strategy that moves to new weights once a period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import backtrader as bt
import numpy as np

from bt_lstm_rotation.checks import (
    check_date,
    check_fraction,
    check_whole,
    listed,
    plain_number,
)
from bt_lstm_rotation.errors import StrategyError, closest
from bt_lstm_rotation.feeds.bar_order import check_one_time, different_times
from bt_lstm_rotation.feeds.first_close import first_close
from bt_lstm_rotation.feeds.in_step import InStep
from bt_lstm_rotation.feeds.memory import keep_all_bars
from bt_lstm_rotation.feeds.naming import feed_name, feed_names
from bt_lstm_rotation.feeds.sessions import SessionClock
from bt_lstm_rotation.feeds.valid_bars import drop_invalid_bars
from bt_lstm_rotation.periods import check_period, period_of
from bt_lstm_rotation.rebalancing import Rebalancer
from bt_lstm_rotation.rebalancing.rules import Rules
from bt_lstm_rotation.rebalancing.schemes import require_paid_in_full
from bt_lstm_rotation.wording import in_text, shown

__all__ = ["PeriodicRebalance"]

# Parameters that are the rebalancer's settings, under the same names.
RULES = ("max_attempts", "lot", "min_trade", "band", "delisted", "delisted_after")


class PeriodicRebalance(bt.Strategy):
    """Once a period, move to the weights that `weights` gives.

    It decides at a session's close and is filled at the next session's open. A period
    begins with the close before its first weekday (`bt_lstm_rotation.periods`), so a
    monthly rebalance is decided at the last close of a month.

    Params:
      - rebalance: "weekly", "monthly", "quarterly", or a number of weekdays ("monthly")
      - cash_buffer: share of equity kept in cash, for the gap between the close that
        decides and the open that fills, and for costs (0.02)
      - benchmark: name of a feed that is never traded (None)
      - universe: names of the feeds that are traded; all but the benchmark if None
        (None)
      - start: first session on which an order can be filled, decided at the close of
        the session before; earlier bars are history (None)
      - max_attempts: sessions on which an order may fail before it is given up (5)
      - lot: shares that are traded at a time: 1 for whole shares, 0.001 for fractions
        (1.0)
      - min_trade: currency; a smaller change is not made, but for selling out (0.0)
      - band: share of equity; a position within it of its target is left as it is (0.0)
      - delisted: what becomes of a position in a feed that has ended: "last_close",
        "write_off" or "hold" ("last_close")
      - delisted_after: calendar days without a bar after which a feed has ended; ten,
        or more where its own bars are further apart than days, if None (None)
      - shorts: whether weights may be negative (0)

    What each of the last six means in full is in `bt_lstm_rotation.Rebalancer`. Bars
    that are not valid count as none (`bt_lstm_rotation.feeds.valid_bars`).
    """

    params: tuple[tuple[str, Any], ...] = (
        ("rebalance", "monthly"),
        ("cash_buffer", 0.02),
        ("benchmark", None),
        ("universe", None),
        ("start", None),
        *((name, getattr(Rules, name)) for name in RULES),
        ("shorts", 0),
    )

    def __init__(self) -> None:
        owner = type(self).__name__
        for name, value in self.p._getkwargs().items():
            setattr(self.p, name, plain_number(value))
        check_period(owner, "rebalance", self.p.rebalance)
        check_fraction(owner, "cash_buffer", self.p.cash_buffer)
        if not isinstance(self.p.shorts, bool):  # a count also says whether
            check_whole(owner, "shorts", self.p.shorts, least=0)
        check_date(owner, "start", self.p.start)
        feeds = dict(zip(feed_names(self.datas), self.datas, strict=True))
        self.sectors: dict[str, Any] = {name: feeds[name] for name in self._universe()}
        benchmark = self.p.benchmark
        kept = [feed for name, feed in feeds.items() if name not in self.sectors]
        judged = [feeds[name] for name in feeds if name in (*self.sectors, benchmark)]
        self._filters = drop_invalid_bars(self.datas, daily=judged)
        check_one_time(self.sectors.values())
        self._sessions = SessionClock(self)
        self._in_step = InStep(self)
        self.rebalancer = Rebalancer(
            self,
            ignore=kept,
            shorts=bool(self.p.shorts),
            **{name: getattr(self.p, name) for name in RULES},
        )
        # A report begins with this close.
        self.first_decision: dt.date | None = None
        # The last target: feed name -> share of equity; a new dict each time.
        self.last_target: dict[str, float] | None = None
        self._first_close: dt.date | None = None
        if self.p.start is not None:
            self._first_close = first_close(self.sectors.values(), self.p.start)
        self._period_done: int | None = None
        self._noted_until: dt.date | None = None

    def qbuffer(self, savemem: int = 0, replaying: bool = False) -> None:
        """Save memory, but not that of the feeds."""
        super().qbuffer(savemem, replaying)
        keep_all_bars(self.datas)

    def start(self) -> None:
        """Refuse a broker or a rival under which no report would be true."""
        self.rebalancer.begin()
        params = getattr(self.broker, "p", None)
        for setting, name in (("coc", "cheat-on-close"), ("coo", "cheat-on-open")):
            if getattr(params, setting, False):
                raise StrategyError(
                    f"{type(self).__name__} decides at a close and is filled at the "
                    f"next open; with {name} set, what it reports would not be true"
                )
        require_paid_in_full(self.broker, self.sectors.values())

    def weights(self) -> dict[str, float]:
        """Return feed name -> share of equity wanted from now on, shorts negative.

        Feeds left out are sold. Empty if there is nothing to go by yet: it is asked
        again at the next close.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method weights()")

    def prenext(self) -> None:
        """Trade while a feed has not begun: a late listing must not stop the others."""
        self.next()

    def next(self) -> None:
        """Move to new weights if it is time, and work towards the last ones if not."""
        self._require_one_time()
        self._note_dropped_bars()
        if self.is_due() and (targets := self._targets()):
            self.rebalancer.target(targets)
            self.last_target = {
                feed_name(feed): share for feed, share in targets.items()
            }
            self.first_decision = self.first_decision or self._sessions.today()
            self._period_done = self._period()
        else:
            self.rebalancer.next()

    def _oncepost(self, dt: float) -> None:
        # Called for each bar where all is calculated ahead; the loop over indicators,
        # with which it begins, is all that is done in another way.
        self._in_step.move()
        super()._oncepost(dt)

    def is_due(self) -> bool:
        """Whether this session's period has not been traded yet."""
        first = self._first_close
        early = first is not None and self._sessions.today() < first
        return not early and self._period() != self._period_done

    def trading_today(self) -> dict[str, Any]:
        """Return the sectors that have a bar of this session, by feed name.

        Of one that has none, Backtrader shows an old bar, or the last of the data set.
        """
        shows_today = self._sessions.shows_today
        return {name: feed for name, feed in self.sectors.items() if shows_today(feed)}

    def notify_order(self, order: Any) -> None:
        """Tell the rebalancer what became of an order."""
        self.rebalancer.notify_order(order)

    def notify_corporate_action(self, data: Any, action: Any) -> None:
        """Tell the rebalancer of a split or a dividend (`AdjustingBroker`)."""
        self.rebalancer.notify_corporate_action(data, action)

    def _require_one_time(self) -> None:
        """Raise if a bar of this session came before another one of it."""
        dated = [feed.lines.datetime for feed in self.sectors.values()]
        if len({one[0] for one in dated if len(one)}) <= 1:
            return  # as on most sessions
        if len({feed.datetime[0] for feed in self.trading_today().values()}) > 1:
            raise different_times(self._sessions.session())

    def _note_dropped_bars(self) -> None:
        """Record the bars since the last session that were not valid."""
        if not any(one.dropped for one in self._filters.values()):
            return
        now, since = self._sessions.today(), self._noted_until
        # By name, so that the order in which feeds were added does not show.
        for name in sorted(self.sectors):
            feed = self.sectors[name]
            for day in self._filters[feed].dropped if feed in self._filters else ():
                if day <= now and (since is None or day > since):
                    self.rebalancer.record("invalid", feed, f"the bar of {day}")
        self._noted_until = now

    def _universe(self) -> list[str]:
        """Return the names of the feeds to trade, in the order of the feeds."""
        names, benchmark, wanted = feed_names(self.datas), self.p.benchmark, None
        # Of another kind, it need not be comparable with a name.
        is_name = isinstance(benchmark, str) and benchmark in names
        if benchmark is not None and not is_name:
            known = closest(in_text(benchmark), names)
            raise StrategyError(f"no feed for benchmark {shown(benchmark)}; {known}")
        if (universe := self.p.universe) is not None:
            valid = "a tuple of feed names, or None"
            owner = type(self).__name__
            wanted = set(map(in_text, listed(owner, "universe", universe, valid)))
            for name in sorted(wanted - set(names)):
                known = closest(name, names)
                raise StrategyError(f"no feed for {name!r} of the universe; {known}")
            if benchmark in wanted:
                raise StrategyError(
                    f"{benchmark!r} cannot be traded and be the benchmark as well"
                )
        traded = [
            name
            for name in names
            if name != benchmark and (wanted is None or name in wanted)
        ]
        if not traded:
            raise StrategyError(f"no feed to trade besides {benchmark!r}")
        return traded

    def _targets(self) -> dict[Any, float]:
        """Return the weights wanted, by feed."""
        weights = self.weights()
        asked = f"{type(self).__name__}.weights()"
        if not isinstance(weights, Mapping):
            raise StrategyError(
                f"{asked} must return a dict of feed name to share (got {weights!r})"
            )
        for name in weights:
            if name not in self.sectors:
                known = closest(in_text(name), self.sectors)
                raise StrategyError(f"{asked} names no sector {name!r}; {known}")
        return {self.sectors[name]: share for name, share in weights.items()}

    def _period(self) -> int:
        today = np.array([self._sessions.session()])
        return int(period_of(today, self.p.rebalance)[0])
