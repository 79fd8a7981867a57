"""The steps by which a run is put together: parameters, first session, strategy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np

from bt_lstm_rotation.backtest.history_needed import too_few_bars
from bt_lstm_rotation.backtest.settings import given_names
from bt_lstm_rotation.backtest.trading_start import starting_at
from bt_lstm_rotation.errors import (
    DataError,
    HistoryError,
    SpecError,
    StrategyError,
    closest,
)
from bt_lstm_rotation.forecasting import first_forecast
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.periodic import PeriodicRebalance
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.strategy import SectorRotation, context_rules
from bt_lstm_rotation.wording import in_text

__all__ = [
    "add_strategy",
    "checked_params",
    "first_decision",
    "run_once",
    "traded_symbols",
]


def checked_params(
    strategy: Any, params: Mapping[str, Any], **offered: Any
) -> dict[str, Any]:
    """Check the strategy's parameters, and add what it takes of those offered.

    Raises SpecError if one is unknown, or is for `run_backtest` to give.
    """
    known, given = set(strategy.params._getkeys()), given_names(strategy)
    for name in params:
        if name not in known:
            hint = closest(in_text(name), known)
            raise SpecError(strategy.__name__, "parameter", name, f"known ({hint})")
        if name in given & {"benchmark", "start"}:
            valid = f"left to run_backtest({name}=...)"
            raise SpecError(strategy.__name__, "parameter", name, valid)
    taken = {k: v for k, v in offered.items() if k in given and v is not None}
    return taken | dict(params)


def traded_symbols(
    panel: PricePanel, strategy: Any, params: Mapping[str, Any], benchmark: str | None
) -> list[str]:
    """Return the symbols that are neither the benchmark nor context.

    Raises StrategyError if there are none.
    """
    context = []
    if issubclass(strategy, SectorRotation):
        rules = context_rules(strategy.__name__, params.get("context", ()))
        context = [rule.name for rule in rules]
    kept = [name for name in panel.symbols if name not in (benchmark, *context)]
    if not kept:
        named = [] if benchmark is None else [f"the benchmark {benchmark!r}"]
        besides = " and ".join([*named, *map(repr, context)])
        raise StrategyError(f"nothing to trade besides {besides}")
    return kept


def first_decision(
    panel: PricePanel, sectors: PricePanel, spec: Any, start: dt.date | None
) -> np.datetime64:
    """Return the close at which the first decision is made.

    Raises DataError or HistoryError if the start is too late or too early.
    """
    possible: np.datetime64 = panel.sessions[0]
    if isinstance(spec, Spec) and not isinstance(spec, type):
        possible = first_forecast(sectors, spec)
    if start is None:
        return possible
    # On a session of the benchmark alone there is nothing to decide.
    sessions = sectors.sessions
    at = int(np.searchsorted(sessions, np.datetime64(start, "D")))
    if at == len(sessions):
        raise DataError(
            "the start is after the last session",
            value=str(start),
            valid=f"sessions are {sessions[0]} to {sessions[-1]}",
        )
    first: np.datetime64 = sessions[max(at - 1, 0)]
    if first < possible:
        earliest = sessions[np.searchsorted(sessions, possible) + 1 :][:1]
        raise HistoryError(
            f"too little history before the start {start}",
            needed=int((sessions <= possible).sum()),
            available=int((sessions <= first).sum()),
            valid="the first fit waits for the first session of a period; "
            f"the earliest possible start is {', '.join(map(str, earliest)) or 'none'}",
        )
    return first


def add_strategy(
    cerebro: Any,
    strategy: Any,
    params: Mapping[str, Any],
    first: np.datetime64,
    start: dt.date | None = None,
) -> None:
    """Add a strategy whose first decision is made at a close, of a `start` if given."""
    if issubclass(strategy, PeriodicRebalance):
        # The day after a close has no other close before it.
        opening = start or (first + np.timedelta64(1, "D")).astype(object)
        cerebro.addstrategy(strategy, **params, start=opening)
    else:
        cerebro.addstrategy(starting_at(strategy, first), **params)


def run_once(cerebro: Any, **modes: Any) -> Any:
    """Run a Cerebro and return its last strategy.

    Raises HistoryError where there are fewer bars than its indicators need.
    """
    try:
        return cerebro.run(**modes)[-1]
    except IndexError as error:
        if (too_few := too_few_bars(cerebro.runningstrats)) is not None:
            raise too_few from error
        raise
