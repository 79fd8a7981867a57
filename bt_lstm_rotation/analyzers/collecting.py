"""What analyzers have recorded of a run -> a frozen result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation._version import installed
from bt_lstm_rotation.analyzers.orders import OrderRecord
from bt_lstm_rotation.analyzers.recorded import Recorded
from bt_lstm_rotation.analyzers.settings import described_spec
from bt_lstm_rotation.forecasting import FitRecord
from bt_lstm_rotation.measures.benchmark import Benchmark
from bt_lstm_rotation.measures.performance import performance
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.bars import COLUMNS
from bt_lstm_rotation.rebalancing import RebalanceEvent
from bt_lstm_rotation.result import BacktestResult

__all__ = ["collect"]

# Of equity: whoever means to invest, invests more.
NEXT_TO_NOTHING = 0.05

PACKAGES = ("bt-lstm-rotation", "backtrader", "numpy", "pandas", "tensorflow")


def collect(recorded: Recorded) -> BacktestResult:
    """Lay out what was recorded, and measure it."""
    sessions = np.array(list(recorded.account), dtype="datetime64[D]")
    reported = sessions >= recorded.first
    # Of each close: equity, cash, and what was held.
    history = list(compress(recorded.account.values(), reported))
    index = pd.DatetimeIndex(sessions[reported], name="session").as_unit("ns")
    orders = _frame(OrderRecord, recorded.orders)
    account = _account(index, history, recorded.flows)
    positions = _positions(account, history, recorded.traded.symbols)
    # Of an account that is empty there are no shares.
    weights = positions.div(account["equity"].replace(0.0, np.nan), axis="index")
    flows = account["flows"]
    metrics = performance(
        account["equity"],
        traded_value=float(
            (orders["filled"] * orders["price"] * orders["multiplier"]).sum()
        ),
        costs=float((orders["commission"] + orders["slippage"]).sum()),
        flows=flows,
        periods_a_year=recorded.periods_a_year,
    )
    notes = [*recorded.notes, *_flow_notes(flows), *_idle_notes(weights, orders)]
    benchmark = None
    in_one_unit = recorded.in_one_unit
    if recorded.benchmark is not None:
        compared = Benchmark(
            name=recorded.benchmark,
            close=in_one_unit.panel.frame(recorded.benchmark)["Close"],
            account=account,
            flows=flows,
            traded=recorded.benchmark in weights
            or bool((orders["symbol"] == recorded.benchmark).any()),
        )
        account["benchmark"] = compared.curve
        benchmark = compared.measured(metrics["periods_a_year"])
        notes += compared.notes()
    forecasts, measured = _forecasts(in_one_unit)
    retrains = _frame(FitRecord, recorded.fits)
    return BacktestResult(
        account=account,
        weights=weights,
        orders=orders,
        forecasts=forecasts,
        retrains=retrains,
        events=_frame(RebalanceEvent, recorded.events).rename(
            columns={"feed": "symbol"}
        ),
        summary={
            "command": recorded.command,
            "strategy": dict(recorded.strategy),
            "spec": described_spec(recorded.spec),
            "data": _data(recorded, account),
            "broker": dict(recorded.broker),
            "inputs": dict(recorded.reading),
            "account": {
                "deposits": float(flows.clip(lower=0).sum()),
                "withdrawals": float(-flows.clip(upper=0).sum() + 0.0),
            },
            "metrics": metrics,
            "benchmark": benchmark,
            "forecast": measured,
            "orders": _order_counts(orders),
            "training": {
                "fits": len(retrains),
                "failed": int((retrains["status"] != "ok").sum()),
                "outdated": sum(e.kind == "outdated" for e in recorded.events),
            },
            "timing": {
                "seconds": recorded.seconds,
                "training_seconds": float(retrains["seconds"].sum()),
                "fits": len(retrains),
            },
            "versions": installed(PACKAGES),
            "notes": notes,
        },
        positions=positions,
        bars=_bars(recorded.panel, index),
        actions=_actions(recorded),
    )


def _account(
    index: pd.DatetimeIndex, history: Sequence[Any], flows: Mapping[Any, float]
) -> pd.DataFrame:
    paid = np.array([flows.get(day, 0.0) for day in index.date])
    paid[0] = 0.0  # What was there at the first close is what the account begins with.
    return pd.DataFrame(
        {
            "equity": np.array([equity for equity, _, _ in history], dtype="float64"),
            "cash": np.array([cash for _, cash, _ in history], dtype="float64"),
            "benchmark": np.nan,
            "flows": paid,
        },
        index=index,
    )


def _flow_notes(flows: pd.Series[Any]) -> Iterator[str]:
    if flows.any():
        yield (
            f"{flows.clip(lower=0).sum():,.2f} was paid in and "
            f"{-flows.clip(upper=0).sum() + 0.0:,.2f} taken out on the way. Returns, "
            "drawdown and the chart leave both out."
        )


def _idle_notes(weights: pd.DataFrame, orders: pd.DataFrame) -> Iterator[str]:
    """Say that next to nothing was invested: Backtrader's default is one share."""
    invested = weights.iloc[:, :-1].abs().sum(axis=1).max()
    if (orders["filled"] > 0).any() and invested < NEXT_TO_NOTHING:
        yield (
            f"At most {invested:.1%} of the account was ever invested: an order is for "
            "one share unless it or a sizer says how many (--stake, --sizer, addsizer)."
        )


