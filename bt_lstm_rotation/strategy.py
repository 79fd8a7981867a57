"""Strategies that move to new weights once a period.

`PeriodicRebalance` knows when; what to hold is up to its `weights`. `SectorRotation`
holds the sectors with the best forecast.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import backtrader as bt
import numpy as np

from bt_lstm_rotation.errors import SpecError, StrategyError, closest
from bt_lstm_rotation.feeds import feed_names, session_of
from bt_lstm_rotation.forecast_pool import ForecastPool
from bt_lstm_rotation.forecasting import ForecastSpec
from bt_lstm_rotation.forecasting.spec import check_fraction
from bt_lstm_rotation.holdings import Holdings
from bt_lstm_rotation.indicators import Forecast, as_session
from bt_lstm_rotation.periods import check_period, period_of
from bt_lstm_rotation.rebalancing import Rebalancer
from bt_lstm_rotation.round_trip import round_trip_cost
from bt_lstm_rotation.selection import Selection
from bt_lstm_rotation.sound_feeds import drop_unsound_bars, keep_all_bars

__all__ = ["PeriodicRebalance", "SectorRotation"]

logger = logging.getLogger(__name__)


class PeriodicRebalance(bt.Strategy):
    """Once a period, move to the weights that `weights` gives.

    It decides at a session's close and is filled at the next session's open. A period
    begins with the close before its first weekday (`bt_lstm_rotation.periods`), so a
    monthly rebalance is decided at the last close of a month.

    Params:
      - rebalance: "weekly", "monthly", "quarterly", or a number of weekdays
      - cash_buffer: share of equity kept in cash, for the gap between the close that
        decides and the open that fills, and for costs
      - benchmark: name of a feed that is never traded
      - universe: names of the feeds that are traded; by default all but the benchmark
      - start: first close at which to decide; earlier bars are history
      - max_attempts: sessions on which an order may fail before it is given up
    """

    params: tuple[tuple[str, Any], ...] = (
        ("rebalance", "monthly"),
        ("cash_buffer", 0.02),
        ("benchmark", None),
        ("universe", None),
        ("start", None),
        ("max_attempts", 5),
    )

    def __init__(self) -> None:
        owner = type(self).__name__
        check_period(owner, "rebalance", self.p.rebalance)
        check_fraction(owner, "cash_buffer", self.p.cash_buffer)
        if not isinstance(self.p.start, dt.date | None):
            raise SpecError(owner, "start", self.p.start, "a datetime.date, or None")
        feeds = dict(zip(feed_names(self.datas), self.datas, strict=True))
        self.sectors: dict[str, Any] = {name: feeds[name] for name in self._universe()}
        kept = [feed for name, feed in feeds.items() if name not in self.sectors]
        self._bars = drop_unsound_bars(self.datas)
        self.rebalancer = Rebalancer(self, self.p.max_attempts, ignore=kept)
        self._first_close = as_session(self.p.start)
        self._period_done: int | None = None

    def qbuffer(self, savemem: int = 0, replaying: bool = False) -> None:
        """Save memory, but not that of the feeds."""
        super().qbuffer(savemem, replaying)
        keep_all_bars(self.datas)

    def start(self) -> None:
        """Refuse a broker that fills at a price the decision was made from."""
        params = getattr(self.broker, "p", None)
        for setting, name in (("coc", "cheat-on-close"), ("coo", "cheat-on-open")):
            if getattr(params, setting, False):
                raise StrategyError(
                    f"{type(self).__name__} decides at a close and is filled at the "
                    f"next open; with {name} set, what it reports would not be true"
                )

    def weights(self) -> dict[str, float]:
        """Return the weights wanted from this close on.

        Returns
        -------
        dict of str to float
            Feed name -> share of equity, negative for a short position; feeds left out
            are sold. Empty if there is nothing to go by yet: it is asked again at the
            next close.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method weights()")

    def prenext(self) -> None:
        """Trade while a feed has not begun: a late listing must not stop the others."""
        self.next()

    def next(self) -> None:
        """Move to new weights if it is time, and work towards the last ones if not."""
        if self.is_due() and (targets := self._targets()):
            self.rebalancer.target(targets)
            self._period_done = self._period()
        else:
            self.rebalancer.next()

    def is_due(self) -> bool:
        """Whether this session's period has not been traded yet."""
        first = self._first_close
        early = first is not None and session_of(self.datetime[0]) < first
        return not early and self._period() != self._period_done

    def trading_today(self) -> dict[str, Any]:
        """Sectors that have a bar of this session, by feed name.

        Backtrader shows the last bar of a feed that has none today, and the last of the
        whole data set if it has not begun.
        """
        today = int(self.datetime[0])
        return {
            name: feed
            for name, feed in self.sectors.items()
            if len(feed) and int(feed.datetime[0]) == today
        }

    def notify_order(self, order: Any) -> None:
        """Tell the rebalancer what became of an order."""
        self.rebalancer.notify_order(order)

    def _universe(self) -> list[str]:
        """Return the names of the feeds to trade, in the order of the feeds."""
        names, benchmark, wanted = feed_names(self.datas), self.p.benchmark, None
        if benchmark is not None and benchmark not in names:
            known = closest(str(benchmark), names)
            raise StrategyError(f"no feed for benchmark {benchmark!r}; {known}")
        if (universe := self.p.universe) is not None:
            if isinstance(universe, str) or not isinstance(universe, Iterable):
                owner, valid = type(self).__name__, "a tuple of feed names, or None"
                raise SpecError(owner, "universe", universe, valid)
            wanted = set(map(str, universe))
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
                known = closest(str(name), self.sectors)
                raise StrategyError(f"{asked} names no sector {name!r}; {known}")
        return {self.sectors[name]: share for name, share in weights.items()}

    def _period(self) -> int:
        today = np.array([session_of(self.datetime[0])])
        return int(period_of(today, self.p.rebalance)[0])


