"""The whole report of a run, from one line in anybody's script."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtrader as bt

from bt_lstm_rotation.analyzers.account import AccountHistory
from bt_lstm_rotation.analyzers.bars import ShownBars
from bt_lstm_rotation.analyzers.collecting import collect
from bt_lstm_rotation.analyzers.forecasts import ForecastHistory
from bt_lstm_rotation.analyzers.importance import ImportanceOfRun
from bt_lstm_rotation.analyzers.orders import OrderHistory
from bt_lstm_rotation.analyzers.recorded import (
    Recorded,
    StrategyRecord,
    first_of_report,
    merged,
)
from bt_lstm_rotation.analyzers.settings import (
    described_broker,
    described_command,
    described_strategies,
    name_of_trial,
)
from bt_lstm_rotation.analyzers.waiting import WaitHistory
from bt_lstm_rotation.checks import check_call, check_date, check_kind, is_number
from bt_lstm_rotation.errors import RotationError, SpecError, StrategyError, closest
from bt_lstm_rotation.evidence.importance.in_run import check_asked
from bt_lstm_rotation.feeds.naming import FeedLabels, check_writable
from bt_lstm_rotation.feeds.sessions import SessionClock
from bt_lstm_rotation.feeds.unadjusted import warn_of_unadjusted
from bt_lstm_rotation.measures.annualisation import check_periods_a_year
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.reporting import RunFolder, print_summary
from bt_lstm_rotation.reporting.run_folder import check_run_folder
from bt_lstm_rotation.result import BacktestResult
from bt_lstm_rotation.trials import (
    TrialRecord,
    code_of_classes,
    ledger_of,
    trial_of,
    uncounted,
)

__all__ = ["RunReport"]

logger = logging.getLogger(__name__)


class RunReport(bt.Analyzer):
    """Everything that the command line reports, for any strategy in any Cerebro.

    ::

        cerebro.addanalyzer(RunReport, folder="runs/mine", benchmark="SPY")
        (ran,) = cerebro.run()
        result = ran.analyzers.runreport.result()

    Strategies of one Cerebro share an account, and have one report between them, with
    the orders of all. In an optimisation each trial has a folder of its own in
    `folder`, named after the parameters that are not the defaults.

    Params:
      - folder: where the files go: a new folder, an empty one, or that of a run, which
        is kept (see `bt_lstm_rotation.reporting.RunFolder`); or one that is claimed
        already (None: none are written)
      - benchmark: name of a feed to compare with (None)
      - since: the session with whose close the report begins; earlier ones are history
        (None: a `PeriodicRebalance`'s first decision; of others, the first session)
      - show: whether a table is printed at the end (False)
      - periods_a_year: sessions a year, by which ratios are annualised (None: measured
        from the bars)
      - panel: the bars, if they are at hand, as the feeds show them (None: those that
        they have shown)
      - ledger: where the run is counted among the trials on its bars: a `TrialLedger`,
        False for nowhere (True: in the usual one; see docs/trials.md)
      - importance: whether what each input of the network brings is measured as well,
        by forecasts from permuted inputs, when the run is over; "retrained": also by
        networks that are trained without each, one walk forward for each (False)
      - clock: seconds, for timing (`time.perf_counter`)

    Raises
    ------
    SpecError
        If a param is of the wrong kind; with `importance`, when the run starts, if the
        forecaster is no network, or forecasts fewer than three symbols.
    StrategyError
        When the run starts, if there is no feed of the benchmark's name, or with
        `importance` not one network.
    OutputError
        When the run starts, if nothing can be written to `folder`, it holds something
        else than a run, or another run is at work on it. What fails at the end is
        logged, and raised by `result`; the files are then elsewhere, as is said.
    """

    params: tuple[tuple[str, Any], ...] = (
        ("folder", None),
        ("benchmark", None),
        ("since", None),
        ("show", False),
        ("periods_a_year", None),
        ("panel", None),
        ("ledger", True),
        ("importance", False),
        ("clock", time.perf_counter),
    )

    # What the ledger says of where the run was made.
    _kind = "script"

    def __init__(self) -> None:
        check_run_folder("RunReport", self.p.folder)
        for name, kind, valid in (
            ("benchmark", str | None, "the name of a feed, or None"),
            ("panel", PricePanel | None, "a PricePanel, or None"),
        ):
            check_kind("RunReport", name, getattr(self.p, name), kind, valid)
        ledger_of("RunReport", self.p.ledger)
        check_date("RunReport", "since", self.p.since)
        check_asked("RunReport", self.p.importance)
        check_call("RunReport", "clock", self.p.clock)
        check_periods_a_year("RunReport", self.p.periods_a_year)
        self.sessions = SessionClock(self.strategy)
        # Children hear all that an analyzer hears.
        self.account = AccountHistory()
        self.orders = OrderHistory()
        self.forecasts = ForecastHistory()
        self.waits = WaitHistory()
        self.bars = ShownBars() if self.p.panel is None else None
        self.folder: Path | None = None
        self._place: RunFolder | None = None
        self._importance: ImportanceOfRun | None = None
        self._result: BacktestResult | None = None
        self._failure: RotationError | None = None
        self._stopped = False

    def start(self) -> None:
        """Refuse what could only fail when the run is over."""
        clock: Callable[[], float] = self.p.clock
        self._began = clock()
        if not is_number(self._began):
            raise SpecError("RunReport", "clock", self._began, "one that gives seconds")
        self._cash = float(self.strategy.broker.getcash())
        warn_of_unadjusted(self.strategy.datas)
        labels = FeedLabels(self.strategy)
        names = [labels[feed] for feed in self.strategy.datas]
        check_writable(names)
        if self.p.benchmark is not None and self.p.benchmark not in names:
            known = closest(self.p.benchmark, names)
            raise StrategyError(f"no feed for benchmark {self.p.benchmark!r}; {known}")
        if self.p.importance and self._reports()[0] is self:
            # Those of the account, some of which have no report yet.
            strategies = self.strategy.env.runningstrats
            self._importance = ImportanceOfRun(strategies, self.p.importance)
        if isinstance(self.p.folder, RunFolder):
            self.folder, self._place = self.p.folder.folder, self.p.folder
        elif self.p.folder is not None:
            cerebro, self.folder = self.strategy.env, Path(self.p.folder)
            if cerebro._dooptimize:
                self.folder /= name_of_trial(cerebro.runningstrats)
            if self._reports()[0] is self:
                self._place = RunFolder(self.folder)

    def stop(self) -> None:
        """Report, once every strategy of the account has come to its end."""
        self._stopped = True
        reports = self._reports()
        if not all(report._stopped for report in reports):
            return
        place = reports[0]._place
        try:
            self._result = self._counted(self._recorded(reports), reports)
            if (watched := reports[0]._importance) is not None:
                self._result = self._measured(watched, self._result, place)
            if place is not None:
                place.write_somewhere(self._result)
        except RotationError as error:
            self._failure = error
            self._say(error)
        finally:
            if place is not None:
                place.release()
        for report in reports:
            report._result, report._failure = self._result, self._failure
        if self.p.show and self._result is not None:
            try:
                print_summary(self._result, self.folder)
            except OSError as error:  # a disk that is full, a reader that has gone
                reason = error.strerror or error
                logger.warning("the figures could not be printed (%s)", reason)

    def _measured(
        self, watched: ImportanceOfRun, result: BacktestResult, place: RunFolder | None
    ) -> BacktestResult:
        """Add what each input brings; a run that is over is kept if that is stopped."""
        try:
            return watched.measured(result)
        except BaseException as error:  # it may take as long as the run: Ctrl-C
            if place is not None:
                place.write_somewhere(watched.unmeasured(result, type(error).__name__))
                logger.warning(
                    "the run is in %s, without what each input brings", place.folder
                )
            raise

    def _say(self, error: RotationError) -> None:
        logger.error("the run has no report: %s", error)

    def result(self) -> BacktestResult:
        """Return the frozen result; raises what kept it from being made or written."""
        if self._failure is not None:
            raise self._failure
        if self._result is None:
            raise StrategyError("the run is not over: call cerebro.run() first")
        return self._result

    def get_analysis(self) -> Any:
        """Return the headline figures as a dict; empty while the run lasts.

        The metrics of ``summary.json`` by name, then ``benchmark``, ``forecast``,
        ``orders`` and ``data`` as they stand there, ``notes``, and ``folder``.
        """
        if self._result is None:
            return {}
        summary = self._result.summary
        parts = ("benchmark", "forecast", "orders", "data", "notes")
        return {
            **summary["metrics"],
            **{name: summary[name] for name in parts},
            "folder": None if self.folder is None else str(self.folder),
        }

    def _reports(self) -> list[RunReport]:
        """Return the reports like this one of all strategies that share the account."""
        own = [one for one in self.strategy.analyzers if isinstance(one, RunReport)]
        place, found = own.index(self), []
        for strategy in self.strategy.env.runningstrats:
            reports = [one for one in strategy.analyzers if isinstance(one, RunReport)]
            found += reports[place : place + 1]
        return found

    def _counted(self, recorded: Recorded, reports: list[RunReport]) -> BacktestResult:
        """Lay out what was recorded, and add it to the ledger of trials."""
        result = collect(recorded)
        ledger = ledger_of("RunReport", self.p.ledger)
        if ledger is None:
            return result
        kinds = [type(report.strategy) for report in reports]

        def trials() -> list[TrialRecord]:
            code = code_of_classes(kinds)
            return [trial_of(result, recorded.panel, self._kind, code=code)]

        problem = ledger.keep(trials)
        return result if problem is None else uncounted(result, problem)

    def _recorded(self, reports: list[RunReport]) -> Recorded:
        began = reports[0]
        sessions = list(began.account.get_analysis())
        records = [
            StrategyRecord(one.strategy, one.orders, one.forecasts, one.waits)
            for one in reports
        ]
        first = first_of_report(records, sessions, self.p.since)
        panel = self.p.panel if self.bars is None else self.bars.get_analysis()
        panel.check_carried()
        return Recorded(
            panel=panel,
            benchmark=self.p.benchmark,
            first=first,
            account=began.account.get_analysis(),
            flows=began.account.flows,
            strategy=described_strategies([one.strategy for one in reports]),
            broker=described_broker(self.strategy.broker, began._cash),
            seconds=self.p.clock() - began._began,
            command=described_command(sys.orig_argv),
            intraday=not all(
                self.sessions.dates_of(feed).daily for feed in self.strategy.datas
            ),
            periods_a_year=self.p.periods_a_year,
            actions=tuple(getattr(self.strategy.broker, "applied", ())),
            **merged(records, first),
        )

    def __getstate__(self) -> dict[str, Any]:
        # From another process comes what was found, and no strategy, feed or broker.
        kept = ("_result", "_failure", "folder", "p", "params")
        return {name: value for name, value in vars(self).items() if name in kept}
