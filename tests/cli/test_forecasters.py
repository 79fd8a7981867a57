"""--forecaster, from the command to the files it leaves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from fakes import random_panel

from bt_lstm_rotation import cli
from bt_lstm_rotation.forecasting import FORECASTERS
from bt_lstm_rotation.paper import PaperSession
from bt_lstm_rotation.prices.simulated import WORLDS, SimulatedMarket

CHECKOUT = Path(__file__).parents[2]
SHORT = ("--set", "train_size=40", "--set", "horizon=3", "--set", "lookback=10")
SMALL = ["lookback=20", "train_size=40"]
QUICK = ("--quiet", "--no-store", "--jobs", "1")


@pytest.fixture
def market(monkeypatch):
    """Let --data simulated have half a year of three sectors."""
    small = partial(SimulatedMarket, n_sessions=150, n_sectors=3)
    monkeypatch.setitem(WORLDS, "linear", small)
    return small


@pytest.fixture
def bars(tmp_path):
    """A folder of three sectors."""
    folder = tmp_path / "bars"
    folder.mkdir()
    for symbol in (panel := random_panel(("XLE", "XLK", "XLV"), 120)).symbols:
        panel.frame(symbol).to_csv(folder / f"{symbol}.csv", index_label="Date")
    return folder


def refused(capsys, *arguments: str) -> str:
    """Run a command that has to fail, and return its one line."""
    assert cli.main([*arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.index("\n") == len(err) - 1
    return err


@pytest.mark.parametrize(
    ("name", "settings", "kind", "expected"),
    [
        ("ewma", ["half_life=8", *SMALL], "EWMASpec", {"half_life": 8}),
        ("kalman", SMALL, "KalmanSpec", {"lookback": 20}),
        ("momentum_63", ["horizon=5"], "MomentumSpec", {"skip": 0, "lookback": 63}),
        ("ridge", ["inputs=lags", *SMALL], "RidgeSpec", {"inputs": "lags"}),
    ],
)
def test_a_backtest_uses_it_as_it_is_set(
    market, tmp_path, capsys, name, settings, kind, expected
):
    out = tmp_path / "out"
    said = [word for setting in settings for word in ("--set", setting)]
    assert cli.main(["--forecaster", name, *said, *QUICK, "--out", str(out)]) == 0
    spec = json.loads((out / "summary.json").read_text())["spec"]
    assert spec["forecaster"] == kind
    assert expected.items() <= spec.items()
    forecasts = pd.read_csv(out / "forecasts.csv")
    assert forecasts["forecast"].notna().sum() > 30


def test_the_oracle_is_that_of_the_market_and_of_no_other_bars(
    market, bars, tmp_path, capsys, monkeypatch
):

    monkeypatch.setitem(WORLDS, "linear", market)
    out = tmp_path / "out"
    said = ["--forecaster", "oracle", "--seed", "3", *QUICK]
    assert cli.main([*said, "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["spec"]["seed"] == 3
    made = pd.read_csv(out / "forecasts.csv")
    panel, best = market(seed=3).panel(), market(seed=3).optimal_forecast(21)
    last = made[made["session"] == str(panel.sessions[-30])]
    known = dict(zip(last["symbol"], last["forecast"], strict=True))
    for number in range(3):
        assert known[f"S{number + 1}"] == pytest.approx(best[-30, number], rel=1e-9)
    capsys.readouterr()
    line = refused(capsys, *said, "--data", f"folder:{bars}", "--out", str(out / "b"))
    assert re.search(r"XL. 2019-\d\d-\d\d: the oracle does not know this bar", line)
    assert "it knows simulated(seed=3" in line


def test_a_mistake_costs_one_line(capsys, tmp_path):
    out = ["--out", str(tmp_path / "out")]
    line = refused(capsys, "--forecaster", "kallman", *out)
    assert "did you mean 'kalman'?" in line
    line = refused(capsys, "--forecaster", "kalman", "--set", "units=3", *out)
    assert "a known key" in line
    line = refused(capsys, "--forecaster", "kalman", "--strategy", "equal_weight", *out)
    assert "EqualWeight: --forecaster must be left out, as it has no parameter" in line
    line = refused(capsys, "--forecaster", "mean", "--set", "forecaster=zero", *out)
    assert "given once" in line
    line = refused(capsys, "settings", "--forecaster", "kallman")
    assert "did you mean 'kalman'?" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "extra"), [("arima", "arima"), ("tree", "tree")])
def test_a_missing_extra_costs_one_line_that_names_it(
    market, capsys, tmp_path, monkeypatch, name, extra
):
    for package in ("statsmodels.tsa.arima.model", "sklearn.ensemble"):
        monkeypatch.setitem(sys.modules, package, None)
    out = ["--out", str(tmp_path / "out"), *QUICK]
    line = refused(capsys, "--forecaster", name, *SHORT, *out)
    assert f"pip install 'bt-lstm-rotation[{extra}]'" in line


def test_settings_lists_what_it_takes(capsys):
    assert cli.main(["settings", "--forecaster", "ewma"]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("Forecaster: ewma")
    keys = [line.split()[0] for line in lines[at + 2 :]]
    assert keys == [
        *("lookback", "horizon", "train_size", "retrain", "target", "half_life")
    ]
    assert "Bars after which a return counts half as much" in lines[-1]


def test_a_sweep_goes_over_a_setting_of_it(market, capsys, tmp_path):
    file = tmp_path / "t.csv"
    said = ["sweep", "--forecaster", "ewma", "--grid", "half_life=4,16", "--jobs", "1"]
    said += ["--grid", "train_size=40", "--grid", "lookback=20"]
    said += ["--no-store", "--out", str(file)]
    assert cli.main(said) == 0
    rows = pd.read_csv(file)
    assert rows["forecaster"].to_list() == ["ewma", "ewma"]
    assert rows["half_life"].to_list() == [4, 16]
    assert (rows["status"] == "ok").all()
    assert rows["ic"].nunique() == 2


def test_a_sweep_goes_over_forecasters(market, capsys, tmp_path):
    file = tmp_path / "t.csv"
    said = ["sweep", "--grid", "forecaster=momentum_63,mean,kallman", "--jobs", "1"]
    said += ["--grid", "horizon=5", "--no-store", "--out", str(file)]
    assert cli.main(said) == 0
    rows = pd.read_csv(file).set_index("forecaster")
    assert rows.loc["momentum_63", "status"] == "ok"
    # Three years of history, of which this market has half a one.
    assert "not enough history" in rows.loc["mean", "status"]
    assert "did you mean 'kalman'?" in rows.loc["kallman", "status"]


def test_a_sweep_refuses_an_unknown_one_at_once(market, capsys, tmp_path):
    out = ["--grid", "horizon=5", "--out", str(tmp_path / "t.csv")]
    line = refused(capsys, "sweep", "--forecaster", "kallman", *out)
    assert "did you mean 'kalman'?" in line
    line = refused(
        capsys, "sweep", "--forecaster", "mean", "--grid", "forecaster=zero", *out
    )
    assert "given once" in line
    assert not (tmp_path / "t.csv").exists()


def test_a_paper_account_decides_by_it(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = ["--root", "accounts", "--today", "2008-01-02"]
    start = ["paper", "start", "--data", "simulated", *said]
    by_ewma = ["mine", "--forecaster", "ewma", "--set", "half_life=30"]
    assert cli.main([*start, *by_ewma]) == 0
    assert "orders: 3 sent" in capsys.readouterr().out
    changed = ["paper", "version", "mine", "--forecaster", "momentum_63", *said]
    assert cli.main(changed) == 0
    settings = PaperSession("mine", root=Path("accounts")).record().configuration
    assert settings.settings == ("forecaster=momentum_63",)
    capsys.readouterr()
    line = refused(capsys, *start, "other", "--forecaster", "kallman")
    assert "did you mean 'kalman'?" in line


def test_help_names_all_that_there_are():
    ran = subprocess.run(
        [sys.executable, CHECKOUT / "run_backtest.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    text = " ".join(ran.stdout.split())
    described = text[text.rindex("--forecaster NAME") :]
    described = described[: described.index("--set KEY=VALUE")]
    named = set(re.findall(r"\w+", described))
    # Momentum by itself is that of 12-1.
    assert set(FORECASTERS) - {"momentum"} <= named


def test_what_trains_no_network_imports_no_tensorflow(tmp_path, bars):
    code = (
        "import sys\n"
        "from bt_lstm_rotation.cli import main\n"
        f"said = ['--data', 'folder:{bars}', '--forecaster', 'kalman', '--quiet']\n"
        f"said += [*{SHORT!r}, '--no-store', '--out', {str(tmp_path / 'out')!r}]\n"
        "assert main(said) == 0\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'statsmodels', 'yfinance'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"
