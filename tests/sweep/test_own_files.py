"""A sweep over a user's own spec and forecaster leaves one file on any workers."""

from __future__ import annotations

import sys

import pytest
from fakes import random_panel
from own_files import write_own

from bt_lstm_rotation.forecasting import Workers
from bt_lstm_rotation.sweep import run_sweep

PANEL = random_panel("ABCD", 60)
PROCESSES = Workers(jobs=2, backend="processes")


@pytest.fixture(autouse=True)
def _no_module_is_left():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("bt_lstm_rotation_strategy_", "own_")):
            del sys.modules[name]


@pytest.mark.parametrize("backs", [[2, 3], [3]], ids=["trials spread", "fits spread"])
def test_processes_leave_the_file_that_threads_leave(tmp_path, backs):
    strategy = f"{write_own(tmp_path)}:Own"
    grid = {"back": backs, "top": [1]}
    for name, workers in (("threads", Workers(jobs=2)), ("processes", PROCESSES)):
        run_sweep(PANEL, strategy, grid, file=tmp_path / f"{name}.csv", workers=workers)
    spread = (tmp_path / "processes.csv").read_bytes()
    assert spread == (tmp_path / "threads.csv").read_bytes()
    assert spread.count(b",ok,x") == len(backs)


def test_a_forecaster_that_answers_wrongly_is_in_its_row(tmp_path):
    file = write_own(tmp_path)
    rules = tmp_path / "own_rules.py"
    rules.write_text(rules.read_text().replace("[None]", ""))
    trials = run_sweep(
        PANEL, file, {"top": [1, 2]}, file=tmp_path / "out.csv", workers=PROCESSES
    )
    for status in trials["status"]:
        assert status.startswith("Model.forecast gives an array of shape (5, 4); (n_m")
