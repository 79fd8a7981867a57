"""The command: what it shows of the ledger, and what it refuses."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from bt_lstm_rotation import cli
from bt_lstm_rotation.prices.simulated import SimulatedMarket
from bt_lstm_rotation.trials import TrialLedger, default_file, usual_ledger
from bt_lstm_rotation.trials.database import STATEMENTS

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

QUICK = ("--strategy", "momentum_12_1", "--no-store")


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A folder of three sectors, 400 sessions long."""
    folder = tmp_path_factory.mktemp("bars")
    panel = SimulatedMarket(n_sectors=3, n_sessions=400, seed=4).panel()
    for symbol in panel.symbols:
        panel.frame(symbol).to_csv(folder / f"{symbol}.csv", index_label="Date")
    return ("--data", f"folder:{folder}", "--benchmark", "MARKET")


@pytest.fixture
def ran(bars, tmp_path, monkeypatch, capsys):
    """One backtest; gives what runs the command and returns what is printed."""
    monkeypatch.chdir(tmp_path)
    assert cli.main(["backtest", *bars, *QUICK, "--out", "run", "--quiet"]) == 0
    capsys.readouterr()

    def command(*words, code=0):
        assert cli.main(["trials", *words]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return command


def test_a_backtest_is_listed_and_shown(ran, tmp_path):
    data = json.loads((tmp_path / "run" / "summary.json").read_text())["data"]
    for listed in (ran(), ran("list"), ran("list", "--data", data["content_hash"])):
        assert data["content_hash"][:12] in listed
        assert "backtest" in listed
        assert str(default_file()) in listed
    assert "The latest" not in ran("list", "--last", "0")
    assert "no trials in" in ran("list", "--data", "nothing")
    shown = ran("show", "1")
    assert data["content_hash"] in shown
    assert '"forecaster": "MomentumSpec"' in shown


def test_a_backtest_is_left_out_where_that_is_asked(ran, bars):
    again = ["backtest", *bars, *QUICK, "--set", "top=1", "--out", "o", "--no-ledger"]
    assert cli.main(again) == 0
    assert len(usual_ledger().rows()) == 1


def test_trials_are_exported_verified_and_imported(ran, tmp_path):
    assert "1 row in" in ran("export", "out.csv")
    assert (tmp_path / "out.csv").read_text().startswith("number,written,")
    assert "none changed or deleted" in ran("verify")
    (tmp_path / "mine.csv").write_text("name,sharpe\na,0.3\nb,0.9\n")
    added = ran("import", "mine.csv", "--run", "run")
    assert added.startswith("2 trials added, 0 were there")
    assert ran("import", "mine.csv", "--run", "run").startswith("0 trials added, 2")
    listed = ran("list").splitlines()[2].split()
    assert "3" in listed
    assert "imported" in ran("list")


def test_another_ledger_is_looked_at(ran, tmp_path):
    assert "no trials in other.sqlite" in ran("list", "--ledger", "other.sqlite")
    assert not (tmp_path / "other.sqlite").exists()


def test_it_is_shown_where_runs_are_not_counted(ran, monkeypatch):
    monkeypatch.setenv("BT_LSTM_ROTATION_LEDGER", "off")
    assert "backtest" in ran("list")


def test_a_deleted_row_is_an_error_in_one_line(ran):
    with closing(sqlite3.connect(default_file())) as connection:
        triggers = [text for text in STATEMENTS if text.startswith("CREATE TRIGGER")]
        for text in triggers:
            connection.execute(f"DROP TRIGGER {text.split()[2]}")
        connection.execute("DELETE FROM trials")
        for text in triggers:
            connection.execute(text)
        connection.commit()
    said = ran("verify", code=2)
    assert "row 1 is missing" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "7"], "NUMBER must be the number of a row"),
        (["list", "--last", "-1"], "--last must be a whole number"),
        (["import", "absent.csv", "--run", "run"], "absent.csv cannot be read"),
        (["import", "run/summary.json", "--run", "absent"], "absent"),
        (["list", "--ledger", "run/summary.json"], "cannot be used"),
        (["export", "run/summary.json"], "no file of ours"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(ran, words, said):
    told = ran(*words, code=2)
    assert said in told
    assert told.count("\n") == 1


def test_hostile_names_are_shown_and_not_obeyed(ran, tmp_path):
    (tmp_path / "bad.csv").write_text('sharpe,name\n1,"\x1b[2J[red]\nx"\n')
    ran("import", "bad.csv", "--run", "run")
    for shown in (ran("list"), ran("show", "2")):
        assert "\x1b[2J" not in shown
        assert "[red]" in shown
    assert TrialLedger(default_file()).verify().problem is None


@pytest.mark.parametrize("ledger", ["", "."])
def test_a_ledger_is_a_file(ledger, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["trials", "list", "--ledger", ledger])
    assert ended.value.code == 2
    assert f"argument --ledger: a file is needed (got {ledger!r})" in (
        capsys.readouterr().err
    )
