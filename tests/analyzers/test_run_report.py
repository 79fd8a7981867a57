"""The one line: when it reports, of whom, and what it refuses."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, date, random_panel, without
from modes import each_mode

from bt_lstm_rotation import (
    MomentumSpec,
    RunReport,
    SectorRotation,
    run_backtest,
)
from bt_lstm_rotation.errors import DataError, OutputError, SpecError, StrategyError
from bt_lstm_rotation.prices.simulated import SimulatedMarket

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABC", 120)
DAY = [date(session) for session in PANEL.sessions]


class Buyer(bt.Strategy):
    """Buys some of a feed on the fifth session."""

    params = (("feed", 0), ("size", 100), ("at", 5))

    def __init__(self):
        pass

    def next(self):
        if len(self) == self.p.at:
            self.buy(self.datas[self.p.feed], size=self.p.size)


def cerebro_of(panel=PANEL, *strategies, **modes) -> bt.Cerebro:
    cerebro = bt.Cerebro(**modes)
    for name in panel.symbols:
        cerebro.adddata(bt.feeds.PandasData(dataname=panel.frame(name)), name=name)
    cerebro.broker.setcash(100_000.0)
    for strategy in strategies:
        cerebro.addstrategy(strategy)
    return cerebro


def report_of(cerebro, **settings) -> RunReport:
    cerebro.addanalyzer(RunReport, **settings)
    return cerebro.run()[0].analyzers.runreport


@each_mode
def test_a_script_and_the_backtest_say_the_same(modes):
    panel = without(random_panel("ABCM", 300), "B", slice(0, 60))
    spec = MomentumSpec(lookback=40, skip=5)
    cerebro = cerebro_of(panel, **modes)
    cerebro.addstrategy(SectorRotation, spec=spec, top=2, benchmark="M")
    cerebro.broker.setcommission(commission=0.0005)
    cerebro.broker.set_slippage_perc(0.0002)
    script = report_of(cerebro, benchmark="M").result()
    params = {"spec": spec, "top": 2}
    backtest = run_backtest(panel, SectorRotation, params, benchmark="M")
    for name in ("account", "orders", "forecasts", "events"):
        assert getattr(script, name).equals(getattr(backtest, name)), name
    assert script.weights[list(backtest.weights)].equals(backtest.weights)
    for part in ("metrics", "benchmark", "forecast", "orders", "broker", "spec"):
        assert script.summary[part] == backtest.summary[part], part
    for part in ("content_hash", "first_decision", "last_session", "symbols"):
        assert script.summary["data"][part] == backtest.summary["data"][part], part


def test_the_headline_figures_are_a_plain_dict(tmp_path):
    report = report_of(cerebro_of(PANEL, Buyer), folder=tmp_path / "run", benchmark="A")
    figures = report.get_analysis()
    summary = json.loads((tmp_path / "run" / "summary.json").read_text("utf-8"))
    assert json.loads(json.dumps(figures)) == {
        **summary["metrics"],
        **{n: summary[n] for n in ("benchmark", "forecast", "orders", "data", "notes")},
        "folder": str(tmp_path / "run"),
    }


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = report_of(cerebro_of(PANEL, Buyer))
    assert report.get_analysis()["folder"] is None
    assert list(tmp_path.iterdir()) == []


def test_the_table_is_printed_where_it_is_asked_for(capsys, tmp_path):
    report_of(cerebro_of(PANEL, Buyer), show=True, folder=tmp_path / "run")
    out = capsys.readouterr().out
    assert "Total return" in out
    assert str(tmp_path / "run" / "report.html") in out
    report_of(cerebro_of(PANEL, Buyer))
    assert capsys.readouterr().out == ""


def test_a_report_can_begin_later():
    cerebro = cerebro_of(PANEL, Buyer)
    result = report_of(cerebro, since=DAY[50], benchmark="A").result()
    assert result.account.index[0] == pd.Timestamp(DAY[50])
    assert result.orders.empty  # the one order is older
    first = 100_000 + 100 * (PANEL.close[50, 0] - PANEL.open[5, 0])
    assert result.account["equity"].iloc[0] == pytest.approx(first)
    assert result.account["benchmark"].iloc[0] == pytest.approx(first)


def test_strategies_of_one_account_have_one_report(tmp_path):
    class Other(Buyer):
        params = (("feed", 1), ("at", 3), ("size", 50))

    cerebro = cerebro_of(PANEL, Buyer, Other)
    cerebro.addanalyzer(RunReport, folder=tmp_path / "run")
    first, second = cerebro.run()
    result = first.analyzers.runreport.result()
    assert second.analyzers.runreport.result() is result
    assert result.orders[["ref", "symbol", "size"]].to_numpy().tolist() == [
        [1, "B", 50.0],
        [2, "A", 100.0],
    ]
    assert result.summary["strategy"] == {
        "name": "Buyer + Other",
        "params": {
            "1 Buyer": {"feed": 0, "size": 100, "at": 5},
            "2 Other": {"feed": 1, "size": 50, "at": 3},
        },
    }
    (note,) = result.summary["notes"]
    assert note.startswith("2 strategies share this account: Buyer, Other.")
    equity = 100_000 + 50 * (PANEL.close[-1, 1] - PANEL.open[3, 1])
    equity += 100 * (PANEL.close[-1, 0] - PANEL.open[5, 0])
    assert result.account["equity"].iloc[-1] == pytest.approx(equity)


def test_two_reports_of_one_run_are_apart(tmp_path):
    cerebro = cerebro_of(PANEL, Buyer, Buyer)
    cerebro.addanalyzer(RunReport, folder=tmp_path / "one", benchmark="A")
    cerebro.addanalyzer(RunReport, folder=tmp_path / "two", benchmark="B")
    ran = cerebro.run()[0]
    one, two = ran.analyzers.runreport.result(), ran.analyzers.runreport1.result()
    assert one.orders.equals(two.orders)
    assert len(one.orders) == 2
    assert one.summary["data"]["benchmark"] == "A"
    assert (
        json.loads((tmp_path / "two" / "summary.json").read_text("utf-8"))["data"][
            "benchmark"
        ]
        == "B"
    )


def test_one_share_of_a_large_account_is_noted():
    class One(Buyer):
        params = (("size", None),)

    (note,) = report_of(cerebro_of(PANEL, One)).result().summary["notes"]
    share = (
        PANEL.close[5:, 0] / (100_000 + PANEL.close[5:, 0] - PANEL.open[5, 0])
    ).max()
    assert note.startswith(f"At most {share:.1%} of the account was ever invested")
    assert report_of(cerebro_of(PANEL, Buyer)).result().summary["notes"] == []


def test_a_benchmark_that_begins_late_is_compared_from_there(caplog):
    panel = without(PANEL, "C", slice(0, 30))

    class Early(Buyer):
        def prenext(self):
            self.next()

    result = report_of(cerebro_of(panel, Early), benchmark="C").result()
    curve = result.account["benchmark"]
    assert curve.iloc[:30].isna().all()
    worth = result.account["equity"].iloc[30] * panel.close[30:, 2] / panel.close[30, 2]
    assert curve.iloc[30:].to_numpy() == pytest.approx(worth)
    assert "30 sessions after the account" in result.summary["notes"][0]


def test_forecasts_of_several_indicators_are_each_by_their_horizon():
    class Several(bt.Strategy):
        def __init__(self):
            for feed, horizon in zip(self.datas, (2, 5, 5), strict=True):
                from bt_lstm_rotation import Forecast

                Forecast(feed, spec=FakeSpec(horizon=horizon))
            Forecast(self.data, spec=FakeSpec(horizon=9))

    result = report_of(cerebro_of(PANEL, Several)).result()
    made = result.forecasts.set_index(["session", "symbol"])["realised"].unstack()
    close = pd.DataFrame(PANEL.close, pd.DatetimeIndex(PANEL.sessions), list("ABC"))
    for symbol, horizon in (("A", 2), ("B", 5), ("C", 5)):
        ahead = close[symbol].shift(-horizon) / close[symbol] - 1
        known = made[symbol].dropna()
        assert len(known) > 20
        assert known.to_numpy() == pytest.approx(ahead[known.index].to_numpy())
    (note,) = result.summary["notes"]
    assert note.startswith("4 indicators forecast 3 feeds")


@pytest.mark.parametrize(
    "panel",
    [PANEL.rows(0, 10), PANEL.select(["A"]), PANEL.rows(0, 1), PANEL.rows(0, 2)],
    ids=["ten sessions", "one symbol", "one session", "two sessions"],
)
def test_a_small_run_has_a_report(panel, tmp_path):
    report = report_of(cerebro_of(panel, Buyer), folder=tmp_path / "run", benchmark="A")
    result = report.result()
    assert len(result.account) == len(panel)
    figures = report.get_analysis()
    assert all(v is None or np.isfinite(v) for v in result.summary["metrics"].values())
    assert figures["total_return"] is None or abs(figures["total_return"]) < 0.2
    assert (tmp_path / "run" / "report.html").stat().st_size > 1_000


def test_a_run_without_a_bar_says_so_and_goes_on(tmp_path, caplog):
    frame = PANEL.frame("A").iloc[:0]
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frame), name="A")
    cerebro.addstrategy(Buyer)
    report = report_of(cerebro, folder=tmp_path / "run")
    assert report.get_analysis() == {}
    with pytest.raises(DataError, match="no session; bars for the strategy"):
        report.result()
    assert "the run has no report" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_an_account_that_lost_everything_has_a_report(tmp_path):
    class AllIn(bt.Strategy):
        def __init__(self):
            pass

        def next(self):
            if len(self) == 2:
                self.buy(size=20)

    frame = PANEL.frame("A").iloc[:40].copy()
    frame.iloc[10:, :4] *= 0.05
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frame), name="A")
    cerebro.broker.setcash(20_000.0)
    cerebro.broker.setcommission(margin=500.0, mult=100.0)
    cerebro.addstrategy(AllIn)
    result = report_of(cerebro, folder=tmp_path / "run").result()
    assert result.account["equity"].iloc[-1] < 0
    metrics = result.summary["metrics"]
    assert metrics["total_return"] < -1
    assert metrics["cagr"] is metrics["sharpe"] is None
    assert (tmp_path / "run" / "report.html").exists()


def test_a_bar_that_no_market_has_is_said_and_does_not_end_the_run(caplog):
    frame = PANEL.frame("A").copy()
    frame.iloc[60, :4] *= 1_000  # of prices that move on meanwhile
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frame), name="A")
    cerebro.addstrategy(Buyer)
    with caplog.at_level(logging.WARNING):
        result = report_of(cerebro).result()
    (found,) = result.summary["data"]["findings"]
    assert (found["symbol"], found["rule"]) == ("A", "impossible")
    assert found["first"] == str(frame.index[60].date())
    assert "all prices are 998 times the bars before and after" in caplog.text


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"folder": 3}, "RunReport: folder must be a path, or None"),
        ({"folder": ""}, "RunReport: folder must be a path, or None"),
        ({"benchmark": 3}, "RunReport: benchmark must be the name of a feed"),
        ({"since": "2020-01-01"}, "RunReport: since must be"),
        ({"periods_a_year": 0}, "RunReport: periods_a_year must be"),
    ],
)
def test_a_wrong_param_is_refused(settings, problem):
    with pytest.raises(SpecError, match=problem):
        report_of(cerebro_of(PANEL, Buyer), **settings)


def test_an_unknown_param_is_refused():
    with pytest.raises(TypeError, match="folders"):
        report_of(cerebro_of(PANEL, Buyer), folders="runs")


def test_what_can_only_fail_at_the_end_is_refused_at_the_start(tmp_path):
    class Never(Buyer):
        def next(self):
            pytest.fail("the run has begun")

    with pytest.raises(StrategyError, match="benchmark 'a'; known: A, B, C"):
        report_of(cerebro_of(PANEL, Never), benchmark="a")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="choose a folder"):
        report_of(cerebro_of(PANEL, Never), folder=tmp_path / "file" / "run")


def test_a_trials_folder_shows_short_parameters_before_a_long_one(tmp_path):
    cerebro = cerebro_of()
    spec = MomentumSpec(lookback=5, skip=0, horizon=2)
    cerebro.optstrategy(SectorRotation, spec=[spec], top=[1, 2], shorts=[1])
    cerebro.addanalyzer(RunReport, folder=tmp_path)
    cerebro.run(maxcpus=1)
    shown = {path.name.split("-spec=")[0] for path in tmp_path.iterdir()}
    assert shown == {"SectorRotation-top=1-shorts=1", "SectorRotation-top=2-shorts=1"}


def test_a_result_before_the_end_is_an_error():
    class Eager(Buyer):
        def next(self):
            with pytest.raises(StrategyError, match=r"call cerebro.run\(\) first"):
                self.analyzers.runreport.result()
            assert self.analyzers.runreport.get_analysis() == {}

    report_of(cerebro_of(PANEL, Eager)).result()


def test_a_disk_that_fails_at_the_end_keeps_the_result(tmp_path, caplog):
    folder = tmp_path / "run"

    class Spoiler(Buyer):
        def stop(self):
            folder.write_text("in the way")

    cerebro = cerebro_of(PANEL, Spoiler)
    report = report_of(cerebro, folder=folder)
    assert report.get_analysis()["total_return"] is not None
    assert "run is a file; choose a folder" in caplog.text
    with pytest.raises(OutputError, match="run is a file"):
        report.result()


def test_a_folder_of_somebodys_own_is_refused_at_the_start(tmp_path):
    class Never(Buyer):
        def next(self):
            pytest.fail("it was run")

    (tmp_path / "orders.csv").write_text("mine")
    with pytest.raises(OutputError, match="something else than a run"):
        report_of(cerebro_of(PANEL, Never), folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["orders.csv"]


def test_after_a_run_that_failed_the_next_one_has_its_folder(tmp_path):
    class Fails(Buyer):
        def next(self):
            raise ZeroDivisionError

    failed = cerebro_of(PANEL, Fails)  # as a notebook remembers it
    with pytest.raises(ZeroDivisionError):
        report_of(failed, folder=tmp_path / "run")
    assert list(tmp_path.glob(".run-*"))
    report_of(cerebro_of(PANEL, Buyer), folder=tmp_path / "run").result()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    del failed


def test_figures_that_cannot_be_printed_are_said_and_the_run_goes_on(
    tmp_path, monkeypatch, caplog
):
    with open("/dev/full", "w") as full, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", full)
        cerebro = cerebro_of(PANEL, Buyer)
        report = report_of(cerebro, folder=tmp_path / "run", show=True)
        patched.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert len(report.result().account) == len(PANEL.sessions)
    assert "the figures could not be printed (No space left on device)" in caplog.text
    assert (tmp_path / "run" / "summary.json").exists()


def test_a_run_that_was_stopped_is_reported_up_to_there(tmp_path):
    class Stopper(Buyer):
        def next(self):
            super().next()
            if len(self) == 40:
                self.env.runstop()

    result = report_of(cerebro_of(PANEL, Stopper), benchmark="A").result()
    assert result.summary["data"]["last_session"] == str(DAY[39])
    assert len(result.account) == 40


@pytest.mark.parametrize("name", ["../../up", "a/b", "<b>&", "Ä 漢", "x" * 300])
def test_a_hostile_value_names_no_path(tmp_path, name):
    class Named(Buyer):
        params = (("label", ""),)

    cerebro = cerebro_of(PANEL)
    cerebro.optstrategy(Named, label=[name, name + "!"])
    cerebro.addanalyzer(RunReport, folder=tmp_path / "runs")
    runs = cerebro.run(maxcpus=1)
    folders = {Path(r.analyzers.runreport.get_analysis()["folder"]) for (r,) in runs}
    assert {folder.parent for folder in folders} == {tmp_path / "runs"}
    assert set((tmp_path / "runs").iterdir()) == folders
    assert len(folders) == 2
    assert list(tmp_path.iterdir()) == [tmp_path / "runs"]


def test_two_deposits_in_one_session_of_hours_are_both_no_return():
    class Saver(Buyer):
        params = (("at", 10_000),)

        def next(self):
            super().next()
            if len(self) in (8, 9):
                self.broker.add_cash(1_000.0)

    frame = PANEL.frame("A").iloc[:28]
    hours = pd.Timedelta(hours=1) * (np.arange(28) % 7 + 10)
    frame.index = pd.DatetimeIndex(PANEL.sessions[np.arange(28) // 7]) + hours
    cerebro = bt.Cerebro()
    feed = bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Minutes)
    cerebro.adddata(feed, name="A")
    cerebro.addstrategy(Saver)
    result = report_of(cerebro).result()
    assert result.account["flows"].tolist() == [0.0, 2_000.0, 0.0, 0.0]
    assert result.summary["metrics"]["total_return"] == 0.0


def test_a_simulated_market_is_called_one_in_a_script_too(tmp_path, capsys):
    panel = SimulatedMarket(n_sessions=60, n_sectors=2).panel()
    cerebro = bt.Cerebro()
    for name, bars in panel.frames().items():
        cerebro.adddata(bt.feeds.PandasData(dataname=bars), name=name)
    cerebro.addstrategy(Buyer)
    report = report_of(cerebro, folder=tmp_path / "run", show=True)
    assert report.get_analysis()["data"]["source"] == panel.source
    assert "A simulated market" in capsys.readouterr().err
    assert "A simulated market" in (tmp_path / "run" / "report.html").read_text("utf-8")
    assert report_of(cerebro_of(PANEL, Buyer)).get_analysis()["data"]["source"] == (
        "feeds of a script"
    )
    mixed = cerebro_of(PANEL, Buyer)
    mixed.adddata(bt.feeds.PandasData(dataname=panel.frames()["S1"]), name="S1")
    mixed.resampledata(mixed.datas[0], timeframe=bt.TimeFrame.Weeks, name="weeks")
    source = report_of(mixed).get_analysis()["data"]["source"]
    assert source == f"{panel.source}, feeds of a script"


def test_what_an_indicator_needs_anyway_is_no_warning(caplog):
    class Average(Buyer):
        def __init__(self):
            self.average = bt.ind.SMA(self.data, period=30)

    with caplog.at_level(logging.INFO):
        result = report_of(cerebro_of(PANEL, Average)).result()
    (event,) = result.events.itertuples()
    assert event.kind == "waited"
    assert "29 earlier sessions" in event.detail
    (said,) = [one for one in caplog.records if "29 earlier" in one.getMessage()]
    assert said.levelno == logging.INFO
    caplog.clear()
    late = without(PANEL, "C", slice(0, 60))
    report_of(cerebro_of(late, Average)).result()
    (said,) = [one for one in caplog.records if "60 earlier" in one.getMessage()]
    assert said.levelno == logging.WARNING
