"""No strategy that looks at nothing but the past is called a leak."""

from __future__ import annotations

from dataclasses import replace

import plain_strategies as plain
import pytest
from fakes import without
from modes import MODES
from real_bars import needs_real_bars, real_panel
from worlds import MARKET, PANEL, cerebro_of

from bt_lstm_rotation.backtest.strategy_file import find_strategy, known_strategies
from bt_lstm_rotation.evidence.audit import audit, audit_backtest
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.prices.simulated import SimulatedMarket

EVERYWHERE = (plain.Crossover, plain.Callbacks, plain.StopOrders)
# One feed is listed late, and has a hole.
HOLES = without(without(PANEL, "S2", slice(0, 20)), "S2", slice(100, 102))


@pytest.mark.parametrize("strategy", plain.PLAIN)
def test_a_plain_strategy_is_clean(strategy):
    report = audit(cerebro_of(strategy, HOLES, first=MARKET), probes=4, warmup=False)
    assert report.outcome == "clean", str(report)
    assert "the future taken away" in report.controls


@pytest.mark.parametrize("strategy", plain.RESAMPLED)
def test_a_strategy_of_two_time_frames_is_clean(strategy):
    cerebro = cerebro_of(strategy, HOLES, first=MARKET, weekly=True)
    report = audit(cerebro, probes=4, warmup=False)
    assert report.outcome == "clean", str(report)


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
@pytest.mark.parametrize("strategy", EVERYWHERE)
def test_it_is_clean_in_every_mode(strategy, modes):
    report = audit(cerebro_of(strategy), probes=3, warmup=False, **modes)
    assert report.outcome == "clean", str(report)


def test_an_honest_decision_at_the_open_is_clean():
    report = audit(cerebro_of(plain.AtTheOpen, coo=True), probes=4, warmup=False)
    assert report.outcome == "clean", str(report)


def test_one_that_trades_nothing_is_not_assessed():
    report = audit(cerebro_of(plain.TradesNothing), probes=3, warmup=False)
    assert report.outcome == "not assessed"
    assert report.reasons == ("it ordered nothing",)


def test_one_that_closes_where_the_data_end_is_clean_and_that_is_said():
    report = audit(cerebro_of(plain.ClosesAtTheEnd), probes=6, warmup=False)
    assert report.outcome == "clean", str(report)
    assert "where the data end" in report.notes[0]


SMALL = SimulatedMarket(n_sectors=4, n_sessions=420).panel()
NETWORKS = {"lstm_top3_monthly", "study_2019"}


@pytest.mark.parametrize("name", sorted(known_strategies()))
def test_every_strategy_that_comes_with_the_package_is_clean(name):
    strategy = find_strategy(name)
    params = {}
    if name in NETWORKS:
        small = {"lookback": 5, "train_size": 40, "horizon": 2, "units": 3}
        params = {"spec": replace(strategy.params.spec, **small)}
    report = audit_backtest(
        SMALL,
        strategy,
        params,
        benchmark=MARKET,
        training=Training(store=None),
        probes=4,
        warmup=False,
    )
    assert report.outcome == "clean", str(report)


@needs_real_bars
@pytest.mark.parametrize("name", sorted(set(known_strategies()) - NETWORKS))
def test_every_rule_is_clean_on_real_bars(name):
    panel = real_panel("SPY").rows(0, 600)
    strategy = find_strategy(name)
    report = audit_backtest(panel, strategy, benchmark="SPY", probes=3, warmup=False)
    assert report.outcome == "clean", str(report)


@needs_real_bars
@pytest.mark.parametrize("number", range(len(plain.PLAIN)))
def test_a_plain_strategy_is_clean_on_real_bars_in_some_mode(number):
    panel = real_panel().select(["XLK", "XLE", "XLU"]).rows(0, 250)
    cerebro = cerebro_of(plain.PLAIN[number], panel)
    # In turn; all of them take minutes, and are in benchmarks/audit.py.
    modes = list(MODES.values())[number % len(MODES)]
    report = audit(cerebro, probes=3, warmup=False, **modes)
    assert report.outcome == "clean", str(report)
