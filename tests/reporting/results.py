"""Results made by hand: every figure in them is the test's own."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.result import BacktestResult

HORIZON = 2

METRICS: dict[str, float | None] = {
    "total_return": 0.2345,
    "cagr": 0.1111,
    "annual_volatility": 0.1525,
    "sharpe": 0.7654,
    "sortino": 1.0987,
    "max_drawdown": -0.0876,
    "calmar": 1.2683,
    "turnover": 3.456,
    "costs": 1234.567,
    "periods_a_year": 252.0,
}

ORDERS = [
    (1, "XLK", "2018-12-31", "buy", 490.0, "Completed", "2019-01-02", 490.0, 100 / 3),
    (2, "XLE", "2018-12-31", "buy", 480.0, "Margin", None, 0.0, np.nan),
]

EVENTS = [
    ("2019-01-02", "retry", "XLE", "Margin: 480 at 101.5 cost more than there is")
]


def make_result(sessions: int = 600, **parts: Any) -> BacktestResult:
    """A run over two sectors and a benchmark; `parts` replace parts of it."""
    account = parts.get("account", accounts(sessions))
    index = account.index
    weights = pd.DataFrame({"XLE": 0.3, "XLK": 0.68, "cash": 0.02}, index=index)
    positions = weights.mul(account["equity"], axis="index")
    forecasts = pd.DataFrame(
        {
            "session": pd.to_datetime(["2018-12-31"] * 2 + ["2019-01-01"] * 2),
            "symbol": ["XLE", "XLK"] * 2,
            "forecast": [0.01, 1 / 3, -0.02, 0.1],
            "realised": [0.03, -0.01, np.nan, np.nan],
        }
    )
    result = BacktestResult(
        account=account,
        weights=weights,
        orders=orders(),
        forecasts=forecasts,
        retrains=retrains(),
        events=events(),
        summary={
            "strategy": {"name": "SectorRotation", "params": {"top": 2}},
            "spec": {"forecaster": "ForecastSpec", "horizon": HORIZON, "seed": 0},
            "data": {
                "source": "simulated",
                "symbols": ["XLE", "XLK"],
                "benchmark": "SPY",
                "first_session": "2015-01-02",
                "first_decision": "2018-12-31",
                "last_session": str(index[-1].date()),
                "intraday": False,
                "content_hash": "ab" * 32,
            },
            "broker": {"cash": 100_000.0, "commission": 0.0005, "slippage": 0.0002},
            "metrics": METRICS,
            "benchmark": METRICS | {"total_return": 0.1987, "turnover": 0.0},
            "forecast": {
                "ic": 0.0512,
                "rank_ic": 0.0634,
                "hit_ratio": 0.5432,
                "mse_ratio": 0.9876,
                "sessions": 1234,
                "observations": 5678,
            },
            "orders": {"submitted": 2, "completed": 1, "rejected": 1, "canceled": 0},
            "timing": {"seconds": 12.5, "training_seconds": 3.75, "fits": 2},
            "versions": {"bt-lstm-rotation": "0.1.0", "backtrader": "1.9.78.123"},
        },
        positions=positions,
        bars=bars(index),
    )
    return replace(result, **parts)


def without_benchmark() -> BacktestResult:
    """A run that was compared with nothing."""
    result = make_result()
    data = result.summary["data"] | {"benchmark": None}
    return replace(
        result,
        account=result.account.assign(benchmark=np.nan),
        summary=result.summary | {"benchmark": None, "data": data},
    )


def without_forecasts() -> BacktestResult:
    """A run of a strategy that holds what it always holds."""
    result = make_result()
    nothing = {"ic": None, "rank_ic": None, "hit_ratio": None, "mse_ratio": None}
    return replace(
        result,
        orders=orders().iloc[:1],
        events=events().iloc[:0],
        forecasts=result.forecasts.iloc[:0],
        retrains=retrains().iloc[:0],
        summary=result.summary
        | {"spec": None, "forecast": nothing | {"sessions": 0, "observations": 0}},
    )


def accounts(sessions: int) -> pd.DataFrame:
    """An account that grows in waves, and its benchmark in others."""
    day = np.arange(sessions)
    equity = 100_000 * np.exp(0.0004 * day + 0.05 * np.sin(day / 40))
    return pd.DataFrame(
        {
            "equity": equity,
            "cash": 0.02 * equity,
            "benchmark": 100_000 * np.exp(0.0003 * day + 0.08 * np.sin(day / 60)),
            "flows": 0.0,
        },
        index=pd.bdate_range("2018-12-31", periods=sessions, name="session"),
    )


def bars(index: pd.DatetimeIndex) -> pd.DataFrame:
    """Bars of both sectors and the benchmark, each a wave of its own."""
    day = np.arange(len(index))[:, None]
    close = np.array([100.0, 30.0, 250.0]) * np.exp(
        0.0003 * day + 0.05 * np.sin(day / [30, 45, 60])
    )
    opened = close * 1.001
    prices = [opened, opened * 1.01, close * 0.99, close, np.full(close.shape, 1e6)]
    columns = pd.MultiIndex.from_product(
        [["Open", "High", "Low", "Close", "Volume"], ["XLE", "XLK", "SPY"]],
        names=["Price", "Ticker"],
    )
    return pd.DataFrame(np.hstack(prices), index=index, columns=columns)


def orders(symbol: str = "XLE") -> pd.DataFrame:
    rows = [
        {
            "ref": ref,
            "symbol": symbol if name == "XLE" else name,
            "submitted": dt.date.fromisoformat(submitted),
            "side": side,
            "size": size,
            "status": status,
            "executed": dt.date.fromisoformat(executed) if executed else None,
            "filled": filled,
            "price": price,
            "commission": 8.25 if filled else 0.0,
            "slippage": 3.5 if filled else 0.0,
            "multiplier": 1.0,
        }
        for ref, name, submitted, side, size, status, executed, filled, price in ORDERS
    ]
    return pd.DataFrame(rows)


def retrains(status: str = "the loss diverged") -> pd.DataFrame:
    shared = {
        "first_bar": np.datetime64("2015-01-02"),
        "last_target": np.datetime64("2018-12-31"),
        "symbols": ("XLE", "XLK"),
        "n_bars": 780,
        "first_loss": 1.0,
        "last_loss": 0.1 + 0.2,
        "seconds": 1.875,
        "origin": "trained",
    }
    first, second = np.datetime64("2018-12-31"), np.datetime64("2019-01-31")
    return pd.DataFrame(
        [
            {"session": first, **shared, "status": "ok", "served_by": first},
            {"session": second, **shared, "status": status, "served_by": first},
        ]
    )


def events(symbol: str = "XLE", count: int = 1) -> pd.DataFrame:
    rows = [
        {
            "session": dt.date.fromisoformat(session),
            "kind": kind,
            "symbol": symbol,
            "detail": detail,
        }
        for session, kind, _, detail in EVENTS * count
    ]
    return pd.DataFrame(rows)
