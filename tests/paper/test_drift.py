"""What an account does beside what its backtest led one to expect."""

from __future__ import annotations

import math

import numpy as np
import pytest
from vendor import DAYS, MARKET, SETTINGS, Vendor, account

from bt_lstm_rotation.backtest import run_backtest
from bt_lstm_rotation.paper import Configuration
from bt_lstm_rotation.paper.drift import Trace, band, drift, trace_of, trace_of_record

FIRST = 300


def trace(ic=(), turnover=(), costs=(), horizon=21):
    days = max(map(len, (ic, turnover, costs)))
    fill = [math.nan] * days
    return Trace(
        tuple(f"2020-01-{day:02}" for day in range(1, days + 1)),
        tuple(ic or fill),
        tuple(turnover or fill),
        tuple(costs or fill),
        252.0,
        horizon,
    )


def test_a_band_covers_the_stretches_of_a_series_that_goes_round():
    # Of 40 values one is 1: of the 40 stretches of ten, ten have a mean of 0.1.
    values = [0.0] * 39 + [1.0]
    assert band(values, 10) == pytest.approx((0.0, 0.1))
    assert band(values, 1) == pytest.approx((0.0, 0.025), abs=0.03)
    # A stretch longer than the series is the series.
    assert band(values, 400) == pytest.approx((1 / 40, 1 / 40))
    assert band([math.nan, 2.0, math.nan], 2) == (2.0, 2.0)
    assert all(map(math.isnan, band([math.nan] * 3, 2)))


def test_figures_within_and_outside_are_told_apart_in_words():
    rng = np.random.default_rng(0)
    usual = trace(
        ic=rng.normal(0.05, 0.3, 500).tolist(), turnover=[0.0] * 20 * 24 + [0.5] * 20
    )
    same = trace(ic=rng.normal(0.05, 0.3, 60).tolist(), turnover=[0.02] * 60)
    said = drift(same, usual)
    assert len(said) == 2  # there is nothing to say of costs
    assert said[0].startswith("forecast skill (information coefficient) is 0.")
    assert "within" in said[0]
    assert "95% of stretches of 60 sessions had in the backtest of 2020" in said[0]
    worse = trace(ic=[-0.4] * 60, turnover=[0.5] * 60)
    skill_now, turnover_now = drift(worse, usual)
    assert "is -0.4, OUTSIDE" in skill_now
    assert "turnover a year is 126, OUTSIDE" in turnover_now
    young = trace(ic=[0.1] * 5, turnover=[0.1] * 30)
    assert "too early to tell, 5 of 21 sessions" in drift(young, usual)[0]


def test_a_trace_is_kept_as_text_and_read_back():
    one = trace(ic=[0.25, math.nan, -1.0], turnover=[0.0, 1 / 3, 0.1])
    again = Trace.from_text(one.to_text())
    assert repr(again) == repr(one)


def test_the_trace_of_an_account_is_that_of_its_backtest(tmp_path):
    vendor = Vendor()
    account(tmp_path, FIRST, vendor).start(Configuration(**SETTINGS))
    account(tmp_path, FIRST + 60, vendor).step()
    record = account(tmp_path, FIRST + 60, vendor).record()
    strategy, params = Configuration(**SETTINGS).load_strategy()
    result = run_backtest(
        MARKET.select([*SETTINGS["symbols"], "MARKET"]),
        strategy,
        params,
        benchmark="MARKET",
        start=DAYS[FIRST + 1],
        end=DAYS[FIRST + 60],
    )
    expected = trace_of(result)
    found = trace_of_record(record, record.restated, expected)
    assert found.sessions == expected.sessions
    for name in ("ic", "turnover", "costs"):
        assert getattr(found, name) == pytest.approx(
            getattr(expected, name), nan_ok=True
        )
    assert found.figure("ic") == pytest.approx(result.summary["forecast"]["ic"])
    metrics = result.summary["metrics"]
    # The report divides by mean equity, and the trace each session by its own.
    assert found.figure("turnover") == pytest.approx(metrics["turnover"], rel=0.1)


def test_an_account_without_years_before_it_says_so(tmp_path):
    vendor = Vendor()
    account(tmp_path, 120, vendor).start(Configuration(**SETTINGS))
    mine = account(tmp_path, 120, vendor)
    mine.step()
    assert mine.status().drift == (
        "nothing to go by: too few bars before the account for a backtest",
    )
