"""A cluster that gives no result is heard of, and given up; nothing waits for ever.

Schedulers and workers are processes of their own, which are killed and frozen.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes import FakeSpec, random_panel, same_bytes

from bt_lstm_rotation import __version__
from bt_lstm_rotation.errors import SourceError, SpecError
from bt_lstm_rotation.forecasting import Training, Workers, walk_forward
from bt_lstm_rotation.forecasting.walkforward import cluster as cluster_module
from bt_lstm_rotation.forecasting.walkforward import silence

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="freezes processes"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning"),
]

CHECKOUT = Path(__file__).parents[3]

# What a worker runs before it is one.
SOUND = ""
LACKS = "import sys; sys.modules['bt_lstm_rotation'] = None"
OTHER = "import bt_lstm_rotation; bt_lstm_rotation.__version__ = '0.0.1'"
CHANGED = (
    "from bt_lstm_rotation.forecasting.store import content_key; "
    "content_key.package_hash = lambda: 'other'"
)
RUN = "from distributed.cli.dask_{} import main; main()"


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.log = folder / "log.txt"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            RUN.format("scheduler"), "--port", "0", "--dashboard-address", ":0"
        )
        until(self.file.exists)
        self.address = json.loads(self.file.read_text())["address"]

    def add(self, before: str = SOUND) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until the scheduler knows it."""
        known = self._registered()
        worker = self._start(
            f"{before}\n{RUN.format('worker')}", "--no-nanny", "--nthreads", "1"
        )
        until(lambda: self._registered() > known)
        return worker

    def workers(self, **settings) -> Workers:
        return Workers(backend="dask", scheduler=self.address, **settings)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()

    def _registered(self) -> int:
        return self.log.read_text().count("Starting worker compute stream")

    def _start(self, code: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", code, "--scheduler-file", self.file, *options]
        # They read what stands in this file, and in those beside it.
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.file.parent, env=env, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process


def until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def soon(monkeypatch):
    """Look at a silent cluster more often than anybody would want to hear of it."""
    monkeypatch.setattr(cluster_module, "LOOK", 1.0)
    monkeypatch.setattr(cluster_module, "PATIENCE", 3.0)
    monkeypatch.setattr(silence, "SAID_AFTER", 2.0)
    monkeypatch.setattr(silence, "PATIENCE", 2.0)


def marked(task: tuple[Path, float]) -> int:
    """Say that a worker has begun, and take a while."""
    folder, seconds = task
    (folder / f"begun-{os.getpid()}").touch()
    time.sleep(seconds)
    return os.getpid()


def begun(folder: Path, process: subprocess.Popen[bytes]) -> Callable[[], bool]:
    return (folder / f"begun-{process.pid}").exists


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        (LACKS, r"cannot import bt_lstm_rotation \(ModuleNotFoundError: "),
        (OTHER, r"has version 0\.0\.1 of bt_lstm_rotation"),
        (CHANGED, rf"has other code of bt_lstm_rotation {__version__}"),
    ],
)
def test_workers_are_asked_for_the_package_before_anything_is_sent(
    cluster, tmp_path, before, problem
):
    cluster.add()
    bad = cluster.add(before)
    with pytest.raises(SourceError, match=f"{problem}.*at tcp.*; install ") as raised:
        list(cluster.workers().map(marked, [(tmp_path, 0.0)] * 4))
    assert f"bt-lstm-rotation {__version__} where the workers are" in str(raised.value)
    assert not list(tmp_path.glob("begun-*"))
    assert bad.poll() is None


def test_so_is_one_that_comes_later(cluster, tmp_path):
    first = cluster.add()

    def join():
        until(begun(tmp_path, first))
        cluster.add(LACKS)

    with meanwhile(join), pytest.raises(SourceError, match="cannot import bt_lstm"):
        list(cluster.workers().map(marked, [(tmp_path, 0.5)] * 200))


@pytest.mark.usefixtures("soon")
def test_when_all_workers_are_killed_it_is_said_and_then_given_up(
    cluster, tmp_path, caplog
):
    two = [cluster.add(), cluster.add()]

    def kill():
        for worker in two:
            until(begun(tmp_path, worker))
        for worker in two:
            worker.kill()

    workers = cluster.workers(give_up=8)
    began = time.monotonic()
    gone = r"has given no result for \d+ s: it has no worker left; start or mend"
    with meanwhile(kill), pytest.raises(SourceError, match=gone):
        list(workers.map(marked, [(tmp_path, 600.0)] * 2))
    assert time.monotonic() - began < 60
    assert "no result for" in caplog.text
    assert caplog.text.count("it has no worker left") in (1, 2)


