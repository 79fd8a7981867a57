"""BLAS is on one thread while fits are made, whoever else makes some."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from fakes import FakeSpec, random_panel
from threadpoolctl import threadpool_info, threadpool_limits

from bt_lstm_rotation.forecasting import Training, Workers, walk_forward
from bt_lstm_rotation.forecasting.walkforward.one_thread import one_thread


def threads():
    return {
        pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
    }


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("this BLAS has one thread")
        yield


@pytest.mark.usefixtures("two_threads")
def test_one_that_ends_leaves_it_to_the_others():
    with one_thread():
        for _ in range(2):
            other = threading.Thread(target=_open_and_close)
            other.start()
            other.join()
            assert threads() == {1}
    assert threads() == {2}


def _open_and_close():
    with one_thread():
        assert threads() == {1}


@pytest.mark.usefixtures("two_threads")
def test_the_setting_is_as_before_after_an_error():
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_a_walk_that_ends_in_an_error_sets_it_back(monkeypatch):
    def refused(fits, planned):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as kept:  # and with it every frame
        walk_forward(
            random_panel("AB", 120), FakeSpec(), training=Training(progress=refused)
        )
    assert threads() == {2}
    assert kept.tb is not None


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("jobs", [1, 2])
def test_fits_and_forecasts_have_one_thread(monkeypatch, jobs):
    seen = []
    fit = FakeSpec.fit

    def watched(self, window, session):
        seen.append(threads())
        return fit(self, window, session)

    monkeypatch.setattr(FakeSpec, "fit", watched)
    made = walk_forward(
        random_panel("AB", 120),
        FakeSpec(),
        training=Training(workers=Workers(jobs=jobs)),
    )
    assert np.isfinite(made.values).any()
    assert seen
    assert all(found == {1} for found in seen)
    assert threads() == {2}


def test_forecasts_do_not_depend_on_how_many_threads_blas_has():
    script = (
        "import hashlib\n"
        "from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward\n"
        "from bt_lstm_rotation.prices.simulated import SimulatedMarket\n"
        "panel = SimulatedMarket(n_sessions=1100).panel()\n"
        "values = walk_forward(panel, ForecastSpec()).values\n"
        "print(hashlib.sha256(values.tobytes()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(found) == 1
