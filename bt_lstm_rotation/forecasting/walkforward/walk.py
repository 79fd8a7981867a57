"""Walk forward: one fit a calendar period, one forecast a session.

A fit serves from the close it was made at until the next one. `WalkForward` can be
asked for one session at a time or for many at once, and gives the same bytes.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_kind
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.forecaster import (
    Spec,
    Storable,
    WarmStartable,
)
from bt_lstm_rotation.forecasting.store.forecast_store import ForecastStore
from bt_lstm_rotation.forecasting.walkforward.calendar import (
    RetrainCalendar,
    fit_members,
)
from bt_lstm_rotation.forecasting.walkforward.contract import (
    check_forecaster,
    check_spec,
    is_ours,
)
from bt_lstm_rotation.forecasting.walkforward.drift import drift
from bt_lstm_rotation.forecasting.walkforward.outcomes import Outcomes
from bt_lstm_rotation.forecasting.walkforward.past import Past
from bt_lstm_rotation.forecasting.walkforward.records import FitRecord
from bt_lstm_rotation.forecasting.walkforward.serving import Reader, Serving
from bt_lstm_rotation.forecasting.walkforward.task import FitTask, Fitted
from bt_lstm_rotation.forecasting.walkforward.training import Training
from bt_lstm_rotation.forecasting.window import BarHistory
from bt_lstm_rotation.periods import NEVER

__all__ = ["WalkForward"]


class WalkForward:
    """Forecasts session by session, fitting when the calendar says so.

    Parameters
    ----------
    spec : Spec
    history : BarHistory
        The bars, up to at least the session that is asked for.
    start : datetime64[D], optional
        No forecast is wanted before it, so no fit is made that serves only earlier
        sessions, unless the first one fails and needs a good one to fall back on. It
        changes no forecast.
    training : Training, optional
        How fits are made. It changes no forecast.

    Attributes
    ----------
    fits_ : list of FitRecord
        The fits so far.

    Raises
    ------
    SpecError, ForecastError
        If the spec or its forecaster is not as ``docs/forecasters.md`` asks, or another
        argument is of the wrong kind; `forecast` raises ForecastError for what these
        give.
    """

    def __init__(
        self,
        spec: Spec,
        history: BarHistory,
        *,
        start: np.datetime64 | None = None,
        training: Training | None = None,
    ) -> None:
        check_spec(spec, history.extra)
        for name, value, kind, valid in (
            ("start", start, np.datetime64 | None, "a datetime64[D], or None"),
            ("training", training, Training | None, "Training(...), or None"),
        ):
            check_kind("WalkForward", name, value, kind, valid)
        if start is not None and np.isnat(start):
            raise SpecError("WalkForward", "start", start, "a datetime64[D], or None")
        self.spec = spec
        self.history = history
        self._start = start
        self._training = Training() if training is None else training
        self._outcomes = Outcomes(type(spec).__name__, self._training.drift_limit)
        self._forecaster = check_forecaster(spec, spec.forecaster())
        self._warm_starts: bool = getattr(spec, "warm_start", False)
        self._calendar = RetrainCalendar(spec, history)
        self._tried: np.datetime64 = NEVER
        self._serving = Serving(history, spec.forecast_bars, self._training.store)
        if self._training.served is not None:
            self._serving.readers.append(self._training.served)
        self._spared: list[np.datetime64] = []
        self._journal = self._training.journal
        self._past = self._resume()

    @property
    def readers(self) -> list[Reader]:
        """Who is shown each model with what it forecasts; see `Serving`."""
        return self._serving.readers

    @property
    def fits_(self) -> list[FitRecord]:
        """The fits so far, oldest first."""
        return self._outcomes.fits

    def forecast(self, sessions: NDArray[np.datetime64]) -> NDArray[np.float64]:
        """Forecast the next sessions: mean and deviation over the members.

        Parameters
        ----------
        sessions : (n,) datetime64[D]
            Ascending, all after those asked for before. Every session of the history
            must be asked for once, because each may begin a period.

        Returns
        -------
        (2, n, n_symbols) float64
            Columns as in ``history.symbols``; NaN where there is no forecast.
        """
        values = np.full((2, len(sessions), len(self.history.symbols)), np.nan)
        in_force = self._calendar.advance(sessions)
        wanted = ~np.isnat(in_force)
        if self._start is not None:
            wanted &= sessions >= self._start
        spared = ~wanted & ~np.isnat(in_force)
        if self._past is not None:
            values = self._past.at(sessions)
            wanted &= sessions > self._past.until
            spared &= in_force > self._past.until
            if (wanted & (in_force == self._tried)).any():
                self._fit_again()
        stretches = np.unique(in_force[wanted])
        self._spared.extend(np.unique(in_force[spared]))
        due = stretches[stretches != self._tried]
        tasks = map(self._task, due)
        if self._warm_starts:
            made = self._training.make_in_turn(tasks)
        else:
            made = self._training.make(tasks, len(due))
        if len(due) < len(stretches):
            self._serving.fill(sessions, wanted & (in_force == self._tried), values)
        # To its end, past the last fit: workers left before it are cancelled.
        done = len(self.fits_)
        # Closed, because what keeps an error would keep the workers and BLAS waiting.
        with closing(made), self._training.told(done, done + len(due)) as tell:
            for fitted in made:
                self._accept(fitted)
                left = int((due > fitted.session).sum())
                tell(len(self.fits_), len(self.fits_) + left)
                served = wanted & (in_force == fitted.session)
                self._serving.fill(sessions, served, values)
        self._outcomes.tell(live=len(sessions) == 1)
        return values

    def overdue(self, session: np.datetime64) -> int:
        """Count the fits up to `session` that failed since the one in force was made.

        It is the age of the network in force, in retrains; 0 where all went well.
        """
        return self._outcomes.overdue(session)

    def failure(self) -> str:
        """Say in one line why fits have led to no forecast; empty if they have.

        It is asked when all sessions have been.

        Raises
        ------
        FitsError
            If every fit has failed: there is no run to speak of. Not so where some are
            recorded, and were accepted long ago.
        """
        if self._serving.answered and not self._serving.has_forecast:
            name = type(self.spec).__name__
            return f"no forecast was made: all that {name} gave was NaN"
        failure = self._outcomes.all_failed()
        if failure is None:
            return ""
        if any(fit.origin == "recorded" for fit in self.fits_):
            return str(failure)
        raise failure

    def _resume(self) -> Past | None:
        """Go on from where a journal says that an earlier run has come to."""
        if self._journal is None or (self._warm_starts and not self._keeps):
            return None
        past = self._journal.past(self.spec, self.history.symbols)
        if past is not None and past.fits:
            self.fits_.extend(past.fits)
            serving = self._serving
            serving.answered = bool(past.values.size)
            serving.has_forecast = bool(np.isfinite(past.values).any())
            self._tried = past.fits[-1].session
            serving.made_at = past.fits[-1].served_by
            serving.model = past.model(self._forecaster) if self._keeps else None
        return past

    @property
    def _keeps(self) -> bool:
        return is_ours(self._forecaster) and isinstance(self._forecaster, Storable)

    @cached_property
    def _settings(self) -> str:
        # Of a spec with many inputs it takes as long as the key of a fit.
        return ForecastStore.key("spec", cast(Storable, self._forecaster).spec)

    def _fit_again(self) -> None:
        """Make the model in force, if nothing is kept of it but that there is one."""
        serving = self._serving
        if serving.model is None and not np.isnat(serving.made_at):
            (fitted,) = self._training.make(iter([self._task(serving.made_at)]), 1)
            serving.model = fitted.fit.model

    def _accept(self, fitted: Fitted) -> None:
        """Take a fit over; if it failed, see to it that the last good one serves."""
        session, attempts = fitted.session, [fitted]
        unserved = self._serving.model is None
        # Without `start`, the last good one of the fits that it spares would serve now.
        spared = sorted({earlier for earlier in self._spared if earlier < session})
        while attempts[-1].fit.model is None and unserved and spared:
            attempts += self._training.make(iter([self._task(spared.pop())]), 1)
        for made in reversed(attempts):
            self._take_over(made)
        self._tried = session
        self._spared.clear()

    def _task(self, session: np.datetime64) -> FitTask:
        symbols = fit_members(self.spec, self.history, session)
        one = np.array([session])
        shown = self.history.excerpt(symbols, one, self.spec.fit_bars)
        stack = shown.window
        window = replace(stack, dates=stack.dates[0], bars=stack.bars[:, 0])
        how, forecaster = self._training, self._forecaster
        if (
            self._warm_starts
            and self._serving.model is not None
            and isinstance(forecaster, WarmStartable)
        ):
            before = self._serving.model
            warm = check_forecaster(self.spec, forecaster.starting_from(before))
            return FitTask(warm, window, session, None, (), how.clock, "warm start")
        content: tuple[object, ...] = ()
        if how.store is not None and self._keeps:
            content = (self._settings, shown.content)
        return FitTask(forecaster, window, session, how.store, content, how.clock)

    def _take_over(self, fitted: Fitted) -> None:
        session, fit, serving = fitted.session, fitted.fit, self._serving
        moved = drift(serving.model, fit.model, fitted.window)
        if fit.model is not None:
            serving.model, serving.made_at = fit.model, session
            serving.key = fitted.key
            if self._journal is not None and self._keeps:
                arrays = cast(Storable, self._forecaster).to_arrays(fit)
                self._journal.keep(self.spec, self.history.symbols, session, arrays)
        self._outcomes.add(fitted, serving.made_at, moved)
