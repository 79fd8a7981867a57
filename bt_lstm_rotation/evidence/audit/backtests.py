"""The audit of what `run_backtest` runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import backtrader as bt

from bt_lstm_rotation.backtest import Broker
from bt_lstm_rotation.backtest.preparing import (
    add_strategy,
    checked_params,
    first_decision,
)
from bt_lstm_rotation.backtest.sizing import add_sizer, check_sizer
from bt_lstm_rotation.checks import check_date
from bt_lstm_rotation.errors import DataError, StrategyError
from bt_lstm_rotation.evidence.audit.auditing import audit
from bt_lstm_rotation.evidence.audit.findings import AuditReport
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.strategy import SectorRotation
from bt_lstm_rotation.wording import shown

__all__ = ["audit_backtest"]


def audit_backtest(
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
    **settings: Any,
) -> AuditReport:
    """Audit a strategy as `run_backtest` would run it.

    Parameters
    ----------
    panel, strategy, params, benchmark, start, end, broker, sizer, training
        As in `run_backtest`.
    settings
        As in `audit`.

    Raises
    ------
    DataError, HistoryError, SpecError, StrategyError
        As `run_backtest` does.
    """
    if not isinstance(strategy, type) or not issubclass(strategy, bt.Strategy):
        raise StrategyError(f"a bt.Strategy class is needed (got {shown(strategy)})")
    if not isinstance(panel, PricePanel):
        valid = "load_prices(frames) makes one of DataFrames"
        raise DataError("not a PricePanel", value=type(panel).__name__, valid=valid)
    for name, day in (("start", start), ("end", end)):
        check_date("audit_backtest", name, day)
    check_sizer(strategy, sizer)
    panel = panel.between(None, end)
    if benchmark is not None:
        panel.select([benchmark])  # raises if it is unknown
    sectors = [symbol for symbol in panel.symbols if symbol != benchmark]
    if not sectors:
        raise StrategyError(f"nothing to trade besides the benchmark {benchmark!r}")
    given = checked_params(
        strategy, params or {}, benchmark=benchmark, training=training
    )
    kind: Any = strategy
    spec = given.get("spec", getattr(kind.params, "spec", None))
    first = first_decision(panel, panel.select(sectors), spec, start)
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, panel, benchmark)
    (Broker() if broker is None else broker).set_up(cerebro)
    add_sizer(cerebro, sizer)
    add_strategy(cerebro, strategy, given, first, start)
    return audit(cerebro, **settings)
