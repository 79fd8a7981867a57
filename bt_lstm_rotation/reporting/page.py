"""A result -> one self-contained HTML page.

No script, nothing fetched, nothing dated: the page can be mailed, printed and compared
byte by byte. Everything that is text in a result is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bt_lstm_rotation.measures.flows import growth
from bt_lstm_rotation.measures.performance import yearly_returns
from bt_lstm_rotation.reporting.chart import equity_chart
from bt_lstm_rotation.reporting.figures import (
    FORECAST,
    FORECAST_COUNTS,
    METRICS,
    caveat,
    money,
    percent,
)
from bt_lstm_rotation.result import BacktestResult

__all__ = ["render"]

# Longer lists are for the CSV file beside the page.
MOST_ROWS = 40

# Parts of the summary that are shown as they are.
SETTINGS = ("strategy", "spec", "data", "broker", "timing", "versions")

UNFILLED = ("Margin", "Rejected", "Canceled", "Expired")


def render(result: BacktestResult) -> str:
    """Render a result as a page; the same result gives the same text."""
    environment = Environment(
        loader=PackageLoader("bt_lstm_rotation", "reporting/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"percent": percent, "money": money, "day": _day}
    summary = result.summary
    return environment.get_template("report.html.j2").render(
        summary=summary,
        sessions=result.account.index,
        equity=result.account["equity"],
        caveat=caveat(summary["data"]["source"]),
        has_benchmark=summary["benchmark"] is not None,
        metrics=METRICS,
        notes=summary.get("notes", []),
        findings=_findings(summary["data"]),
        measures=FORECAST + FORECAST_COUNTS,
        has_forecasts=not result.forecasts.empty,
        # A drawing of our own: markup that is not escaped.
        chart=Markup(equity_chart(result.account)),  # noqa: S704
        years=_years(result),
        holdings=_holdings(result.weights),
        commission=result.orders["commission"].sum(),
        slippage=result.orders["slippage"].sum(),
        unfilled=_listed(result.orders[result.orders["status"].isin(UNFILLED)]),
        retrains=_retrains(result.retrains),
        event_counts=result.events["kind"].value_counts().sort_index().to_dict(),
        events=_listed(result.events),
        facts={name: list(_facts(summary[name])) for name in SETTINGS},
    )


def _years(result: BacktestResult) -> list[tuple[int, str, str]]:
    account, flows = result.account, result.account.get("flows")
    strategy = yearly_returns(growth(account["equity"], flows))
    compared = growth(account["benchmark"], flows)
    benchmark = yearly_returns(compared.loc[: compared.last_valid_index()])
    return [
        (year, percent(strategy[year]), percent(benchmark.get(year)))
        for year in strategy.index
    ]


def _findings(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return suspicious bars, each as the texts of its fields."""
    found = data.get("findings", [])
    return {
        "rows": [[_text(value) for value in row.values()] for row in found[:MOST_ROWS]],
        "more": max(len(found) - MOST_ROWS, 0),
    }


def _holdings(weights: pd.DataFrame) -> list[tuple[str, str]]:
    """Return what is held at the last close, the largest first and cash last."""
    last = weights.iloc[-1]
    # By position: nothing keeps a feed from being called "cash".
    symbols, cash = last.iloc[:-1], last.iloc[-1]
    held = symbols[symbols != 0].sort_values(ascending=False, kind="stable")
    shown = [(str(symbol), percent(share)) for symbol, share in held.items()]
    return [*shown, ("cash", percent(cash))]


def _retrains(retrains: pd.DataFrame) -> dict[str, Any]:
    return {
        "count": len(retrains),
        "seconds": float(retrains["seconds"].sum()),
        "thrown_away": _listed(retrains[retrains["status"] != "ok"]),
    }


def _listed(rows: pd.DataFrame) -> dict[str, Any]:
    """Return the first rows as dicts, and how many more there are."""
    return {
        "rows": rows.head(MOST_ROWS).to_dict("records"),
        "more": max(len(rows) - MOST_ROWS, 0),
    }


def _facts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Flatten a part of the summary into names and texts."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key == "findings":  # they have a table of their own
                continue
            yield from _facts(part, f"{name} {key}".strip().replace("_", " "))
    elif value is not None or name:
        yield name, _text(value)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, tuple | list):
        return ", ".join(map(_text, value)) or "-"
    return str(value)


def _day(value: Any) -> str:
    return "-" if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d}"
