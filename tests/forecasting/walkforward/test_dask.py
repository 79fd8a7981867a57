"""A cluster of two workers gives the serial bytes, also when one of them is killed."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import distributed
import numpy as np
import pytest
from fakes import FakeSpec, random_panel, same_bytes
from own_files import write_own

from bt_lstm_rotation.backtest.strategy_file import find_strategy
from bt_lstm_rotation.errors import MissingExtraError, SourceError, SpecError
from bt_lstm_rotation.forecasting import (
    ForecastSpec,
    ForecastStore,
    Training,
    Workers,
    walk_forward,
)
from bt_lstm_rotation.forecasting.walkforward import cluster as cluster_module
from bt_lstm_rotation.sweep import run_sweep

pytestmark = [
    pytest.mark.timeout(180),
    # Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning"),
]

WEEKLY = FakeSpec(retrain="weekly")
PANEL = random_panel("ABC", 120)


@dataclass(frozen=True, kw_only=True)
class FatalSpec(FakeSpec):
    """Kills the process of one fit, the first time it is made."""

    fatal_at: str
    marker: Path

    def fit(self, window, session):
        if str(session) == self.fatal_at and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(window, session)


def square(number: int) -> int:
    return number * number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    """Two worker processes of one thread each, on this machine."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


@pytest.fixture
def workers(cluster) -> Workers:
    return Workers(backend="dask", scheduler=cluster.scheduler_address)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(cluster_module, "PATIENCE", 1)


@pytest.fixture(scope="module")
def serial():
    return walk_forward(PANEL, WEEKLY, training=Training(workers=Workers(jobs=1)))


def assert_same(spread, serial) -> None:
    assert np.isfinite(serial.values).any()
    assert spread.values.tobytes() == serial.values.tobytes()
    assert [fit.session for fit in spread.fits] == [fit.session for fit in serial.fits]
    assert {fit.status for fit in spread.fits} == {"ok"}
    assert len(spread.fits) > 15


def test_results_come_in_the_order_of_the_tasks(workers):
    assert list(workers.map(square, range(30))) == [n * n for n in range(30)]


def test_in_any_order_every_result_comes_once(workers):
    found = list(workers.map(square, range(30), ordered=False))
    assert sorted(found) == [n * n for n in range(30)]


def test_no_tasks_give_no_results(workers):
    assert list(workers.map(square, [])) == []


def test_tasks_are_taken_a_few_ahead_and_not_all_at_once(workers):
    taken = []
    results = workers.map(square, (taken.append(n) or n for n in range(1_000)))
    assert next(results) == 0
    assert len(taken) <= 10
    results.close()


def test_an_error_in_a_task_comes_through(workers):
    with pytest.raises(TypeError, match="multiply"):
        list(workers.map(square, ["two"]))


def test_the_cluster_works_elsewhere(workers):
    assert os.getpid() not in set(workers.map(_process, range(4)))


def _process(_: int) -> int:
    return os.getpid()


def test_a_cluster_gives_the_serial_bytes(workers, serial):
    assert_same(walk_forward(PANEL, WEEKLY, training=Training(workers=workers)), serial)


def test_a_forecaster_of_a_users_file_gives_the_serial_bytes(workers, tmp_path):
    spec = find_strategy(write_own(tmp_path)).params.spec
    one = walk_forward(PANEL, spec, training=Training(workers=Workers(jobs=1)))
    many = walk_forward(PANEL, spec, training=Training(workers=workers))
    assert np.isfinite(one.values).any()
    assert same_bytes(many.values, one.values)


def test_workers_in_this_process_do_not_run_a_users_file_again(tmp_path):
    spec = find_strategy(write_own(tmp_path)).params.spec
    module = sys.modules[type(spec).__module__]
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    ) as cluster:
        here = Workers(backend="dask", scheduler=cluster.scheduler_address)
        many = walk_forward(PANEL, spec, training=Training(workers=here))
    one = walk_forward(PANEL, spec, training=Training(workers=Workers(jobs=1)))
    assert same_bytes(many.values, one.values)
    assert sys.modules[type(spec).__module__] is module


def test_a_module_that_a_cluster_lacks_is_named(workers, monkeypatch):
    module = types.ModuleType("only_here")
    exec("class Thing:\n    pass\n", vars(module))
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(SourceError, match="ModuleNotFoundError: No module named 'only"):
        list(workers.map(repr, [module.Thing()]))


