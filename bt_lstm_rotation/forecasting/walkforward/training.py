"""How fits are made: on which workers, kept where, and who hears of progress.

It changes no forecast, but for a `limit` that a fit exceeds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain

from bt_lstm_rotation.checks import (
    check_call,
    check_kind,
    check_positive,
    plain_fields,
)
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.forecaster import Model
from bt_lstm_rotation.forecasting.store.forecast_store import (
    ForecastStore,
    usual_store,
)
from bt_lstm_rotation.forecasting.walkforward.drift import DRIFT_LIMIT
from bt_lstm_rotation.forecasting.walkforward.one_thread import one_thread
from bt_lstm_rotation.forecasting.walkforward.past import FitJournal
from bt_lstm_rotation.forecasting.walkforward.task import FitTask, Fitted
from bt_lstm_rotation.forecasting.walkforward.workers import Workers
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.progress import fits_bar

Progress = Callable[[int, int], None]

# Seconds of a year: a fit that is waited for by bars.
LONGEST_LIMIT = 31_536_000

# Seconds after which nothing has been heard of a first fit.
WONDERED_AT = 30

# So many fits take long enough to announce how long.
LONG = 20

# Seconds: a fit that takes less has so much of Python in it that two threads would wait
# for each other.
SHORT = 0.05

__all__ = ["Training", "default_training"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Training:
    """How fits are made: neither kept nor shown, unless it is said where.

    Parameters
    ----------
    workers : Workers
        How fits that can be made together are spread.
    store : ForecastStore, optional
        Where fits and forecasts are kept, so that none is made twice.
    progress : callable, optional
        Called with (fits done, fits planned) after each fit.
    watch : callable, optional
        Called with (fits done, fits planned) before fits are made that can be made
        together; gives a context that is open until they are, and whose value is
        called as `progress` is.
    announce : callable, optional
        Called once before a run of `LONG` fits or more with (fits planned, seconds of
        the first one).
    clock : callable
        Seconds, for timing fits.
    limit : float, optional
        Seconds after which a fit is given up that is made alone while bars wait for it,
        live or bar by bar. The last good one then serves on, so that forecasts depend
        on how fast the machine was; ``retrains.csv`` names every such fit.
    journal : FitJournal, optional
        What was made in earlier runs of the same account: it is taken as it was made,
        and what is made now is given to it.
    served : callable, optional
        Called with each model and the windows that it is about to forecast.

    drift_limit : float, optional
        Drift from which on a fit is warned of: how far it moves the forecasts for the
        same bars, as a share of their spread (`walkforward.drift`). None for never.

    Raises
    ------
    SpecError
        If a value is of the wrong kind.
    """

    workers: Workers = field(default_factory=Workers)
    store: ForecastStore | None = None
    progress: Progress | None = None
    watch: Callable[[int, int], AbstractContextManager[Progress]] | None = None
    announce: Callable[[int, float], None] | None = None
    clock: Callable[[], float] = time.perf_counter
    limit: float | None = None
    journal: FitJournal | None = None
    served: Callable[[Model, Window], None] | None = None
    drift_limit: float | None = DRIFT_LIMIT

    def __post_init__(self) -> None:
        plain_fields(self)
        if self.limit is not None:
            check_positive("Training", "limit", self.limit, most=LONGEST_LIMIT)
        if self.drift_limit is not None:
            check_positive("Training", "drift_limit", self.drift_limit)
        for name, kind, valid in (
            ("workers", Workers, "Workers(...)"),
            ("store", ForecastStore | None, "a ForecastStore, or None for none"),
            ("journal", FitJournal | None, "a FitJournal, or None for none"),
        ):
            check_kind("Training", name, getattr(self, name), kind, valid)
        check_call("Training", "clock", self.clock)
        for name in ("progress", "watch", "announce", "served"):
            callback = getattr(self, name)
            if callback is not None and not callable(callback):
                raise SpecError("Training", name, callback, "callable, or None")

    @contextmanager
    def told(self, done: int, planned: int) -> Iterator[Progress]:
        """Open `watch` for fits to come; yield what tells it and `progress` of each."""
        with ExitStack() as watched:
            tell = [] if self.progress is None else [self.progress]
            if self.watch is not None and planned > done:
                tell.append(watched.enter_context(self.watch(done, planned)))

            def each(done: int, planned: int) -> None:
                for listener in tell:
                    listener(done, planned)

            yield each

    def make(
        self, tasks: Iterator[FitTask], planned: int
    ) -> Generator[Fitted, None, None]:
        """Make `planned` fits that do not depend on each other, in the tasks' order."""
        left: Iterator[FitTask] = tasks
        # What is stored is read here, one after the other: threads would only wait for
        # each other. The first fit that has to be made ends that.
        for task in tasks:
            found = task.find()
            if found is None:
                left = chain([task], tasks)
                break
            planned -= 1
            yield found
        if not planned:
            return
        with one_thread():
            if planned == 1:  # as in a run that goes bar by bar: not worth a worker
                yield from (task.run(self.limit) for task in left)
                return
            short, by_default = False, self.workers.by_default
            if planned >= LONG and (by_default or self.announce is not None):
                with _told_if_long(planned):
                    first = next(left).run()
                if first.fit.model is not None:  # a failure says nothing of the others
                    short = by_default and first.seconds < SHORT
                    if self.announce is not None:
                        self.announce(planned, first.seconds)
                yield first
            if short:
                yield from map(FitTask.run, left)
            else:
                yield from self.workers.map(FitTask.run, left)

    def make_in_turn(self, tasks: Iterator[FitTask]) -> Generator[Fitted, None, None]:
        """Make fits each of which begins where the one before ended."""
        for task in tasks:
            yield from self.make(iter([task]), 1)


def default_training() -> Training:
    """Return how fits are made in a script that does not say.

    They are kept in the user's cache folder, as far as the disk will have them, and a
    bar is shown in the terminal if somebody watches.
    """
    return Training(store=usual_store(), watch=fits_bar)


@contextmanager
def _told_if_long(planned: int) -> Iterator[None]:
    """Say so if a first fit takes so long that somebody may wonder."""

    def tell() -> None:
        logger.warning(
            "the first of %d fits has taken %d s so far; with fewer units, layers, "
            "steps or members each takes less",
            planned,
            WONDERED_AT,
        )

    timer = threading.Timer(WONDERED_AT, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
