"""Steps of the command line in processes of their own; run as a script.

``twenty ROOT``: twenty at once. ``killed ROOT``: killed again and again, at random.
``full DISK``: on a disk that is nearly full. Each prints what it has found as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np
from fill_disk import fill

from bt_lstm_rotation.cli import main
from bt_lstm_rotation.paper import PaperSession

# So early that there is no backtest of the years before.
FIRST, LAST = "2001-03-01", "2001-05-31"
START = ["--data", "simulated", "--strategy", "momentum_12_1", "--today", FIRST]


def begin(root: Path) -> None:
    """Start an account; what a step imports is imported with it."""
    assert main(["paper", "start", "mine", "--root", str(root), *START]) == 0


def fork(root: Path, day: str, output: Path, ready: int | None = None) -> int:
    """Run a step in a process of its own, which shares what is imported already."""
    pid = os.fork()
    if pid:
        return pid
    if ready is not None:
        os.read(ready, 1)  # until all have been started
    with output.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        code = main(["paper", "step", "mine", "--root", str(root), "--today", day])
        sys.stdout.flush()
        os._exit(code)


def sessions(root: Path) -> int:
    return len(PaperSession("mine", root=root).record().sessions)


def transactions(root: Path) -> int:
    """Count them while a step is at work; a whole record is slower to read."""
    journal = f"{(root / 'mine' / 'journal.sqlite').as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(journal, uri=True)) as connection:
        (found,) = connection.execute("SELECT count(*) FROM transactions").fetchone()
    return int(found)


def head(root: Path) -> str:
    own: str = PaperSession("mine", root=root).record().transactions[-1].hash
    return own


def twenty(root: Path) -> object:
    ready, go = os.pipe()
    outputs = [root / f"output-{number}" for number in range(20)]
    pids = [fork(root, LAST, output, ready) for output in outputs]
    os.write(go, b"g" * len(pids))
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    said = [output.read_text() for output in outputs]
    return {"codes": codes, "said": said, "head": head(root)}


def killed(root: Path) -> object:
    """Kill a catching up each time when it has recorded a few sessions more."""
    rng = np.random.default_rng(3)
    found = []
    while True:
        goal = sessions(root) + int(rng.integers(0, 8))
        pid = fork(root, LAST, root / "output")
        ended = 0
        while not ended and transactions(root) <= goal:  # the start is the first
            time.sleep(0.001)
            ended, _ = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        # Anywhere in what comes next: reading, replaying or writing.
        time.sleep(rng.uniform(0.0, 0.02))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        # What it is now, to a reader, and then to the next step.
        found.append(sessions(root))
    return {"found": found, "head": head(root)}


def full(disk: Path) -> object:
    tried = []
    days = [f"2001-03-{day:02}" for day in (2, 5, 6, 7, 8, 9)]
    for place, day in enumerate(days):
        before = sessions(disk)
        fill(disk / "filler", place * 700_000)
        pid = fork(disk, day, Path(os.devnull))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        during = sessions(disk)
        (disk / "filler").unlink()
        tried.append((before, code, during))
        pid = fork(disk, day, Path(os.devnull))
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert sessions(disk) == before + 1
    return {"tried": tried, "head": head(disk)}


if __name__ == "__main__":
    which, place = sys.argv[1], Path(sys.argv[2])
    with contextlib.redirect_stdout(sys.stderr):
        begin(place)
        answer = {"twenty": twenty, "killed": killed, "full": full}[which](place)
    sys.stdout.write(json.dumps(answer))
