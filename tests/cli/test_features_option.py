"""--features, from the command to the files it leaves."""

from __future__ import annotations

import json
import sys
from functools import partial

import pandas as pd
import pytest

from bt_lstm_rotation import cli
from bt_lstm_rotation.forecasting.features import own
from bt_lstm_rotation.prices.simulated import WORLDS, SimulatedMarket
from bt_lstm_rotation.trials import TrialLedger

FILE = """\
import numpy as np
from bt_lstm_rotation import feature

FACTOR = {factor}


@feature(warmup={warmup})
def mine(window):
    spread = np.log(window.bars[1] / window.bars[2])
    values = spread.copy()
    values[..., 3:] += FACTOR * spread[..., {ahead}]
    return values
"""
SHORT = (
    *("--set", "train_size=40", "--set", "horizon=3", "--set", "lookback=10"),
    *("--set", "units=4"),
)
QUICK = ("--quiet", "--no-store", "--jobs", "1")
BOTH = ("--set", 'features=["relative_return","mine"]')


@pytest.fixture(autouse=True)
def market(monkeypatch, tmp_path):
    """Let --data simulated have half a year of three sectors."""
    small = partial(SimulatedMarket, n_sessions=150, n_sectors=3)
    monkeypatch.setitem(WORLDS, "linear", small)
    monkeypatch.setattr(own, "_own", {})
    modules = set(sys.modules)
    yield small
    for name in set(sys.modules) - modules:
        if name.startswith("bt_lstm_rotation_strategy_"):
            del sys.modules[name]


def write(folder, factor=1.0, warmup=3, ahead=":-3", name="mine.py"):
    file = folder / name
    file.write_text(FILE.format(factor=factor, warmup=warmup, ahead=ahead))
    return str(file)


def refused(capsys, *arguments: str) -> str:
    """Run a command that has to fail, and return its one line."""
    assert cli.main([*arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.index("\n") == len(err) - 1
    return err


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def test_a_run_reads_a_feature_of_a_file_and_its_summary_names_its_code(tmp_path):
    specs = {}
    for name, factor in (("one", 1.0), ("two", 2.0), ("again", 1.0)):
        file = write(tmp_path, factor)
        command = ["backtest", "--features", file, *BOTH, *SHORT, *QUICK]
        assert cli.main([*command, "--out", str(tmp_path / name)]) == 0
        specs[name] = summary_of(tmp_path / name)["spec"]
    assert specs["one"]["features"] == ["relative_return", "mine"]
    assert len(specs["one"]["own_features"]["mine"]) == 64
    assert specs["one"] == specs["again"] != specs["two"]
    values = {name: (tmp_path / name / "forecasts.csv").read_text() for name in specs}
    assert values["one"] == values["again"] != values["two"]


def test_a_backend_of_processes_gives_the_same_forecasts(tmp_path):
    file = write(tmp_path)
    command = ["backtest", "--features", file, *BOTH, *SHORT, "--quiet", "--no-store"]
    for backend in ("threads", "processes"):
        how = ["--backend", backend, "--jobs", "2", "--out", str(tmp_path / backend)]
        assert cli.main([*command, *how]) == 0
    one, two = (
        (tmp_path / backend / "forecasts.csv").read_bytes()
        for backend in ("threads", "processes")
    )
    assert one == two


def test_a_leak_is_one_line_with_its_name_and_how_far_it_looks(tmp_path, capsys):
    file = tmp_path / "mine.py"
    text = FILE.format(factor=1.0, warmup=3, ahead="3:")
    file.write_text(text.replace("values[..., 3:] +=", "values[..., :-3] +="))
    said = refused(
        capsys, "backtest", "--features", str(file), *BOTH, *SHORT, *QUICK,
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert "feature 'mine' looks 3 bars ahead" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be run: FileNotFoundError"),
        ("x = 1\n", "a file that makes features"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
    ],
)
def test_a_file_without_features_is_one_line(tmp_path, capsys, content, words):
    file = tmp_path / "none.py"
    if content is not None:
        file.write_text(content)
    assert words in refused(capsys, "backtest", "--features", str(file), *QUICK)


def test_an_empty_path_is_refused(capsys):
    with pytest.raises(SystemExit):
        cli.main(["backtest", "--features", ""])
    assert "a value is needed" in capsys.readouterr().err


def test_a_name_that_no_file_has_made_is_unknown(capsys, tmp_path):
    said = refused(capsys, "backtest", *BOTH, *QUICK, "--out", str(tmp_path / "out"))
    assert "features must be a feature" in said


def test_a_sweep_takes_it_and_a_changed_one_is_another_trial(tmp_path, capsys):
    table = tmp_path / "trials.csv"
    grid = [
        *("--grid", 'features=["relative_return"],["relative_return","mine"]'),
        *("--grid", "train_size=40", "--grid", "horizon=3", "--grid", "lookback=10"),
        *("--grid", "units=4", "--no-store"),
    ]
    for backend in ("threads", "processes"):
        table.unlink(missing_ok=True)
        command = ["sweep", "--features", write(tmp_path), *grid, "--jobs", "2"]
        assert cli.main([*command, "--backend", backend, "--out", str(table)]) == 0
        rows = pd.read_csv(table, dtype=str)
        assert list(rows["status"]) == ["ok", "ok"]
        assert rows["ic"].nunique() == 2
    write(tmp_path, factor=2.0)
    capsys.readouterr()
    said = refused(capsys, *command, "--out", str(table))
    assert "trials of another sweep" in said


def test_the_ledger_tells_two_codes_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("BT_LSTM_ROTATION_LEDGER", str(tmp_path / "ledger.sqlite"))
    for factor in (1.0, 2.0):
        command = ["backtest", "--features", write(tmp_path, factor), *BOTH, *SHORT]
        assert cli.main([*command, *QUICK, "--out", str(tmp_path / "out")]) == 0
    rows = list(TrialLedger(tmp_path / "ledger.sqlite").rows())
    assert len({row.trial.configuration for row in rows}) == len(rows) == 2


@pytest.mark.parametrize("command", ["backtest", "sweep", "verdict", "audit"])
def test_each_command_that_makes_a_spec_takes_it(capsys, command):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert "--features FILE.py" in capsys.readouterr().out


@pytest.mark.parametrize("action", ["start", "version"])
def test_a_paper_account_says_where_its_features_belong(capsys, tmp_path, action):
    with pytest.raises(SystemExit):
        cli.main(["paper", action, "mine", "--features", write(tmp_path)])
    said = capsys.readouterr().err
    assert "keeps a copy of its strategy's file" in said
