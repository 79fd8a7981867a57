"""Every run adds itself, wherever it is made, and none fails for it."""

from __future__ import annotations

import inspect
import json
import math
from pathlib import Path

import backtrader as bt
import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation import MomentumSpec, RunReport, SectorRotation, run_backtest
from bt_lstm_rotation.backtest import Broker
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.measures.distribution import session_returns
from bt_lstm_rotation.trials import TrialLedger, default_file, usual_ledger
from bt_lstm_rotation.trials.packing import unpack_returns
from bt_lstm_rotation.user_code import code_hash

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABC", 150)
SPEC = MomentumSpec(lookback=20, skip=0, horizon=5)


class Holder(bt.Strategy):
    """Buys some shares and keeps them."""

    params = (("size", 100), ("note", ""))

    def __init__(self):
        pass

    def next(self):
        if len(self) == 3:
            self.buy(size=self.p.size)


def rows():
    return [row.trial for row in usual_ledger().rows()]


def script(**report):
    cerebro = bt.Cerebro()
    for name in PANEL.symbols:
        cerebro.adddata(bt.feeds.PandasData(dataname=PANEL.frame(name)), name=name)
    cerebro.broker.setcash(100_000.0)
    cerebro.addstrategy(Holder)
    cerebro.addanalyzer(RunReport, **report)
    return cerebro.run()[0].analyzers.runreport.result()


def test_a_backtest_is_a_row_that_holds_what_was_run_and_what_came():
    params = {"spec": SPEC, "top": 1}
    result = run_backtest(PANEL, SectorRotation, params, benchmark="C")
    (row,) = usual_ledger().whole([1])
    trial, metrics = row.trial, result.summary["metrics"]
    assert (trial.kind, trial.strategy) == ("backtest", "SectorRotation")
    assert trial.data == PANEL.content_hash
    assert (json.loads(trial.symbols), trial.benchmark) == (["A", "B"], "C")
    assert json.loads(trial.params)["top"] == 1
    assert json.loads(trial.spec) == result.summary["spec"]
    assert json.loads(trial.costs)["commission"] == Broker().commission
    days = result.account.index
    assert (trial.first, trial.last) == (str(days[0].date()), str(days[-1].date()))
    assert trial.length == len(days) - 1
    assert trial.annual_sharpe == metrics["sharpe"]
    wanted = session_returns(result.account["equity"], result.account["flows"])
    assert trial.sharpe == pytest.approx(wanted.mean() / wanted.std(), rel=1e-9)
    kept = unpack_returns(trial.returns)
    assert list(kept.index) == list(wanted.index)
    np.testing.assert_allclose(kept, wanted, rtol=1e-6)
    assert result.summary["notes"] == [n for n in result.summary["notes"] if n]
    assert not any("ledger" in note for note in result.summary["notes"])


def test_the_same_again_is_no_other_trial_and_what_differs_is():
    run_backtest(PANEL, Holder)
    run_backtest(PANEL, Holder)
    assert len(rows()) == 1
    run_backtest(PANEL, Holder, {"size": 50})
    run_backtest(PANEL, Holder, {"note": "changes nothing"})
    run_backtest(PANEL, Holder, broker=Broker(commission=0.01))
    run_backtest(PANEL, Holder, end=PANEL.sessions[-2].astype(object))
    assert len({trial.key for trial in rows()}) == 5
    # Nor is it another one in a script.
    script()
    assert {trial.kind for trial in rows()} == {"backtest", "script"}


def test_a_script_of_somebodys_is_a_row_with_the_code_of_its_file():
    script()
    (trial,) = rows()
    assert (trial.kind, trial.strategy, trial.spec) == ("script", "Holder", None)
    held = run_backtest(PANEL, Holder).summary["strategy"]["name"]
    assert {one.code for one in rows()} == {trial.code}, held
    assert len(code_hash(Path(inspect.getfile(Holder)))) == len(trial.code) == 64


def test_code_without_a_file_is_not_known():
    made = type("Holder", (Holder,), {"__module__": "a_notebook"})
    run_backtest(PANEL, made)
    (trial,) = rows()
    assert trial.code is None