def test_a_worker_that_dies_in_a_fit_loses_nothing(workers, serial, tmp_path):
    marker = tmp_path / "killed"
    fatal_at = str(serial.fits[7].session)
    spec = FatalSpec(retrain="weekly", fatal_at=fatal_at, marker=marker)
    spread = walk_forward(PANEL, spec, training=Training(workers=workers))
    assert marker.exists()
    assert_same(spread, serial)


def test_a_worker_that_is_killed_half_way_loses_nothing(cluster, workers, serial):
    with distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        victim = min(client.run(os.getpid).values())
    seen = []

    def kill_at_5(done, planned):
        seen.append(done)
        if done == 5:
            os.kill(victim, signal.SIGKILL)

    training = Training(workers=workers, progress=kill_at_5)
    assert_same(walk_forward(PANEL, WEEKLY, training=training), serial)
    assert seen == list(range(1, len(serial.fits) + 1))
    with distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        assert victim not in client.run(os.getpid).values()


def test_a_task_that_kills_every_worker_is_given_up(workers):
    with pytest.raises(SourceError, match=r"Dask cluster at tcp://.* gave up: .*die"):
        list(workers.map(die, range(2)))


def test_a_scheduler_that_is_gone_is_named_within_seconds(impatient):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    workers = Workers(backend="dask", scheduler=address)
    with pytest.raises(SourceError, match=f"no Dask scheduler at {address}: "):
        list(workers.map(square, range(3)))


def test_a_server_that_never_answers_is_not_waited_for_long(impatient):
    # What the dashboard does, whose port is one off, with what it takes for no HTTP.
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        workers = Workers(backend="dask", scheduler=address)
        with pytest.raises(SourceError, match=f"no Dask scheduler at {address}: "):
            list(workers.map(square, range(3)))


def test_a_scheduler_without_a_worker_is_not_waited_for_long(impatient):
    with distributed.LocalCluster(
        n_workers=0,
        processes=True,
        host="127.0.0.1",
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    ) as empty:
        workers = Workers(backend="dask", scheduler=empty.scheduler_address)
        with pytest.raises(SourceError, match="has had no worker for 1 s; start one"):
            list(workers.map(square, range(3)))


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    workers = Workers(backend="dask", scheduler="tcp://127.0.0.1:8786")
    with pytest.raises(MissingExtraError, match=r"bt-lstm-rotation\[dask\]"):
        list(workers.map(square, range(3)))


@pytest.mark.parametrize(
    "address",
    ["", " ", "host", "tcp://host", "http://host:1", "tcp://host:abc", 8786],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(SpecError, match="Workers: scheduler must be an address such"):
        list(Workers(backend="dask", scheduler=address).map(square, range(3)))


def test_tls_without_certificates_is_named(impatient):
    workers = Workers(backend="dask", scheduler="tls://127.0.0.1:1")
    with pytest.raises(SourceError, match=r"no Dask scheduler at tls://.*TLS"):
        list(workers.map(square, range(3)))


def test_a_sweep_on_a_cluster_leaves_the_serial_file(workers, tmp_path):
    panel = random_panel("ABCDE", 160)
    grid = {"top": [1, 2, 0], "lookback": [5, 8], "skip": [0], "horizon": [2]}
    store = ForecastStore(tmp_path / "store")
    for name, how in (("serial", Workers(jobs=1)), ("dask", workers)):
        run_sweep(
            panel,
            "momentum_12_1",
            grid,
            file=tmp_path / f"{name}.csv",
            benchmark="A",
            store=store,
            workers=how,
        )
    spread = (tmp_path / "dask.csv").read_bytes()
    assert spread == (tmp_path / "serial.csv").read_bytes()
    assert spread.count(b",ok,x") == 4


@pytest.mark.slow
def test_a_network_has_the_same_bytes_on_a_cluster(workers):
    spec = ForecastSpec(
        lookback=5, train_size=40, horizon=2, units=3, steps=2, retrain="monthly"
    )
    panel = random_panel("ABC", 130)
    one = walk_forward(panel, spec, training=Training(workers=Workers(jobs=1)))
    many = walk_forward(panel, spec, training=Training(workers=workers))
    assert np.isfinite(one.values).any()
    assert len(one.fits) > 3
    assert many.values.tobytes() == one.values.tobytes()
    losses = [(fit.first_loss, fit.last_loss) for fit in one.fits]
    assert [(fit.first_loss, fit.last_loss) for fit in many.fits] == losses
