"""--context, from the command to the files it leaves."""

from __future__ import annotations

import json
from functools import partial

import pandas as pd
import pytest

from bt_lstm_rotation import cli
from bt_lstm_rotation.prices.simulated import WORLDS, ContextMarket

FEW = ("--set", "train_size=40", "--set", "horizon=3", "--set", "lookback=10")
SHORT = (*FEW, "--set", "units=4")
QUICK = ("--quiet", "--no-store", "--jobs", "1", "--no-ledger")
DATA = ("--data", "simulated:context", "--context", "CONTEXT")


@pytest.fixture(autouse=True)
def market(monkeypatch):
    """Let --data simulated:context have half a year of three sectors."""
    small = partial(ContextMarket, n_sessions=150, n_sectors=3)
    monkeypatch.setitem(WORLDS, "context", small)


def test_a_backtest_reads_it_and_says_so(tmp_path):
    out = tmp_path / "run"
    assert cli.main([*DATA, *SHORT, *QUICK, "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["data"]["context"] == ["CONTEXT"]
    assert summary["data"]["symbols"] == ["S1", "S2", "S3"]
    assert summary["inputs"]["CONTEXT"]["kind"] == "context"
    orders = pd.read_csv(out / "orders.csv")
    assert "CONTEXT" not in set(orders["symbol"])


def test_a_sweep_gives_it_to_every_trial(tmp_path):
    out = tmp_path / "trials.csv"
    sweep = ["sweep", *DATA, "--grid", "top=1,2", "--no-ledger", "--no-store"]
    grid = [word if word != "--set" else "--grid" for word in SHORT]
    assert cli.main([*sweep, *grid, "--jobs", "1", "--out", str(out)]) == 0
    rows = pd.read_csv(out)
    assert rows["status"].tolist() == ["ok", "ok"]
    assert rows["context"].tolist() == ['["CONTEXT"]'] * 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([*DATA[:3], "CONTXT", *FEW], "CONTXT"),
        ([*DATA, "--strategy", "equal_weight"], "no SectorRotation"),
        ([*DATA, "--forecaster", "kalman", *FEW], "reads nothing beside bars"),
        ([*DATA, "--set", 'context=["S1"]', *FEW], "given once"),
        ([*DATA, "--benchmark", "CONTEXT", *FEW], "cannot be context"),
    ],
)
def test_what_is_no_context_is_refused_in_a_line(arguments, told, tmp_path, capsys):
    out = tmp_path / "run"
    assert cli.main([*arguments, *QUICK, "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert told in error
    assert error.index("\n") == len(error) - 1


def test_an_empty_name_is_bad_usage(capsys):
    with pytest.raises(SystemExit):
        cli.main([*DATA[:3], "", *QUICK])
    assert "names with commas between them" in capsys.readouterr().err


def test_a_sweep_refuses_it_beside_a_grid_of_it(tmp_path, capsys):
    grid = ("--grid", 'context=["S1"],["S2"]', "--out", str(tmp_path / "t.csv"))
    assert cli.main(["sweep", *DATA, *grid, "--no-ledger", "--no-store"]) == 2
    assert "context must be given once" in capsys.readouterr().err


def test_a_paper_account_offers_no_series_that_is_published_later(capsys):
    shown = {}
    for command in (("paper", "start"), ("explain",)):
        with pytest.raises(SystemExit):
            cli.main([*command, "--help"])
        shown[command] = " ".join(capsys.readouterr().out.split())
    assert "+DAYS" in shown["explain",]
    assert "+DAYS" not in shown["paper", "start"]
