"""Books of runs made by hand: bars, orders, and the account that follows from them.

The account is kept share by share, fill by fill, as one would on paper.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.result import BacktestResult

FIRST = "2019-01-30"
PRICES = ["Open", "High", "Low", "Close", "Volume"]


def days(n: int, first: str = FIRST) -> pd.DatetimeIndex:
    return pd.bdate_range(first, periods=n, name="session").as_unit("ns")


def bars_of(first: str = FIRST, **closes: Sequence[float]) -> pd.DataFrame:
    """Bars that open at the close before; their range is 1 beyond both."""
    close = pd.DataFrame(closes, dtype="float64")
    close.index = days(len(close), first)
    before = close.shift().fillna(close)
    high, low = np.maximum(before, close) + 1, np.minimum(before, close) - 1
    parts = [before, high, low, close, close * 0 + 1e6]
    return pd.concat(parts, axis=1, keys=PRICES, names=["Price", "Ticker"])


def order(
    symbol: str,
    sent: int,
    size: float,
    price: float,
    *,
    filled_on: int | None = None,
    commission: float = 0.0,
    slippage: float = 0.0,
    multiplier: float = 1.0,
    first: str = FIRST,
) -> dict[str, Any]:
    """An order that is filled whole, by default on the session after it was sent."""
    index = days(2_000, first)
    filled_on = sent + 1 if filled_on is None else filled_on
    return {
        "symbol": symbol,
        "submitted": index[sent].date(),
        "side": "buy" if size > 0 else "sell",
        "size": abs(size),
        "status": "Completed",
        "executed": index[filled_on].date(),
        "filled": abs(size),
        "price": price,
        "commission": commission,
        "slippage": slippage,
        "multiplier": multiplier,
    }


def refused(symbol: str, sent: int) -> dict[str, Any]:
    nothing = {"status": "Margin", "executed": None, "filled": 0.0, "price": np.nan}
    return order(symbol, sent, 5, np.nan) | nothing


def orders_of(*rows: dict[str, Any]) -> pd.DataFrame:
    columns = ["symbol", "submitted", "side", "size", "status", "executed", "filled"]
    columns += ["price", "commission", "slippage", "multiplier"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "ref", range(1, len(rows) + 1))
    return table.astype(dict.fromkeys(columns[6:], "float64"))


def run_of(
    bars: pd.DataFrame,
    orders: pd.DataFrame,
    *,
    cash: float = 10_000.0,
    flows: dict[int, float] | None = None,
    margin: float | None = None,
) -> BacktestResult:
    """Keep the account; with a margin a share, positions are futures."""
    close = bars["Close"].ffill()
    symbols = [str(symbol) for symbol in close.columns]
    held, worth = dict.fromkeys(symbols, 0.0), dict.fromkeys(symbols, 1.0)
    due, rows, values = 0.0, [], []
    paid = [(flows or {}).get(row, 0.0) for row in range(len(bars))]
    for row, session in enumerate(bars.index):
        cash += paid[row]
        for each in orders.to_dict("records"):
            if each["executed"] == session.date():
                size = each["filled"] * (1 if each["side"] == "buy" else -1)
                held[each["symbol"]] += size
                worth[each["symbol"]] = each["multiplier"]
                cash -= size * each["price"] * each["multiplier"] + each["commission"]
        value = [held[s] * close[s].iloc[row] * worth[s] for s in symbols]
        value = [0.0 if not held[s] else v for s, v in zip(symbols, value, strict=True)]
        equity = cash + sum(value)
        if margin is not None:
            due = sum(abs(shares) * margin for shares in held.values())
        rows.append((equity, cash if margin is None else equity - due))
        values.append(value)
    account = pd.DataFrame(rows, index=bars.index, columns=["equity", "cash"])
    account["benchmark"], account["flows"] = np.nan, paid
    positions = pd.DataFrame(values, index=bars.index, columns=symbols)
    positions.insert(len(symbols), "cash", account["cash"], allow_duplicates=True)
    weights = positions.div(account["equity"], axis=0)
    costs = float((orders["commission"] + orders["slippage"]).sum())
    growth = [
        (now - flow) / before
        for before, now, flow in zip(
            account["equity"], account["equity"].iloc[1:], paid[1:], strict=False
        )
    ]
    total = float(np.prod(growth)) - 1
    return BacktestResult(
        account=account,
        weights=weights,
        orders=orders,
        forecasts=pd.DataFrame(),
        retrains=pd.DataFrame(),
        events=pd.DataFrame(columns=["session", "kind", "symbol", "detail"]),
        summary={"metrics": {"costs": costs, "total_return": total}},
        positions=positions,
        bars=bars,
    )


def random_run(seed: int, n: int = 60, symbols: str = "ABC", **settings: Any) -> Any:
    """Orders at random, each filled at the next open, long and short."""
    rng = np.random.default_rng(seed)
    closes = {s: 50 * np.exp(rng.normal(0, 0.01, n).cumsum()) for s in symbols}
    bars = bars_of(**closes)
    rows = [
        order(
            s,
            sent,
            float(rng.integers(-20, 20) or 1),
            float(bars["Open"][s].iloc[sent + 1]),
            commission=float(rng.random()),
            slippage=float(rng.random()),
            multiplier=settings.get("multiplier", 1.0),
        )
        for sent in range(n - 1)
        for s in symbols
        if rng.random() < 0.2
    ]
    account = {k: v for k, v in settings.items() if k != "multiplier"}
    return run_of(bars, orders_of(*rows), **account)


def date(row: int) -> dt.date:
    return days(row + 1)[row].date()
