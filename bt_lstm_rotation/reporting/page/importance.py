"""What each input brings, as a table and a drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from bt_lstm_rotation.reporting.page.blocks import Block, Chart, Table, Words, records
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    EQUAL,
    STRATEGY,
    label,
    layout,
    packed,
    points,
)

__all__ = ["TITLES", "importance_blocks", "importance_chart", "importance_table"]

TITLES: Final = {
    "permuted": (
        "Networks as trained, shown values that are not their own",
        "IC without: of forecasts from permuted values. Lost: the mean of the "
        "sessions' differences, with its standard error (equal-weighted cosines). p: "
        "the chance of losing so much of what brings nothing. Columns that say the "
        "same share what they bring.",
    ),
    "refitted": (
        "Networks trained without it",
        "The same of forecasts of a walk forward whose networks never saw it. What "
        "another column can stand in for loses nothing here.",
    ),
}
DRAWN: Final = {
    "permuted": ("permuted", STRATEGY),
    "refitted": ("left out of training", EQUAL),
}

# Below, a chance that is not 0 would be written as 0.
LEAST: Final = 0.00005

# Between the marks of one row, whose height is 1.
APART: Final = 0.3

Rows = Sequence[Mapping[str, Any]]


def importance_blocks(
    table: pd.DataFrame, figures: Mapping[str, Any] | None
) -> list[Block]:
    """Lay out what a run has found of its inputs; nothing if it was not asked for."""
    if table.empty or not figures:
        return []
    rows = records(table)
    tables = {kind: [row for row in rows if row["table"] == kind] for kind in TITLES}
    how = f"{figures['permutations']:,} permutations, seed {figures['seed']}."
    if not tables["refitted"]:
        how += (
            " What networks lose that are trained without each was not measured: "
            "--importance retrained does, and the command importance."
        )
    return [
        *(Words(sentence) for sentence in figures["sentences"][1:]),
        *(importance_table(kind, each) for kind, each in tables.items() if each),
        *importance_chart(tables),
        Words(how, "note"),
    ]


def importance_table(kind: str, rows: Rows) -> Table:
    """Lay out rows of one kind, "permuted" or "refitted"."""
    title, note = TITLES[kind]
    notes = [f"{row['name']}: {row['note']}." for row in rows if row["note"]]
    cells = [
        [
            row["name"],
            _lost(row),
            _chance(row["p"]),
            _number(row["ic"]),
            _number(row["ic_without"]),
            f"{row['sessions']:,}",
            row["kind"] if row["kind"] != "group" else ", ".join(row["members"]),
        ]
        for row in rows
    ]
    # What a phone has room for comes first.
    headings = ["", "Lost", "p", "IC with", "IC without", "Sessions", "What"]
    return Table(headings, cells, "nrrrrrl", title, " ".join([note, *notes]))


def importance_chart(tables: Mapping[str, Rows]) -> list[Chart]:
    """Draw what is lost, with two standard errors, of each table that has rows."""
    tables = {kind: rows for kind, rows in tables.items() if rows}
    known = [row for rows in tables.values() for row in rows if _is_known(row["drop"])]
    if not known:
        return []
    names = [label(row["name"]) for row in max(tables.values(), key=len)]
    apart = APART * (np.arange(len(tables)) - (len(tables) - 1) / 2)
    traces = [
        _marks(kind, rows, place)
        for (kind, rows), place in zip(tables.items(), apart, strict=True)
    ]
    return [
        Chart(
            "IC that is lost without it",
            "With two standard errors on either side: what reaches 0 may bring "
            "nothing.",
            traces,
            layout(
                {"tickformat": ".3f", "zeroline": True, "zerolinecolor": BENCHMARK},
                {
                    "range": [len(names) - 0.5, -0.5],  # from above
                    "tickvals": list(range(len(names))),
                    "ticktext": names,
                    "automargin": True,
                },
                hovermode="closest",
                showlegend=len(traces) > 1,
            ),
            height=120 + 32 * len(names),
        )
    ]


def _marks(kind: str, rows: Rows, apart: float) -> dict[str, Any]:
    """Draw a table's rows, so far below the middle of each that none hides another."""
    name, color = DRAWN[kind]
    lost, errors = (
        [row[each] if _is_known(row[each]) else math.nan for row in rows]
        for each in ("drop", "error")
    )
    return points(
        packed(lost),
        np.arange(len(rows)) + apart,
        name,
        color,
        marker={"size": 9, "opacity": 1.0},
        error_x={"type": "data", "array": packed(2 * np.array(errors)), "color": color},
        text=[label(row["name"]) for row in rows],
        hovertemplate="%{text}: %{x:.4f}<extra></extra>",
    )


def _lost(row: Mapping[str, Any]) -> str:
    lost = _number(row["drop"])
    return f"{lost} ± {_number(row['error'])}" if _is_known(row["error"]) else lost


def _chance(p: float | None) -> str:
    return "<0.0001" if p is not None and p < LEAST else _number(p)


def _number(value: float | None) -> str:
    return f"{value:z.4f}" if _is_known(value) else "-"


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
