"""Build a Cerebro with a `RunReport`, run it, and return what it left."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import backtrader as bt
import numpy as np

from bt_lstm_rotation.analyzers import RunReport
from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.backtest.preparing import (
    add_strategy,
    checked_params,
    first_decision,
    run_once,
    traded_symbols,
)
from bt_lstm_rotation.backtest.sizing import add_sizer, check_sizer
from bt_lstm_rotation.checks import check_call, check_date, check_kind
from bt_lstm_rotation.errors import DataError, RotationError, StrategyError
from bt_lstm_rotation.evidence.importance.in_run import check_asked
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.measures.annualisation import check_periods_a_year
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.reporting import RunFolder
from bt_lstm_rotation.reporting.run_folder import check_run_folder
from bt_lstm_rotation.result import BacktestResult
from bt_lstm_rotation.strategy import SectorRotation
from bt_lstm_rotation.trials import TrialLedger, ledger_of
from bt_lstm_rotation.wording import shown

__all__ = ["run_backtest"]


def run_backtest(
    panel: PricePanel,
    strategy: Any = SectorRotation,
    params: Mapping[str, Any] | None = None,
    *,
    benchmark: str | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    broker: Broker | None = None,
    sizer: Any = None,
    training: Training | None = None,
    periods_a_year: float | None = None,
    folder: Path | RunFolder | None = None,
    ledger: TrialLedger | bool = True,
    importance: bool | Literal["retrained"] = False,
    clock: Callable[[], float] = time.perf_counter,
) -> BacktestResult:
    """Run a strategy over a panel through Backtrader.

    Parameters
    ----------
    panel : PricePanel
        Validated bars: what is traded, and the benchmark.
    strategy : type of bt.Strategy
        `SectorRotation`, or any other.
    params : mapping, optional
        The strategy's parameters, except those that this function gives it.
    benchmark : str, optional
        A symbol of the panel to compare with, up to its last bar. It becomes the
        strategy's first feed; a strategy with a parameter ``benchmark`` of None is
        given it. That a strategy traded it is said in the result.
    start : date, optional
        First session on which an order can be filled; the first decision is made at the
        close before. Default: the session after the first that has a forecast. A
        `PeriodicRebalance` is given it as ``start``; any other strategy is held back
        until that close (`bt_lstm_rotation.backtest.trading_start`), and a parameter
        ``start`` of its own is left alone.
    end : date, optional
        Last session. Later bars are not looked at, not even to measure skill.
    broker : Broker, optional
        Cash, commission and slippage.
    sizer : type of bt.Sizer or (type, mapping), optional
        How many shares a plain ``buy()`` is for, perhaps with the sizer's parameters;
        not for a `PeriodicRebalance`. Default: Backtrader's, one share.
    training : Training, optional
        How fits are made, if the strategy has a parameter ``training`` of None; by
        default as in a script, kept and shown (`SectorRotation`).
    periods_a_year : float, optional
        Sessions a year, by which ratios are annualised. By default it is measured
        (`bt_lstm_rotation.measures.annualisation`).
    folder : path or RunFolder, optional
        Where the report's files go: a new folder, an empty one, or that of a run, which
        is kept. It is claimed before the work, unless it is already. By default none
        are written.
    ledger : TrialLedger or bool
        Where the run is counted among the trials on its bars (docs/trials.md); True is
        the usual ledger, False none.
    importance : bool or "retrained"
        Whether what each input of the network brings is measured, when the run is over,
        by forecasts from permuted inputs; with "retrained" also by networks that are
        trained without each, one walk forward for each (docs/importance.md).
    clock : callable, optional
        Seconds, for timing.

    Raises
    ------
    DataError
        If `panel` is not a panel, the benchmark is unknown or has no bar at the start
        or after it, or no session lies between start and end.
    HistoryError
        If there are too few sessions before the start for a first fit, or fewer bars
        than the strategy's indicators need.
    SpecError
        If a parameter is unknown, or an argument is of the wrong kind or impossible;
        with `importance`, if the forecaster is no network, or forecasts fewer than
        three symbols.
    StrategyError
        If `strategy` is not a strategy, or a sizer would change nothing about it, or
        there is nothing to trade, or with `importance` not one network.
    OutputError
        If nothing can be written to `folder`, it holds something else than a run, or
        another run is at work on it. If writing fails at the end, the text says where
        the files are instead.
    """
    check_run_folder("run_backtest", folder)
    _require_strategy(strategy)
    _require_panel(panel)
    for name, day in (("start", start), ("end", end)):
        check_date("run_backtest", name, day)
    for name, value, kind, valid in (
        ("params", params, Mapping | None, "a mapping of parameter to value, or None"),
        ("broker", broker, Broker | None, "a Broker(...), or None"),
        ("training", training, Training | None, "a Training(...), or None"),
    ):
        check_kind("run_backtest", name, value, kind, valid)
    ledger_of("run_backtest", ledger)
    check_asked("run_backtest", importance)
    check_call("run_backtest", "clock", clock)
    check_periods_a_year("run_backtest", periods_a_year)
    check_sizer(strategy, sizer)
    broker = Broker() if broker is None else broker
    panel = panel.between(None, end)
    if benchmark is not None:
        panel.select([benchmark])  # raises if it is unknown
    given = checked_params(
        strategy, params or {}, benchmark=benchmark, training=training
    )
    sectors = traded_symbols(panel, strategy, given, benchmark)
    spec = given.get("spec", getattr(strategy.params, "spec", None))
    first = first_decision(panel, panel.select(sectors), spec, start)
    _require_bar(panel, benchmark, first)

    with ExitStack() as claimed:
        place = folder
        if isinstance(folder, str | Path):
            place = claimed.enter_context(RunFolder(Path(folder)))
        cerebro = bt.Cerebro(stdstats=False)
        add_feeds(cerebro, panel, benchmark)
        broker.set_up(cerebro)
        add_sizer(cerebro, sizer)
        add_strategy(cerebro, strategy, given, first, start)
        cerebro.addanalyzer(
            _Returned,
            _name="runreport",
            folder=place,
            benchmark=benchmark,
            since=first.astype(object),
            periods_a_year=periods_a_year,
            panel=panel,
            ledger=ledger,
            importance=importance,
            clock=clock,
        )
        result: BacktestResult = run_once(cerebro).analyzers.runreport.result()
    return result


class _Returned(RunReport):
    """One whose failure is raised here, and so need not be logged as well."""

    _kind = "backtest"

    def _say(self, error: RotationError) -> None:
        pass


def _require_strategy(strategy: Any) -> None:
    if not isinstance(strategy, type) or not issubclass(strategy, bt.Strategy):
        raise StrategyError(f"a bt.Strategy class is needed (got {shown(strategy)})")


def _require_panel(panel: Any) -> None:
    if not isinstance(panel, PricePanel):
        raise DataError(
            "not a PricePanel",
            value=type(panel).__name__,
            valid="load_prices(frames) makes one of DataFrames",
        )
    panel.check_carried()


def _require_bar(
    panel: PricePanel, benchmark: str | None, session: np.datetime64
) -> None:
    if benchmark is None:
        return
    first, last = panel.select([benchmark]).sessions[[0, -1]]
    if last < session:
        raise DataError(
            "the benchmark ends before the start",
            symbol=benchmark,
            value=str(session),
            valid=f"its last session is {last}",
        )
    if first > session:
        raise DataError(
            "the benchmark has no bar at the start",
            symbol=benchmark,
            value=str(session),
            valid=f"its first session is {first}",
        )
