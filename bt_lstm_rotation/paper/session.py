"""A paper account: one strategy, one session after the other, in one journal.

Starting, stepping, catching up and recovering are the same act: read the journal, run
the account again over the bars that it has seen, see that all comes out as recorded,
and record what is new.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.paper.clock import (
    Clock,
    FixedClock,
    SystemClock,
    check_not_back,
    check_past,
)
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.paper.handover import OrderSink, hand_over
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.lock import writer
from bt_lstm_rotation.paper.market import Market
from bt_lstm_rotation.paper.names import (
    JOURNAL,
    YAHOO,
    check_files,
    default_root,
    session_folder,
)
from bt_lstm_rotation.paper.opening import opened
from bt_lstm_rotation.paper.outcome import Outcome
from bt_lstm_rotation.paper.page import write_page
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.paper.refusals import refuse_stopped
from bt_lstm_rotation.paper.replay import Replayed
from bt_lstm_rotation.paper.seal import Boundary, unobserved
from bt_lstm_rotation.paper.source import BarSource, UsualSource
from bt_lstm_rotation.paper.status import Status, status_of
from bt_lstm_rotation.paper.stepping import (
    Asked,
    following,
    run_on,
    transactions,
    usual_market,
)
from bt_lstm_rotation.paper.tickets import Ticket, tickets_of
from bt_lstm_rotation.paper.transaction import Transaction
from bt_lstm_rotation.paper.versions import new_version
from bt_lstm_rotation.prices.yahoo import YahooPrices
from bt_lstm_rotation.trials import TrialLedger

__all__ = ["PaperSession"]

logger = logging.getLogger(__name__)


class PaperSession:
    """A paper account in a folder of its own.

    Make one with `start`, and later find it again with `PaperSession(name)`.

    Parameters
    ----------
    name : str
        Of the account: letters, digits, ``.``, ``_`` and ``-``.
    root : Path, optional
        Where accounts are; by default in the user's data folder.
    clock : Clock
        What time it is.
    today : date, optional
        In place of the clock's time: the end of that day, for rehearsals. It is never
        later than the clock says.
    source : BarSource, optional
        Where bars come from, in place of the configuration's own source.
    orders : callable, optional
        Is handed the tickets of the last session by a step, once at least: after a
        crash, or where it fails, the next step hands them over again, under the same
        ids.
    training : Training, optional
        Workers, progress and store of fits.
    boundary : callable
        Called with a label before and after every write, for tests that fail there.

    Raises
    ------
    SpecError
        If the name is none, or `today` is still to come.
    OutputError
        If something else stands where the account's files should be.
    """

    def __init__(
        self,
        name: str,
        *,
        root: Path | None = None,
        clock: Clock | None = None,
        today: dt.date | None = None,
        source: BarSource | None = None,
        orders: OrderSink | None = None,
        training: Training | None = None,
        boundary: Boundary = unobserved,
    ) -> None:
        self.name = name
        self.folder = session_folder(default_root() if root is None else root, name)
        check_files(self.folder)
        self._clock = SystemClock() if clock is None else clock
        self._today = today
        if today is not None:
            check_past(today, self._clock.now())
        yahoo = YahooPrices(folder=self.folder / YAHOO)
        self._source = UsualSource(yahoo) if source is None else source
        self._orders = orders
        self.training = training
        self._boundary = boundary
        self._is_held = False

    def start(
        self, wanted: Configuration, *, ledger: TrialLedger | bool = True
    ) -> Self:
        """Open the account: freeze what it is, and keep the history it begins with.

        The first decision is made by the `step` that follows, at the close of the last
        finished session. `ledger`, as of `run_backtest`, counts the backtest before it.

        Raises
        ------
        JournalError
            If there is an account of this name already.
        HistoryError
            If there are too few bars for the strategy to decide at the last close.
        DataError, SourceError, SpecError, StrategyError
            As `run_backtest` and `load_prices` raise them.
        """
        if (self.folder / JOURNAL).exists():
            raise JournalError(
                f"there is a paper account {self.name!r} already, in {self.folder}; "
                "paper step goes on with it, or choose another name"
            )
        first = opened(wanted, self._source, self._now, self.training, ledger)
        with self.held("start"):
            Journal.create(self.folder, first, boundary=self._boundary).close()
        return self

    def step(self, *, accepted: Collection[str] = ()) -> Outcome:
        """Do every finished session that is not recorded yet, in order.

        Parameters
        ----------
        accepted : collection of str
            Symbols whose next bars are believed although they are doubtful.

        Raises
        ------
        HeldError
            If another process is at work on the account.
        JournalError
            If there is no account, its journal is damaged, or running it again does
            not give what is recorded.
        StrategyError
            If the strategy fails, or its file has changed.
        ClockError
            If the clock has been set back.
        """
        with self._writing("step") as journal:
            record = Record.of(journal)
            refuse_stopped(record)
            asked = Asked(record, self._source, self._now, accepted)
            now, market = asked.now, asked.market
            check_not_back(now, record.written)
            found = asked.arrivals()
            panel = record.restated
            if found.ready:
                run, fits = run_on(record, found.ready, self.folder, self.training)
                for new in transactions(record, found.ready, run, fits, now):
                    journal.append(new)
                    logger.info("recorded %s", new.session)
                record, panel = Record.of(journal, record), run.bars
                page = self.folder / "report.html"
                write_page(run.result, record, panel, page)
            tickets = tickets_of(
                self.name, record, panel, following(market, record.last)
            )
        hand_over(self._orders, tickets, record, self.folder)
        done = tuple(arrival.session for arrival in found.ready)
        return Outcome(done, tickets, found.waiting, market.next_close(now))

    def declare_version(self, wanted: Configuration | None = None) -> dt.date:
        """Go on with a changed strategy from the next session on; return the last.

        What the version before has done stays done. Settings of the account itself,
        its bars, cash and costs, cannot be changed.

        Raises
        ------
        SpecError
            If `wanted` changes more than strategy, settings, stake or sizer.
        JournalError
            If an order that was sent cannot be sent again without the strategy.
        """
        with self._writing("version") as journal:
            record = Record.of(journal)
            refuse_stopped(record)
            now = max(self._now(usual_market(record)), record.written)
            journal.append(new_version(record, wanted, now))
            return record.last

    def stop(self) -> dt.date:
        """End the account for good; return its last session."""
        with self._writing("stop") as journal:
            record = Record.of(journal)
            refuse_stopped(record)
            now = max(self._now(usual_market(record)), record.written)
            journal.append(Transaction("stop", record.last, now, __version__, {}))
            return record.last

    def record(self) -> Record:
        """Read the journal; it changes nothing, and works while another one writes.

        Raises JournalError if there is no account, or its journal is damaged.
        """
        self._require_account()
        with Journal.open(self.folder) as journal:
            return Record.of(journal).whole()

    def replayed(self, record: Record | None = None) -> Replayed:
        """Run the account again over all that is recorded; see that nothing differs.

        Raises as `step` does.
        """
        known = self.record() if record is None else record
        if known.begins is None:
            raise JournalError(
                f"{self.name!r} has no session yet; paper step makes one"
            )
        return run_on(known, (), self.folder, self.training)[0]

    def market(self) -> Market:
        """Return the account's calendar; raises as `record` does."""
        return usual_market(self.record())

    def status(self) -> Status:
        """Return where the account stands; raises as `record` does."""
        record = self.record()
        market = usual_market(record)
        return status_of(self.name, self.folder, record, market, self._now(market))

    def tickets(self) -> tuple[Ticket, ...]:
        """Return the orders that wait for the next open; raises as `record` does."""
        record = self.record()
        opens = following(usual_market(record), record.last)
        return tickets_of(self.name, record, record.restated, opens)

    def _now(self, market: Market) -> dt.datetime:
        now = self._clock.now()
        if self._today is None:
            return now
        # Of today itself: its bars are not final before the day is over.
        return min(now, FixedClock(self._today, market).now())

    @contextmanager
    def held(self, purpose: str) -> Iterator[None]:
        """Keep every other process from writing, for as long as the context is open.

        Raises HeldError if one is at work already.
        """
        if self._is_held:
            yield
            return
        with writer(self.folder, purpose=purpose, now=self._clock.now()):
            self._is_held = True
            try:
                yield
            finally:
                self._is_held = False

    @contextmanager
    def _writing(self, purpose: str) -> Iterator[Journal]:
        self._require_account()
        with (
            self.held(purpose),
            Journal.open(self.folder, writing=True, boundary=self._boundary) as journal,
        ):
            yield journal

    def _require_account(self) -> None:
        if not self.folder.is_dir():
            raise JournalError(
                f"there is no paper account {self.name!r} in {self.folder.parent}; "
                "bt-lstm-rotation paper start makes one"
            )
