"""An explanation as one page: words, charts and tables."""

from __future__ import annotations

import numpy as np

from bt_lstm_rotation.explaining.charts import (
    context_chart,
    fading_chart,
    gates_chart,
    gradient_chart,
    response_chart,
    shares_chart,
    units_chart,
)
from bt_lstm_rotation.explaining.findings import Findings
from bt_lstm_rotation.explaining.words import sentences, signed_percent
from bt_lstm_rotation.reporting.page import page
from bt_lstm_rotation.reporting.page.blocks import Block, Section, Table, Words

__all__ = ["findings_page"]


def findings_page(found: Findings) -> str:
    """Render an explanation; the same gives the same text."""
    first, *others = sentences(found)
    title = f"{found.symbol} on {found.session}, explained"
    return page(
        title=title,
        heading=title,
        sections=[
            Section("", [Words(first, "strong"), *map(Words, others)]),
            Section("What the gates did", _gates(found)),
            Section("What the forecast is made of", _shares(found)),
            Section("How far back it looks", _reach(found)),
            Section("What it learnt beyond a filter", _filters(found)),
            Section("Past bars like these", _past(found)),
        ],
        arrays={},
    )


def _gates(e: Findings) -> list[Block]:
    drawn = [gates_chart(e), *([context_chart(e)] if e.context_gates else [])]
    return [
        *drawn,
        Words(
            "The network begins at a state of zero at the first bar shown: what its "
            "states do in the first bars is the way from there, and nothing that the "
            "market did.",
            "note",
        ),
    ]


def _shares(e: Findings) -> list[Block]:
    shares = e.attribution.shares
    rows = [["the mean bar throughout", signed_percent(e.attribution.baseline), "", ""]]
    for place, name in enumerate(e.features):
        own = shares[:, place]
        recent = own[-21:].sum()
        told = [signed_percent(own.sum()), signed_percent(recent)]
        rows.append([name, *told, e.kinds[name]])
    rows.append(["the forecast", signed_percent(e.forecast), "", ""])
    note = (
        f"They add up to within {abs(e.attribution.gap):.0e}. Integrated gradients "
        "from the window's mean bar (Sundararajan et al. 2017)."
    )
    heads = ["", "Adds", "of it the last 21 bars", "What"]
    return [shares_chart(e), Table(heads, rows, "nrrl", "By what is read", note)]


def _reach(e: Findings) -> list[Block]:
    rows = [
        [
            cell.upper(),
            signed_percent(view.forecast),
            f"{view.half_life:,}",
            "-" if np.isnan(view.keeps) else f"{view.keeps:.3f}",
        ]
        for cell, view in e.cells.items()
    ]
    heads = ["Cell", "Forecast", "Half of its gradient, bars", "A bar keeps"]
    note = (
        "The last column: the share of the last state's gradient that is left from one "
        "bar to the one before it, beyond the first five."
    )
    table = Table(heads, rows, "lrrr", "Three cells on the same window", note)
    return [gradient_chart(e), fading_chart(e), table]


def _filters(e: Findings) -> list[Block]:
    drawn: list[Block] = [response_chart(e), units_chart(e)]
    if e.context_gates:
        note = (
            "All of it is of the network that reads the symbol's own bars, with "
            "everything else as it was; the one over context is not in it."
        )
        drawn.append(Words(note, "note"))
    return drawn


def _past(e: Findings) -> list[Block]:
    kind = "relative return" if e.relative else "return"
    rows = [
        [
            str(one.session),
            one.symbol,
            f"{one.distance:.2f}",
            signed_percent(one.followed),
        ]
        for one in e.situations
    ]
    heads = ["Session", "Symbol", "Distance", f"The {kind} that followed"]
    note = (
        "Bars of the fit's own window, at least a horizon apart within a symbol; the "
        "distance is between hidden states, in deviations of a unit. What followed is "
        f"over {e.horizon} sessions, and the network was fitted on it."
    )
    return [Table(heads, rows, "llrr", "The nearest by hidden state", note)]
