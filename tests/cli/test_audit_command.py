"""``bt-lstm-rotation audit``: one line of outcome, an exit code, and files."""

from __future__ import annotations

import json

import pytest

from bt_lstm_rotation import cli

BARS = ("--symbols", "S1,S2", "--end", "2000-10-31", "--probes", "3", "--no-warmup")
LEAKY = """\
import backtrader as bt


class Leaky(bt.Strategy):
    params = (("least", 0.0),)

    def __init__(self):
        pass

    def next(self):
        if len(self) < 200 and self.data.close[1] > self.data.close[0]:
            self.buy(size=1)
"""
READER = """\
from pathlib import Path

import backtrader as bt

DAYS = Path(__file__).with_name("days.txt").read_text().split()


class Reader(bt.Strategy):
    def __init__(self):
        pass

    def next(self):
        if str(self.data.datetime.date(0)) in DAYS:
            self.buy(size=1)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaky.py").write_text(LEAKY, encoding="utf-8")
    (tmp_path / "reader.py").write_text(READER, encoding="utf-8")
    (tmp_path / "days.txt").write_text("2000-02-01 2000-03-01", encoding="utf-8")
    return tmp_path


def test_a_leak_is_exit_code_3_and_leaves_a_script(folder, capsys):
    code = cli.main(["audit", "leaky.py", *BARS, "--json", "audit.json", "--quiet"])
    assert code == 3
    out, err = capsys.readouterr()
    assert out.startswith("Leaky: leak\n")
    assert "leaky.py:11" in out
    assert err == ""
    assert "LATER" not in (folder / "leak.py").read_text(encoding="utf-8")
    written = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert written["outcome"] == "leak"
    assert written["findings"][0]["ahead"] == 1
    # A second time, its own files are replaced.
    assert cli.main(["audit", "leaky.py", *BARS, "--json", "audit.json"]) == 3


def test_a_clean_strategy_is_exit_code_0_and_leaves_nothing(folder, capsys):
    assert cli.main(["audit", "equal_weight", *BARS]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("EqualWeight: clean\n")
    assert "hiding each bar until its session" in err
    assert not (folder / "leak.py").exists()


def test_a_file_that_is_read_when_the_strategy_is_loaded_is_named(folder, capsys):
    assert cli.main(["audit", "reader.py", *BARS, "--quiet"]) == 6
    out = capsys.readouterr().out
    assert out.startswith("Reader: not assessed\n")
    assert f"{folder}/days.txt (at reader.py:5)" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nobody"], "no strategy 'nobody'"),
        (["leaky.py", "--probes", "0"], "probes must be"),
        (["leaky.py", "--set", "leest=1"], "did you mean 'least'"),
        (["leaky.py", "--script", "leaky.py"], "no file of ours"),
        (["leaky.py", "--json", "days.txt"], "no file of ours"),
    ],
)
def test_a_mistake_costs_one_line_and_no_run(arguments, line, folder, capsys):
    assert cli.main(["audit", *BARS, *arguments]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert line in err
