"""What was held when, what it earned, and how much was invested."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.contribution import contributions
from bt_lstm_rotation.measures.exposure import exposure
from bt_lstm_rotation.reporting.figures import money, percent
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
from bt_lstm_rotation.reporting.page.plots import (
    BENCHMARK,
    DATES,
    LOSS,
    PALETTE,
    PERCENT,
    STRATEGY,
    area,
    label,
    layout,
    line,
    packed,
    points,
    stamps,
    weekly,
)
from bt_lstm_rotation.result import BacktestResult

__all__ = ["portfolio_section"]

# Of splits and dividends in a page.
MOST = 200


def portfolio_section(result: BacktestResult) -> Section:
    """Return the section on holdings."""
    blocks: list[Block] = []
    if len(result.weights) > 1:
        blocks.append(_weights(result))
        blocks += _contributions(result)
        blocks += _exposure(result)
    blocks.append(_holdings(result.weights))
    blocks += _actions(result.actions)
    return Section("What was held", blocks)


def _weights(result: BacktestResult) -> Chart:
    filled = _fills(result.orders)
    sessions = pd.DatetimeIndex(result.weights.index)
    # All sessions on which something was filled, and the last of each other week.
    weights = weekly(result.weights, kept=sessions.isin(filled.index))
    x = stamps(pd.DatetimeIndex(weights.index))
    values = weights.to_numpy(dtype="float64")
    shown, colors = _shown(result.weights)
    traces = [
        line(
            x,
            values[:, place],
            str(weights.columns[place]),
            color,
            stackgroup="held",
            line={"width": 0},
            hovertemplate="%{y:.1%}",
        )
        for place, color in zip(shown, colors, strict=True)
    ]
    others = np.setdiff1d(np.arange(values.shape[1]), shown)
    if others.size:
        rest = values[:, others].sum(axis=1)
        name = f"{others.size:,} others"
        traces.append(
            line(x, rest, name, BENCHMARK, stackgroup="held", line={"width": 0})
        )
    if len(filled):
        traces.append(
            points(
                stamps(pd.DatetimeIndex(filled.index)),
                np.zeros(len(filled)),
                "fills",
                BENCHMARK,
                marker={"symbol": "line-ns-open", "size": 7, "opacity": 1},
                customdata=packed(filled),
                hovertemplate="%{customdata:,}",
            )
        )
    return Chart(
        "Weights",
        "Share of equity in each symbol and in cash at the close. Each mark at the "
        "bottom is a session on which orders were filled.",
        traces,
        layout(
            DATES | {"range": [day(weights.index[0]), day(weights.index[-1])]},
            PERCENT | {"rangemode": "tozero"},
        ),
        height=420,
    )


def _fills(orders: pd.DataFrame) -> pd.Series[int]:
    """Count the fills of each session that has any."""
    filled = orders[orders["filled"] > 0]
    return pd.to_datetime(filled["executed"]).value_counts().sort_index()


def _shown(weights: pd.DataFrame) -> tuple[list[int], list[str]]:
    """Choose columns that a drawing has room for: those held most, and cash."""
    last = weights.shape[1] - 1
    size = weights.iloc[:, :last].abs().mean().to_numpy()
    room = len(PALETTE)
    ranked = np.argsort(-size, kind="stable")[:room] if last > room else np.arange(last)
    shown = sorted(int(place) for place in ranked if size[place] > 0)
    return [*shown, last], [*PALETTE[: len(shown)], "#c9cdd2"]


def _contributions(result: BacktestResult) -> Iterator[Block]:
    earned = contributions(
        result.account, result.positions, result.orders, result.bars, result.actions
    )
    capital = float(result.account["equity"].iloc[0])
    total = earned.sum()
    # What is left of sums of floats is nobody's.
    total = total[total.abs() > 1e-9 * abs(capital)].sort_values()
    if total.empty:
        return
    colors = [STRATEGY if gain > 0 else LOSS for gain in total]
    yield Chart(
        "Contribution",
        "What each symbol earned in all, after costs, in currency.",
        [
            {
                "type": "bar",
                "orientation": "h",
                "x": packed(total, "f8"),
                "y": [label(name) for name in total.index],
                "marker": {"color": colors},
                "customdata": packed(total / capital),
                "hovertemplate": "%{y}: %{x:,.2f} (%{customdata:.1%} of the first "
                "equity)<extra></extra>",
            }
        ],
        layout(
            {"tickformat": "~s"},
            {"type": "category", "tickmode": "linear" if len(total) < 60 else "auto"},
            hovermode="closest",
            showlegend=False,
        ),
        height=80 + 22 * min(len(total), 60),
    )


def _exposure(result: BacktestResult) -> Iterator[Block]:
    found = exposure(result.account, result.positions)
    table = weekly(found["gross"])
    yield Chart(
        "Exposure",
        "What was held, long and short added up, as a share of equity.",
        [area(stamps(pd.DatetimeIndex(table.index)), table, "exposure", STRATEGY)],
        layout(DATES, PERCENT | {"rangemode": "tozero"}, showlegend=False),
        height=200,
    )
    yield Words(
        f"Something was held at {percent(found['held'].mean())} of the closes, and "
        f"{percent(found['gross'].mean())} of equity on average."
    )


def _holdings(weights: pd.DataFrame) -> Table:
    """List what is held at the last close, the largest first and cash last."""
    last = weights.iloc[-1]
    # By position: nothing keeps a feed from being called "cash".
    symbols, cash = last.iloc[:-1], last.iloc[-1]
    held = symbols[symbols != 0].sort_values(ascending=False, kind="stable")
    rows = [[str(symbol), percent(share)] for symbol, share in held.items()]
    title = "Held at the last close"
    return Table([], [*rows, ["cash", percent(cash)]], "lr", title)


def _actions(actions: pd.DataFrame) -> Iterator[Table]:
    """List the splits and dividends that the account went through."""
    if actions.empty:
        return
    shown, note = cut(actions.iloc[::-1], "actions.csv", MOST)
    rows = [
        [
            day(action["session"]),
            action["symbol"],
            f"{action['price']:.6g}",
            f"{action['shares']:.6g}",
            *(f"{action[name]:,.10g}" for name in ("size_before", "size_after")),
            money(action["cash"]),
        ]
        for action in records(shown)
    ]
    headings = ["Session", "Symbol", "Prices x", "Shares x", "Before", "After", "Cash"]
    title = "Splits and dividends, the latest first"
    yield Table(headings, rows, "llrrrrr", title, note, folded=True)
