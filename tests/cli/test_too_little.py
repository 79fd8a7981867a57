"""Not enough of the machine: one line, exit code 2, and soon."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from bt_lstm_rotation import cli
from bt_lstm_rotation.cli.signals import lacking_threads
from bt_lstm_rotation.forecasting import Workers
from bt_lstm_rotation.machine import available_cores, what_is_lacking
from bt_lstm_rotation.reporting import announce

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as on Linux")

CHECKOUT = Path(__file__).parents[2]
MOMENTUM = ("--strategy", "momentum_12_1")
NETWORK = ("--set", "train_size=300", "--set", "steps=1")

# No shell of a test's own may change what others see.
FULL = """
mount -t tmpfs -o size=16k tmpfs /dev/shm
head -c 99999 /dev/zero 2> /dev/null > /dev/shm/x
"""
READ_ONLY = "mount -t tmpfs -o ro tmpfs /dev/shm"
NO_TEMPORARY = """
for place in /tmp /var/tmp /usr/tmp /dev/shm; do
    test -d $place || continue
    mount --bind $place $place && mount -o remount,bind,ro $place
done
"""


def run(tmp_path, before, *arguments):
    """Run a backtest in a shell, after other commands."""
    command = [sys.executable, CHECKOUT / "run_backtest.py", "--no-store", *arguments]
    began = time.monotonic()
    ran = subprocess.run(
        ["bash", "-c", f'{before}\nexec "$@"', "bash", *map(str, command)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return ran, time.monotonic() - began


def run_apart(tmp_path, before, *arguments):
    """Do so where disks may be mounted that nobody else sees."""
    try:
        tried = subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
            capture_output=True,
            check=False,
        )
    except OSError as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    if tried.returncode:
        pytest.skip(f"no disk can be mounted here: {tried.stderr!r}")
    command = [sys.executable, CHECKOUT / "run_backtest.py", "--no-store", *arguments]
    script = f'{before}\ncd /proc\nexec "$@"'
    return subprocess.run(
        ["unshare", "-m", "bash", "-c", script, "bash", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )


def the_line(said: str) -> str:
    """Return the error, before which a run may announce how long it takes."""
    *before, last = said.splitlines()
    assert last.startswith("error: ")
    assert all(" fits, about " in line for line in before), said
    return last


@pytest.mark.parametrize("kilobytes", [100_000, 400_000, 650_000])
def test_a_shell_may_leave_too_little_memory(tmp_path, kilobytes):
    ran, took = run(tmp_path, f"ulimit -v {kilobytes}", *MOMENTUM)
    assert ran.returncode == 2, ran.stderr
    assert the_line(ran.stderr)
    assert "ulimit -" in ran.stderr
    assert took < 60
    assert not list(tmp_path.glob("runs/*"))


def test_near_the_edge_it_is_enough_or_one_line(tmp_path):
    ran, took = run(tmp_path, "ulimit -v 750000", *MOMENTUM)
    assert ran.returncode in (0, 2), ran.stderr
    assert "Traceback" not in ran.stderr
    assert took < 120
    if ran.returncode:
        assert the_line(ran.stderr)


@pytest.mark.parametrize("kilobytes", [900_000, 2_500_000])
def test_and_too_little_for_tensorflow(tmp_path, kilobytes):
    ran, took = run(tmp_path, f"ulimit -v {kilobytes}", *NETWORK)
    assert ran.returncode == 2, ran.stderr
    assert "ulimit -" in the_line(ran.stderr)
    assert took < 60


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_no_machine_has_so_many_cores(backend, capsys, tmp_path):
    options = [*MOMENTUM, "--jobs", "100000", "--backend", backend]
    assert cli.main([*options, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        "error: Workers: jobs must be a whole number of at most 1,024 (got 100000)\n"
    )


def test_more_processes_than_there_is_memory_for_are_not_started(monkeypatch):
    from bt_lstm_rotation.errors import SourceError
    from bt_lstm_rotation.forecasting.walkforward import workers

    monkeypatch.setattr(workers, "memory_left", lambda: 10**9)
    many = Workers(jobs=1000, backend="processes")
    with pytest.raises(SourceError, match=r"1,000 processes need 150.0 GB at least"):
        list(many.map(abs, [1]))


@pytest.mark.parametrize(
    ("before", "reason"),
    [(FULL, "No space left on device"), (READ_ONLY, "Read-only file system")],
)
def test_processes_need_shared_memory_and_threads_do_not(tmp_path, before, reason):
    out = tmp_path / "out"
    options = [*MOMENTUM, "--jobs", "2", "--out", out]
    ran = run_apart(tmp_path, before, *options, "--backend", "processes")
    assert ran.returncode == 2, ran.stderr
    line = the_line(ran.stderr)
    assert f"{reason} (/dev/shm); " in line
    assert "--backend threads" in line
    assert not out.exists()
    ran = run_apart(tmp_path, before, *options)
    assert ran.returncode == 0, ran.stderr
    assert "Warning" not in ran.stderr


def test_a_folder_for_temporary_files_is_asked_for(tmp_path):
    # The report's place can be written to, and no other.
    before = f"mount -t tmpfs tmpfs /mnt{NO_TEMPORARY}"
    ran = run_apart(tmp_path, before, *NETWORK, "--out", "/mnt/out")
    assert ran.returncode == 2, ran.stderr
    assert "TMPDIR" in the_line(ran.stderr)


def test_an_estimate_counts_the_cores_that_there_are():
    there = available_cores()
    assert Workers(jobs=8 * there).at_once == there
    assert Workers(jobs=1).at_once == 1
    assert Workers(backend="dask", scheduler="tcp://h:1").at_once is None
    for cores, said in ((1, "100 s on 1 core,"), (4, "25 s on 4 cores,")):
        text = io.StringIO()
        announce(Console(file=text, width=200), cores, 50, 2.0)
        assert f"50 fits, about {said}" in text.getvalue()
    text = io.StringIO()
    announce(Console(file=text, width=200), None, 50, 2.0)
    assert text.getvalue() == "50 fits, about 100 s of work for the cluster\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "not enough memory"),
        (ImportError("libx.so: failed to map segment from"), "not enough memory"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (BlockingIOError(errno.EAGAIN, "Resource"), "ulimit -u"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (FileNotFoundError(2, "No usable temporary directory found in []"), "TMPDIR"),
    ],
)
def test_what_is_lacking_is_named_by_whatever_error_says_so(error, words):
    assert words in what_is_lacking(error)
    wrapped = ValueError("deep inside")
    wrapped.__cause__ = error
    assert words in what_is_lacking(wrapped)


@pytest.mark.parametrize(
    "error", [ValueError("x"), OSError(errno.ENOENT, "gone"), ImportError("no x")]
)
def test_other_errors_are_faults(error):
    assert what_is_lacking(error) == ""


def wait_for(thread):
    thread.start()
    threading.Event().wait(30)


def test_a_thread_that_ends_for_want_of_memory_ends_the_waiting_for_it():
    lacking: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def lack():
        raise MemoryError

    thread = threading.Thread(target=lack)
    try:
        with pytest.raises(KeyboardInterrupt), lacking_threads(lacking):
            wait_for(thread)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(lacking) == 1
    assert "not enough memory" in lacking[0]
