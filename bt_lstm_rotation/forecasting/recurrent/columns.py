"""What a network reads of each bar: features, inputs, and the returns of context."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features import compute, warmup
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["Column", "columns_read", "context_columns", "own_columns"]

Array = NDArray[np.float64]


class Column(NamedTuple):
    """What a network reads of each bar: its name, and its kind.

    The kind is "feature", "input" or "context".
    """

    name: str
    kind: str


def columns_read(spec: RecurrentSettings) -> tuple[Column, ...]:
    """Name all columns, each differently: `own_columns`, then `context_columns`."""
    made = [Column(name, "feature") for name in spec.features]
    made += [Column(rule.name, "input") for rule in spec.inputs]
    taken = {*spec.features, *spec.extra}
    for rule in spec.inputs:
        if rule.missing == "zero":
            name = f"{rule.name} is missing"
            while name in taken:  # somebody's input may be called that
                name += "?"
            taken.add(name)
            made.append(Column(name, "input"))
    return *made, *(Column(rule.name, "context") for rule in spec.context)


def own_columns(spec: RecurrentSettings, window: Window) -> Array:
    """Make what is read of each symbol's own bars, in the order of `spec.signs`.

    Returns
    -------
    (..., n_symbols, n_bars - spec.skipped, n_columns) float64
        NaN where an input is missing that then counts as the mean.
    """
    reached = warmup(spec.feature_columns)
    features = compute(spec.feature_columns, window)[..., spec.skipped - reached :, :]
    if not spec.inputs:
        return features
    rows = [window.row(rule.name)[..., spec.skipped :] for rule in spec.inputs]
    absent = [
        np.isnan(row).astype(np.float64)
        for row, rule in zip(rows, spec.inputs, strict=True)
        if rule.missing == "zero"
    ]
    given = np.stack([*rows, *absent], axis=-1)
    return np.concatenate([features, given], axis=-1)


def context_columns(spec: RecurrentSettings, window: Window) -> Array:
    """Make the log returns of what is context, from each bar to the next.

    Returns
    -------
    (..., n_symbols, n_bars - spec.skipped, n_context) float64
        NaN where one is missing; 0 where it had no close since the bar before.
    """
    closes = np.stack([window.row(rule.name) for rule in spec.context], axis=-1)
    logs = np.log(closes[..., spec.skipped - 1 :, :])
    returns: Array = logs[..., 1:, :] - logs[..., :-1, :]
    return returns
