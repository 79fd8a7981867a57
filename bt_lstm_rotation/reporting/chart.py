"""Equity and drawdown as an SVG drawing that stands inside a page."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.flows import growth
from bt_lstm_rotation.measures.performance import drawdown

__all__ = ["equity_chart"]

STRATEGY, BENCHMARK = "#1f77b4", "#999999"
# Between black and white, to be read on either; the page overrides it for text.
INK = "#808080"

# Above this, ticks at equal distances crowd at the top of a logarithmic axis.
WIDE = 8

STYLE = {
    # Text stays text: it can be searched, and takes the page's colour and font.
    "svg.fonttype": "none",
    # Otherwise the drawing's ids are random.
    "svg.hashsalt": "bt-lstm-rotation",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": INK,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def equity_chart(account: pd.DataFrame) -> str:
    """Draw equity beside the benchmark, and how far each was below its peak.

    Parameters
    ----------
    account : DataFrame
        Columns ``equity`` and ``benchmark`` in currency, indexed by session. The
        benchmark is left out if it is all NaN. With a column ``flows``, what flowed is
        left out of both.

    Returns
    -------
    str
        An ``<svg>`` element that refers to nothing outside it; the same account gives
        the same text. The scale is logarithmic unless a value is 0 or below.
    """
    # No pyplot: it keeps every figure, and may want a display.
    from matplotlib import style
    from matplotlib.dates import date2num
    from matplotlib.figure import Figure

    flows = account.get("flows")
    shown = {name: growth(account[name], flows) for name in ("equity", "benchmark")}
    curves = pd.DataFrame(shown).dropna(axis="columns", how="all")
    # Day numbers: how dates are drawn depends on whether pandas has plotted before.
    days = date2num(account.index)  # type: ignore[no-untyped-call]
    curves = curves.set_axis(days)
    svg = io.StringIO()
    # From matplotlib's own defaults, whatever the user's settings are.
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(8, 5), layout="constrained")
        value, fall = figure.subplots(2, sharex=True, height_ratios=[2.5, 1])
        _draw_equity(value, curves)
        _draw_drawdown(fall, curves)
        figure.savefig(
            svg,
            format="svg",
            transparent=True,
            metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
        )
    drawing = svg.getvalue()
    # What comes before it, a declaration and a document type, has no place in a page.
    return drawing[drawing.index("<svg") :]


def _draw_equity(axes: Any, curves: pd.DataFrame) -> None:
    from matplotlib.ticker import (
        LogLocator,
        MaxNLocator,
        NullLocator,
        StrMethodFormatter,
    )

    least, most = np.nanmin(curves), np.nanmax(curves)
    scale = "log" if least > 0 else "linear"
    for name in reversed(curves.columns):
        _draw_line(axes, name, curves[name])
    if np.isclose(least, most):  # as of one session: a scale needs a range
        axes.set_ylim(least - abs(least) / 10 - 1e-9, most + abs(most) / 10 + 1e-9)
    axes.set_yscale(scale)
    wide = scale == "log" and most > WIDE * least
    axes.yaxis.set_major_locator(
        LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(nbins=6)
    )
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.set_ylabel("value (log scale)" if scale == "log" else "value")
    axes.grid(axis="y")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], frameon=False, loc="upper left")


def _draw_drawdown(axes: Any, curves: pd.DataFrame) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    for name in reversed(curves.columns):
        below = drawdown(curves[name])
        _draw_line(axes, name, below)
        if name == "equity":
            axes.fill_between(
                below.index, below, color=STRATEGY, alpha=0.15, linewidth=0
            )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylabel("drawdown")
    axes.grid(axis="y")
    # The time zone of the user's settings would move midnight to the day before.
    dates = AutoDateLocator(tz="UTC")  # type: ignore[no-untyped-call]
    formatter = ConciseDateFormatter(dates, tz="UTC")  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(dates)
    axes.xaxis.set_major_formatter(formatter)


def _draw_line(axes: Any, name: str, curve: pd.Series[Any]) -> None:
    # The labels are ours: a feed's own name could be read as mathematics.
    label, colour = {
        "equity": ("strategy", STRATEGY),
        "benchmark": ("benchmark", BENCHMARK),
    }[name]
    axes.plot(curve.index, curve, label=label, color=colour, linewidth=1.2)