def test_strategies_of_one_account_are_one_trial():
    cerebro = bt.Cerebro()
    for name in PANEL.symbols:
        cerebro.adddata(bt.feeds.PandasData(dataname=PANEL.frame(name)), name=name)
    cerebro.addstrategy(Holder)
    cerebro.addstrategy(Holder, size=3)
    cerebro.addanalyzer(RunReport)
    cerebro.run()
    (trial,) = rows()
    assert trial.strategy == "Holder + Holder"


def test_each_trial_of_an_optimisation_is_a_row():
    cerebro = bt.Cerebro(maxcpus=1)
    cerebro.adddata(bt.feeds.PandasData(dataname=PANEL.frame("A")), name="A")
    cerebro.optstrategy(Holder, size=[1, 2, 3])
    cerebro.addanalyzer(RunReport)
    cerebro.run()
    sizes = [json.loads(trial.params)["size"] for trial in rows()]
    assert sorted(sizes) == [1, 2, 3]


def test_an_account_that_never_traded_has_no_ratio_and_is_a_trial():
    run_backtest(PANEL, Holder, {"size": 0})
    (trial,) = rows()
    assert math.isnan(trial.sharpe)
    assert math.isnan(trial.annual_sharpe)


@pytest.mark.parametrize("switched", ["argument", "environment"])
def test_it_can_be_switched_off(switched, monkeypatch):
    report = {}
    if switched == "argument":
        report = {"ledger": False}
    else:
        monkeypatch.setenv("BT_LSTM_ROTATION_LEDGER", " Off ")
        assert usual_ledger() is None
    script(**report)
    run_backtest(PANEL, Holder, **report)
    assert not default_file().exists()


def test_another_place_can_be_chosen(tmp_path, monkeypatch):
    mine = TrialLedger(tmp_path / "mine.sqlite")
    script(ledger=mine)
    assert len(mine.rows()) == 1
    monkeypatch.setenv("BT_LSTM_ROTATION_LEDGER", str(tmp_path / "theirs" / "t.db"))
    script()
    assert (tmp_path / "theirs" / "t.db").exists()
    assert not default_file().exists()


def test_the_usual_place_is_in_the_users_data_and_not_in_the_cache(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("BT_LSTM_ROTATION_LEDGER", "")
    place = tmp_path / "bt-lstm-rotation" / "trials.sqlite"
    assert usual_ledger().file == default_file() == place


@pytest.mark.parametrize("bad", [None, "trials.sqlite", 1])
def test_a_ledger_that_is_none_is_refused_before_the_run(bad):
    with pytest.raises(SpecError, match="ledger must be a TrialLedger, True"):
        run_backtest(PANEL, Holder, ledger=bad)
    with pytest.raises(SpecError, match="RunReport: ledger must be"):
        script(ledger=bad)


@pytest.mark.parametrize("place", ["folder", "file/trials", "diary"])
def test_no_run_fails_for_its_ledger_and_each_says_so_in_a_line(
    place, tmp_path, caplog
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "diary").write_text("nothing that SQLite knows" * 100)
    ledger = TrialLedger(tmp_path / place)
    with_it = run_backtest(PANEL, Holder, ledger=ledger, folder=tmp_path / "run")
    (message,) = caplog.messages
    assert message.startswith("a trial is not in the ledger: ")
    assert "\n" not in message
    note = with_it.summary["notes"][-1]
    assert note.startswith("This run is not in the trial ledger")
    assert str(ledger.file) in note
    told = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert told["notes"][-1] == note
    without = run_backtest(PANEL, Holder, ledger=False)
    assert without.summary["metrics"] == with_it.summary["metrics"]
    assert without.summary["notes"] == with_it.summary["notes"][:-1]


class Odd(bt.Strategy):
    """Parameters that no file would have thought of."""

    params = (
        ("text", "\ud800\x1b[2J"),
        ("long", "x" * 1_000_000),
        ("huge", 10**6_000),
        ("nothing", float("nan")),
        ("seed", 7),
    )

    def __init__(self):
        pass


def test_hostile_names_and_values_are_rows_too():
    made = type("Odd'); DROP TABLE trials;--", (Odd,), {})
    run_backtest(PANEL, made)
    (trial,) = rows()
    assert "DROP TABLE" in trial.strategy
    assert trial.seed == "7"
    assert usual_ledger().verify().problem is None


def test_a_run_whose_report_fails_is_no_trial(tmp_path):
    with pytest.raises(Exception, match="after the last session"):
        script(since=PANEL.sessions[-1].astype(object).replace(year=2090))
    assert not default_file().exists()
