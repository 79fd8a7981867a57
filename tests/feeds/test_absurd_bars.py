"""Bars of feeds that are possible but absurd are warned of, once, and stop no run."""

from __future__ import annotations

import logging

import backtrader as bt
import pytest
from fakes import random_panel

from bt_lstm_rotation import PeriodicRebalance, PricePanel, RunReport, run_backtest

PANEL = random_panel("AB", 120)


class Half(PeriodicRebalance):
    def __init__(self):
        super().__init__()

    def weights(self):
        return dict.fromkeys(self.trading_today(), 0.4)


def spoiled(factor, first=60, last=60):
    frame = PANEL.frame("A").copy()
    frame.iloc[first : last + 1, :4] *= factor
    return {"A": frame, "B": PANEL.frame("B")}


def cerebro_of(frames, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    for name, frame in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    cerebro.addstrategy(Half)
    return cerebro


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING)
    return lambda: [text for text in caplog.messages if "docs/bars.md" in text]


@pytest.mark.parametrize(
    ("factor", "last", "rule"),
    [
        (10, 60, "reversed jump"),
        (1_000, 60, "impossible"),
        (0.1, 119, "split not applied"),
        (100, 119, "scale change"),
    ],
)
def test_a_strategy_warns_of_them_by_symbol_session_and_rule(factor, last, rule, said):
    cerebro_of(spoiled(factor, last=last)).run()
    (text,) = said()
    assert text.startswith(f"A {PANEL.sessions[60]}: ")
    assert f"({rule})" in text


def test_bars_dated_a_day_early_are_said(said):
    frames = spoiled(1)
    for frame in frames.values():
        frame.index = frame.index.shift(-1, freq="D")
    cerebro_of(frames).run()
    assert [text[:1] for text in said()] == ["A", "B"]
    assert "Sundays and no Fridays" in said()[0]


def test_nothing_is_said_of_bars_that_are_sound(said):
    cerebro_of(spoiled(1)).run()
    assert said() == []


def test_it_is_said_once_also_with_a_report_and_in_a_second_run(said):
    cerebro = cerebro_of(spoiled(10))
    cerebro.addanalyzer(RunReport)
    (first,) = cerebro.run()
    (second,) = cerebro.run()
    assert len(said()) == 1
    for ran in (first, second):
        data = ran.analyzers.runreport.result().summary["data"]
        assert [found["rule"] for found in data["findings"]] == ["reversed jump"]


def test_a_report_says_it_where_bars_come_one_by_one(said):
    cerebro = cerebro_of(spoiled(10), preload=False)
    cerebro.addanalyzer(RunReport)
    cerebro.run()
    assert len(said()) == 1


def test_bars_of_a_panel_are_judged_when_it_is_made_and_not_again(said):
    frames = spoiled(10)
    panel = PricePanel.from_frames(frames, today=frames["A"].index[-1].date())
    assert len(said()) == 1
    run_backtest(panel, Half)
    assert len(said()) == 1