class SectorRotation(PeriodicRebalance):
    """Rank sectors by forecast return and hold the best, rebalanced every period.

    Params:
      - spec: which forecaster; a ForecastSpec, a MomentumSpec, or one of your own
      - top: how many sectors to hold
      - quantile: in place of `top`, the share of the sectors to hold
      - weighting: how much of each: "equal", "forecast" or "inverse_volatility"
      - cap: most that one sector may get, as a share of equity
      - threshold: forecast below which a sector's slot stays in cash, as a decimal
        return; or "round_trip", what it costs at this close to buy the sector and to
        sell it again
      - rank_buffer: ranks beyond its slots within which a sector that is held is kept
      - shorts: how many of the worst sectors to hold short, with half of what is
        invested
      - max_turnover: most that a rebalance trades, as a share of equity, buys and sells
        added; before sizes are rounded to shares
      - training: how fits are made; it changes no forecast
      - rebalance, cash_buffer, benchmark, start, max_attempts: see PeriodicRebalance

    See:
      - ``bt_lstm_rotation.selection.Selection``, which these make, for what they mean
        together
    """

    params = (
        ("spec", ForecastSpec()),
        ("top", 3),
        ("quantile", None),
        ("weighting", "equal"),
        ("cap", None),
        ("threshold", None),
        ("rank_buffer", 0),
        ("shorts", 0),
        ("max_turnover", None),
        ("training", None),
    )

    def __init__(self) -> None:
        super().__init__()
        self.selection = self._selection()
        self.holdings = Holdings(self)
        self.forecast_of = Forecast.pooled(
            list(self.sectors.values()),
            spec=self.p.spec,
            start=self.p.start,
            training=self.p.training,
        )

    def start(self) -> None:
        """Refuse costs that have no share of the price, before anything is trained."""
        super().start()
        if self.selection.needs_costs:
            for feed in self.sectors.values():
                round_trip_cost(self.broker, feed, price=100.0)

    def next(self) -> None:
        """Remember the closes by which positions are valued, and trade if it is due."""
        self.holdings.observe()
        super().next()

    def weights(self) -> dict[str, float]:
        """Choose by forecast, weigh what was chosen, and go as far as is allowed."""
        by = self.selection
        return by.weights(
            self.forecasts(),
            cash_buffer=self.p.cash_buffer,
            held=self.held(),
            volatilities=self.volatilities() if by.needs_volatilities else {},
            costs=self.round_trip_costs() if by.needs_costs else {},
        )

    def forecasts(self) -> dict[str, float]:
        """Return this session's forecasts by feed name, NaN where there is none."""
        return {
            name: float(self.forecast_of[feed].forecast[0])
            for name, feed in self.trading_today().items()
        }

    def held(self) -> dict[str, float]:
        """Return the share of equity in each sector that is held, shorts negative."""
        shares = self.holdings.shares()
        return {
            name: shares[feed] for name, feed in self.sectors.items() if feed in shares
        }

    def volatilities(self) -> dict[str, float]:
        """Return the deviation of each sector's daily returns in the last quarter."""
        pool: ForecastPool = next(iter(self.forecast_of.values())).pool
        return pool.volatilities(session_of(self.datetime[0]))

    def round_trip_costs(self) -> dict[str, float]:
        """Return what it costs to buy each sector at this close and to sell it again.

        A decimal, from the broker's commission and slippage; see `round_trip_cost`.
        """
        closes = {name: feed.close[0] for name, feed in self.trading_today().items()}
        return {
            name: round_trip_cost(self.broker, self.sectors[name], close)
            for name, close in closes.items()
            if close > 0  # an unsound bar has no forecast either
        }

    def stop(self) -> None:
        """Say so if the run was too short for a single forecast."""
        if self._period_done is None:
            logger.warning(
                "no forecast was possible: %s needs %d bars of each sector before the "
                "first session of a period",
                type(self.p.spec).__name__,
                self.p.spec.fit_bars,
            )

    def _selection(self) -> Selection:
        rules = {rule.name: getattr(self.p, rule.name) for rule in fields(Selection)}
        try:
            return Selection(**rules)
        except SpecError as error:
            # They were set here, under the same names.
            owner = type(self).__name__
            raise SpecError(owner, error.field, error.value, error.valid) from error
