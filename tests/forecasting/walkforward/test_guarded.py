"""A fit that goes wrong is in the record, and the last good network serves on."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from fakes import FakeSpec, random_panel, same_bytes

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.forecasting import (
    BarHistory,
    Training,
    WalkForward,
    Workers,
    walk_forward,
)
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.walkforward.guarded import (
    guarded_fit,
    guarded_fit_within,
)

PANEL = random_panel("ABC", 110)
FEBRUARY, MARCH = "2019-02-28", "2019-03-29"


class ResourceExhaustedError(Exception):
    """What TensorFlow raises when there is no memory left; not a MemoryError."""


FAULTS = {
    "out of memory": MemoryError(),
    "out of memory, in TensorFlow": ResourceExhaustedError("OOM when allocating\n [9]"),
    "a fault of a forecaster's own": ZeroDivisionError("division by zero"),
    "no message, many lines": RuntimeError("a\n" * 10_000),
}


def raising(error):
    def fit():
        raise error

    return fit


@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
def test_an_error_becomes_one_short_line(error):
    fit = guarded_fit(raising(error))
    assert fit.model is None
    assert fit.problem.startswith(type(error).__name__)
    assert "\n" not in fit.problem
    assert len(fit.problem) < 260
    assert fit.trace.startswith("Traceback")


class Own(BaseException):
    """What a forecaster of anybody's may raise, and has no text."""

    def __str__(self) -> str:
        raise RuntimeError


def test_whatever_a_forecaster_raises_is_its_failure():
    fit = guarded_fit(raising(Own()))
    assert fit.problem == "Own: its text cannot be shown"


def test_a_traceback_is_shown_once_for_each_reason(caplog):
    error = ZeroDivisionError("division by zero")
    walk_forward(PANEL, FakeSpec(raises_at={FEBRUARY: error, MARCH: error}))
    assert len(caplog.messages) == 2
    assert caplog.text.count("Traceback") == 1
    assert caplog.text.count("ZeroDivisionError: division by zero; that of 2019") == 2


def test_errors_for_the_user_and_interrupts_are_not_taken_for_failures():
    for error in (
        DataError("a bar that is none"),
        SpecError("Spec", "units", 0, "above 0"),
        KeyboardInterrupt(),
        SystemExit(),
    ):
        with pytest.raises(type(error)):
            guarded_fit(raising(error))


@pytest.mark.parametrize("error", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_forecasts_are_those_of_a_fit_that_diverged(error, jobs):
    training = Training(workers=Workers(jobs=jobs))
    failed = walk_forward(
        PANEL, FakeSpec(raises_at={FEBRUARY: error}), training=training
    )
    diverged = walk_forward(PANEL, FakeSpec(diverges_at=frozenset({FEBRUARY})))
    assert same_bytes(failed.values, diverged.values)
    by_session = {str(fit.session): fit for fit in failed.fits}
    assert by_session[FEBRUARY].status.startswith(type(error).__name__)
    assert str(by_session[FEBRUARY].served_by) == "2019-01-31"
    assert by_session[MARCH].status == "ok"


@pytest.mark.parametrize("together", [True, False], ids=["ahead", "one by one"])
def test_the_age_of_the_network_in_force_is_counted_in_failed_fits(together):
    walk = WalkForward(
        FakeSpec(raises_at={FEBRUARY: MemoryError(), MARCH: MemoryError()}),
        BarHistory.from_panel(PANEL),
    )
    if together:
        walk.forecast(PANEL.sessions)
    ages = {}
    for row, session in enumerate(PANEL.sessions):
        if not together:
            walk.forecast(PANEL.sessions[row : row + 1])
        ages[str(session)] = walk.overdue(session)
    assert [ages[day] for day in ("2019-02-27", FEBRUARY, "2019-03-28")] == [0, 1, 1]
    assert [ages[day] for day in (MARCH, "2019-04-29", "2019-04-30")] == [2, 2, 0]


def test_a_fit_that_takes_too_long_is_given_up():
    ended = threading.Event()
    fit = guarded_fit_within(lambda: Fit(None, problem=str(ended.wait(30))), 0.05)
    ended.set()
    assert fit.model is None
    assert fit.problem == "it took longer than 0.05 s"


def test_within_its_time_a_fit_is_what_it_is_without_a_limit():
    whole = Fit(None, (1.0, 0.5), "as it is")
    assert guarded_fit_within(lambda: whole, 30.0) is whole
    with pytest.raises(DataError, match="none"):
        guarded_fit_within(raising(DataError("a bar that is none")), 30.0)
    assert "MemoryError" in guarded_fit_within(raising(MemoryError()), 30.0).problem


class Slow(FakeSpec):
    """Its fit of one session ends only when it is told to."""

    def forecaster(self):
        return self

    def fit(self, window, session):
        if str(session) == FEBRUARY:
            RELEASED.wait(30)
        return super().fit(window, session)


RELEASED = threading.Event()


def test_bars_that_come_one_by_one_do_not_wait_for_a_fit_beyond_the_limit():
    RELEASED.clear()
    history = BarHistory.from_panel(PANEL)
    walk = WalkForward(Slow(), history, training=Training(limit=0.2))
    found = np.concatenate(
        [walk.forecast(PANEL.sessions[row : row + 1])[0] for row in range(len(PANEL))]
    )
    RELEASED.set()
    diverged = walk_forward(PANEL, FakeSpec(diverges_at=frozenset({FEBRUARY})))
    assert same_bytes(found, diverged.values)
    (late,) = [fit for fit in walk.fits_ if fit.status != "ok"]
    assert (str(late.session), late.status) == (FEBRUARY, "it took longer than 0.2 s")


@pytest.mark.parametrize("limit", [0, -1.0, float("nan"), float("inf"), "60", True])
def test_an_impossible_limit_is_refused(limit):
    with pytest.raises(SpecError, match="limit must be a finite number above 0"):
        Training(limit=limit)
