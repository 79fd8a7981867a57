"""All that was recorded of one account, by one strategy's analyzers or several's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bt_lstm_rotation.analyzers.forecasts import (
    ForecastHistory,
    ShownForecast,
    added_up,
)
from bt_lstm_rotation.analyzers.orders import OrderHistory, OrderRecord
from bt_lstm_rotation.analyzers.waiting import WaitHistory, waited
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.forecasting import FitRecord
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import restated
from bt_lstm_rotation.rebalancing import RebalanceEvent

__all__ = ["Recorded", "StrategyRecord", "first_of_report", "merged"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recorded:
    """What was recorded of one account.

    Parameters
    ----------
    panel : PricePanel
        All bars, the benchmark's included.
    first : datetime64[D]
        The close with which the report begins.
    account : mapping
        As `AccountHistory` gives it; `flows` as well.
    forecasts : list of ShownForecast
    context : list of str
        Feeds that forecasts read, and are not traded.
    strategy, broker : mapping
        Settings as plain values, for ``summary.json``.
    spec : Any
        The forecaster's spec, or None.
    seconds : float
        How long the run took.
    command : str or None
        What repeats it.
    intraday : bool
        Whether a feed had several bars a session.
    reading : mapping
        What forecasters read beside bars, as `ForecastHistory` has it.
    periods_a_year : float or None
        Sessions a year; None to measure it.
    notes : tuple of str
        Sentences that a reader has to know.
    actions : sequence of AppliedAction
        Splits and dividends that the account went through; the panel's bars are each in
        the units of their session.
    """

    panel: PricePanel
    benchmark: str | None
    first: np.datetime64
    account: Mapping[Any, Any]
    flows: Mapping[Any, float]
    orders: Sequence[OrderRecord]
    forecasts: Sequence[ShownForecast]
    fits: Sequence[FitRecord]
    events: Sequence[RebalanceEvent]
    strategy: Mapping[str, Any]
    broker: Mapping[str, Any]
    spec: Any
    seconds: float
    command: str | None = None
    intraday: bool = False
    reading: Mapping[str, Any] = field(default_factory=dict)
    periods_a_year: float | None = None
    notes: tuple[str, ...] = ()
    actions: Sequence[Any] = ()
    context: Sequence[str] = ()

    @property
    def traded(self) -> PricePanel:
        """The bars of all but the benchmark and what was read besides.

        Of a run with nothing else, its own.
        """
        ordered = {order.symbol for order in self.orders}
        aside = {self.benchmark, *(set(self.context) - ordered)}
        symbols = [name for name in self.panel.symbols if name not in aside]
        return self.panel.select(symbols or self.panel.symbols)

    @property
    def in_one_unit(self) -> Recorded:
        """The same, with all bars in the units of the last, as returns need them."""
        if not self.actions:
            return self
        bars = self.panel.bars.copy()
        for column, symbol in enumerate(self.panel.symbols):
            own = [(a.session, a.action) for a in self.actions if a.symbol == symbol]
            bars[:, :, column] = restated(self.panel.sessions, bars[:, :, column], own)
        return replace(self, panel=replace(self.panel, bars=bars), actions=())


@dataclass(frozen=True)
class StrategyRecord:
    """One strategy that has run, and what was recorded of it alone."""

    strategy: Any
    orders: OrderHistory
    forecasts: ForecastHistory
    waits: WaitHistory

    @property
    def first_decision(self) -> dt.date | None:
        """The close at which it first decided, if it is one that knows."""
        found: dt.date | None = getattr(self.strategy, "first_decision", None)
        return found


def first_of_report(
    records: Sequence[StrategyRecord], sessions: Sequence[dt.date], since: Any
) -> np.datetime64:
    """Return the close with which a report begins.

    Raises DataError if `since` is after the last session, or there was none.
    """
    if not sessions:
        raise DataError("no session", valid="bars for the strategy to run on")
    if since is None:
        decisions = [record.first_decision for record in records]
        known = [day for day in decisions if day is not None]
        since = min(known) if len(known) == len(decisions) else sessions[0]
    elif isinstance(since, dt.datetime):
        since = since.date()
    if since > sessions[-1]:
        raise DataError(
            "the report would begin after the last session",
            value=str(since),
            valid=f"sessions are {sessions[0]} to {sessions[-1]}",
        )
    return np.datetime64(since, "D")


def merged(records: Sequence[StrategyRecord], first: np.datetime64) -> dict[str, Any]:
    """Return the fields of `Recorded` that come from each strategy alone."""
    since = first.astype(object)
    orders = [
        order
        for record in records
        for order in record.orders.get_analysis()
        if order.submitted >= since
    ]
    if len(records) > 1:
        orders.sort(key=lambda order: order.submitted)
        orders = [replace(order, ref=n) for n, order in enumerate(orders, start=1)]
    specs = [spec for record in records for spec in record.forecasts.specs]
    shown: dict[str, ShownForecast] = {}
    for record in records:
        for forecast in record.forecasts.shown:
            shown.setdefault(forecast.symbol, forecast)
    return {
        "orders": orders,
        "forecasts": list(shown.values()),
        "fits": [fit for record in records for fit in record.forecasts.fits],
        "reading": added_up(record.forecasts.reading for record in records),
        "events": [event for record in records for event in _events(record, since)],
        "spec": specs[0] if specs else None,
        "context": [name for record in records for name in record.forecasts.context],
        "notes": tuple(_notes(records, len(shown))),
    }


def _events(record: StrategyRecord, since: dt.date) -> list[RebalanceEvent]:
    rebalancer = getattr(record.strategy, "rebalancer", None)
    return [
        *waited(type(record.strategy), record.waits.get_analysis(), since),
        *getattr(rebalancer, "events", []),
    ]


def _notes(records: Sequence[StrategyRecord], shown: int) -> Iterator[str]:
    if len(records) > 1:
        names = ", ".join(type(record.strategy).__name__ for record in records)
        yield (
            f"{len(records)} strategies share this account: {names}. Equity, weights "
            "and orders are of them all."
        )
    made = sum(len(r.forecasts.shown) + r.forecasts.left_out for r in records)
    if made > shown:
        yield (
            f"{made} indicators forecast {shown} feeds: of each feed, the first one's "
            "forecasts are reported."
        )
