"""How commands end: by signals, on streams that fail, two at once, without a cache."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes import random_panel
from own_files import write_own

from bt_lstm_rotation import cli
from bt_lstm_rotation.reporting import read_run

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc"
)

QUICK = ("--strategy", "momentum_12_1", "--set", "lookback=5", "--set", "skip=0")
COMMAND = (sys.executable, "-W", "ignore", "-m", "bt_lstm_rotation")

# The default name of every run is the same, as in the same second.
SAME_SECOND = """
import sys
from bt_lstm_rotation.cli.commands import backtest
backtest.default_name = lambda *_: "same"
from bt_lstm_rotation.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bars")
    panel = random_panel(("XLE", "XLK", "XLV"), 160)
    for symbol in panel.symbols:
        panel.frame(symbol).to_csv(folder / f"{symbol}.csv", index_label="Date")
    return ("--data", f"folder:{folder}")


@pytest.fixture
def slow(tmp_path):
    """Return a strategy whose fits, of which there are many, take ten seconds each."""
    file = Path(write_own(tmp_path / "own"))
    hurried = "        with ONE_AT_A_TIME:\n"
    slowed = f"        import time\n        time.sleep(10)\n{hurried}"
    file.write_text(file.read_text().replace(hurried, slowed))
    return ("--strategy", file)


@pytest.fixture
def started(tmp_path):
    """Start a command in a session of its own, which ends with the test."""
    running = []

    def start(*arguments: object, command=COMMAND, **how) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            cwd=tmp_path,
            stdout=how.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
            env=os.environ | how,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        for pid in [process.pid, *session_of(process)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def session_of(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that it started, and theirs, as far as they live."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            _, _, rest = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue
        state, _, _, session = rest.split()[:4]
        if int(session) == process.pid != int(folder.name) and state != "Z":
            found.append(int(folder.name))
    return found


def wait_for(condition, seconds: float) -> bool:
    last = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > last:
            return False
        time.sleep(0.1)
    return True


def are_at_work(process: subprocess.Popen[str]) -> bool:
    """Whether both workers have a fit; each has imported what takes long by then."""
    busy = 0
    for pid in session_of(process):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
        except OSError:
            continue
        busy += b"LokyProcess" in command and threads > 1
    return busy == 2


def test_sigterm_ends_a_run_as_ctrl_c_does(started, slow, bars, tmp_path):
    workers = ("--backend", "processes", "--jobs", "2", "--no-store")
    process = started(*bars, *slow, *workers, "--out", "deep/out")
    assert wait_for(lambda: are_at_work(process), 120), process.poll()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert wait_for(lambda: not session_of(process), 20), "orphans"
    assert out == ""
    assert err.splitlines()[-1] == "stopped"
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"own"}


@pytest.mark.parametrize("pause", [0.02, 0.3])
def test_a_second_ctrl_c_is_as_quiet_as_the_first(started, slow, bars, tmp_path, pause):
    workers = ("--backend", "processes", "--jobs", "2", "--no-store")
    process = started(*bars, *slow, *workers, "--out", "deep/out")
    assert wait_for(lambda: are_at_work(process), 120), process.poll()
    # As a terminal does: workers hear of it, too.
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(pause)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    # A shell says 130 of a process that such a signal has ended.
    assert process.returncode in (130, -signal.SIGINT)
    assert wait_for(lambda: not session_of(process), 20), "orphans"
    assert out == ""
    said = [line for line in err.splitlines() if "no Adj Close" not in line]
    assert [line for line in said if " fits, about " not in line] == ["stopped"]


@pytest.mark.parametrize("moment", ["argparse", "numpy", "pandas", "backtrader"])
def test_ctrl_c_is_quiet_from_the_first_import_on(started, bars, moment):
    # As if it came just when this is imported.
    code = f"""
import os, signal, sys
class Stop:
    def find_spec(self, name, *_):
        if name == {moment!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
from bt_lstm_rotation.cli import main
sys.modules.pop({moment!r}, None)
sys.meta_path.insert(0, Stop())
sys.exit(main(sys.argv[1:]))
"""
    process = started(*bars, *QUICK, command=(sys.executable, "-c", code))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "stopped\n")


