"""How the account did: curves, drawdowns, months, and what a session brings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.distribution import QUANTILES, return_quantiles
from bt_lstm_rotation.measures.drawdowns import deepest_drawdowns
from bt_lstm_rotation.measures.monthly import monthly_returns
from bt_lstm_rotation.measures.performance import drawdown, yearly_returns
from bt_lstm_rotation.measures.rolling import half_a_year, rolling_measures
from bt_lstm_rotation.reporting.figures import METRICS, percent
from bt_lstm_rotation.reporting.page.blocks import Block, Chart, Section, Table, Words
from bt_lstm_rotation.reporting.page.curves import Curve, Curves
from bt_lstm_rotation.reporting.page.months import month_map
from bt_lstm_rotation.reporting.page.plots import (
    DATES,
    PERCENT,
    STRATEGY,
    area,
    bars,
    layout,
    line,
    packed,
    stamps,
    weekly,
)

__all__ = ["performance_section"]

LIMIT = {"dash": "dot", "color": "#8b9199"}


def performance_section(curves: Curves, notes: list[str]) -> Section:
    """Return the section on the account's curve."""
    blocks: list[Block] = [_figures(curves)]
    blocks += [Words(note, "note") for note in notes]
    blocks.append(_equity(curves))
    strategy = curves.strategy
    if strategy.worth.iloc[0] > 0:
        blocks += [_under_water(curves), _deepest(strategy)]
    blocks.append(_years(curves))
    if strategy.is_sound:
        blocks += _months(strategy)
        blocks += _distribution(strategy)
        blocks += _rolling(curves)
    return Section("Performance", blocks)


def _figures(curves: Curves) -> Table:
    shown = curves.all
    return Table(
        ["", *(curve.name for curve in shown), ""],
        [
            [
                figure.label,
                *(figure.of(curve.figures) for curve in shown),
                figure.meaning_in(curves.strategy.figures),
            ]
            for figure in METRICS
        ],
        "l" + "r" * len(shown) + "s",
        "Figures",
        "Equal weight holds the same symbols in equal parts, evened out each month, at "
        "no cost."
        if curves.equal_weight
        else "",
    )


def _equity(curves: Curves) -> Chart:
    sound = all(curve.worth.dropna().gt(0).all() for curve in curves.all)
    return Chart(
        "Equity",
        "What the account was worth at each close, in currency, beside what the same "
        "capital would be worth elsewhere. What was paid in or out is left out.",
        [
            line("@sessions", c.worth, c.name, c.color, exact=True)
            for c in reversed(curves.all)
        ],
        layout(
            DATES,
            {"type": "log", "dtick": "D2", "tickformat": "~s"}
            if sound
            else {"tickformat": "~s"},
            legend={
                "orientation": "h",
                "x": 0,
                "y": 1,
                "yanchor": "bottom",
                "traceorder": "reversed",
            },
        ),
        height=380,
        scales=sound,
    )


def _under_water(curves: Curves) -> Chart:
    traces = []
    for curve in reversed(curves.all[:2]):
        if curve.worth.iloc[0] > 0:
            draw = area if curve is curves.strategy else line
            depths = drawdown(curve.worth)
            traces.append(draw("@sessions", depths, curve.name, curve.color))
    return Chart(
        "Drawdown",
        "How far each was below the highest it had been.",
        traces,
        layout(DATES, PERCENT),
        height=240,
    )


def _deepest(strategy: Curve) -> Table:
    rows = [
        [
            str(place),
            percent(each.depth),
            str(each.peak),
            str(each.trough),
            "not yet" if each.recovery is None else str(each.recovery),
            f"{each.days:,}",
        ]
        for place, each in enumerate(deepest_drawdowns(strategy.worth), start=1)
    ]
    return Table(
        ["", "Depth", "Peak", "Trough", "Recovery", "Days"],
        rows,
        "lrrrrr",
        "The five deepest drawdowns",
        "" if rows else "There was none: each close was the highest so far.",
    )


def _years(curves: Curves) -> Block:
    shown = curves.all
    years = [yearly_returns(_known(curve.worth)) for curve in shown]
    if years[0].empty:
        return Words("One session is no year.")
    first, last = shown[0].worth.index[[0, -1]]
    return Table(
        ["Year", *(curve.name for curve in shown)],
        [
            [str(year), *(percent(of.get(year)) for of in years)]
            for year in years[0].index
        ],
        "l" + "r" * len(shown),
        "Year by year",
        f"The first year begins on {first:%Y-%m-%d}, the last ends on {last:%Y-%m-%d}.",
    )


def _known(worth: pd.Series[Any]) -> pd.Series[Any]:
    """Cut a curve where it ends, as a benchmark may."""
    return worth.loc[: worth.last_valid_index()]


def _months(strategy: Curve) -> Iterator[Chart]:
    table = monthly_returns(strategy.worth)
    if not table.empty:
        says = "What each month brought, and each year in all."
        yield month_map("Month by month", says, table, ".1%")


def _distribution(strategy: Curve) -> Iterator[Block]:
    returns = strategy.returns
    if len(returns) < 20:
        return
    counts, edges = np.histogram(returns, bins=min(80, 2 * int(len(returns) ** 0.5)))
    low, high = return_quantiles(returns, [0.05, 0.95])
    middles = packed((edges[:-1] + edges[1:]) / 2)
    mark = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "line": LIMIT}
    yield Chart(
        "Sessions",
        "How often a session brought how much; between the dotted lines lie nine of "
        "ten.",
        [
            bars(
                middles,
                counts,
                "sessions",
                STRATEGY,
                hovertemplate="%{x:.2%}: %{y:,} sessions<extra></extra>",
            )
        ],
        layout(
            {"tickformat": ".1%"},
            hovermode="closest",
            showlegend=False,
            bargap=0.05,
            shapes=[mark | {"x0": float(x), "x1": float(x)} for x in (low, high)],
        ),
        height=240,
    )
    yield Table(
        ["", *(f"{share:.0%}" for share in QUANTILES)],
        [
            [
                "Return of a session",
                *(f"{value:.2%}" for value in return_quantiles(returns)),
            ]
        ],
        "l" + "r" * len(QUANTILES),
        "Quantiles of a session's return",
    )


def _rolling(curves: Curves) -> Iterator[Chart]:
    strategy, benchmark = curves.strategy, curves.benchmark
    periods = strategy.figures["periods_a_year"]
    found = rolling_measures(
        strategy.worth,
        None if benchmark is None else benchmark.worth,
        periods_a_year=periods,
    )
    table = weekly(found.dropna(how="all"))
    if table.empty:
        return
    names = {"sharpe": "Sharpe", "volatility": "Volatility", "beta": "Beta"}
    shown = [name for name in names if table[name].notna().any()]
    share = 1 / len(shown)
    traces, axes = [], {}
    x = stamps(pd.DatetimeIndex(table.index))
    for place, name in enumerate(reversed(shown)):
        number = "" if place == 0 else str(place + 1)
        traces.append(line(x, table[name], names[name], STRATEGY, yaxis=f"y{number}"))
        axes[f"yaxis{number}"] = {
            "domain": [place * share + 0.02, (place + 1) * share - 0.03],
            "title": {"text": names[name]},
            "tickformat": ".0%" if name == "volatility" else "",
        }
    yield Chart(
        f"Over {half_a_year(periods)} sessions",
        "Sharpe and volatility, annualised, and the beta against the benchmark, each "
        "of the sessions up to then.",
        traces,
        layout(DATES, showlegend=False) | axes,
        height=130 * len(shown) + 40,
    )
