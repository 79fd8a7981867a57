"""What a run says in the terminal: how long it will take, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bt_lstm_rotation.reporting.figures import FORECAST, METRICS, caveat
from bt_lstm_rotation.result import BacktestResult

__all__ = ["announce", "print_line", "print_summary"]


def announce(console: Console, cores: int, planned: int, seconds: float) -> None:
    """Say, before a long run, how long it will take.

    `planned` fits of `seconds` each, as the first took, `cores` at a time.
    """
    left = planned * seconds / cores
    long = f"{left:,.0f} s" if left < 120 else f"{left / 60:,.0f} min"
    memory = peak_memory()
    much = "" if memory is None else f", about {memory / 1e9:.1f} GB of memory"
    console.print(f"{planned:,} fits, about {long} on {cores} cores{much}")


def print_line(text: str) -> None:
    """Print a line, unbroken, so that a long path in it can be copied."""
    Console().print(text, soft_wrap=True, markup=False, highlight=False)


def peak_memory() -> int | None:
    """Most memory that this process has had so far, in bytes; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def print_summary(result: BacktestResult, folder: Path, console: Console) -> None:
    """Print how a run did, and where its files are."""
    summary = result.summary
    console.print(_performance(result))
    if not result.forecasts.empty:
        shown = ", ".join(f"{f.label} {f.of(summary['forecast'])}" for f in FORECAST)
        console.print(Text(f"Forecasts: {shown}"))
    counts = ", ".join(f"{n:,} {status}" for status, n in summary["orders"].items())
    console.print(Text(f"Orders:    {counts}"))
    if warning := caveat(summary["data"]["source"]):
        console.print(Text(f"Note:      {warning}"))
    for note in _notes(summary):
        console.print(Text(f"Note:      {_shown(note)}"))
    # Unbroken, so that a long path can be copied.
    console.print(Text(f"Report:    {folder / 'report.html'}"), soft_wrap=True)


def _notes(summary: Mapping[str, Any]) -> list[str]:
    found = len(summary["data"].get("findings", []))
    bars = [f"{found:,} bars look wrong; the report lists them."] if found else []
    return [*summary.get("notes", []), *bars]


def _performance(result: BacktestResult) -> Table:
    summary, sessions = result.summary, result.account.index
    period = f"{sessions[0]:%Y-%m-%d} to {sessions[-1]:%Y-%m-%d}"
    # Text and not str, in which rich would read [red] as an order.
    table = Table(title=Text(f"{_shown(summary['strategy']['name'])}, {period}"))
    table.add_column("")
    table.add_column("Strategy", justify="right")
    columns = [summary["metrics"]]
    if summary["benchmark"] is not None:
        table.add_column(Text(_shown(summary["data"]["benchmark"])), justify="right")
        columns.append(summary["benchmark"])
    for figure in METRICS:
        table.add_row(figure.label, *(figure.of(column) for column in columns))
    return table


def _shown(name: str) -> str:
    # An escape sequence in a feed's name would be obeyed by the terminal.
    return name if name.isprintable() else ascii(name)
