"""A result -> one HTML page that holds all it needs.

Nothing is fetched and nothing dated: the page can be mailed, printed and compared byte
by byte. What is text in a result is escaped; the only scripts that may run are those
whose hashes stand in its security policy, plotly's and the page's own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bt_lstm_rotation.reporting.page.blocks import Chart, Section
from bt_lstm_rotation.reporting.page.book import book_section
from bt_lstm_rotation.reporting.page.curves import Curves
from bt_lstm_rotation.reporting.page.forecasts import forecast_section
from bt_lstm_rotation.reporting.page.opening import opening_section
from bt_lstm_rotation.reporting.page.performance import performance_section
from bt_lstm_rotation.reporting.page.plots import stamps
from bt_lstm_rotation.reporting.page.portfolio import portfolio_section
from bt_lstm_rotation.reporting.page.record import findings_section, record_section
from bt_lstm_rotation.reporting.page.trading import trading_section
from bt_lstm_rotation.reporting.page.training import training_section
from bt_lstm_rotation.result import BacktestResult

__all__ = ["MARKS", "page", "page_of_words", "render"]

# By one of these a page is known as ours: what it says of itself, and what it said of
# its scripts before it did.
MARK: Final = '<meta name="generator" content="bt-lstm-rotation">'
MARKS: Final = (
    MARK.encode(),
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:",
)


def render(result: BacktestResult) -> str:
    """Render a result as a page; the same result gives the same text."""
    summary, index = result.summary, pd.DatetimeIndex(result.account.index)
    curves = Curves(result)
    found = [
        opening_section(result, curves),
        performance_section(curves, summary.get("notes", [])),
        portfolio_section(result),
        trading_section(result),
        forecast_section(result),
        training_section(result.retrains),
        book_section(result),
        findings_section(summary["data"]),
        record_section(summary),
    ]
    name = str(summary["strategy"]["name"])
    return page(
        title=f"{name}, {index[0]:%Y-%m-%d} to {index[-1]:%Y-%m-%d}",
        heading=name,
        sections=[section for section in found if section is not None],
        arrays={"sessions": stamps(index)},
    )


def page(
    title: str, heading: str, sections: list[Section], arrays: dict[str, Any]
) -> str:
    """Lay sections out as a page; their charts may share `arrays`, by name."""
    charts = [
        block
        for section in sections
        for block in section.blocks
        if isinstance(block, Chart)
    ]
    drawings = {
        f"chart-{number}": {
            "traces": list(chart.traces),
            "layout": dict(chart.layout),
            "height": chart.height,
        }
        for number, chart in enumerate(charts, start=1)
    }
    # In an element of its own, which only its own end could close.
    data = json.dumps(
        {"arrays": arrays, "charts": drawings}, allow_nan=False, separators=(",", ":")
    ).replace("<", "\\u003c")
    scripts = {"plotly": plotly_script(), "script": _own("report.js")}
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            heading=heading,
            sections=sections,
            style=Markup(_own("report.css")),  # noqa: S704
            hashes=Markup(" ".join(map(_hash, scripts.values()))),  # noqa: S704
            charts=Markup(data),  # noqa: S704
            **{name: Markup(text) for name, text in scripts.items()},  # noqa: S704
        )
    )


def page_of_words(title: str, text: str) -> str:
    """Make a page of two lines, with nothing that could go wrong."""
    heading, words = html.escape(title), html.escape(text)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{MARK}\n'
        f"<title>{heading}</title>\n</head>\n<body>\n<h1>{heading}</h1>\n"
        f"<p>{words}</p>\n</body>\n</html>\n"
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("bt_lstm_rotation", "reporting/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def plotly_script() -> str:
    # Its Python half takes a second to import, and nothing of it is needed.
    return files("plotly").joinpath("package_data/plotly.min.js").read_text("utf-8")


@cache
def _own(name: str) -> str:
    return (
        files("bt_lstm_rotation.reporting")
        .joinpath(f"templates/{name}")
        .read_text("utf-8")
    )


@cache
def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
