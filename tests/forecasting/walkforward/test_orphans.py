"""Workers whose run is gone end by themselves, within seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bt_lstm_rotation.forecasting.walkforward.workers import Workers

WAITS_FOR_WORKERS = """
import os, time
from pathlib import Path
from bt_lstm_rotation.forecasting.walkforward.workers import Workers

def work(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)

# The third has nothing to do.
workers = Workers(jobs=3, backend="processes")
list(workers.map(work, [os.getcwd()] * 2))
"""


def parent_of(pid: int) -> int:
    return os.getppid()


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def children_of(pid: int) -> list[int]:
    return [
        int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ]


def wait_for(condition, seconds: float) -> bool:
    last = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > last:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="processes are looked up in /proc"
)
def test_workers_end_when_their_run_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WAITS_FOR_WORKERS],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert wait_for(lambda: len(list(tmp_path.iterdir())) == 2, 120)
        workers = children_of(process.pid)
        assert len(workers) >= 3
        process.send_signal(signal.SIGKILL)
    assert wait_for(lambda: not any(map(is_running, workers)), 15)


def test_a_worker_is_a_child_of_the_run():
    parents = list(Workers(jobs=2, backend="processes").map(parent_of, range(2)))
    assert parents == [os.getpid()] * 2
