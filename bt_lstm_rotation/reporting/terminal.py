"""What a run says in the terminal: how long it will take, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bt_lstm_rotation.escaping import printable, printable_line
from bt_lstm_rotation.measures.flows import growth
from bt_lstm_rotation.measures.performance import drawdown
from bt_lstm_rotation.reporting.consoles import standard_error, standard_output
from bt_lstm_rotation.reporting.figures import FORECAST, METRICS, caveat
from bt_lstm_rotation.reporting.sparkline import sparkline
from bt_lstm_rotation.reporting.words_of_skill import run_sentences
from bt_lstm_rotation.result import BacktestResult

__all__ = ["announce", "print_summary"]


def announce(console: Console, cores: int | None, planned: int, seconds: float) -> None:
    """Say, before a long run, how long it will take.

    `planned` fits of `seconds` each, as the first took, `cores` at a time; None where
    that is not known, as on a cluster.
    """
    left = planned * seconds / (cores or 1)
    long = f"{left:,.0f} s" if left < 120 else f"{left / 60:,.0f} min"
    memory = peak_memory()
    much = "" if memory is None else f", about {memory / 1e9:.1f} GB of memory"
    if cores is None:
        where = "of work for the cluster"
    else:
        where = f"on {cores} cores{much}" if cores > 1 else f"on 1 core{much}"
    console.print(f"{planned:,} fits, about {long} {where}")


def peak_memory() -> int | None:
    """Most memory that this process has had so far, in bytes; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def print_summary(
    result: BacktestResult,
    folder: Path | None = None,
    console: Console | None = None,
    aside: Console | None = None,
) -> None:
    """Print how a run did, and what to look at next.

    Parameters
    ----------
    folder : Path, optional
        Where its files are.
    console : Console, optional
        Of the figures; by default the standard output.
    aside : Console, optional
        Of all that is no figure; by default `console`, if that is given, or the
        standard error.
    """
    aside = aside or console or standard_error()
    console = console or standard_output()
    summary = result.summary
    console.print(_performance(result))
    if not console.options.ascii_only:
        for name, curve in _curves(result):
            console.print(Text(f"{name:10} {sparkline(curve)}"))
    if not result.forecasts.empty:
        shown = ", ".join(f"{f.label} {f.of(summary['forecast'])}" for f in FORECAST)
        console.print(Text(f"Forecasts  {shown}"))
    for sentence in run_sentences(result):
        console.print(Text(f"Verdict    {sentence}"), soft_wrap=True)
    for sentence in summary.get("importance", {}).get("sentences", [])[1:]:
        console.print(Text(f"Inputs     {printable_line(sentence)}"), soft_wrap=True)
    counts = ", ".join(f"{n:,} {status}" for status, n in summary["orders"].items())
    console.print(Text(f"Orders     {counts}"))
    if folder is not None:
        # Unbroken, so that a long path can be copied.
        report = Text(f"Report     {printable_line(str(folder / 'report.html'))}")
        console.print(report, soft_wrap=True)
    sentences = [f"Note: {note}" for note in _notes(summary)]
    sentences += [f"Next: {step}" for step in _next_steps(result)]
    for sentence in sentences:
        aside.print(Text(printable_line(sentence)), soft_wrap=True)


def _notes(summary: Mapping[str, Any]) -> list[str]:
    found = len(summary["data"].get("findings", []))
    things = "1 thing was" if found == 1 else f"{found:,} things were"
    odd = [f"{things} odd about the bars; see the report."] if found else []
    warning = caveat(summary["data"]["source"])
    return [*([warning] if warning else []), *summary.get("notes", []), *odd]


def _curves(result: BacktestResult) -> Iterator[tuple[str, pd.Series[Any]]]:
    """Yield what is drawn in a line each; of a run of one session, nothing."""
    curve = growth(result.account["equity"], result.account.get("flows"))
    if len(curve) > 1:
        yield "Equity", np.log(curve) if (curve > 0).all() else curve
        yield "Drawdown", drawdown(curve)


def _next_steps(result: BacktestResult) -> Iterator[str]:
    """Yield what a reader should look at before the equity curve."""
    summary = result.summary
    if not result.forecasts.empty:
        yield (
            "is it skill or luck? The command verdict compares it with rivals, with "
            "other seeds and with chance, before you believe the curve."
        )
    if rejected := summary["orders"]["rejected"]:
        yield f"why were {rejected:,} orders rejected? orders.csv and events.csv tell."
    if failed := int((result.retrains["status"] != "ok").sum()):
        yield f"why did {failed:,} fits fail? retrains.csv has the reasons."


def _performance(result: BacktestResult) -> Table:
    summary, sessions = result.summary, result.account.index
    period = f"{sessions[0]:%Y-%m-%d} to {sessions[-1]:%Y-%m-%d}"
    # Text and not str, in which rich would read [red] as an order.
    table = Table(title=Text(f"{printable(summary['strategy']['name'])}, {period}"))
    table.add_column("")
    table.add_column("Strategy", justify="right")
    columns = [summary["metrics"]]
    if summary["benchmark"] is not None:
        table.add_column(Text(printable(summary["data"]["benchmark"])), justify="right")
        columns.append(summary["benchmark"])
    for figure in METRICS:
        table.add_row(figure.label, *(figure.of(column) for column in columns))
    return table
