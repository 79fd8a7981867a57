"""Where a paper account's bars come from: the sources of the command line, or others.

The seam for another one is `BarSource`: anything that can be called with a
configuration and a date, and gives bars.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from bt_lstm_rotation.errors import DataError, SourceError
from bt_lstm_rotation.paper.bars import bar_rows, panel_of
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.paper.market import NEW_YORK, GivenSessions
from bt_lstm_rotation.periods import YEAR
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.loading import BENCHMARKS, SIMULATED
from bt_lstm_rotation.prices.source import Request, load_prices
from bt_lstm_rotation.prices.yahoo import YahooPrices

__all__ = ["CALENDARS", "BarSource", "UsualSource", "offered_bars", "resolved"]

logger = logging.getLogger(__name__)

# After so many symbols in a row without an answer, the rest are not asked for.
OUT_OF_REACH = 2

# Share of a year's sessions that have a bar of a daily series.
DAILY = 0.9

# Of sources whose calendar is known before their bars are.
CALENDARS = {**dict.fromkeys(SIMULATED, GivenSessions.name), "yahoo": NEW_YORK}


class BarSource(Protocol):
    """What gives a paper account its bars."""

    def __call__(
        self, wanted: Configuration, last: dt.date, since: dt.date | None = None
    ) -> PricePanel:
        """Return the bars of all symbols, the benchmark and context, as known now.

        Parameters
        ----------
        wanted : Configuration
            Symbols, benchmark and context are named in it; before the account is
            started, symbols may be None for all there are.
        last : date
            The last finished session: no bar after it is looked at.
        since : date, optional
            Bars before it are known, and may be left out.

        Raises
        ------
        SourceError
            If there is no answer: the account waits.
        DataError
            If the answer cannot be used: the account waits.
        """
        ...


class UsualSource:
    """Yahoo, a folder, or the simulated market.

    Parameters
    ----------
    yahoo : YahooPrices
        A cache and a connection. Soon after a close Yahoo may still correct a bar, so
        it should be a cache that backtests do not share.
    """

    def __init__(self, yahoo: YahooPrices) -> None:
        self._yahoo = yahoo

    def __call__(
        self, wanted: Configuration, last: dt.date, since: dt.date | None = None
    ) -> PricePanel:
        """Load the bars, up to the last finished session."""
        tomorrow = last + dt.timedelta(days=1)
        request = Request(
            data=wanted.data,
            symbols=wanted.symbols,
            benchmark=wanted.benchmark,
            context=wanted.context,
            start=since,
            end=last,
            seed=wanted.seed,
            adjust=wanted.adjust,
        )
        # Yahoo's bar of a day counts as final on the next one. A folder may have later
        # bars, such as the one that today's trading is still writing: they are cut off.
        yahoo = replace(self._yahoo, today=lambda: tomorrow)
        panel, _ = load_prices(request, today=dt.date.max, yahoo=yahoo)
        return panel


def offered_bars(
    source: BarSource, wanted: Configuration, last: dt.date, since: dt.date
) -> PricePanel:
    """Ask a source for all bars; where one symbol spoils it, for each alone.

    Raises as the source does, if it gives bars of no symbol, or no answer for two in a
    row.
    """
    try:
        return source(wanted, last, since)
    except (DataError, SourceError) as error:
        logger.warning("%s", error)
        names = wanted.names
        rows, unanswered = [], 0
        for name in names:
            alone = replace(wanted, symbols=(name,), benchmark=name, context=())
            try:
                rows += bar_rows(source(alone, last, since).select([name]))
                unanswered = 0
            except (DataError, SourceError) as fault:
                logger.warning("%s", fault)
                unanswered += isinstance(fault, SourceError)
            if unanswered == OUT_OF_REACH:
                raise
        if not rows:
            raise
        return panel_of(rows, names, wanted.data)


def resolved(wanted: Configuration, panel: PricePanel) -> Configuration:
    """Name the symbols and the benchmark that a source has chosen."""
    benchmark = wanted.benchmark or BENCHMARKS.get(wanted.data)
    aside = {benchmark, *wanted.context}
    symbols = tuple(name for name in panel.symbols if name not in aside)
    if not symbols:
        raise DataError("nothing to trade besides the benchmark", value=benchmark)
    check_daily(panel.select(symbols), panel, wanted.context)
    return replace(wanted, symbols=symbols, benchmark=benchmark)


def check_daily(traded: PricePanel, panel: PricePanel, context: Sequence[str]) -> None:
    """Raise DataError unless each series has a bar of nearly every late session.

    Each session waits for the bars of all: a monthly figure would hold it up each day.
    """
    last = traded.sessions[-YEAR:]
    rows = np.isin(panel.sessions, last)
    for name in context:
        count = int(panel.traded[rows, panel.symbols.index(name)].sum())
        if count < DAILY * len(last):
            raise DataError(
                "no daily series, and so no context of a paper account",
                symbol=name,
                value=f"bars of {count} of the last {len(last)} sessions",
                valid=f"bars of {DAILY:.0%} of them",
            )
