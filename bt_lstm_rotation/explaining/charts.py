"""The drawings of an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.explaining.findings import Findings
from bt_lstm_rotation.reporting.page.blocks import Chart
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    DATES,
    DIVERGING,
    EQUAL,
    LOSS,
    PALETTE,
    STRATEGY,
    bars,
    label,
    layout,
    line,
    packed,
    points,
    stamps,
)

__all__ = [
    "context_chart",
    "fading_chart",
    "gates_chart",
    "gradient_chart",
    "response_chart",
    "shares_chart",
    "units_chart",
]

Array = NDArray[np.float64]

# From closed to open.
OPENING: Final = [[0.0, "#f4efe6"], [1.0, "#1f5f99"]]
GATES: Final = ("input_gate", "forget_gate", "output_gate", "update_gate", "reset_gate")
# What is drawn of a cell, from above.
ORDER: Final = (*GATES, "candidate", "cell", "hidden")
CELL_COLORS: Final = {"lstm": STRATEGY, "gru": EQUAL, "rnn": LOSS}

LAGS: Final = {"title": {"text": "bars back"}}


def gates_chart(e: Findings) -> Chart:
    """Draw what was read of the symbol's bars, and each gate beneath it."""
    read = {n: array for n, array in e.features.items() if e.kinds[n] != "context"}
    return _layers(
        e,
        read,
        e.gates,
        "The bars that were read, and the gates beneath",
        "A row is a unit, those that remember longest at the bottom. Gates go from 0, "
        "light, to 1, dark; states from below zero, red, to above, blue.",
    )


def context_chart(e: Findings) -> Chart:
    """Draw the returns of context, and each gate of the network that reads them."""
    read = {n: array for n, array in e.features.items() if e.kinds[n] == "context"}
    return _layers(
        e,
        read,
        e.context_gates,
        "The series beside them, and the gates of their own network",
        "Log returns of what is context, and a network that reads nothing else. What "
        "its states add, the symbol has weights of its own for.",
    )


def _layers(
    e: Findings,
    read: Mapping[str, Array],
    gates: Mapping[str, Array],
    title: str,
    note: str,
) -> Chart:
    """Draw what a network read, and its gates beneath, unit by unit."""
    days = stamps(pd.DatetimeIndex(e.dates))
    shown = [name for name in ORDER if name in gates]
    heights = [1.0] * len(read) + [1.6] * len(shown)
    domains = _stacked(heights)
    traces: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    for number, (name, values) in enumerate(read.items()):
        axis = _axis(number)
        colors = [STRATEGY if value >= 0 else LOSS for value in values]
        trace = bars(days, values, name, colors, hovertemplate="%{y:.4g}")
        traces.append({**trace, "yaxis": axis})
        axes[_layout_name(number)] = {
            "domain": domains[number],
            "title": {"text": label(name), "font": {"size": 10}},
        }
    for number, name in enumerate(shown, start=len(read)):
        traces.append(_heat(days, gates[name], name) | {"yaxis": _axis(number)})
        axes[_layout_name(number)] = {
            "domain": domains[number],
            "title": {"text": label(name.replace("_", " ")), "font": {"size": 10}},
            "showticklabels": False,
        }
    drawing = layout(
        DATES | {"anchor": _axis(len(heights) - 1)},
        axes.pop("yaxis"),
        showlegend=False,
        hovermode="closest",
        **axes,
    )
    height = 110 * len(read) + 150 * len(shown)
    return Chart(title, note, traces, drawing, height=height)


def _heat(days: Any, values: Array, name: str) -> dict[str, Any]:
    is_gate = name in GATES
    most = 1.0 if is_gate else float(np.abs(values).max()) or 1.0
    return {
        "type": "heatmap",
        "x": days,
        "y": packed(np.arange(values.shape[1])[::-1]),
        "z": packed(values.T),
        "zmin": 0.0 if is_gate else -most,
        "zmax": most,
        "colorscale": OPENING if is_gate else DIVERGING,
        "showscale": False,
        "name": label(name),
        "hovertemplate": f"%{{x}}: {name} %{{z:.3f}}<extra></extra>",
    }


