"""What was trained: every fit, how long it took, and what became of it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bt_lstm_rotation.reporting.page.blocks import (
    Block,
    Chart,
    Section,
    Table,
    Words,
    cut,
    day,
    records,
)
from bt_lstm_rotation.reporting.page.courses import course_blocks, drift_blocks
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    DATES,
    STRATEGY,
    layout,
    points,
    stamps,
)

__all__ = ["training_section"]

# Fits of a month over forty years.
MOST_FITS = 500


def training_section(retrains: pd.DataFrame) -> Section | None:
    """Return the section on the fits, if any were made."""
    if retrains.empty:
        return None
    count, failed = len(retrains), retrains[retrains["status"] != "ok"]
    seconds = retrains["seconds"].sum()
    outcome = (
        "None was thrown away."
        if failed.empty
        else "Some were thrown away, and an earlier one served on:"
    )
    blocks: list[Block] = [
        Words(f"{count:,} fit{'s' * (count != 1)} in {seconds:,.1f} seconds. {outcome}")
    ]
    if not failed.empty:
        shown, note = cut(failed, "retrains.csv")
        rows = [
            [day(fit["session"]), fit["status"], day(fit["served_by"])]
            for fit in records(shown)
        ]
        headings = ["Session", "Why", "Served by the fit of"]
        blocks.append(Table(headings, rows, "lll", "Fits thrown away", note))
    if retrains["last_loss"].notna().any():
        blocks.append(_losses(retrains))
    blocks += [*drift_blocks(retrains), *course_blocks(retrains), _ledger(retrains)]
    return Section("Training", blocks)


def _losses(retrains: pd.DataFrame) -> Chart:
    made = stamps(pd.DatetimeIndex(retrains["session"]))
    form = "%{y:.4f}<extra>%{fullData.name}</extra>"
    return Chart(
        "Loss",
        "Mean squared error of the scaled target before the first step of each fit and "
        "before its last. A target without anything to learn has a loss of 1.",
        [
            points(made, retrains[column], name, color, hovertemplate=form)
            for column, name, color in (
                ("first_loss", "first", BENCHMARK),
                ("last_loss", "last", STRATEGY),
            )
        ],
        layout(DATES),
        height=260,
    )


def _ledger(retrains: pd.DataFrame) -> Table:
    shown, note = cut(retrains, "retrains.csv", MOST_FITS)
    return Table(
        [
            "Session",
            "First bar",
            "Targets up to",
            "Symbols",
            "Bars",
            "First loss",
            "Last loss",
            "Seconds",
            "Origin",
            "Status",
        ],
        list(map(_fit, records(shown))),
        "lllrrrrrll",
        "Every fit",
        note,
        folded=True,
    )


def _fit(fit: dict[str, Any]) -> list[str]:
    losses = (fit["first_loss"], fit["last_loss"])
    return [
        *(day(fit[name]) for name in ("session", "first_bar", "last_target")),
        f"{len(fit['symbols']):,}",
        f"{fit['n_bars']:,}",
        *("-" if pd.isna(loss) else f"{loss:.4f}" for loss in losses),
        f"{fit['seconds']:.2f}",
        fit["origin"],
        fit["status"],
    ]
