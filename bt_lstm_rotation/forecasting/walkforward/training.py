"""How fits are made: on which workers, kept where, and who hears of progress.

It changes no forecast, but for a `limit` that a fit exceeds.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation._version import installed
from bt_lstm_rotation.checks import check_positive
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.forecaster import (
    Fit,
    Forecaster,
    Preparable,
    Storable,
)
from bt_lstm_rotation.forecasting.store.forecast_store import (
    ForecastStore,
    usual_store,
)
from bt_lstm_rotation.forecasting.walkforward.contract import checked_fit, is_ours
from bt_lstm_rotation.forecasting.walkforward.guarded import (
    guarded_fit,
    guarded_fit_within,
)
from bt_lstm_rotation.forecasting.walkforward.past import FitJournal
from bt_lstm_rotation.forecasting.walkforward.workers import Workers
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.progress import fits_bar

Progress = Callable[[int, int], None]

# So many fits take long enough to announce how long.
LONG = 20

__all__ = ["FitTask", "Fitted", "Training", "default_training", "stored_forecast"]


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

    def __post_init__(self) -> None:
        if self.limit is not None:
            check_positive("Training", "limit", self.limit)
        if not isinstance(self.workers, Workers):
            raise SpecError("Training", "workers", self.workers, "Workers(...)")
        if not isinstance(self.store, ForecastStore | None):
            valid = "a ForecastStore, or None for none"
            raise SpecError("Training", "store", self.store, valid)
        if not isinstance(self.journal, FitJournal | None):
            valid = "a FitJournal, or None for none"
            raise SpecError("Training", "journal", self.journal, valid)
        for name in ("progress", "watch", "announce"):
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

    def make(self, tasks: Iterator[FitTask], planned: int) -> Iterator[Fitted]:
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
        if self.announce is not None and planned >= LONG:
            first = next(left).run()
            self.announce(planned, first.seconds)
            planned -= 1
            yield first
        if planned > 1:
            yield from self.workers.map(FitTask.run, left)
        else:  # one alone, as in a run that goes bar by bar: not worth a worker
            yield from (task.run(self.limit) for task in left)


def default_training() -> Training:
    """Return how fits are made in a script that does not say.

    They are kept in the user's cache folder, as far as the disk will have them, and a
    bar is shown in the terminal if somebody watches.
    """
    return Training(store=usual_store(), watch=fits_bar)


class Fitted(NamedTuple):
    """A fit that was made, or found in `seconds`.

    `key` is where it is stored (empty if it cannot be), and `origin` is ``"trained"``,
    ``"stored"`` or ``"warm start"``.
    """

    session: np.datetime64
    window: Window
    fit: Fit
    seconds: float
    key: str
    origin: str


@dataclass(frozen=True, eq=False)
class FitTask:
    """One fit to make, with all that it needs wherever it is made.

    The window is ``(n_symbols, spec.fit_bars)``; `origin` is ``"trained"`` or
    ``"warm start"``, for a fit that is not found in the store.
    """

    forecaster: Forecaster
    window: Window
    session: np.datetime64
    store: ForecastStore | None
    clock: Callable[[], float]
    origin: str = "trained"

    def find(self) -> Fitted | None:
        """Return the fit if it is stored."""
        kept, store = self._kept, self.store
        if store is None or kept is None:
            return None
        began = self.clock()
        arrays = store.get(self.key)
        if arrays is None:
            return None
        fit = kept.from_arrays(self.window.symbols, arrays)
        took = self.clock() - began
        return Fitted(self.session, self.window, fit, took, self.key, "stored")

    def run(self, limit: float | None = None) -> Fitted:
        """Find the fit, or make it and keep it; with a limit, in so many seconds."""
        found = self.find()
        if found is not None:
            return found
        forecaster, window, session = self.forecaster, self.window, self.session
        if isinstance(forecaster, Preparable):
            forecaster.prepare()
        began = self.clock()
        shown = window
        if not is_ours(forecaster):  # it may write into what it is shown
            shown = replace(window, dates=window.dates.copy(), bars=window.bars.copy())
        make = functools.partial(forecaster.fit, shown, session)
        made = guarded_fit(make) if limit is None else guarded_fit_within(make, limit)
        fit = checked_fit(made, forecaster, window.symbols)
        took = self.clock() - began
        kept, store = self._kept, self.store
        # A failure is not kept: it may be the machine's, and is tried again.
        if store is not None and kept is not None and fit.model is not None:
            store.put(self.key, kept.to_arrays(fit))
        return Fitted(session, window, fit, took, self.key, self.origin)

    @cached_property
    def key(self) -> str:
        """Where the fit is stored; empty if it cannot be."""
        kept, store, window = self._kept, self.store, self.window
        if store is None or kept is None:
            return ""
        shown = (window.symbols, window.dates, window.bars)
        return store.key("fit", kept.spec, self.session, shown, _libraries())

    @property
    def _kept(self) -> Storable | None:
        # The key knows the code of this package, and would not notice a change in that
        # of a forecaster defined elsewhere.
        forecaster = self.forecaster
        return forecaster if is_ours(forecaster) and _is_storable(forecaster) else None


def _is_storable(forecaster: object) -> TypeGuard[Storable]:
    return isinstance(forecaster, Storable)


def stored_forecast(
    store: ForecastStore | None, key: str, window: Window
) -> tuple[str, NDArray[np.float64] | None]:
    """Return where a stored fit's forecast is kept, and the forecast if it is there.

    The key is empty if nothing can be stored.
    """
    if store is None or not key:
        return "", None
    own = store.key("forecast", key, window.symbols, window.dates, window.bars)
    arrays = store.get(own)
    return own, None if arrays is None else arrays["values"]


@functools.cache
def _libraries() -> str:
    """Versions of what a fit is computed with; another one may round otherwise."""
    found = installed(("numpy", "tensorflow", "tensorflow-cpu"))
    return ", ".join(f"{package} {version}" for package, version in found.items())
