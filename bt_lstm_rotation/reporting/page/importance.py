"""What each input brings, as a table and a drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

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
            " What networks lose that are trained without each, a run says that is "
            'asked for importance "retrained", and the command importance.'
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
            row["kind"] if row["kind"] != "group" else ", ".join(row["members"]),
            _number(row["ic"]),
            _number(row["ic_without"]),
            _lost(row),
            _number(row["p"]),
            f"{row['sessions']:,}",
        ]
        for row in rows
    ]
    headings = ["", "What", "IC with", "IC without", "Lost", "p", "Sessions"]
    return Table(headings, cells, "llrrrrr", title, " ".join([note, *notes]))


def importance_chart(tables: Mapping[str, Rows]) -> list[Chart]:
    """Draw what is lost, with two standard errors, of each table that has rows."""
    tables = {kind: rows for kind, rows in tables.items() if rows}
    known = [row for rows in tables.values() for row in rows if _is_known(row["drop"])]
    if not known:
        return []
    traces = []
    for kind, rows in tables.items():
        name, color = DRAWN[kind]
        lost, errors = (
            [row[each] if _is_known(row[each]) else math.nan for row in rows]
            for each in ("drop", "error")
        )
        two = {
            "type": "data",
            "array": packed([2 * error for error in errors]),
            "color": BENCHMARK,
        }
        traces.append(
            points(
                packed(lost),
                [],
                name,
                color,
                marker={"size": 9, "opacity": 1.0},
                error_x=two,
                hovertemplate="%{y}: %{x:.4f}<extra></extra>",
            )
            | {"y": [label(row["name"]) for row in rows]}
        )
    count = max(len(rows) for rows in tables.values())
    return [
        Chart(
            "IC that is lost without it",
            "With two standard errors on either side: what reaches 0 may bring "
            "nothing.",
            traces,
            layout(
                {"tickformat": ".3f", "zeroline": True},
                {"autorange": "reversed", "automargin": True},
                hovermode="closest",
                showlegend=len(traces) > 1,
            ),
            height=120 + 32 * count,
        )
    ]


def _lost(row: Mapping[str, Any]) -> str:
    lost = _number(row["drop"])
    return f"{lost} ± {_number(row['error'])}" if _is_known(row["error"]) else lost


def _number(value: float | None) -> str:
    return f"{value:z.4f}" if _is_known(value) else "-"


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
