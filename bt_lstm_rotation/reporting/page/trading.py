"""What was traded: turnover, costs, round trips, orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.exposure import break_even, trading_by_month
from bt_lstm_rotation.measures.trades import round_trips
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
    DATES,
    LOSS,
    STRATEGY,
    bars,
    label,
    layout,
    line,
    packed,
    points,
    stamps,
)
from bt_lstm_rotation.result import BacktestResult

__all__ = ["trading_section"]

# Of orders and round trips in a page.
MOST = 200
# Of points in a drawing.
MOST_POINTS = 2_000

UNFILLED = ("Margin", "Rejected", "Canceled", "Expired")


def trading_section(result: BacktestResult) -> Section:
    """Return the section on orders and costs."""
    orders, counts = result.orders, result.summary["orders"]
    told = ", ".join(f"{number:,} {status}" for status, number in counts.items())
    commission, slippage = orders["commission"].sum(), orders["slippage"].sum()
    blocks: list[Block] = [
        Words(f"{told}. Commission {money(commission)}, slippage {money(slippage)}.")
    ]
    blocks += _turnover(result)
    blocks += _trips(result)
    blocks += _orders(result)
    blocks += _events(result.events)
    return Section("Orders and costs", blocks)


def _turnover(result: BacktestResult) -> Iterator[Block]:
    table = trading_by_month(result.account, result.orders)
    if not (table["traded"] > 0).any():
        return
    months = stamps(pd.DatetimeIndex(table.index))
    traces = [bars(months, table["turnover"], "turnover", "#9db8d3")]
    axes: dict[str, Any] = {}
    if (table["costs"] > 0).any():
        costs = table["costs_so_far"]
        traces.append(line(months, costs, "costs", LOSS, yaxis="y2"))
        axes["yaxis2"] = {
            "overlaying": "y",
            "side": "right",
            "tickformat": "~s",
            "tickmode": "auto",
            "rangemode": "tozero",
            "showgrid": False,
        }
    yield Chart(
        "Turnover and costs",
        "Bars: what was traded in a month, one way, as a share of equity. Line: costs "
        "so far, in currency.",
        traces,
        layout(DATES, {"tickformat": ".0%"}, **axes),
        height=260,
    )
    found = break_even(result.account, result.orders)
    if (rate := found["break_even"]) is not None:
        yield Words(_on_break_even(rate, found["multiple"]))


def _on_break_even(rate: float, multiple: float | None) -> str:
    if rate < 0:
        return "It lost money before costs: no cost is low enough to break even."
    times = "" if multiple is None else f", {multiple:,.1f} times what it paid"
    return (
        f"It would have broken even at costs of {rate:.2%} of what was traded{times}."
    )


def _trips(result: BacktestResult) -> Iterator[Block]:
    trips = round_trips(result.orders, result.bars, result.actions)
    if trips.empty:
        return
    closed = trips[~trips["open"]]
    if len(closed):
        share = (closed["gain"] > 0).mean()
        yield Words(
            f"{len(closed):,} round trips from nothing held to nothing held, "
            f"{percent(share)} of them with a gain; held for "
            f"{closed['sessions'].median():,.0f} sessions in the median, and "
            f"{closed['sessions'].max():,} at most."
        )
    drawn = trips.iloc[-MOST_POINTS:]
    won = drawn["gain"] > 0
    yield Chart(
        "Round trips",
        "Return of each beside the worst it stood at on the way (MAE). A point far to "
        "the left and high up was close to a large loss before it gained.",
        [
            points(
                packed(some["mae"]),
                some["return"],
                name,
                color,
                text=[
                    label(f"{t['symbol']} {day(t['entered'])}") for t in records(some)
                ],
                hovertemplate="%{text}<br>return %{y:.1%}, MAE %{x:.1%}<extra></extra>",
            )
            for name, color, some in (
                ("gain", STRATEGY, drawn[won]),
                ("loss", LOSS, drawn[~won]),
            )
            if len(some)
        ],
        layout({"tickformat": ".0%"}, {"tickformat": ".0%"}, hovermode="closest"),
        height=300,
    )
    latest, note = cut(trips.iloc[::-1], "orders.csv, as fills", MOST)
    yield Table(
        [
            "Symbol",
            "Side",
            "Entered",
            "Left",
            "Sessions",
            "Entry",
            "Exit",
            "Gain",
            "Return",
            "MAE",
            "MFE",
        ],
        [_trip(trip) for trip in records(latest)],
        "llllrrrrrrr",
        "Each round trip, the latest first",
        note,
        folded=True,
    )


def _trip(trip: dict[str, Any]) -> list[str]:
    return [
        trip["symbol"],
        trip["side"],
        day(trip["entered"]),
        "open" if trip["open"] else day(trip["left"]),
        f"{trip['sessions']:,}",
        *(money(trip[name]) for name in ("entry", "exit", "gain")),
        *(percent(trip[name]) for name in ("return", "mae", "mfe")),
    ]


def _orders(result: BacktestResult) -> Iterator[Table]:
    orders = result.orders
    if orders.empty:
        return
    opened = _opens(orders, result.bars)
    missed = orders["price"].to_numpy(dtype="float64") / opened - 1
    orders = orders.assign(missed=np.where(orders["side"] == "buy", missed, -missed))
    headings = [
        "",
        "Submitted",
        "Symbol",
        "Side",
        "Size",
        "Status",
        "Executed",
        "Price",
        "Over the open (bp)",
        "Commission",
    ]
    unfilled = orders[orders["status"].isin(UNFILLED)]
    if not unfilled.empty:
        shown, note = cut(unfilled, "orders.csv")
        rows, title = list(map(_order, records(shown))), "Orders that were not filled"
        yield Table(headings, rows, "lllrrllrrr", title, note, folded=True)
    shown, note = cut(orders.iloc[::-1], "orders.csv", MOST)
    more = "Above 0, the fill was worse than the session's open."
    yield Table(
        headings,
        list(map(_order, records(shown))),
        "lllrrllrrr",
        "Each order, the latest first",
        f"{more} {note}".strip(),
        folded=True,
    )


def _order(order: dict[str, Any]) -> list[str]:
    missed = order["missed"]
    return [
        f"{order['ref']:,}",
        day(order["submitted"]),
        order["symbol"],
        order["side"],
        f"{order['size']:,.10g}",
        order["status"],
        day(order["executed"]),
        money(order["price"]),
        "-" if np.isnan(missed) else f"{missed * 1e4:,.1f}",
        money(order["commission"]),
    ]


def _opens(orders: pd.DataFrame, table: pd.DataFrame) -> Any:
    """Return the open of the bar that each order was filled in; NaN without one."""
    if table.empty:
        return np.full(len(orders), np.nan)
    opened = table["Open"]
    place = {symbol: column for column, symbol in enumerate(opened.columns)}
    columns = np.array([place.get(symbol, -1) for symbol in orders["symbol"]])
    rows = opened.index.get_indexer(
        pd.DatetimeIndex(pd.to_datetime(orders["executed"]))
    )
    values = opened.to_numpy(dtype="float64")[rows, columns]
    return np.where((rows >= 0) & (columns >= 0), values, np.nan)


def _events(events: pd.DataFrame) -> Iterator[Block]:
    if events.empty:
        yield Words(
            "Every rebalance went smoothly: no order was rejected, tried again "
            "or given up."
        )
        return
    kinds = events["kind"].value_counts().sort_index()
    told = ", ".join(
        f"{n:,} {str(kind).replace('_', ' ')}" for kind, n in kinds.items()
    )
    yield Words(f"Not every rebalance went smoothly: {told}.")
    shown, note = cut(events, "events.csv")
    rows = [
        [
            day(event["session"]),
            event["symbol"],
            str(event["kind"]).replace("_", " "),
            event["detail"],
        ]
        for event in records(shown)
    ]
    headings = ["Session", "Symbol", "Kind", "Detail"]
    title = "Rebalances that did not go smoothly"
    yield Table(headings, rows, "llll", title, note, folded=True)
