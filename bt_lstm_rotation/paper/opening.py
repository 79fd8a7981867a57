"""How a paper account begins: what it is, and the history it knows."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import replace

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.paper.bars import bar_rows
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.paper.drift import expectation
from bt_lstm_rotation.paper.history import kept_history
from bt_lstm_rotation.paper.market import GivenSessions, Market, market_named
from bt_lstm_rotation.paper.source import BarSource, market_for, resolved
from bt_lstm_rotation.paper.transaction import Transaction

__all__ = ["opened"]

logger = logging.getLogger(__name__)


def opened(
    wanted: Configuration,
    source: BarSource,
    clock: Callable[[Market], dt.datetime],
    training: Training,
) -> Transaction:
    """Return the first transaction of an account, at a time by its calendar.

    It holds the configuration with all names filled in, the text of the user's
    strategy, the bars up to the session before the last finished one, at whose close
    the first decision will be made, and what the years before lead one to expect.

    Raises
    ------
    HistoryError
        If there are too few bars for that decision.
    DataError, SourceError, SpecError, StrategyError
        As sources and strategies raise them.
    """
    strategy, params = wanted.load_strategy()
    market = market_named(wanted.calendar or GivenSessions.name)
    if isinstance(market, GivenSessions):
        # It takes the bars to know which calendar fits, or that they are their own.
        panel = source(wanted, clock(market).date())
        frozen = resolved(wanted, panel)
        calendar, reason = wanted.calendar, "as was asked for"
        if calendar is None:
            calendar, reason = market_for(panel, frozen)
        logger.info("calendar %s: %s", calendar, reason)
        market = market_named(calendar, dates=panel.sessions)
        frozen = replace(frozen, calendar=calendar)
    else:
        panel = source(wanted, market.finished(clock(market)))
        frozen = resolved(wanted, panel)
    now = clock(market)
    panel = panel.between(None, market.finished(now))
    kept = kept_history(panel, frozen, strategy, params)
    expected = expectation(panel, frozen, strategy, params, len(kept), training)
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
