"""The command that lists what --set takes."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from rich.console import Console

from bt_lstm_rotation import cli
from bt_lstm_rotation.backtest.settings import known_settings
from bt_lstm_rotation.backtest.strategy_file import find_strategy, known_strategies

MINE = """\
import backtrader as bt
class Mine(bt.Strategy):
    \"\"\"Mine.

    Params:
      - period: bars of the average
    \"\"\"
    params = (("period", 20), ("label", {label}))
"""


def listed(capsys, *arguments: str) -> list[str]:
    assert cli.main(["settings", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


@pytest.mark.parametrize("name", [None, *known_strategies()])
def test_every_key_has_a_line_with_its_default_and_meaning(capsys, name):
    lines = listed(capsys, *(["--strategy", name] if name else []))
    strategy = find_strategy(name or "lstm_top3_monthly")
    titles = ("Strategy: ", "Forecaster: ", "setting ")
    rows = [line for line in lines if not line.startswith(titles)]
    settings = itertools.chain(*known_settings(strategy))
    for row, (key, default, meaning) in zip(rows, settings, strict=True):
        assert row.split()[0] == key
        assert row.endswith(f"  {meaning}")
        assert f" {default} " in row


def test_the_strategys_and_its_forecasters_are_apart(capsys):
    lines = listed(capsys, "--strategy", "momentum_12_1")
    strategy = lines.index("Strategy: Momentum121")
    forecaster = lines.index("Forecaster: MomentumSpec")
    keys = [line.split()[0] for line in lines]
    assert strategy < keys.index("top") < forecaster < keys.index("skip")
    assert len(keys) == forecaster + 2 + 4


def test_in_a_terminal_it_is_a_drawn_table(capsys, monkeypatch):
    monkeypatch.setattr(Console, "is_terminal", True)
    text = "\n".join(listed(capsys, "--strategy", "equal_weight"))
    assert "│ cash_buffer" in text


def test_a_strategy_of_ones_own_is_listed_with_what_it_says(capsys, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE.format(label="'x'"), encoding="utf-8")
    lines = listed(capsys, "--strategy", str(file))
    assert lines == [
        "Strategy: Mine",
        "setting  default  meaning",
        "period   20       Bars of the average",
        "label    x        -",
    ]


def test_a_strategy_without_settings_says_so(capsys, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import backtrader as bt\nclass Bare(bt.Strategy):\n    pass\n")
    assert listed(capsys, "--strategy", f"{file}:Bare") == ["Bare has no settings."]


@pytest.mark.parametrize(
    ("label", "line"),
    [
        ("type('X', (), {'__repr__': lambda self: 1 / 0})()", "ZeroDivisionError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_strategy_that_fails_costs_one_line(
    capsys, tmp_path: Path, label: str, line: str
):
    file = tmp_path / "mine.py"
    file.write_text(MINE.replace("{label}", label), encoding="utf-8")
    assert cli.main(["settings", "--strategy", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"{file}:8: {line}" in err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--strategy", "lstm_top4"], "no strategy 'lstm_top4'; did you mean 'lstm_"),
        (["--strategy", ""], "no strategy ''"),
        (["--strategy", "a\0b.py"], "no strategy file"),
        (["--set", "top=2"], "unrecognized arguments: --set top=2"),
        (["top"], "unrecognized arguments: top"),
    ],
)
def test_a_mistake_costs_one_line(capsys, arguments, line):
    try:
        code: object = cli.main(["settings", *arguments])
    except SystemExit as stopped:
        code = stopped.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert line in err
