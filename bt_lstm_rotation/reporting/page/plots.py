"""Arrays -> traces and layouts of plotly, small enough for twenty years in a page.

Numbers go into a page as bytes in base64: exact, a third of their text, and read at
once. Colours of text, grid and ground are the page's own, so that a drawing follows its
theme; those of lines are legible on white and on black (Okabe and Ito, "Color universal
design", 2008, two of them darkened).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

__all__ = [
    "BENCHMARK",
    "DATES",
    "DIVERGING",
    "EQUAL",
    "LOSS",
    "PALETTE",
    "PERCENT",
    "STRATEGY",
    "area",
    "bars",
    "heat_map",
    "label",
    "layout",
    "line",
    "packed",
    "points",
    "stamps",
    "weekly",
]

STRATEGY, BENCHMARK, EQUAL, LOSS = "#3579b8", "#8b9199", "#c77f0a", "#c8543c"
PALETTE = (
    "#3579b8",
    "#c77f0a",
    "#1a9674",
    "#b8639a",
    "#56a4d9",
    "#c8543c",
    "#8a7fd1",
    "#7d8f2b",
    "#5e6773",
    "#a0764a",
    "#2f8f9d",
    "#d98880",
)

# Axes of sessions, and of shares.
DATES = {"type": "date"}
PERCENT = {"tickformat": ".0%"}

# From a loss over nothing to a gain; the middle is legible on either ground.
DIVERGING = [[0.0, "#b3402a"], [0.5, "#e9e6df"], [1.0, "#2a6aa5"]]

# At a horizon of years, a point a week looks the same as one a session.
MANY = 1_500


def packed(values: ArrayLike, dtype: str = "f4") -> dict[str, str]:
    """Pack numbers as plotly reads them; NaN is a gap."""
    with np.errstate(over="ignore"):  # a point beyond single precision is off the plot
        little = np.ascontiguousarray(values, dtype=f"<{dtype}")
    found = {"dtype": dtype, "bdata": base64.b64encode(little.tobytes()).decode()}
    if little.ndim == 2:
        found["shape"] = f"{little.shape[0]}, {little.shape[1]}"
    return found


def stamps(index: pd.DatetimeIndex) -> dict[str, str]:
    """Pack sessions, as milliseconds since 1970."""
    return packed(index.as_unit("ms").asi8, "f8")


def label(name: object) -> str:
    """Return a name as plotly shows it: it takes some HTML for markup."""
    return str(name).replace("&", "&amp;").replace("<", "&lt;")


def weekly(table: Any, kept: ArrayLike = False) -> Any:
    """Keep the last row of each week of a long table, its first, and those `kept`."""
    if len(table) <= MANY:
        return table
    weeks = pd.DatetimeIndex(table.index).to_period("W").asi8
    last = np.append(weeks[1:] != weeks[:-1], True) | kept
    last[0] = True
    return table[last]


def line(x: Any, y: ArrayLike, name: str, color: str, **more: Any) -> dict[str, Any]:
    """Draw a line; `x` is packed already."""
    exact = more.pop("exact", False)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": packed(y, "f8" if exact else "f4"),
        "name": label(name),
        "line": {"color": color, "width": 1.5} | more.pop("line", {}),
        **more,
    }


def area(x: Any, y: ArrayLike, name: str, color: str, **more: Any) -> dict[str, Any]:
    """Draw a line that is filled down to 0."""
    return line(x, y, name, color, fill="tozeroy", line={"width": 1}, **more)


def bars(x: Any, y: ArrayLike, name: str, color: Any, **more: Any) -> dict[str, Any]:
    """Draw a bar for each value."""
    return {
        "type": "bar",
        "x": x,
        "y": packed(y),
        "name": label(name),
        "marker": {"color": color},
        **more,
    }


def points(x: Any, y: ArrayLike, name: str, color: Any, **more: Any) -> dict[str, Any]:
    """Draw a point for each value."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": packed(y),
        "name": label(name),
        "marker": {"color": color, "size": 5, "opacity": 0.6} | more.pop("marker", {}),
        **more,
    }


def heat_map(table: pd.DataFrame, form: str) -> dict[str, Any]:
    """Draw a table as coloured cells, 0 in the middle, with their values in them."""
    values = table.to_numpy(dtype="float64")
    known = np.abs(values[np.isfinite(values)])
    most = (float(np.quantile(known, 0.98)) if known.size else 0.0) or 1.0
    return {
        "type": "heatmap",
        "x": [label(name) for name in table.columns],
        "y": [label(name) for name in table.index],
        "z": packed(values),
        "zmin": -most,
        "zmax": most,
        "colorscale": DIVERGING,
        "showscale": False,
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
        "texttemplate": f"%{{z:{form}}}",
        "textfont": {"size": 10, "color": "#1c1e21"},
        "hovertemplate": f"%{{y}} %{{x}}: %{{z:{form}}}<extra></extra>",
    }


def layout(
    x: Mapping[str, Any] | None = None,
    y: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Lay a drawing out as all of them are; more than one axis comes in `more`."""
    return {
        "xaxis": dict(x or {}),
        "yaxis": dict(y or {}),
        "hovermode": "x unified",
        "showlegend": True,
        **more,
    }
