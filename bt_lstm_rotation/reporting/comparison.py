"""Several runs side by side: figures, differences, and how sure those are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bt_lstm_rotation.disk import checked_file, disk_errors, write_atomically
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.measures.bootstrap import difference
from bt_lstm_rotation.measures.flows import growth
from bt_lstm_rotation.measures.performance import drawdown
from bt_lstm_rotation.reporting.figures import (
    FORECAST,
    METRICS,
    Figure,
    percent,
    ratio,
)
from bt_lstm_rotation.reporting.files import OWN_FILES, SURROGATES
from bt_lstm_rotation.reporting.page import MARKS, page
from bt_lstm_rotation.reporting.page.blocks import Block, Chart, Section, Table, Words
from bt_lstm_rotation.reporting.page.plots import PALETTE, layout, line, stamps, weekly
from bt_lstm_rotation.reporting.reading import read_run
from bt_lstm_rotation.result import BacktestResult

__all__ = ["compare", "comparison_page"]

# More lines than colours cannot be told apart.
MOST_DRAWN = len(PALETTE)

FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "growth": ("Growth a year", percent),
    "sharpe": ("Sharpe", ratio),
    "annual_volatility": ("Volatility a year", percent),
}

MEANING = (
    "Each run less the first, on the sessions that both have, and between which values "
    "95% of 2,000 resampled paths lie (stationary bootstrap). Where 0 lies between "
    "them, there is no evidence that the two differ; of many comparisons, one in "
    "twenty leaves it out by chance."
)


def compare(folders: Sequence[Path], out: Path) -> list[Table]:
    """Write a page with the runs of some folders side by side; return its tables.

    Raises
    ------
    OutputError
        If a folder holds no whole run, there are fewer than two, or the page cannot be
        written: an earlier one is then as it was, and so is a file that is no page of
        ours.
    """
    place = checked_file(out, "the page", marks=MARKS)
    if place.name in OWN_FILES and (place.parent / "summary.json").exists():
        raise OutputError(f"{out} is one of a run's own files; choose another name")
    names = _names(folders)
    runs = {name: read_run(folder) for name, folder in zip(names, folders, strict=True)}
    tables = [_side_by_side(runs), _differences(runs)]
    problem = f"the page cannot be written to {out}"
    with disk_errors(OutputError, problem, "choose a file that can be written"):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(
            place, comparison_page(runs, *tables).encode("utf-8", SURROGATES)
        )
    return tables


def comparison_page(
    runs: Mapping[str, BacktestResult], figures: Table, gaps: Table
) -> str:
    """Render runs side by side; the first of them is the yardstick."""
    title = f"{len(runs)} runs compared"
    return page(
        title=title,
        heading=title,
        sections=[
            Section("", [Words(_spans(runs))]),
            Section("Side by side", [figures, *_curves(runs)]),
            Section(f"Compared with {next(iter(runs))}", [Words(MEANING), gaps]),
        ],
        arrays={},
    )


def _side_by_side(runs: Mapping[str, BacktestResult]) -> Table:
    parts: list[tuple[Sequence[Figure], str]] = [(METRICS, "metrics")]
    if any(not run.forecasts.empty for run in runs.values()):
        parts.append((FORECAST, "forecast"))
    rows = [
        [figure.label, *(figure.of(run.summary[part]) for run in runs.values())]
        for figures, part in parts
        for figure in figures
    ]
    align = "l" + "r" * len(runs)
    return Table(["", *runs], rows, align, "Figures of each run")


def _differences(runs: Mapping[str, BacktestResult], seed: int = 0) -> Table:
    """Compare each run but the first with the first."""
    (_, base), *others = runs.items()
    periods = base.summary["metrics"]["periods_a_year"] or math.nan
    rows = []
    for name, run in others:
        found = difference(
            _returns(run), _returns(base), periods_a_year=periods, seed=seed
        )
        for key, (label, form) in FIGURES.items():
            gap = found[key]
            told = [form(value) for value in (gap.estimate, gap.low, gap.high)]
            sure = "yes" if gap.low > 0 or gap.high < 0 else "no"
            rows.append([name, label, *told, sure])
    headings = ["Run", "Figure", "Difference", "From", "To", "Beyond chance"]
    return Table(headings, rows, "llrrrl", "Differences")


def _spans(runs: Mapping[str, BacktestResult]) -> str:
    spans = {
        f"{run.account.index[0]:%Y-%m-%d} to {run.account.index[-1]:%Y-%m-%d}"
        for run in runs.values()
    }
    if len(spans) == 1:
        return f"All of them run from {spans.pop()}."
    return (
        "They cover different sessions, so that their figures are of different times; "
        "the differences below are of the sessions that two runs share."
    )


def _curves(runs: Mapping[str, BacktestResult]) -> list[Block]:
    equity, falls = [], []
    for color, (name, run) in zip(PALETTE, runs.items(), strict=False):
        worth = weekly(_growth(run) / _growth(run).iloc[0])
        x = stamps(pd.DatetimeIndex(worth.index))
        equity.append(line(x, worth, name, color))
        depth = drawdown(_growth(run)).loc[worth.index]
        falls.append(line(x, depth, name, color))
    more = len(runs) - MOST_DRAWN
    left_out = f" The first {MOST_DRAWN} of {len(runs)}." if more > 0 else ""
    dates = {"type": "date"}
    return [
        Chart(
            "Equity",
            f"What 1 at the first close became.{left_out}",
            equity,
            layout(dates, {"type": "log", "dtick": "D2"}),
            height=400,
            scales=True,
        ),
        Chart(
            "Drawdown",
            f"How far each was below the highest it had been.{left_out}",
            falls,
            layout(dates, {"tickformat": ".0%"}),
            height=260,
        ),
    ]


def _growth(run: BacktestResult) -> pd.Series[Any]:
    return growth(run.account["equity"], run.account["flows"])


def _returns(run: BacktestResult) -> pd.Series[Any]:
    worth = _growth(run)
    found = (worth / worth.shift() - 1).iloc[1:]
    # Of an account that has lost all it had there are no returns any more.
    sound: pd.Series[Any] = found[(worth > 0).iloc[1:] & (found > -1)]
    return sound


def _names(folders: Sequence[Path]) -> list[str]:
    """Name runs by the shortest ends of their paths that tell them apart."""
    if len(folders) < 2:
        raise OutputError(f"name two runs or more to compare (got {len(folders)})")
    paths = [folder.resolve().parts for folder in folders]
    for length in range(1, max(map(len, paths)) + 1):
        names = ["/".join(parts[-length:]) for parts in paths]
        if len(set(names)) == len(names):
            return names
    raise OutputError("a run is named twice; name each once")
