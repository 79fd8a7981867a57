"""A sweep's configurations and a paper account's backtest are trials."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import Workers
from bt_lstm_rotation.paper import Configuration, PaperSession
from bt_lstm_rotation.sweep import run_sweep
from bt_lstm_rotation.trials import TrialLedger, default_file, usual_ledger
from bt_lstm_rotation.trials.counted import counted

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel(("SPY", "XLE", "XLK", "XLV"), 120)
# The last asks for more bars than there are.
GRID = {"top": [1, 2], "lookback": [5, 500], "skip": [0], "horizon": [2]}


def sweep(folder, **more):
    given = {"file": folder / "trials.csv", "benchmark": "SPY", **more}
    return run_sweep(PANEL, "momentum_12_1", GRID, **given)


@pytest.mark.parametrize("backend", ["threads", "processes"])
def test_each_configuration_with_a_result_is_a_row_and_once(backend, tmp_path):
    workers = Workers(jobs=2, backend=backend)
    table = sweep(tmp_path, workers=workers)
    assert (table["status"] == "ok").sum() == 2
    found = [row.trial for row in usual_ledger().rows()]
    assert sorted(json.loads(trial.params)["top"] for trial in found) == [1, 2]
    assert {trial.kind for trial in found} == {"sweep"}
    assert {trial.data for trial in found} == {PANEL.content_hash}
    ratios = sorted(trial.annual_sharpe for trial in found)
    assert ratios == sorted(table["sharpe"].dropna())
    sweep(tmp_path, workers=workers)  # what is in the table is not run again
    assert len(usual_ledger().rows()) == 2


def test_a_sweep_is_not_counted_where_that_is_switched_off(tmp_path):
    sweep(tmp_path, ledger=False)
    assert not default_file().exists()
    with pytest.raises(SpecError, match="run_sweep: ledger must be a TrialLedger"):
        sweep(tmp_path, ledger="off")


def test_a_sweep_goes_on_without_its_ledger_and_says_so_once(tmp_path, caplog):
    bad = TrialLedger(tmp_path)
    table = sweep(tmp_path, ledger=bad)
    assert (table["status"] == "ok").sum() == 2
    assert [m for m in caplog.messages if "ledger" in m] == [
        f"a trial is not in the ledger: {bad.problems[0]}"
    ]


def test_what_could_not_be_added_at_once_is_added_at_the_end(tmp_path):
    from made import trial

    ledger = TrialLedger(tmp_path / "trials.sqlite", patience=0.05)
    ledger.add([trial(0)])
    with counted(ledger) as count:
        with closing(sqlite3.connect(ledger.file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            count(trial(1))
        count(None)
        count(trial(2))
        assert len(ledger.rows()) == 1
    assert [row.trial.key for row in ledger.rows()] == ["key-0", "key-1", "key-2"]


ACCOUNT = Configuration(
    data="simulated",
    benchmark="MARKET",
    strategy="momentum_12_1",
    symbols=("S1", "S2", "S3"),
)


def test_a_paper_account_adds_one_row_when_it_starts_and_none_after(tmp_path):
    import datetime as dt

    def session(day, name="mine"):
        return PaperSession(name, root=tmp_path, today=dt.date.fromisoformat(day))

    session("2009-01-02").start(ACCOUNT)
    (row,) = usual_ledger().rows()
    trial = row.trial
    assert (trial.kind, json.loads(trial.symbols)) == ("paper", ["S1", "S2", "S3"])
    assert trial.last == "2009-01-02"
    session("2009-01-02").step()
    session("2009-01-06").step()
    session("2009-01-06").replayed()
    session("2009-01-06").stop()
    assert len(usual_ledger().rows()) == 1
    ledger = TrialLedger(tmp_path)  # a folder
    session("2009-01-02", "other").start(ACCOUNT, ledger=ledger)
    session("2009-01-02", "third").start(ACCOUNT, ledger=False)
    assert len(usual_ledger().rows()) == 1
    journals = [tmp_path / name / "journal.sqlite" for name in ("other", "third")]
    assert journals[0].stat().st_size == journals[1].stat().st_size


def test_a_sweep_goes_on_where_a_record_cannot_be_made(tmp_path, monkeypatch, caplog):
    from bt_lstm_rotation.sweep import trials

    def broken(*_, **__):
        raise AttributeError("no such thing")

    monkeypatch.setattr(trials, "trial_of", broken)
    table = sweep(tmp_path, workers=Workers(jobs=1))
    assert (table["status"] == "ok").sum() == 2
    assert any("AttributeError: no such thing" in said for said in caplog.messages)
    assert usual_ledger().rows() == []
