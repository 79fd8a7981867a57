"""``paper watch`` as a process: it catches up, sleeps, and ends when it is told to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from bt_lstm_rotation.cli import main
from bt_lstm_rotation.paper import PaperSession

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_watch_catches_up_and_ends_cleanly(tmp_path, capsys, sent, code):
    start = ["--data", "simulated", "--strategy", "momentum_12_1"]
    place = ["--root", str(tmp_path)]
    assert main(["paper", "start", "w", *start, *place, "--today", "2011-12-12"]) == 0
    # What fails here must not wait for a watch that goes on for ever.
    with (
        subprocess.Popen(
            [sys.executable, "-m", "bt_lstm_rotation", "paper", "watch", "w", *place],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as watch,
        ExitStack() as ending,
    ):
        ending.callback(watch.kill)
        told = watch.stdout.readline()
        assert told.startswith(
            "recorded 2011-12-13 to 2011-12-16; 0 orders for the nex"
        )
        assert re.search(r"sleeping until \d{4}-\d\d-\d\d \d\d:\d\d UTC", told)
        capsys.readouterr()
        assert main(["paper", "step", "w", *place]) == 5
        assert str(watch.pid) in capsys.readouterr().err
        watch.send_signal(sent)
        assert watch.wait(timeout=60) == code
        assert "Traceback" not in watch.stderr.read()
    account = PaperSession("w", root=tmp_path)
    assert str(account.record().last) == "2011-12-16"
    with account.held("test"):  # the lock is free again
        pass