def _positions(
    account: pd.DataFrame, history: Sequence[Any], symbols: Sequence[str]
) -> pd.DataFrame:
    columns = [*symbols, *_held_besides(symbols, (held for _, _, held in history))]
    place = {symbol: column for column, symbol in enumerate(columns)}
    values = np.zeros((len(history), len(columns) + 1))
    values[:, -1] = account["cash"]
    for row, (_, _, held) in enumerate(history):
        for symbol, (_, value) in held.items():
            values[row, place[symbol]] = value
    return pd.DataFrame(values, index=account.index, columns=[*columns, "cash"])


def _bars(panel: PricePanel, index: pd.DatetimeIndex) -> pd.DataFrame:
    """Lay the bars of a report's sessions out in columns (price, symbol)."""
    days = pd.DatetimeIndex(panel.sessions, name="session").as_unit("ns")
    kept = (days >= index[0]) & (days <= index[-1])
    columns = pd.MultiIndex.from_product(
        [COLUMNS, panel.symbols], names=["Price", "Ticker"]
    )
    rows = panel.bars[:, kept].transpose(1, 0, 2).reshape(-1, len(columns))
    return pd.DataFrame(rows, index=days[kept], columns=columns)


def _actions(recorded: Recorded) -> pd.DataFrame:
    """Lay out what changed the account after the first close of the report."""
    rows = [
        {
            "session": np.datetime64(done.session, "ns"),
            "symbol": done.symbol,
            "price": done.action.price,
            "shares": done.action.shares,
            "cash": done.cash,
            "size_before": done.size_before,
            "size_after": done.size_after,
        }
        for done in recorded.actions
        if np.datetime64(done.session, "D") > recorded.first
    ]
    return pd.DataFrame(rows)


def _held_besides(
    symbols: Iterable[str], held: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Return what else was held, such as the benchmark, by name."""
    return sorted({name for positions in held for name in positions} - set(symbols))


def _forecasts(recorded: Recorded) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Put every forecast beside what came of it."""
    panel = recorded.traded
    shape = (len(panel), len(panel.symbols))
    made, realised, dispersed = (np.full(shape, np.nan) for _ in range(3))
    columns = {symbol: column for column, symbol in enumerate(panel.symbols)}
    for horizon in {shown.horizon for shown in recorded.forecasts}:
        known = realised_returns(panel, horizon)
        for shown in recorded.forecasts:
            if shown.horizon == horizon and shown.symbol in columns:
                column = columns[shown.symbol]
                for table, values in (
                    (made, shown.returns),
                    (dispersed, shown.dispersions),
                ):
                    days = np.array(list(values), dtype="datetime64[D]")
                    kept = days >= recorded.first
                    rows = np.searchsorted(panel.sessions, days[kept])
                    table[rows, column] = np.array([*values.values()])[kept]
                realised[:, column] = known[:, column]
    row, at = np.nonzero(~np.isnan(made))
    frame = pd.DataFrame(
        {
            "session": pd.DatetimeIndex(panel.sessions[row]).as_unit("ns"),
            "symbol": np.array(panel.symbols, dtype=object)[at],
            "forecast": made[row, at],
            "realised": realised[row, at],
        }
    )
    if np.isfinite(dispersed).any():  # the members of an ensemble differ
        frame["dispersion"] = dispersed[row, at]
    return frame, skill(made, realised)


def _frame(row_type: Any, rows: Sequence[Any]) -> pd.DataFrame:
    """Lay dataclass instances out as a frame, one column a field."""
    names = [field.name for field in fields(row_type)]
    # Not `astuple`, which copies every value of every row.
    cells = [[getattr(row, name) for name in names] for row in rows]
    frame = pd.DataFrame(cells, columns=names)
    numbers = [f.name for f in fields(row_type) if f.type in ("float", "int")]
    return frame.astype({name: "float64" for name in numbers if frame.empty})


def _data(recorded: Recorded, account: pd.DataFrame) -> dict[str, Any]:
    return {
        "source": recorded.panel.source,
        "symbols": list(recorded.traded.symbols),
        "benchmark": recorded.benchmark,
        "context": sorted(set(recorded.context)),
        "first_session": str(recorded.panel.sessions[0]),
        "first_decision": str(account.index[0].date()),
        "last_session": str(recorded.panel.sessions[-1]),
        "intraday": recorded.intraday,
        "content_hash": recorded.panel.content_hash,
        # What a source or a check of the bars found suspicious.
        "findings": [
            {name: _plain(value) for name, value in asdict(finding).items()}
            for finding in recorded.panel.findings
        ],
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _order_counts(orders: pd.DataFrame) -> dict[str, int]:
    status = orders["status"]
    return {
        "submitted": len(orders),
        "completed": int((status == "Completed").sum()),
        "rejected": int(status.isin(["Margin", "Rejected"]).sum()),
        "canceled": int(status.isin(["Canceled", "Expired"]).sum()),
    }
