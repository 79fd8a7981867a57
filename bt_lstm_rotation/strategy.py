"""The strategy that holds the sectors with the best forecast."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from bt_lstm_rotation.checks import check_whole, listed
from bt_lstm_rotation.errors import SpecError, StrategyError, closest
from bt_lstm_rotation.feeds.naming import feed_names
from bt_lstm_rotation.forecasting import ForecastSpec
from bt_lstm_rotation.forecasting.beside import ContextRule, context_rule
from bt_lstm_rotation.indicators import Context, Forecast
from bt_lstm_rotation.indicators.pool import ForecastPool
from bt_lstm_rotation.periodic import PeriodicRebalance
from bt_lstm_rotation.rebalancing.holdings import Holdings
from bt_lstm_rotation.rebalancing.round_trip import round_trip_cost
from bt_lstm_rotation.selection import Selection
from bt_lstm_rotation.wording import in_text, shown

__all__ = ["SectorRotation", "context_rules", "with_context"]

logger = logging.getLogger(__name__)


class SectorRotation(PeriodicRebalance):
    """Rank sectors by forecast return and hold the best, rebalanced every period.

    Params:
      - spec: which forecaster; a ForecastSpec, a MomentumSpec, or one of your own
        (ForecastSpec())
      - top: how many sectors to hold (3)
      - quantile: in place of `top`, the share of the sectors to hold (None)
      - weighting: how much of each: "equal", "forecast" or "inverse_volatility"
        ("equal")
      - cap: most that one sector may get, as a share of equity (None)
      - threshold: forecast below which a sector's slot stays in cash, as a decimal
        return; or "round_trip", what it costs at this close to buy the sector and to
        sell it again (None)
      - rank_buffer: ranks beyond its slots within which a sector that is held is kept
        (0)
      - shorts: how many of the worst sectors to hold short, with half of what is
        invested (0)
      - max_turnover: most that a rebalance trades, as a share of equity, buys and sells
        added; before sizes are rounded to shares (None)
      - context: names of feeds that are not traded, whose returns the network reads;
        "CPI+45" is published 45 days after its date; or a ContextRule of one (())
      - training: how fits are made, which changes no forecast; kept in the user's cache
        folder, with a bar in a terminal, if None (None)
      - max_age: how many fits in a row may fail before positions are held as they are,
        until one succeeds; up to then the last good network serves on (3)
      - rebalance, cash_buffer, benchmark, universe, start, max_attempts, lot,
        min_trade, band, delisted, delisted_after: see PeriodicRebalance

    See:
      - ``bt_lstm_rotation.selection.Selection``, which these make, for what they mean
        together
    """

    params = (
        ("spec", ForecastSpec()),
        *((rule.name, rule.default) for rule in fields(Selection)),
        ("context", ()),
        ("training", None),
        ("max_age", 3),
    )

    def __init__(self) -> None:
        super().__init__()
        self.selection = self._selection()
        check_whole(type(self).__name__, "max_age", self.p.max_age, least=0)
        self.holdings = Holdings(self, self.rebalancer.account)
        self.forecast_of = Forecast.pooled(
            list(self.sectors.values()),
            spec=self.p.spec,
            start=self._first_close,
            training=self.p.training,
            inputs=self.inputs(),
            context=self._context(),
            benchmark=self._benchmark(),
        )
        self._failures_noted = 0

    def inputs(self) -> Mapping[str, Any]:
        """Return what forecasts read beside bars: name -> {feed: line}, or an `Input`.

        To be overridden; `sectors` has the feeds by name. It is called once, before the
        run.
        """
        return {}

    @property
    def _pool(self) -> ForecastPool:
        pool: ForecastPool = next(iter(self.forecast_of.values())).pool
        return pool

    def start(self) -> None:
        """Refuse costs that have no share of the price, before anything is trained."""
        super().start()
        if self.selection.needs_costs:
            for feed in self.sectors.values():
                round_trip_cost(self.broker, feed, price=100.0)

    def weights(self) -> dict[str, float]:
        """Choose by forecast, weigh what was chosen, and go as far as is allowed."""
        if self._is_outdated():
            return {}  # positions are held, and it is asked again at the next close
        rules = self.selection
        return rules.weights(
            self.forecasts(),
            cash_buffer=self.p.cash_buffer,
            held=self.held(),
            volatilities=self.volatilities() if rules.needs_volatilities else {},
            costs=self.round_trip_costs() if rules.needs_costs else {},
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

    def _universe(self) -> list[str]:
        rules = context_rules(type(self).__name__, self.p.context)
        context = [rule.name for rule in rules]
        names = super()._universe()
        wanted = self.p.universe or ()
        for name in context:
            if name in wanted or name == self.p.benchmark:
                raise StrategyError(
                    f"{name!r} cannot be context and be traded, or be the benchmark"
                )
        left = [name for name in names if name not in context]
        if not left:
            raise StrategyError(f"no feed to trade besides {', '.join(context)}")
        return left

    def _context(self) -> list[Context]:
        """Return the feeds that are context."""
        names, found = feed_names(self.datas), []
        for rule in context_rules(type(self).__name__, self.p.context):
            if rule.name not in names:
                known = closest(in_text(rule.name), names)
                raise StrategyError(f"no feed for {rule.name!r} of context; {known}")
            feed = self.getdatabyname(rule.name)
            found.append(
                Context(feed, rule.max_age, rule.published_after, rule.missing)
            )
        return found

    def _benchmark(self) -> Any:
        name = self.p.benchmark
        return None if name is None else self.getdatabyname(name)

    def _is_outdated(self) -> bool:
        """Whether the network in force is too old to be traded on; says so once."""
        pool, today = self._pool, self._sessions.session()
        failed = pool.overdue(today)
        if failed <= self.p.max_age:
            return False
        if failed != self._failures_noted:
            self._failures_noted = failed
            detail = f"{failed} fits in a row have failed"
            self.rebalancer.record("outdated", None, detail)
        return True

    def volatilities(self) -> dict[str, float]:
        """Return the deviation of each sector's daily returns in the last quarter."""
        return self._pool.volatilities(self._sessions.session())

    def round_trip_costs(self) -> dict[str, float]:
        """Return what it costs to buy each sector at this close and to sell it again.

        A decimal, from the broker's commission and slippage; see `round_trip_cost`.
        """
        closes = {name: feed.close[0] for name, feed in self.trading_today().items()}
        return {
            name: round_trip_cost(self.broker, self.sectors[name], close)
            for name, close in closes.items()
            if close > 0  # an invalid bar has no forecast either
        }

    def stop(self) -> None:
        """Say so if there was not a single forecast, and why."""
        super().stop()
        if not self._pool.warn_of_failure() and self._period_done is None:
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


