"""One step of a paper account: what is due, what it leads to, and its rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.errors import DataError, SourceError, SpecError, closest
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.forecasting.walkforward.training import default_training
from bt_lstm_rotation.paper.arrival import Arrival, Arrivals, arrived
from bt_lstm_rotation.paper.column import ASKED
from bt_lstm_rotation.paper.fits import Fits
from bt_lstm_rotation.paper.market import GivenSessions, Market, market_named
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.paper.replay import Replayed, replay
from bt_lstm_rotation.paper.rerun import account_of, check_replay, load_version
from bt_lstm_rotation.paper.source import BarSource, offered_bars
from bt_lstm_rotation.paper.transaction import Transaction
from bt_lstm_rotation.prices import PricePanel

__all__ = ["Asked", "following", "run_on", "transactions", "usual_market"]


class Asked:
    """What a source is asked for: the finished sessions that are not recorded yet.

    No answer, or one that cannot be used, is something to wait for.

    Parameters
    ----------
    record : Record
    source : BarSource
    now : callable
        Gives the time, by the calendar of the account.
    accepted : collection of str
        Symbols whose new bars are believed; SpecError if the account has no such one.

    Attributes
    ----------
    market : Market
    now : datetime
    """

    def __init__(
        self,
        record: Record,
        source: BarSource,
        now: Callable[[Market], dt.datetime],
        accepted: Collection[str] = (),
    ) -> None:
        self._record = record
        self._source = source
        self._accepted = accepted
        for symbol in accepted:
            if symbol not in record.panel.symbols:
                known = closest(symbol, record.panel.symbols)
                raise SpecError("paper step", "--accept", symbol, f"a symbol; {known}")
        self._offered: PricePanel | None = None
        self._failure = ""
        self.market = usual_market(record)
        if isinstance(self.market, GivenSessions):  # the source is the calendar
            nothing_known = GivenSessions()
            self._ask(nothing_known.last_day(now(nothing_known)))
            if self._offered is not None:
                days = np.union1d(record.panel.sessions, self._offered.sessions)
                self.market = GivenSessions(days)
        self.now = now(self.market)

    def arrivals(self) -> Arrivals:
        """Return what can be recorded now, and what the rest waits for."""
        record, market, now = self._record, self.market, self.now
        if self._failure:
            return Arrivals(waiting=self._failure)
        last = market.finished(now)
        due = market.sessions(record.last + dt.timedelta(days=1), last)
        if due and self._offered is None:
            self._ask(last)
        if not due or self._offered is None:
            return Arrivals(waiting=self._failure)
        deadline = dt.timedelta(hours=record.configuration.deadline)
        return arrived(
            record.restated,
            self._offered,
            due,
            overdue=lambda session: now > market.close(session) + deadline,
            accepted=self._accepted,
        )

    def _ask(self, last: dt.date) -> None:
        try:
            known = self._record.panel.sessions
            since: dt.date = known[-ASKED:][0].astype(object)
            wanted = self._record.configuration
            self._offered = offered_bars(self._source, wanted, last, since)
        except (SourceError, DataError) as error:
            self._failure = str(error)


def usual_market(record: Record) -> Market:
    """Return an account's calendar, as far as it is known without its source."""
    calendar = record.configuration.calendar or GivenSessions.name
    return market_named(calendar, dates=record.panel.sessions)


def following(market: Market, session: dt.date) -> dt.date | None:
    """Return the next session; None where the calendar knows no future."""
    return None if isinstance(market, GivenSessions) else market.following(session)


def run_on(
    record: Record,
    arrivals: Sequence[Arrival],
    folder: Path,
    training: Training | None = None,
) -> tuple[Replayed, Fits]:
    """Run an account again, and on over new sessions; see that all comes out again.

    Raises as `load_version`, `replay` and `check_replay` do.
    """
    strategy, params = load_version(record.versions[-1], folder)
    fits = record.fits()
    training = default_training() if training is None else training
    account = account_of(record, arrivals, strategy, params)
    replayed = replay(account, replace(training, journal=fits))
    check_replay(record, replayed, account.first)
    return replayed, fits


def transactions(
    record: Record,
    arrivals: Sequence[Arrival],
    replayed: Replayed,
    fits: Fits,
    now: dt.datetime,
) -> Iterator[Transaction]:
    """Yield a transaction for each new session of a run."""
    # What is said of the past is found again at each step.
    known = {row[1:] for row in record.tables["notes"] if row[1] != "missing"}
    new_fits = fits.new_rows(replayed.fits)
    for arrival in arrivals:
        day = np.datetime64(arrival.session, "D")
        notes = [(note.kind, note.symbol, note.detail) for note in arrival.notes]
        rows = {
            **replayed.rows[arrival.session],
            "bars": [
                (str(arrival.session), symbol, *map(float, bar))
                for symbol, bar in arrival.bars.items()
            ],
            "actions": [
                (symbol, action.price, action.shares, action.cash)
                for symbol, action in arrival.actions.items()
            ],
            "fits": [row for session, row in new_fits if session <= day],
            "notes": [note for note in notes if note not in known],
        }
        new_fits = [(s, row) for s, row in new_fits if s > day]
        yield Transaction("session", arrival.session, now, __version__, rows)
