"""What a run's analyzers recorded -> a frozen result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from bt_lstm_rotation.backtest.benchmark import Benchmark
from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.backtest.sizing import described as sizer_described
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
    periods_a_year : float or None
        Sessions a year; None to measure it.
    sizer : Any
        As `run_backtest` takes it.
    """

    panel: PricePanel
    benchmark: str | None
    first_decision: np.datetime64
    broker: Broker
    strategy: Any
    params: Mapping[str, Any]
    spec: Any
    seconds: float
    periods_a_year: float | None = None
    sizer: Any = None

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
    orders = _frame(OrderRecord, ran.analyzers.OrderHistory.get_analysis())
    weights = _weights(history, run.sectors.symbols)
    account = _account(history, ran.analyzers.AccountHistory.flows)
    flows = account["flows"]
    metrics = performance(
        account["equity"],
        traded_value=float(
            (orders["filled"] * orders["price"] * orders["multiplier"]).sum()
        ),
        costs=float((orders["commission"] + orders["slippage"]).sum()),
        flows=flows,
        periods_a_year=run.periods_a_year,
    )
    notes = [*_flow_notes(flows)]
    benchmark = None
    if run.benchmark is not None:
        compared = Benchmark(
            name=run.benchmark,
            close=run.panel.frame(run.benchmark)["Close"],
            account=account,
            flows=flows,
            traded=run.benchmark in weights
            or bool((orders["symbol"] == run.benchmark).any()),
        )
        account["benchmark"] = compared.curve
        benchmark = compared.measured(metrics["periods_a_year"])
        notes += compared.notes()
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
        weights=weights,
        orders=orders,
        forecasts=forecasts,
        retrains=retrains,
        events=_frame(RebalanceEvent, events).rename(columns={"feed": "symbol"}),
        summary={
            "strategy": _described(run.strategy, run.params, run.sizer),
            "spec": None
            if not is_dataclass(run.spec)
            else {"forecaster": type(run.spec).__name__, **asdict(run.spec)},  # type: ignore[arg-type]
            "data": _data(run, account),
            "broker": run.broker.described(),
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
                "outdated": sum(event.kind == "outdated" for event in events),
            },
            "timing": {
                "seconds": run.seconds,
                "training_seconds": float(retrains["seconds"].sum()),
                "fits": len(retrains),
            },
            "versions": installed(PACKAGES),
            "notes": notes,
        },
    )


def _account(
    history: Mapping[pd.Timestamp, Any], flows: Mapping[Any, float]
) -> pd.DataFrame:
    # What was there at the first close is what the account begins with.
    first = next(iter(history))
    return pd.DataFrame(
        {
            "equity": {day: equity for day, (equity, _, _) in history.items()},
            "cash": {day: cash for day, (_, cash, _) in history.items()},
            "benchmark": np.nan,
            "flows": {
                day: 0.0 if day == first else flows.get(day.date(), 0.0)
                for day in history
            },
        },
        dtype="float64",
    ).rename_axis("session")


def _flow_notes(flows: pd.Series[Any]) -> Iterator[str]:
    if flows.any():
        yield (
            f"{flows.clip(lower=0).sum():,.2f} was paid in and "
            f"{-flows.clip(upper=0).sum() + 0.0:,.2f} taken out on the way. Returns, "
            "drawdown and the chart leave both out."
        )


def _weights(
    history: Mapping[pd.Timestamp, Any], symbols: Sequence[str]
) -> pd.DataFrame:
    others = _held_besides(symbols, (held for _, _, held in history.values()))
    columns = [*symbols, *others]
    rows = [
        [
            *(held.get(symbol, (0.0, 0.0))[1] for symbol in columns),
            cash,
        ]
        for _, cash, held in history.values()
    ]
    index = pd.DatetimeIndex(list(history), name="session")
    equity = np.array([equity for equity, _, _ in history.values()])
    # Of an account that is empty there are no shares.
    shares = np.array(rows) / np.where(equity == 0, np.nan, equity)[:, None]
    return pd.DataFrame(
        shares, index=index, columns=[*columns, "cash"], dtype="float64"
    )


def _held_besides(
    symbols: Iterable[str], held: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Return what else was held, such as the benchmark, by name."""
    return sorted({name for positions in held for name in positions} - set(symbols))


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


def _described(strategy: Any, given: Mapping[str, Any], sizer: Any) -> dict[str, Any]:
    """Name a strategy, all of its parameters that are plain values, and its sizer."""
    plain = str | int | float | bool | None
    params = dict(strategy.params._getitems()) | dict(given)
    shown = {name: value for name, value in params.items() if isinstance(value, plain)}
    sized = {} if sizer is None else {"sizer": sizer_described(sizer)}
    return {"name": strategy.__name__, "params": shown, **sized}


def _data(run: Run, account: pd.DataFrame) -> dict[str, Any]:
    return {
        "source": run.panel.source,
        "symbols": list(run.sectors.symbols),
        "benchmark": run.benchmark,
        "first_session": str(run.panel.sessions[0]),
        "first_decision": str(account.index[0].date()),
        "last_session": str(run.panel.sessions[-1]),
        "content_hash": run.panel.content_hash,
        # What a source or a check of the bars found suspicious.
        "findings": [
            {name: _plain(value) for name, value in asdict(finding).items()}
            for finding in run.panel.findings
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