def shares_chart(e: Findings) -> Chart:
    """Draw what each bar added to the forecast, by what was read of it."""
    days = stamps(pd.DatetimeIndex(e.dates))
    form = "%{y:+.4%}<extra>%{fullData.name}</extra>"
    return Chart(
        "What each bar added",
        "Integrated gradients: the bars add up to the forecast less that of the "
        "window's mean bar.",
        [
            bars(days, e.attribution.shares[:, place], name, PALETTE[place % 12],
                hovertemplate=form)
            for place, name in enumerate(e.features)
        ],
        layout(DATES, {"tickformat": ".2%"}, barmode="relative"),
        height=280,
    )  # fmt: skip


def gradient_chart(e: Findings) -> Chart:
    """Draw how much each past bar counts, for each cell."""
    form = "%{y:.2e}<extra>%{fullData.name}</extra>"
    return Chart(
        "How much a past bar counts",
        "By how much the forecast moves for a move of one deviation of what is read "
        "of a bar, by how long ago the bar was.",
        [
            line(_lags(view.gradient), view.gradient, cell.upper(), CELL_COLORS[cell],
                hovertemplate=form)
            for cell, view in e.cells.items()
        ],
        layout(LAGS, {"type": "log", "exponentformat": "power"}),
        height=280,
    )  # fmt: skip


def fading_chart(e: Findings) -> Chart:
    """Draw how the gradient of the last state fades, whatever the head makes of it."""
    form = "%{y:.2e}<extra>%{fullData.name}</extra>"
    return Chart(
        "How the gradient fades",
        "Norm of the last hidden state's gradient with respect to a past bar, as a "
        "share of that to the last bar.",
        [
            line(_lags(view.norms), view.norms / max(view.norms[0], 1e-300),
                cell.upper(), CELL_COLORS[cell], hovertemplate=form)
            for cell, view in e.cells.items()
        ],
        layout(LAGS, {"type": "log", "exponentformat": "power"}),
        height=280,
    )  # fmt: skip


def response_chart(e: Findings) -> Chart:
    """Draw the filter that a network amounts to, beside two that are filters."""
    colors = (STRATEGY, PALETTE[4], EQUAL, BENCHMARK)
    form = "%{y:.4f}<extra>%{fullData.name}</extra>"
    return Chart(
        "The filter that it amounts to",
        "What an extra return of 1 adds to the forecast, by how long ago it was. Where "
        "the two lines of the network part, it is not linear; filters were fitted on "
        "the same window.",
        [
            line(_lags(values), values, name, color, hovertemplate=form)
            for (name, values), color in zip(e.responses.items(), colors, strict=True)
        ],
        layout(LAGS),
        height=300,
    )


def units_chart(e: Findings) -> Chart:
    """Draw the units' time constants before and after, and the head's weights."""
    form = "%{x:.3g} bars: %{y:.3g}<extra>%{fullData.name}</extra>"
    begun, now = e.memories_at_start, e.memories
    return Chart(
        "Memory by unit",
        "A point is a unit: its time constant, and the deviation of the scaled "
        "forecast that it alone would make. At the start the head is zero; where no "
        "step is taken, time constants stay as they began.",
        [
            points(packed(begun.bars), begun.weights, "start", BENCHMARK,
                hovertemplate=form, marker={"size": 9, "symbol": "line-ns-open"}),
            points(packed(now.bars), now.weights, "now", STRATEGY,
                hovertemplate=form, marker={"size": 8, "opacity": 0.8}),
        ],
        layout(
            {"type": "log", "title": {"text": "time constant, bars"}},
            {"title": {"text": "weight"}},
            hovermode="closest",
        ),
        height=280,
    )  # fmt: skip


def _lags(values: Array) -> dict[str, str]:
    return packed(np.arange(len(values)))


def _stacked(heights: list[float]) -> list[list[float]]:
    """Share a chart's height out from above, with gaps between."""
    gap = 0.02
    unit = (1 - gap * (len(heights) - 1)) / sum(heights)
    domains, top = [], 1.0
    for height in heights:
        bottom = max(top - unit * height, 0.0)
        domains.append([bottom, top])
        top = bottom - gap
    return domains


def _axis(number: int) -> str:
    return "y" if not number else f"y{number + 1}"


def _layout_name(number: int) -> str:
    return "yaxis" if not number else f"yaxis{number + 1}"
