"""A paper account, run again from its first session over the bars as they were seen.

No state of a broker is ever saved or restored: what the account holds, what waits for
the next open and what a strategy remembers all come from the run itself. Backtrader
gives the same bytes bar by bar as in a backtest, so the account is the backtest of its
own bars.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import backtrader as bt
import numpy as np

from bt_lstm_rotation.analyzers import RunReport
from bt_lstm_rotation.backtest.broker import Broker
from bt_lstm_rotation.backtest.preparing import add_strategy, checked_params, run_once
from bt_lstm_rotation.backtest.sizing import add_sizer
from bt_lstm_rotation.backtest.strategy_file import strategy_errors
from bt_lstm_rotation.checks import is_number
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import BarHistory, FitRecord, Training
from bt_lstm_rotation.indicators.run import ForecastRun
from bt_lstm_rotation.paper.daybook import DayBook, Rows
from bt_lstm_rotation.paper.scripted import Scripted
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import CorporateAction
from bt_lstm_rotation.rebalancing.adjusting_broker import AdjustingBroker
from bt_lstm_rotation.result import BacktestResult

__all__ = ["Account", "Replayed", "lot_of", "replay"]


@dataclass(frozen=True, kw_only=True)
class Account:
    """What is run again.

    Parameters
    ----------
    panel : PricePanel
        The bars of each session in the units in which they were seen.
    shown : PricePanel
        Those of them that feeds show.
    restated : PricePanel
        The same bars, all in the units of the last session.
    actions : mapping of date to {symbol: CorporateAction}
        Where units change.
    benchmark : str or None
    strategy : type of bt.Strategy
    params : mapping
        The strategy's.
    lot : float
        Shares that it holds at a time.
    first : date
        The close at which the account begins, and the strategy decides first; of a
        later version of a strategy, the close before its first session.
    scripted : sequence of rows
        Orders that earlier versions of the strategy sent, as the journal has them:
        ``(session, ref, symbol, side, size, type, price, pricelimit, valid, parent,
        oco)``.
    cancelled : sequence of rows
        Those that were taken back at a close: ``(session, ref)``.
    begins : date
        The account's very first close.
    new : date, optional
        The first session that is not recorded yet; its forecasts are not known.
    """

    panel: PricePanel
    shown: PricePanel
    restated: PricePanel
    actions: Mapping[dt.date, Mapping[str, CorporateAction]]
    benchmark: str | None
    strategy: Any
    params: Mapping[str, Any]
    lot: float
    broker: Broker
    sizer: Any
    first: dt.date
    begins: dt.date
    new: dt.date | None = None
    scripted: Sequence[tuple[Any, ...]] = ()
    cancelled: Sequence[tuple[Any, ...]] = ()


@dataclass(frozen=True)
class Replayed:
    """What a replay has come to.

    Parameters
    ----------
    result : BacktestResult
    rows : mapping of date to {table: rows}
        Of every session from the first close on.
    bars : PricePanel
        All bars, in the units of the last session.
    fits : list of (model, FitRecord)
        Of all that forecasts.
    models : mapping of str to (spec, BarHistory)
        What forecasts, by the key that it is recorded under, and all that it read.
    """

    result: BacktestResult
    rows: Mapping[dt.date, Rows]
    bars: PricePanel
    fits: list[tuple[str, FitRecord]] = field(default_factory=list)
    models: Mapping[str, tuple[Any, BarHistory]] = field(default_factory=dict)


def lot_of(strategy: Any, given: Mapping[str, Any]) -> float:
    """Return the shares that are traded at a time, as far as the strategy says it."""
    lot = given.get("lot", dict(strategy.params._getitems()).get("lot", 1))
    return float(lot) if is_number(lot) and lot > 0 else 1.0


def replay(account: Account, training: Training) -> Replayed:
    """Run an account over its bars, bar by bar, to the last one.

    Raises
    ------
    StrategyError
        If a strategy of the user's own fails: where, and why.
    """
    strategy = account.strategy
    given = checked_params(
        strategy, account.params, benchmark=account.benchmark, training=training
    )
    first = np.datetime64(account.first, "D")
    cerebro = bt.Cerebro(stdstats=False)
    broker: Any = AdjustingBroker  # its arguments are params
    cerebro.broker = broker(actions=account.actions, lot=account.lot)
    # Forecasts of a strategy that has no param for it come from the journal too.
    cerebro.forecast_run = ForecastRun(training, account.restated)
    add_feeds(cerebro, account.shown, account.benchmark)
    account.broker.set_up(cerebro)
    add_sizer(cerebro, account.sizer)
    if account.scripted:
        cerebro.addstrategy(
            Scripted, orders=account.scripted, cancelled=account.cancelled
        )
    add_strategy(cerebro, strategy, given, first)
    cerebro.addanalyzer(
        RunReport,
        benchmark=account.benchmark,
        since=account.begins,
        panel=account.panel,
        ledger=False,  # the account is no trial; the backtest it began with was
    )
    cerebro.addanalyzer(DayBook, since=account.new)
    with strategy_errors(strategy):
        ran = run_once(cerebro, preload=True, runonce=not account.actions)
    report, book = ran.analyzers.runreport, ran.analyzers.daybook
    result: BacktestResult = report.result()
    rows = {d: r for d, r in book.joined(report).items() if d >= account.begins}
    pools = book.pools()
    fits = [(key, fit) for key, pool in pools.items() for fit in pool.fits]
    return Replayed(
        replace(result, summary={**result.summary, "command": None}),
        rows,
        account.restated,
        fits,
        {key: (pool.spec, pool.history) for key, pool in pools.items()},
    )
