"""What a run's analyzers recorded -> a frozen result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation._version import installed
from bt_lstm_rotation.analyzers import (
    AccountHistory,
    ForecastHistory,
    OrderHistory,
    OrderRecord,
)
from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.backtest.waiting import WaitHistory, waited
from bt_lstm_rotation.forecasting import FitRecord
from bt_lstm_rotation.measures.performance import performance
from bt_lstm_rotation.measures.skill import realised_returns, skill
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.rebalancing import RebalanceEvent
from bt_lstm_rotation.result import BacktestResult

__all__ = ["Run", "add_recorders", "collect"]

PACKAGES = ("bt-lstm-rotation", "backtrader", "numpy", "pandas", "tensorflow")


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """What was run.

    Parameters
    ----------
    panel : PricePanel
        All bars, the benchmark's included.
    first_decision : datetime64[D]
        The close at which the first decision could be made.
    params : mapping
        The strategy's parameters that were given.
    spec : Any
        The forecaster's spec, or None.
    seconds : float
        How long it took.
    """

    panel: PricePanel
    benchmark: str | None
    first_decision: np.datetime64
    broker: Broker
    strategy: Any
    params: Mapping[str, Any]
    spec: Any
    seconds: float

    @property
    def sectors(self) -> PricePanel:
        """The bars of what is traded."""
        symbols = [name for name in self.panel.symbols if name != self.benchmark]
        return self.panel.select(symbols)


def add_recorders(cerebro: Any) -> None:
    """Add the analyzers that `collect` reads."""
    for analyzer in (AccountHistory, OrderHistory, ForecastHistory, WaitHistory):
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)


def collect(ran: Any, run: Run) -> BacktestResult:
    """Turn a strategy that has run, with `add_recorders`' analyzers, into a result."""
    history = {
        pd.Timestamp(day): row
        for day, row in ran.analyzers.AccountHistory.get_analysis().items()
        if np.datetime64(day, "D") >= run.first_decision
    }
    account = _account(history, run)
    orders = _frame(OrderRecord, ran.analyzers.OrderHistory.get_analysis())
    recorded = ran.analyzers.ForecastHistory.get_analysis()
    forecasts, measured = _forecasts(recorded, run)
    retrains = _frame(FitRecord, recorded["fits"])
    idle = ran.analyzers.WaitHistory.get_analysis()
    since = run.first_decision.astype(object)
    events = [
        *waited(run.strategy, idle, since),
        *getattr(getattr(ran, "rebalancer", None), "events", []),
    ]
    return BacktestResult(
        account=account,
        weights=_weights(history, run.sectors.symbols),
        orders=orders,
        forecasts=forecasts,
        retrains=retrains,
        events=_frame(RebalanceEvent, events).rename(columns={"feed": "symbol"}),
        summary={
            "strategy": _described(run.strategy, run.params),
            "spec": None
            if not is_dataclass(run.spec)
            else {"forecaster": type(run.spec).__name__, **asdict(run.spec)},  # type: ignore[arg-type]
            "data": _data(run, account),
            "broker": run.broker.described(),
            "metrics": performance(
                account["equity"],
                traded_value=float((orders["filled"] * orders["price"]).sum()),
                costs=float((orders["commission"] + orders["slippage"]).sum()),
            ),
            "benchmark": None
            if run.benchmark is None
            else performance(account["benchmark"], traded_value=0.0, costs=0.0),
            "forecast": measured,
            "orders": _order_counts(orders),
            "training": {
                "fits": len(retrains),
                "failed": int((retrains["status"] != "ok").sum()),
                "outdated": sum(event.kind == "outdated" for event in events),
            },
            "timing": {
                "seconds": run.seconds,
                "training_seconds": float(retrains["seconds"].sum()),
                "fits": len(retrains),
            },
            "versions": installed(PACKAGES),
        },
    )


def _account(history: Mapping[pd.Timestamp, Any], run: Run) -> pd.DataFrame:
    account = pd.DataFrame(
        {
            "equity": {day: equity for day, (equity, _, _) in history.items()},
            "cash": {day: cash for day, (_, cash, _) in history.items()},
            "benchmark": np.nan,
        },
        dtype="float64",
    ).rename_axis("session")
    if run.benchmark is not None:
        # A session on which the benchmark alone did not trade keeps its last value.
        close = run.panel.frame(run.benchmark)["Close"].reindex(
            account.index, method="ffill"
        )
        account["benchmark"] = account["equity"].iloc[0] * close / close.iloc[0]
    return account


def _weights(
    history: Mapping[pd.Timestamp, Any], symbols: Sequence[str]
) -> pd.DataFrame:
    rows = [
        [
            *(held.get(symbol, (0.0, 0.0))[1] / equity for symbol in symbols),
            cash / equity,
        ]
        for equity, cash, held in history.values()
    ]
    index = pd.DatetimeIndex(list(history), name="session")
    return pd.DataFrame(rows, index=index, columns=[*symbols, "cash"], dtype="float64")


def _forecasts(
    recorded: Mapping[str, Any], run: Run
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Put every forecast beside what came of it."""
    panel, horizon = run.sectors, recorded["horizon"]
    shape = (len(panel), len(panel.symbols))
    made = np.full(shape, np.nan)
    rows = {session: row for row, session in enumerate(panel.sessions)}
    columns = {symbol: column for column, symbol in enumerate(panel.symbols)}
    for day, by_symbol in recorded["forecasts"].items():
        session = np.datetime64(day, "D")
        if session >= run.first_decision:
            for symbol, value in by_symbol.items():
                if symbol in columns:
                    made[rows[session], columns[symbol]] = value
    realised = np.full(shape, np.nan)
    if horizon is not None:
        realised = realised_returns(panel, horizon)
    row, column = np.nonzero(~np.isnan(made))
    frame = pd.DataFrame(
        {
            "session": pd.DatetimeIndex(panel.sessions[row]).as_unit("ns"),
            "symbol": np.array(panel.symbols, dtype=object)[column],
            "forecast": made[row, column],
            "realised": realised[row, column],
        }
    )
    return frame, skill(made, realised)


def _frame(row_type: Any, rows: Sequence[Any]) -> pd.DataFrame:
    """Lay dataclass instances out as a frame, one column a field."""
    names = [field.name for field in fields(row_type)]
    frame = pd.DataFrame([astuple(row) for row in rows], columns=names)
    numbers = [f.name for f in fields(row_type) if f.type in ("float", "int")]
    return frame.astype({name: "float64" for name in numbers if frame.empty})


def _described(strategy: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Name a strategy and all of its parameters that are plain values."""
    plain = str | int | float | bool | None
    params = dict(strategy.params._getitems()) | dict(given)
    shown = {name: value for name, value in params.items() if isinstance(value, plain)}
    return {"name": strategy.__name__, "params": shown}


def _data(run: Run, account: pd.DataFrame) -> dict[str, Any]:
    return {
        "source": run.panel.source,
        "symbols": list(run.sectors.symbols),
        "benchmark": run.benchmark,
        "first_session": str(run.panel.sessions[0]),
        "first_decision": str(account.index[0].date()),
        "last_session": str(run.panel.sessions[-1]),
        "content_hash": run.panel.content_hash,
    }


def _order_counts(orders: pd.DataFrame) -> dict[str, int]:
    status = orders["status"]
    return {
        "submitted": len(orders),
        "completed": int((status == "Completed").sum()),
        "rejected": int(status.isin(["Margin", "Rejected"]).sum()),
        "canceled": int(status.isin(["Canceled", "Expired"]).sum()),
    }
