"""Windows against the same figures of each window's own curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.performance import performance
from bt_lstm_rotation.measures.rolling import half_a_year, rolling_measures

NAMES = ["volatility", "sharpe", "beta"]


def walk(seed, n=60, freq="B"):
    steps = np.random.default_rng(seed).normal(0.001, 0.01, n)
    index = pd.date_range("2019-01-02", periods=n, freq=freq)
    return pd.Series(1000 * np.exp(steps.cumsum()), index)


def test_each_window_is_measured_as_a_curve_of_its_own():
    equity, benchmark = walk(1), walk(2)
    found = rolling_measures(equity, benchmark, window=20)
    assert found.columns.tolist() == NAMES
    assert found.index.equals(equity.index)
    assert found[:20].isna().all().all()
    assert found[20:].notna().all().all()
    r, b = equity.pct_change(), benchmark.pct_change()
    for row in (20, 37, 59):
        curve = equity.iloc[row - 20 : row + 1]
        whole = performance(curve, traded_value=0, costs=0, periods_a_year=252)
        assert found["volatility"].iloc[row] == pytest.approx(
            whole["annual_volatility"]
        )
        assert found["sharpe"].iloc[row] == pytest.approx(whole["sharpe"])
    np.testing.assert_allclose(
        found["beta"], r.rolling(20).cov(b) / b.rolling(20).var(), rtol=1e-8
    )
    np.testing.assert_allclose(
        found["volatility"], r.rolling(20).std() * 252**0.5, rtol=1e-8
    )


def test_what_a_curve_is_to_itself():
    equity = walk(3)
    twice = 1000 * (1 + 2 * equity.pct_change().fillna(0)).cumprod()
    found = rolling_measures(twice, equity, window=10)["beta"][10:]
    np.testing.assert_allclose(found, 2)


@pytest.mark.parametrize(
    ("freq", "periods", "window"),
    [("B", 252, 126), ("D", 365, 182), ("W-FRI", 52, 26), ("ME", 12, 6), ("YE", 1, 2)],
)
def test_the_default_window_is_half_a_year(freq, periods, window):
    equity = walk(4, n=200, freq=freq)
    found = rolling_measures(equity)
    assert half_a_year(periods) == window
    assert int(found["sharpe"].isna().sum()) == window
    expected = equity.pct_change().rolling(window).std().iloc[-1] * periods**0.5
    assert found["volatility"].iloc[-1] == pytest.approx(expected)
    assert found["beta"].isna().all()


def test_flows_are_no_returns_of_either_side():
    equity, benchmark = walk(5), walk(6)
    plain = rolling_measures(equity, benchmark, window=10)
    flows = equity * 0
    flows.iloc[30] = 250.0
    paid = []
    for curve in (equity, benchmark):
        values = curve.copy()
        for row in range(1, len(curve)):
            step = curve.iloc[row] / curve.iloc[row - 1]
            values.iloc[row] = values.iloc[row - 1] * step + flows.iloc[row]
        paid.append(values)
    found = rolling_measures(*paid, flows=flows, window=10)
    np.testing.assert_allclose(found, plain, rtol=1e-7)


def test_a_benchmark_that_begins_late_and_ends_early_has_a_beta_between():
    equity, benchmark = walk(7), walk(8)
    benchmark.iloc[:10] = np.nan
    benchmark.iloc[50:] = np.nan
    found = rolling_measures(equity, benchmark, window=10)["beta"]
    known = np.flatnonzero(found.notna())
    assert (known[0], known[-1]) == (20, 49)
    whole = rolling_measures(equity, walk(8), window=10)["beta"]
    np.testing.assert_allclose(found.iloc[20:50], whole.iloc[20:50])


def test_a_constant_curve_has_no_ratio():
    flat = walk(1) * 0 + 100.0
    found = rolling_measures(flat, flat, window=10)[10:]
    assert (found["volatility"] == 0).all()
    assert found[["sharpe", "beta"]].isna().all().all()
    steady = flat * 1.001 ** np.arange(60)
    assert rolling_measures(steady, window=10)["sharpe"].isna().all()


def test_a_ruined_account_is_measured_up_to_its_ruin():
    equity = walk(9)
    equity.iloc[30:] = 0.0
    found = rolling_measures(equity, window=10)
    assert found["sharpe"][10:31].notna().all()
    assert found["sharpe"][31:].isna().all()


@pytest.mark.parametrize("n", [0, 1, 10])
def test_too_few_sessions_fill_no_window(n):
    found = rolling_measures(walk(1)[:n], walk(2)[:n], window=10)
    assert found.shape == (n, 3)
    assert found.isna().all().all()


@pytest.mark.parametrize(
    "settings", [{"window": 1}, {"window": 2.5}, {"periods_a_year": 0}]
)
def test_what_is_impossible_is_refused(settings):
    with pytest.raises(SpecError):
        rolling_measures(walk(1), **settings)
    with pytest.raises(DataError):
        rolling_measures(walk(1), flows=walk(1)[:5], window=5)
