"""Sizes that no machine has, and fits that all fail: one line, exit 2, and soon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bt_lstm_rotation import cli

CHECKOUT = Path(__file__).parents[2]
MANY = "9" * 400
LONG = "9" * 5000

FAILS = """\
from dataclasses import dataclass

from bt_lstm_rotation import SectorRotation


@dataclass(frozen=True, kw_only=True)
class Spec:
    fit_bars: int = 250
    forecast_bars: int = 5
    horizon: int = 5
    retrain: str = "monthly"
    min_symbols: int = 1

    def forecaster(self):
        return self

    def fit(self, window, session):
        return window.closes


class Mine(SectorRotation):
    params = (("spec", Spec()),)

    def __init__(self):
        super().__init__()
"""


@pytest.mark.parametrize(
    "setting",
    [
        *("learning_rate=1e308", "learning_rate=1e400", "steps=2147483648"),
        *("units=1000000000", "layers=500", f"members={10**30}", f"seed={MANY}"),
        *(f"train_size={MANY}", f"train_size={LONG}", f"lookback={MANY}"),
        *(f"horizon={MANY}", "patience=1e9", f"half_life={MANY}", "clip_norm=1e300"),
        *(f"retrain={MANY}", f"top={MANY}", f"max_age={MANY}", f"lot={MANY}"),
        *(f"cash_buffer={MANY}", f"min_trade={MANY}", f"threshold={MANY}"),
        *(f"rank_buffer={MANY}", f"max_attempts={MANY}", f"delisted_after={MANY}"),
        *(f"shorts={MANY}", f"band={MANY}", f"cap={MANY}", f"max_turnover={MANY}"),
        *("features=[" + "[" * 10_000, f"quantile={MANY}", f"dropout={MANY}"),
    ],
    ids=lambda text: text[:24],
)
def test_a_setting_beyond_its_bound_is_refused_with_both(setting, capsys, tmp_path):
    out = tmp_path / "out"
    assert cli.main(["--set", setting, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert len(said.err) < 700
    assert setting.partition("=")[0] in said.err
    assert "(got " in said.err
    assert not out.exists()


@pytest.mark.parametrize(
    "option",
    ["--cash", "--commission", "--slippage", "--stake", "--sizer", "--periods-a-year"],
)
@pytest.mark.parametrize("value", [MANY, "1e308", "inf", "nan"])
def test_so_is_an_option(option, value, capsys):
    assert cli.main([option, value, "--strategy", "momentum_12_1"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--seed", "--jobs"])
@pytest.mark.parametrize("value", [MANY, LONG, "100000000000000000000000"])
def test_so_is_a_whole_number(option, value, capsys):
    try:
        code: object = cli.main([option, value, "--strategy", "momentum_12_1"])
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    assert code == 2
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("how", [[], ["--backend", "processes", "--jobs", "2"]])
def test_a_reason_that_every_fit_shares_is_told_once_and_ends_the_run(tmp_path, how):
    file = tmp_path / "mine.py"
    file.write_text(FAILS, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, CHECKOUT / "run_backtest.py", "--strategy", file, *how],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stdout == ""
    line = FAILS[: FAILS.index("window.closes")].count("\n") + 1
    assert ran.stderr == (
        "error: no forecast was made: all 132 fits of Spec failed: AttributeError: "
        f"'Window' object has no attribute 'closes', at {file}:{line}\n"
    )
    assert [left for left in tmp_path.iterdir() if left.is_file()] == [file]
