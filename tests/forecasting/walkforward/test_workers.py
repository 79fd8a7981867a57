"""Where and in which order fits are made changes no byte, and loses none."""

from __future__ import annotations

import threading
import time
import warnings

import numpy as np
import pytest
from fakes import FakeSpec, random_panel

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import Training, WalkForward, walk_forward
from bt_lstm_rotation.forecasting.walkforward.workers import Workers, available_cores
from bt_lstm_rotation.forecasting.window import BarHistory

WEEKLY = FakeSpec(retrain="weekly")


def square(number: int) -> int:
    return number * number


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_results_come_in_the_order_of_the_tasks(jobs):
    assert list(Workers(jobs=jobs).map(square, range(50))) == [n * n for n in range(50)]


def test_an_error_in_a_task_comes_through():
    with pytest.raises(ZeroDivisionError):
        list(Workers(jobs=2).map(lambda n: 1 // n, [1, 0]))


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_what_nobody_asks_for_ends_without_a_warning(monkeypatch, backend):
    # Not one that is filtered: a worker that catches warnings would undo the filter.
    warned = []
    monkeypatch.setattr(warnings, "warn", lambda *said, **_: warned.append(said))
    made = Workers(jobs=2, backend=backend).map(time.sleep, [0.0, *[0.05] * 50])
    next(made)
    made.close()
    assert warned == []


def test_two_jobs_run_side_by_side():
    # Neither can pass the barrier alone.
    barrier = threading.Barrier(2, timeout=30)
    list(Workers(jobs=2).map(lambda _: barrier.wait(), range(2)))


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_any_number_of_jobs_gives_the_same_bytes_and_records(jobs):
    panel = random_panel("ABCD", 150)
    one = walk_forward(panel, WEEKLY, training=Training(workers=Workers(jobs=1)))
    many = walk_forward(panel, WEEKLY, training=Training(workers=Workers(jobs=jobs)))
    assert np.isfinite(one.values).any()
    assert many.values.tobytes() == one.values.tobytes()
    assert [fit.session for fit in many.fits] == [fit.session for fit in one.fits]
    assert len(one.fits) > 20


def test_processes_give_the_same_bytes():
    panel = random_panel("ABC", 60)
    one = walk_forward(panel, WEEKLY, training=Training(workers=Workers(jobs=1)))
    workers = Workers(jobs=2, backend="processes")
    spread = walk_forward(panel, WEEKLY, training=Training(workers=workers))
    assert spread.values.tobytes() == one.values.tobytes()


def test_progress_counts_every_fit_once_and_in_order():
    panel = random_panel("ABC", 90)
    seen = []
    walk = WalkForward(
        WEEKLY,
        BarHistory.from_panel(panel),
        training=Training(
            workers=Workers(jobs=4),
            progress=lambda done, planned: seen.append((done, planned)),
        ),
    )
    walk.forecast(panel.sessions)
    planned = len(walk.fits_)
    assert seen == [(done, planned) for done in range(1, planned + 1)]


@pytest.mark.parametrize(
    "settings",
    [
        {"jobs": 0},
        {"jobs": -1},
        {"jobs": 1.5},
        {"jobs": True},
        {"jobs": "2"},
        {"backend": "ray"},
        {"backend": None},
        {"backend": "dask"},
        {"scheduler": "tcp://127.0.0.1:8786"},
    ],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(SpecError, match="Workers"):
        Workers(**settings)


def test_there_is_at_least_one_core():
    assert available_cores() >= 1
