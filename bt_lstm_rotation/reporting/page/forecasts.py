"""Whether the forecasts were worth anything, as factor analysis asks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bt_lstm_rotation.reporting.figures import FORECAST, FORECAST_COUNTS
from bt_lstm_rotation.reporting.page.accuracy import accuracy_blocks, beside_nothing
from bt_lstm_rotation.reporting.page.blocks import Block, Section, Table, Words
from bt_lstm_rotation.reporting.page.importance import importance_blocks
from bt_lstm_rotation.reporting.page.information import information_blocks
from bt_lstm_rotation.reporting.page.shown_forecasts import shown_forecasts
from bt_lstm_rotation.result import BacktestResult

__all__ = ["forecast_section"]

MEANING = (
    "A correlation (IC) of 0 is guessing and 1 is knowing which symbol does best, a "
    "hit ratio of 50% is a coin, and an error ratio below 1 is closer to what came "
    "than a forecast of no change."
)


def forecast_section(result: BacktestResult) -> Section | None:
    """Return the section on the forecasts, if there were any."""
    if result.forecasts.empty:
        return None
    measured = result.summary["forecast"]
    blocks: list[Block] = [
        Words(MEANING),
        Table(
            [],
            [
                [figure.label, figure.of(measured), figure.meaning]
                for figure in FORECAST + FORECAST_COUNTS
            ],
            "lrs",
            "Skill of the forecasts",
        ),
    ]
    if inputs := result.summary.get("inputs"):
        blocks.append(_inputs(inputs))
    blocks += importance_blocks(result.importance, result.summary.get("importance"))
    shown = shown_forecasts(result)
    if np.isfinite(shown.realised).any():
        blocks.append(beside_nothing(shown))
        blocks += information_blocks(shown)
        blocks += accuracy_blocks(shown, result.forecasts)
    return Section("Forecasts", blocks)


def _inputs(inputs: Mapping[str, Mapping[str, Any]]) -> Table:
    """Say what was read beside the bars, and how often it was missing."""
    policies = {"leave_out": "left out", "carry": "carried on", "zero": "the mean"}
    rows = [
        [
            name,
            told["kind"],
            policies.get(told["missing"], told["missing"]),
            *(f"{told[count]:,}" for count in ("left_out", "carried", "zeroed")),
        ]
        for name, told in inputs.items()
    ]
    return Table(
        ["", "What", "Where missing", "Left out", "Carried", "Mean"],
        rows,
        "lllrrr",
        "What forecasts read beside the bars",
        "Counts are bars of all symbols, history for training included: left out, and "
        "so without a forecast; with the last value carried on; or counted as the "
        "window's mean.",
    )
