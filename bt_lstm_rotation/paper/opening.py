"""How a paper account begins: what it is, and the history it knows."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import replace

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.forecasting.walkforward.training import default_training
from bt_lstm_rotation.paper.bars import bar_rows
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.paper.drift import expectation
from bt_lstm_rotation.paper.history import kept_history
from bt_lstm_rotation.paper.market import (
    GivenSessions,
    Market,
    market_named,
    market_of,
)
from bt_lstm_rotation.paper.source import CALENDARS, BarSource, resolved
from bt_lstm_rotation.paper.transaction import Transaction
from bt_lstm_rotation.trials import TrialLedger, ledger_of

__all__ = ["opened"]

logger = logging.getLogger(__name__)


def opened(
    wanted: Configuration,
    source: BarSource,
    clock: Callable[[Market], dt.datetime],
    training: Training | None,
    ledger: TrialLedger | bool = False,
) -> Transaction:
    """Return the first transaction of an account, at a time by its calendar.

    It holds the configuration with all names filled in, the text of the user's
    strategy, the bars up to the session before the last finished one, at whose close
    the first decision will be made, and what the years before lead one to expect: a
    backtest, which is counted in the ledger.

    Raises
    ------
    HistoryError
        If there are too few bars for that decision.
    DataError, SourceError, SpecError, StrategyError
        As sources and strategies raise them.
    """
    book = ledger_of("PaperSession.start", ledger)
    training = training or default_training()
    strategy, params = wanted.load_strategy()
    wanted = wanted.anchored()
    market = _market(wanted, source, clock)
    now = clock(market)
    last = market.finished(now)
    panel = source(wanted, last).between(None, last)
    frozen = replace(resolved(wanted, panel), calendar=market.name)
    kept = kept_history(panel, frozen, strategy, params)
    expected = expectation(panel, frozen, strategy, params, len(kept), training, book)
    before = kept.rows(0, len(kept) - 1)
    return Transaction(
        kind="start",
        session=before.sessions[-1].astype(object),
        written=now,
        version=__version__,
        rows={
            "configurations": [(frozen.to_text(),)],
            "sources": list(frozen.sources().items()),
            "bars": bar_rows(before),
            # Of a source that applies no dividends, it says so.
            "notes": [("source", "", panel.source)],
            "expectations": [] if expected is None else [(expected.to_text(),)],
        },
    )


def _market(
    wanted: Configuration, source: BarSource, clock: Callable[[Market], dt.datetime]
) -> Market:
    """Return the calendar that was asked for, that of the source, or what bars fit."""
    name = wanted.calendar or CALENDARS.get(wanted.data)
    market = market_named(name or GivenSessions.name)
    if not isinstance(market, GivenSessions):
        return market
    panel = source(wanted, market.last_day(clock(market)))
    if name is None:
        name, reason = market_of(panel)
        logger.info("calendar %s: %s", name, reason)
    return market_named(name, dates=panel.sessions)
