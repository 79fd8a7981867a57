"""How trainings went, step by step, and how far each fit moved the forecasts.

A run of an earlier version has neither, and a fit that takes no step no course.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.reporting.page.blocks import Block, Chart, Words, day
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    DATES,
    LOSS,
    PERCENT,
    STRATEGY,
    label,
    layout,
    line,
    packed,
    points,
    stamps,
)

__all__ = ["course_blocks", "drift_blocks"]

# A darker cell is a greater loss; the ground shows where a fit took fewer steps.
RISING = [[0.0, "#e9e6df"], [1.0, "#2a6aa5"]]

# Steps shown of a training: what comes later hardly differs.
MOST_STEPS = 200


def drift_blocks(retrains: pd.DataFrame) -> list[Block]:
    """Say and show by how much fits have moved the forecasts for the same bars."""
    drift = _column(retrains, "drift")
    known = np.isfinite(drift)
    if not known.any():
        return []
    worst = int(np.nanargmax(np.where(known, drift, np.nan)))
    middle, most = np.median(drift[known]), drift[worst]
    when = day(retrains["session"].iloc[worst])
    return [
        Words(
            "From one fit to the next, the forecasts for the same bars moved by "
            f"{middle:.0%} of their spread (the median; the most was {most:.0%}, on "
            f"{when})."
        ),
        Chart(
            "Drift",
            "By how much each fit moved the forecasts for the same bars, as a share of "
            "their spread. Forecasts that have nothing in common are 141% apart, and "
            "opposite ones 200%.",
            [
                points(
                    stamps(pd.DatetimeIndex(retrains["session"][known])),
                    drift[known],
                    "drift",
                    STRATEGY,
                    hovertemplate="%{y:.1%}<extra></extra>",
                )
            ],
            layout(DATES, PERCENT | {"rangemode": "tozero"}, showlegend=False),
            height=220,
        ),
    ]


def course_blocks(retrains: pd.DataFrame) -> list[Block]:
    """Show losses and gradients by step, where fits have taken any."""
    trained = [len(norms) > 0 for norms in _lists(retrains, "gradient_norms")]
    table = retrains[trained] if len(retrains) else retrains
    if table.empty:
        return []
    blocks: list[Block] = [
        _by_step(table, "losses", "Training loss by step", "each training step")
    ]
    if any(map(len, _lists(table, "held_out_losses"))):
        said = "each training step, of the bars that are held out"
        blocks.append(_by_step(table, "held_out_losses", "Held-out loss by step", said))
    return [*blocks, _norms(table), _clipped(table)]


def _by_step(table: pd.DataFrame, column: str, title: str, said: str) -> Chart:
    grid = _grid(_lists(table, column))
    known = grid[np.isfinite(grid)]
    low, high = np.quantile(known, [0.02, 0.98]) if known.size else (0.0, 1.0)
    cells = {
        "type": "heatmap",
        "x": stamps(pd.DatetimeIndex(table["session"])),
        "y": packed(np.arange(1, grid.shape[1] + 1)),
        "z": packed(grid.T),
        "zmin": float(low),
        "zmax": float(high),
        "colorscale": RISING,
        "hoverongaps": False,
        "colorbar": {"thickness": 12},
        "hovertemplate": "%{x}, step %{y}: %{z:.4f}<extra></extra>",
    }
    says = f"Mean squared error of the scaled target before {said}; a column is a fit."
    axis = {"title": {"text": "step"}}
    return Chart(title, says, [cells], layout(DATES, axis, showlegend=False), 280)


def _norms(table: pd.DataFrame) -> Chart:
    grid = _grid(_lists(table, "gradient_norms"))
    there = np.isfinite(grid).any(axis=0)
    steps, grid = packed(np.flatnonzero(there) + 1), grid[:, there]
    curves = [
        ("largest", np.nanmax(grid, axis=0), LOSS),
        ("median", np.nanmedian(grid, axis=0), STRATEGY),
        ("smallest", np.nanmin(grid, axis=0), BENCHMARK),
    ]
    return Chart(
        "Gradient",
        "Norm of the gradient at each training step, before it is clipped, over all "
        "fits.",
        [
            line(steps, values, name, color, hovertemplate="%{y:.3g}")
            for name, values, color in curves
        ],
        layout({"title": {"text": "step"}}, {"type": "log"}),
        height=240,
    )


def _clipped(table: pd.DataFrame) -> Chart:
    return Chart(
        "Clipped steps",
        "Share of each fit's training steps whose gradient was longer than clip_norm "
        "and was shortened to it.",
        [
            points(
                stamps(pd.DatetimeIndex(table["session"])),
                _column(table, "clipped"),
                label("clipped"),
                STRATEGY,
                hovertemplate="%{y:.0%}<extra></extra>",
            )
        ],
        layout(DATES, PERCENT | {"range": [-0.02, 1.02]}, showlegend=False),
        height=200,
    )


def _column(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    if name not in table:
        return np.full(len(table), np.nan)
    return table[name].to_numpy(dtype="float64")


def _lists(table: pd.DataFrame, name: str) -> Sequence[Any]:
    return list(table[name]) if name in table else [()] * len(table)


def _grid(curves: Sequence[Any]) -> NDArray[np.float64]:
    """Lay curves of different lengths side by side, NaN behind their ends."""
    width = min(max(map(len, curves)), MOST_STEPS)
    grid = np.full((len(curves), width), np.nan)
    for row, curve in enumerate(curves):
        shown = np.asarray(curve[:width], dtype="float64")
        grid[row, : len(shown)] = np.where(np.isfinite(shown), shown, np.nan)
    return grid
