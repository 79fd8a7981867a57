"""Whether the forecasts were worth anything, as factor analysis asks it."""

from __future__ import annotations

import numpy as np

from bt_lstm_rotation.reporting.figures import FORECAST, FORECAST_COUNTS
from bt_lstm_rotation.reporting.page.accuracy import accuracy_blocks, beside_nothing
from bt_lstm_rotation.reporting.page.blocks import Block, Section, Table, Words
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
    shown = shown_forecasts(result)
    if np.isfinite(shown.realised).any():
        blocks.append(beside_nothing(shown))
        blocks += information_blocks(shown)
        blocks += accuracy_blocks(shown, result.forecasts)
    return Section("Forecasts", blocks)
