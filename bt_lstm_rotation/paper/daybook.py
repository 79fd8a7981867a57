"""What a run did, session by session, as rows of a journal.

Everything is taken at the close, after the strategy has acted, so that the rows of a
session are the same whether the run goes on after it or not.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import backtrader as bt

from bt_lstm_rotation.analyzers import RunReport
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds.naming import FeedLabels
from bt_lstm_rotation.feeds.sessions import SessionClock
from bt_lstm_rotation.forecasting.store.content_key import settings_key
from bt_lstm_rotation.indicators import Forecast

__all__ = ["DayBook", "Rows"]

# Table -> rows of one session.
Rows = dict[str, list[tuple[Any, ...]]]

AT_MARKET = (bt.Order.Market, bt.Order.Close)
WITH_LIMIT = (bt.Order.StopLimit, bt.Order.StopTrailLimit)

OPEN = ("Created", "Submitted", "Accepted")


class DayBook(bt.Analyzer):
    """Orders, what became of them, forecasts, targets, positions and the account.

    ``get_analysis()`` gives a dict of session -> {table: rows}, the tables and columns
    of `bt_lstm_rotation.paper.schema` without the number of the transaction.

    Params:
      - since: first session whose forecasts are wanted (None: all)
    """

    params = (("since", None),)

    def __init__(self) -> None:
        self.rets: dict[dt.date, Rows] = {}
        self._sessions = SessionClock(self.strategy)
        self._labels = FeedLabels(self.strategy)
        self._paid: dict[dt.date, dict[str, float]] = {}
        self._open: dict[int, Any] = {}  # orders, by Backtrader's number
        self._refs: dict[int, int] = {}
        self._shown: dict[int, tuple[float, float, float]] = {}
        self._told: dict[int, tuple[Any, ...]] = {}
        self._decided: Any = None
        self._models: list[tuple[str, str, Any]] | None = None

    def prenext(self) -> None:
        """Record sessions before the strategy's own ``next`` as well."""
        self.next()

    def next(self) -> None:
        """Record this session; of a day with several bars, the last counts."""
        today, since = self._sessions.today(), self.p.since or dt.date.min
        earlier = self.rets.get(today, {})
        self.rets[today] = {
            "forecasts": self._forecasts() if today >= since else [],
            "targets": self._targets() or earlier.get("targets", []),
            "orders": [*earlier.get("orders", []), *self._new_orders()],
            "outcomes": [*earlier.get("outcomes", []), *self._outcomes()],
            "changed": [*earlier.get("changed", []), *self._changed()],
        }
        self._paid[today] = self._prices_paid()

    def get_analysis(self) -> Any:
        """Return the record, with the events of each session."""
        events: dict[dt.date, list[tuple[Any, ...]]] = defaultdict(list)
        for strategy in self.strategy.env.runningstrats:
            rebalancer = getattr(strategy, "rebalancer", None)
            for event in getattr(rebalancer, "events", []):
                events[event.session].append((event.kind, event.feed, event.detail))
        return {day: {**rows, "events": events[day]} for day, rows in self.rets.items()}

    def joined(self, report: RunReport) -> dict[dt.date, Rows]:
        """Join the record with what the report of the same run has recorded."""
        rows: dict[dt.date, Rows] = self.get_analysis()
        slipped = {
            self._refs[number]: float(record.slippage)
            for strategy in self.strategy.env.runningstrats
            for number, record in strategy.analyzers.runreport.orders.rets.items()
        }
        for day, (equity, cash, held) in report.account.get_analysis().items():
            rows[day]["outcomes"] = [
                (ref, status, size, price, commission, slipped.get(ref, 0.0))
                for ref, status, size, price, commission in rows[day]["outcomes"]
            ]
            paid = self._paid[day]
            rows[day]["account"] = [(cash, equity)]
            rows[day]["positions"] = [
                (name, size, paid[name], value)
                for name, (size, value) in sorted(held.items())
            ]
        return rows

    def pools(self) -> dict[str, Any]:
        """Return the forecast pools of all strategies, by the key of their settings."""
        return {
            model_key(indicator.pool.spec, indicator.pool.symbols): indicator.pool
            for strategy in self.strategy.env.runningstrats
            for indicator in strategy.getindicators()
            if isinstance(indicator, Forecast)
        }

    def _forecasts(self) -> list[tuple[Any, ...]]:
        if self._models is None:
            self._models = []
            seen = set()
            for strategy in self.strategy.env.runningstrats:
                for one in strategy.getindicators():
                    if isinstance(one, Forecast):
                        key, name = (
                            model_key(one.pool.spec, one.pool.symbols),
                            self._labels[one.data],
                        )
                        if (key, name) not in seen:
                            seen.add((key, name))
                            self._models.append((key, name, one))
        rows = []
        for key, name, one in self._models:
            if self._sessions.shows_today(one.data):
                value = float(one.lines.forecast[0])
                if math.isfinite(value):
                    rows.append((key, name, value, float(one.lines.dispersion[0])))
        return rows

    def _targets(self) -> list[tuple[Any, ...]]:
        for strategy in self.strategy.env.runningstrats:
            decided = getattr(strategy, "last_target", None)
            if decided is not None and decided is not self._decided:
                self._decided = decided
                return [(feed, weight) for feed, weight in sorted(decided.items())]
        return []

    def _new_orders(self) -> list[tuple[Any, ...]]:
        broker = self.strategy.broker
        rows = []
        for order in (*broker.submitted, *broker.pending):
            # The broker puts an empty entry between two sessions' orders.
            if order is not None and order.ref not in self._refs:
                self._open[order.ref] = order
                self._refs[order.ref] = len(self._refs) + 1
                self._shown[order.ref] = _terms(order)
                rows.append(self._described(order))
        return rows

    def _described(self, order: Any) -> tuple[Any, ...]:
        leader = self.strategy.broker._ocos[order.ref]
        size, price, limit = _terms(order)
        return (
            self._refs[order.ref],
            self._labels[order.data],
            "buy" if order.isbuy() else "sell",
            size,
            order.getordername(),
            price,
            limit,
            _number(order.valid),
            None if order.parent is None else self._refs.get(order.parent.ref),
            None if leader == order.ref else self._refs.get(leader),
        )

    def _changed(self) -> list[tuple[Any, ...]]:
        rows = []
        for number, order in self._open.items():
            terms = _terms(order)
            # By their text, in which a NaN is a NaN.
            if repr(terms) != repr(self._shown[number]):
                self._shown[number] = terms
                rows.append((self._refs[number], *terms))
        return rows

    def _outcomes(self) -> list[tuple[Any, ...]]:
        rows = []
        for number, order in list(self._open.items()):
            done = order.executed
            state = (
                order.getstatusname(),
                abs(float(done.size)),
                float(done.price) if done.size else math.nan,
                float(done.comm),
            )
            if not order.alive():
                del self._open[number]
            if state[0] not in OPEN and state != self._told.get(number):
                self._told[number] = state
                rows.append((self._refs[number], *state))
        return rows

    def _prices_paid(self) -> dict[str, float]:
        held = self.strategy.broker.positions.items()
        return {self._labels[f]: float(position.price) for f, position in held}


def model_key(spec: Any, symbols: Sequence[str]) -> str:
    """Return what forecasts are recorded under: their spec and symbols."""
    try:
        return settings_key("model", spec, tuple(symbols))
    except SpecError:  # somebody's own spec may hold anything
        name = f"{type(spec).__module__}.{type(spec).__qualname__}"
        return settings_key("model", name, tuple(symbols))


def _terms(order: Any) -> tuple[float, float, float]:
    """Return an order's size, price and limit."""
    created, kind = order.created, order.exectype
    return (
        abs(float(created.size)),
        # Backtrader gives every order prices, of a market order the last close.
        _number(None if kind in AT_MARKET else created.price),
        _number(created.pricelimit if kind in WITH_LIMIT else None),
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