@pytest.mark.usefixtures("soon")
def test_a_frozen_worker_is_named(cluster, tmp_path, caplog):
    frozen, well = cluster.add(), cluster.add()

    def freeze():
        until(begun(tmp_path, frozen))
        until(begun(tmp_path, well))
        frozen.send_signal(signal.SIGSTOP)

    workers = cluster.workers(give_up=8)
    done = []
    results = workers.map(marked, [(tmp_path, 2.0)] * 6, ordered=False)
    with meanwhile(freeze), pytest.raises(SourceError, match=r"2 workers, .*1 silent"):
        done.extend(results)
    # What the other one could do is done.
    assert set(done) == {well.pid}
    assert "1 silent, with tasks: tcp://" in caplog.text


@pytest.mark.usefixtures("soon")
def test_one_that_is_frozen_at_the_start_does_not_keep_others_from_being_asked(
    cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr(cluster_module, "TO_ASK", 5.0)
    frozen = cluster.add()
    cluster.add(LACKS)
    frozen.send_signal(signal.SIGSTOP)
    with pytest.raises(SourceError, match="cannot import bt_lstm_rotation"):
        list(cluster.workers().map(marked, [(tmp_path, 0.0)]))


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_so_is_a_scheduler_that_is_frozen_or_killed(cluster, tmp_path, number):
    worker = cluster.add()

    def end():
        until(begun(tmp_path, worker))
        cluster.scheduler.send_signal(number)

    began = time.monotonic()
    with meanwhile(end), pytest.raises(SourceError, match="Dask cluster at tcp://"):
        list(cluster.workers(give_up=6).map(marked, [(tmp_path, 600.0)]))
    assert time.monotonic() - began < 60


@pytest.mark.usefixtures("soon")
def test_long_work_is_told_of_once_and_not_given_up(
    cluster, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(silence, "GIVEN_UP_AFTER", 4.0)
    cluster.add()
    pids = list(cluster.workers().map(marked, [(tmp_path, 9.0)] * 2))
    assert len(pids) == 2
    assert caplog.text.count("no result for") == 1
    assert "1 worker, " in caplog.text
    assert "silent" not in caplog.text


def test_a_worker_killed_among_two_costs_no_byte(cluster):
    first, second = cluster.add(), cluster.add()
    panel, spec = random_panel("ABC", 120), FakeSpec(retrain="weekly")
    killed = []

    def kill(done, planned):
        if not killed:
            first.kill()
            killed.append(done)

    training = Training(workers=cluster.workers(), progress=kill)
    spread = walk_forward(panel, spec, training=training)
    serial = walk_forward(panel, spec, training=Training(workers=Workers(jobs=1)))
    assert same_bytes(spread.values, serial.values)
    assert second.poll() is None


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 4096, b"\0" * 4096, b"SSH-2.0\r\n"],
)
def test_a_server_that_is_no_scheduler_is_one_line(answer, monkeypatch):
    monkeypatch.setattr(cluster_module, "PATIENCE", 2.0)

    class Handler(http.server.socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(answer)

    with http.server.socketserver.ThreadingTCPServer(
        ("127.0.0.1", 0), Handler
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.server_address[1]}"
        workers = Workers(backend="dask", scheduler=address)
        with pytest.raises(SourceError, match=f"no Dask scheduler at {address}: "):
            list(workers.map(abs, [1]))
        server.shutdown()


def test_a_worker_is_no_scheduler(cluster):
    cluster.add()
    import distributed

    with distributed.Client(cluster.address, set_as_default=False) as client:
        (address,) = client.nthreads()
    workers = Workers(backend="dask", scheduler=address)
    with pytest.raises(SourceError, match=f"no Dask scheduler at {address}: a Worker "):
        list(workers.map(abs, [1]))


def test_the_command_says_so_in_one_line(cluster, tmp_path):
    cluster.add(LACKS)
    here = tmp_path / "here"
    here.mkdir()
    options = ["--backend", "dask", "--scheduler", cluster.address, "--give-up", "9"]
    ran = subprocess.run(
        [sys.executable, CHECKOUT / "run_backtest.py", "--no-store", *options],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stdout == ""
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("error: a worker of the Dask cluster at tcp://")
    assert "Traceback" not in ran.stderr
    assert not list(here.glob("runs/*"))


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "5", True, 1e300])
def test_a_time_that_is_none_is_refused(seconds):
    with pytest.raises(SpecError, match="Workers: give_up must be a"):
        Workers(backend="dask", scheduler="tcp://127.0.0.1:1", give_up=seconds)


def test_without_a_cluster_there_is_nothing_to_give_up():
    with pytest.raises(SpecError, match="give_up must be left out"):
        Workers(give_up=5)
