"""What processes bring with them: copies of what they are sent, and sudden deaths."""

from __future__ import annotations

import os
import signal
import threading

import joblib
import numpy as np
import pytest

from bt_lstm_rotation.errors import SourceError
from bt_lstm_rotation.forecasting import ForecastStore
from bt_lstm_rotation.forecasting.walkforward.workers import Workers

PROCESSES = Workers(jobs=2, backend="processes")


def key_of(task: tuple[np.ndarray]) -> str:
    return ForecastStore.key("fit", *task)


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def double(number: int) -> int:
    return 2 * number


def test_a_large_array_has_the_same_key_where_it_is_sent_to():
    # joblib maps arrays above 1 MB into memory unless it is told not to, and a store
    # does not take a memory map for a plain array.
    task = (np.arange(300_000.0),)
    assert list(PROCESSES.map(key_of, [task, task])) == [key_of(task)] * 2


def test_a_process_that_is_killed_ends_the_run_with_a_clear_line():
    with pytest.raises(SourceError, match="a process was killed at its work"):
        list(PROCESSES.map(die, range(2)))
    # And the next run has new ones.
    assert list(PROCESSES.map(double, range(5))) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_in_any_order_every_result_comes_once(backend):
    found = Workers(jobs=2, backend=backend).map(double, range(20), ordered=False)
    assert sorted(found) == [2 * n for n in range(20)]


def test_in_any_order_what_is_ready_does_not_wait_for_what_came_before():
    second_is_there = threading.Event()

    def first_waits(number: int) -> int:
        if number == 0:
            assert second_is_there.wait(timeout=60)
        return number

    results = Workers(jobs=2).map(first_waits, range(2), ordered=False)
    assert next(results) == 1
    second_is_there.set()
    assert list(results) == [0]


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_between_two_results_the_callers_own_joblib_is_as_it_was(backend):
    results = Workers(jobs=2, backend=backend).map(double, range(3))
    before = type(joblib.parallel.get_active_backend()[0])
    next(results)
    assert type(joblib.parallel.get_active_backend()[0]) is before
    assert list(results) == [2, 4]
