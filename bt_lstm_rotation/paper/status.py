"""Where a paper account stands, in figures and in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bt_lstm_rotation.backtest.strategy_file import known_strategies
from bt_lstm_rotation.paper.drift import drift_of
from bt_lstm_rotation.paper.market import GivenSessions, Market, Weekdays
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.paper.stepping import following
from bt_lstm_rotation.paper.tickets import Ticket, tickets_of
from bt_lstm_rotation.periodic import PeriodicRebalance
from bt_lstm_rotation.periods import period_of

__all__ = ["Position", "Status", "left_out", "status_of"]

# What a simulated account cannot know. docs/paper-trading.md says the same.
LEFT_OUT = (
    "the effect of your own orders on the price, and your place in the queue: every "
    "market order fills whole at the open, but for the slippage",
    "taxes, and fees other than the commission",
    "what borrowing shares costs when short, and interest on cash",
)
UNADJUSTED = "dividends: the bars are not adjusted for them"

# Sessions that are looked ahead for the next rebalance: a quarter, and holidays.
AHEAD = dt.timedelta(days=140)


@dataclass(frozen=True)
class Position:
    """What is held of a symbol: shares, the price paid, and value in currency."""

    symbol: str
    shares: float
    price: float
    value: float


@dataclass(frozen=True)
class Status:
    """Where an account stands at its last close.

    Parameters
    ----------
    name : str
    folder : Path
    strategy : str
    sessions : int
        How many are recorded.
    begins, last : date or None
        The first and the last of them.
    cash, equity, started_with : float
        In currency.
    benchmark_return : float or None
        A decimal, since the first close.
    positions : tuple of Position
    tickets : tuple of Ticket
        What waits for the next open.
    next_close : datetime
        UTC.
    next_rebalance : date or None
        The close at which the strategy decides next; None if it decides by itself.
    last_fit : date or None
        When the network in force was trained.
    versions : int
    stopped : bool
    notes : tuple of (date, str)
        What was done instead, latest last.
    drift : tuple of str
        Sentences that put skill, turnover and costs beside what was expected.
    left_out : tuple of str
        What the simulation does not know.
    """

    name: str
    folder: Path
    strategy: str
    sessions: int
    begins: dt.date | None
    last: dt.date
    cash: float
    equity: float
    started_with: float
    benchmark_return: float | None
    positions: tuple[Position, ...]
    tickets: tuple[Ticket, ...]
    next_close: dt.datetime
    next_rebalance: dt.date | None
    last_fit: dt.date | None
    versions: int
    stopped: bool
    notes: tuple[tuple[dt.date, str], ...]
    drift: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def total_return(self) -> float:
        """Of the account since it began, a decimal."""
        return self.equity / self.started_with - 1.0


def status_of(
    name: str, folder: Path, record: Record, market: Market, now: dt.datetime
) -> Status:
    """Put together where an account stands."""
    wanted = record.configuration
    cash, equity = wanted.cash, wanted.cash
    rows = record.rows
    if rows:
        ((cash, equity),) = rows[record.last]["account"]
    held = rows[record.last]["positions"] if rows else []
    when = dict(record.sessions)
    return Status(
        name=name,
        folder=folder,
        strategy=wanted.strategy,
        sessions=len(record.sessions),
        begins=record.begins,
        last=record.last,
        cash=cash,
        equity=equity,
        started_with=wanted.cash,
        benchmark_return=_benchmark_return(record),
        positions=tuple(Position(*row) for row in held),
        tickets=tickets_of(
            name, record, record.restated, following(market, record.last)
        ),
        next_close=market.next_close(now),
        next_rebalance=_next_rebalance(record, market),
        last_fit=_last_fit(record),
        versions=len(record.versions),
        stopped=record.stopped is not None,
        notes=tuple(
            (when[number], f"{symbol}: {kind}, {detail}")
            for number, kind, symbol, detail in record.tables["notes"]
            if number in when
        ),
        drift=drift_of(record, record.restated),
        left_out=left_out(record),
    )


def left_out(record: Record) -> tuple[str, ...]:
    """Return what the simulation of an account does not know."""
    sources = [row[3] for row in record.tables["notes"] if row[1] == "source"]
    unadjusted = any("as they are" in source for source in sources)
    return (*LEFT_OUT, UNADJUSTED) if unadjusted else LEFT_OUT


def _benchmark_return(record: Record) -> float | None:
    benchmark, begins = record.configuration.benchmark, record.begins
    if benchmark is None or begins is None:
        return None
    closes = record.restated.frame(benchmark)["Close"]
    since = closes[closes.index >= np.datetime64(begins)]
    return float(since.iloc[-1] / since.iloc[0] - 1.0) if len(since) else None


def _last_fit(record: Record) -> dt.date | None:
    good = [row[2] for row in record.tables["fits"] if row[3] == "ok"]
    return dt.date.fromisoformat(max(good)) if good else None


def _next_rebalance(record: Record, market: Market) -> dt.date | None:
    """Return the first close of the next period; None for a strategy of another kind.

    A user's own file is not run to be asked.
    """
    wanted = record.configuration
    if wanted.strategy not in known_strategies():
        return None
    strategy, params = wanted.load_strategy()
    if not issubclass(strategy, PeriodicRebalance):
        return None
    every: Any = params.get("rebalance", strategy.params.rebalance)
    last = record.last
    known = Weekdays() if isinstance(market, GivenSessions) else market
    ahead: Sequence[dt.date] = known.sessions(last, last + AHEAD)
    periods = period_of(np.array([last, *ahead], dtype="datetime64[D]"), every)
    later = [d for d, p in zip(ahead, periods[1:], strict=True) if p != periods[0]]
    return later[0] if later else None
