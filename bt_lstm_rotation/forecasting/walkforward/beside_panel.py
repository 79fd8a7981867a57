"""What stands beside the bars of a panel, and the history that holds both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.forecasting.beside import (
    ContextRule,
    RowJoiner,
    Usage,
    known_at,
    rules_of,
)
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.forecasting.window import BarHistory
from bt_lstm_rotation.prices import PricePanel

__all__ = ["Beside", "history_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Beside:
    """Inputs and context of a panel, by the names that a spec has for them.

    Parameters
    ----------
    inputs : mapping of str to (n_sessions, n_symbols) float64
        Values at the panel's bars, NaN where one is missing.
    context : PricePanel, optional
        Bars of series that are not traded.
    benchmark : PricePanel, optional
        Bars of one symbol, for features that need a benchmark.
    """

    inputs: Mapping[str, Array] = field(default_factory=dict)
    context: PricePanel | None = None
    benchmark: PricePanel | None = None


def history_of(panel: PricePanel, spec: Spec, beside: Beside) -> BarHistory:
    """Return the bars of a panel, with what its spec reads beside them.

    Raises
    ------
    SpecError
        If the spec reads an input or a series that is not given.
    DataError
        If an input's values are not those of the panel's bars.
    """
    rules = [*rules_of(spec)]
    columns = getattr(spec, "feature_columns", ())
    if beside.benchmark is not None and any(one.needs_benchmark for one in columns):
        rules.append(ContextRule(name="benchmark", missing="zero"))
    if not rules:
        return BarHistory.from_panel(panel)
    usage = {rule.name: Usage() for rule in rules}
    history = BarHistory(panel.symbols, tuple(usage))
    days = panel.sessions.astype(np.float64)
    for column, symbol in enumerate(panel.symbols):
        traded = panel.traded[:, column]
        rows = [_row(rule, panel, beside, days, column)[traded] for rule in rules]
        joined, kept = RowJoiner(rules, usage).join(np.array(rows))
        bars = np.concatenate([panel.bars[:, traded, column], joined])
        history.extend(symbol, panel.sessions[traded][kept], bars[:, kept])
    return history


def _row(
    rule: Any, panel: PricePanel, beside: Beside, days: Array, column: int
) -> Array:
    if isinstance(rule, ContextRule):
        known = beside.context
        if rule.name == "benchmark" and beside.benchmark is not None:
            known = replace(beside.benchmark, symbols=("benchmark",))
        if known is None or rule.name not in known.symbols:
            raise _absent("context", rule.name, () if known is None else known.symbols)
        own = known.symbols.index(rule.name)
        there = known.traded[:, own]
        at = known.sessions[there].astype(np.float64)
        return known_at(rule, (days, days), (at, at, known.bars[3, there, own]))
    if rule.name not in beside.inputs:
        raise _absent("inputs", rule.name, tuple(beside.inputs))
    values = np.asarray(beside.inputs[rule.name], dtype=np.float64)
    if values.shape != panel.traded.shape:
        raise DataError(
            "not the values of the panel's bars",
            field=rule.name,
            value=values.shape,
            valid=f"an array of (n_sessions, n_symbols), {panel.traded.shape}",
        )
    return values[:, column]


def _absent(kind: str, name: str, given: tuple[str, ...]) -> SpecError:
    valid = f"among those given; given are {', '.join(given) or 'none'}"
    return SpecError("ForecastSpec", kind, name, valid)
