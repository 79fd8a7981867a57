"""Blocks of the right law, and intervals of the width that theory has for them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.measures.bootstrap import difference, stationary_rows


def series(values, start="2010-01-04"):
    return pd.Series(values, index=pd.bdate_range(start, periods=len(values)))


def test_blocks_go_on_from_row_to_row_with_the_chance_of_their_mean_length():
    rows = stationary_rows(500, 400, 10.0, np.random.default_rng(1))
    assert rows.shape == (400, 500)
    goes_on = (rows[:, 1:] - rows[:, :-1]) % 500 == 1
    # A new block begins next to the old one's end by chance in one of 500.
    assert goes_on.mean() == pytest.approx(0.9 + 0.1 / 500, abs=0.005)


def test_every_row_is_drawn_as_often_as_any_other():
    rows = stationary_rows(50, 4_000, 5.0, np.random.default_rng(2))
    counts = np.bincount(rows.ravel(), minlength=50)
    assert counts / counts.mean() == pytest.approx(np.ones(50), abs=0.1)


def test_blocks_of_one_row_are_the_plain_bootstrap():
    rows = stationary_rows(1_000, 50, 1.0, np.random.default_rng(3))
    assert np.corrcoef(rows[:, 1:].ravel(), rows[:, :-1].ravel())[0, 1] < 0.02


def test_a_run_compared_with_itself_differs_by_nothing():
    returns = series(np.random.default_rng(4).normal(0, 0.01, 300))
    for interval in difference(returns, returns, periods_a_year=252).values():
        assert (interval.estimate, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_the_estimates_are_the_differences_of_the_figures():
    rng = np.random.default_rng(5)
    a, b = series(rng.normal(0.001, 0.01, 400)), series(rng.normal(0, 0.02, 400))
    found = difference(a, b, periods_a_year=52)
    sharpe = [x.mean() / x.std() * math.sqrt(52) for x in (a, b)]
    growth = [(1 + x).prod() ** (52 / 400) for x in (a, b)]
    assert found["sharpe"].estimate == pytest.approx(sharpe[0] - sharpe[1])
    assert found["growth"].estimate == pytest.approx(growth[0] - growth[1])
    risk = (a.std() - b.std()) * math.sqrt(52)
    assert found["annual_volatility"].estimate == pytest.approx(risk)


def test_an_interval_is_as_wide_as_the_standard_error_of_independent_returns():
    rng = np.random.default_rng(6)
    a, b = series(rng.normal(0, 0.01, 2_000)), series(rng.normal(0, 0.01, 2_000))
    found = difference(a, b, periods_a_year=1, draws=4_000)["growth"]
    error = (np.log1p(a) - np.log1p(b)).std() / math.sqrt(2_000)
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.1)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    covered = 0
    for path in range(200):
        a, b = (series(rng.normal(0, 0.01, 250)) for _ in range(2))
        found = difference(a, b, periods_a_year=252, draws=300, seed=path)["sharpe"]
        covered += found.low <= 0 <= found.high
    # Of 200 with a chance of 0.95 each, fewer than 179 are a chance of one in 1,000.
    assert covered >= 179


def test_only_sessions_of_both_are_compared():
    returns = series(np.random.default_rng(8).normal(0, 0.01, 100))
    longer = pd.concat([series([0.5] * 20, "2009-01-05"), returns])
    found = difference(longer, returns, periods_a_year=252)
    assert found["growth"].estimate == 0.0


@pytest.mark.parametrize("count", [0, 9])
def test_of_a_few_sessions_nothing_is_known(count):
    returns = series([0.01] * count)
    for interval in difference(returns, returns, periods_a_year=252).values():
        assert math.isnan(interval.estimate)


def test_the_same_seed_gives_the_same_interval_and_another_another():
    rng = np.random.default_rng(9)
    a, b = series(rng.normal(0, 0.01, 100)), series(rng.normal(0, 0.01, 100))
    first, again, other = (
        difference(a, b, periods_a_year=252, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first["sharpe"] != other["sharpe"]


def test_longer_blocks_see_more_of_what_sessions_share():
    rng = np.random.default_rng(10)
    shared = np.convolve(rng.normal(0, 0.01, 2_019), np.ones(20) / 20, "valid")
    a, b = series(shared), series(np.zeros(2_000))
    short, long = (
        difference(a, b, periods_a_year=1, mean_block=block)["growth"]
        for block in (1.0, 100.0)
    )
    # The variance of a mean of 20 that overlap is up to 20 times that of single ones.
    assert 3 < (long.high - long.low) / (short.high - short.low) < 20**0.5


@pytest.mark.parametrize(
    "bad", [{"draws": 99}, {"draws": 1.5}, {"confidence": 1.0}, {"mean_block": 0.5}]
)
def test_impossible_settings_are_refused(bad):
    returns = series([0.01] * 20)
    with pytest.raises(SpecError, match=next(iter(bad))):
        difference(returns, returns, periods_a_year=252, **bad)