def test_two_runs_of_the_same_second_are_both_there(started, bars, tmp_path):
    command = (sys.executable, "-W", "ignore", "-c", SAME_SECOND)
    two = [started(*bars, *QUICK, "--quiet", command=command) for _ in range(2)]
    said = [process.communicate()[0].strip() for process in two]
    assert [process.returncode for process in two] == [0, 0]
    assert sorted(said) == ["runs/same", "runs/same-2"]
    for folder in said:
        assert read_run(tmp_path / folder).summary["strategy"]["name"] == "Momentum121"
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"same", "same-2"}


def test_a_folder_is_one_runs_until_that_is_killed(started, slow, bars, tmp_path):
    first = started(*bars, *slow, "--out", "out", "--no-store")
    assert wait_for(lambda: list(tmp_path.glob(".run-*/lock")), 60)
    arguments = [*bars, *QUICK, "--quiet", "--out"]
    second = started(*arguments, "out")
    _, err = second.communicate()
    assert second.returncode == 2
    assert f"another run, process {first.pid}, is at work on it" in err
    assert err.count("\n") == 1
    first.kill()
    first.wait()
    (left,) = tmp_path.glob(".run-*")
    assert cli.main([*arguments, str(tmp_path / "beside")]) == 0
    assert not left.exists()
    assert cli.main([*arguments, str(tmp_path / "out")]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"own", "beside", "out"}


def test_a_figure_that_cannot_be_printed_loses_nothing(started, bars, tmp_path):
    with open("/dev/full", "w") as full:
        process = started(*bars, *QUICK, "--out", "out", stdout=full)
        _, err = process.communicate()
    assert process.returncode == 2
    *_, last = err.splitlines()
    assert last == (
        "error: not all could be printed (No space left on device); all is in out"
    )
    assert "Traceback" not in err
    assert len(read_run(tmp_path / "out").account) > 100


def test_an_ascii_terminal_shows_a_chinese_folder_in_escapes(started, bars, tmp_path):
    ascii_ = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
    process = started(*bars, *QUICK, "--out", "结果", **ascii_)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert r"Report     \u7ed3\u679c/report.html" in out
    assert "Traceback" not in err
    assert (tmp_path / "结果" / "summary.json").exists()


def test_a_reader_that_goes_is_no_failure(started, bars, tmp_path):
    read, write = os.pipe()
    os.close(read)
    process = started(*bars, *QUICK, "--out", "out", stdout=write)
    os.close(write)
    _, err = process.communicate()
    assert process.returncode == 0
    assert "Error" not in err
    assert (tmp_path / "out" / "summary.json").exists()


def test_whatever_jupyter_exports_plots_are_drawn(tmp_path):
    code = (
        "import backtrader as bt\n"
        "from bt_lstm_rotation import load_prices\n"
        "from bt_lstm_rotation.plotting import save_plot\n"
        "bars = load_prices('simulated', ['S1']).frames()['S1'].iloc[:60]\n"
        "cerebro = bt.Cerebro()\n"
        "cerebro.adddata(bt.feeds.PandasData(dataname=bars), name='S1')\n"
        "cerebro.addstrategy(bt.Strategy)\n"
        "cerebro.run()\n"
        "save_plot(cerebro, 'plot.png', dpi=20)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "inline-of-another-python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["home", "file", "below a file", "pipe"])
def test_a_run_goes_on_without_a_store(bars, tmp_path, monkeypatch, caplog, kind):
    place = tmp_path / "cache"
    if kind == "home":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", "/dev/null")
        shown = "/dev/null"
    else:
        os.mkfifo(place) if kind == "pipe" else place.write_text("mine")
        below = place / "below" if kind == "below a file" else place
        monkeypatch.setenv("XDG_CACHE_HOME", str(below))
        shown = str(place)
    out = tmp_path / "out"
    assert cli.main([*bars, *QUICK, "--out", str(out)]) == 0
    told = [m for m in caplog.messages if "without stored forecasts" in m]
    assert len(told) == 1
    assert f"{shown} is not a folder" in told[0]
    assert (out / "summary.json").exists()
    shutil.rmtree(out)