def context_rules(owner: str, context: Any) -> list[ContextRule]:
    """Return how context is read, of a parameter; SpecError unless it is some."""
    valid = "a tuple of feed names, such as ('^VIX', 'CPI+45'), or of ContextRule(...)"
    rules = []
    for given in listed(owner, "context", context, valid):
        if isinstance(given, ContextRule):
            rules.append(given)
        elif isinstance(given, str):
            rules.append(context_rule(given))
        else:
            raise SpecError(owner, "context", shown(given), valid)
    return rules


def with_context(
    strategy: Any, params: Mapping[str, Any], context: Sequence[str]
) -> dict[str, Any]:
    """Return a strategy's params with the context that is asked for beside them.

    Raises SpecError if it reads none, its forecaster reads none, or its params name
    some already.
    """
    if not context:
        return dict(params)
    owner, names = strategy.__name__, ", ".join(context)
    if not issubclass(strategy, SectorRotation):
        valid = "left out, as it is no SectorRotation; lstm_top3_monthly reads some"
        raise SpecError(owner, "context", names, valid)
    if "context" in params:
        valid = "given once: by --context, which also loads its bars, and not by --set"
        raise SpecError(owner, "context", params["context"], valid)
    spec = params.get("spec", strategy.params.spec)
    if not hasattr(spec, "reading"):
        valid = (
            f"left out, as {type(spec).__name__} reads nothing beside bars; networks "
            "do (lstm, gru, rnn)"
        )
        raise SpecError(owner, "context", names, valid)
    return {**params, "context": tuple(context)}
