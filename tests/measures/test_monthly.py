"""Months and years, against plain products of returns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.distribution import session_returns
from bt_lstm_rotation.measures.monthly import (
    month_numbers,
    monthly_returns,
    year_by_month,
)
from bt_lstm_rotation.measures.performance import performance, period_returns

COLUMNS = [*range(1, 13), "year"]


def curve(values, first="2018-12-31"):
    return pd.Series(
        np.asarray(values, dtype="float64"), pd.bdate_range(first, periods=len(values))
    )


def walk(seed, n=700, first="2018-12-31"):
    steps = np.random.default_rng(seed).normal(0.0003, 0.01, n)
    return curve(1000 * np.exp(steps.cumsum()), first)


def test_months_by_hand():
    index = pd.DatetimeIndex(["2018-12-31", "2019-01-31", "2019-02-28", "2019-04-30"])
    found = monthly_returns(pd.Series([100.0, 110.0, 99.0, 198.0], index))
    assert found.columns.tolist() == COLUMNS
    assert found.index.tolist() == [2019]
    assert found.loc[2019, [1, 2, 4, "year"]].tolist() == pytest.approx(
        [0.1, -0.1, 1.0, 0.98]
    )
    assert np.isnan(found.loc[2019, [3, *range(5, 13)]].astype(float)).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("first", ["2018-12-31", "2019-01-01", "2019-06-14"])
def test_months_are_products_of_sessions(seed, first):
    worth = walk(seed, first=first)
    flows = worth * 0
    flows.iloc[[50, 300]] = [400.0, -100.0]
    index = worth / worth.iloc[0]
    equity = worth.copy()
    for row in range(1, len(worth)):
        step = index.iloc[row] / index.iloc[row - 1]
        equity.iloc[row] = equity.iloc[row - 1] * step + flows.iloc[row]
    found = monthly_returns(equity, flows)
    r = index.pct_change().dropna()
    months = (1 + r).groupby([r.index.year, r.index.month]).prod() - 1
    for (year, month), expected in months.items():
        assert found.loc[year, month] == pytest.approx(expected)
    years = (1 + r).groupby(r.index.year).prod() - 1
    np.testing.assert_allclose(found["year"].astype(float), years)
    assert found[[*range(1, 13)]].notna().sum().sum() == len(months)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.floats(1.0, 1e6), min_size=2, max_size=80), st.integers(0, 400))
def test_months_compound_to_years_and_years_to_the_whole(values, shift):
    first = pd.Timestamp("2018-01-01") + pd.Timedelta(days=shift)
    equity = curve(values, str(first.date()))
    found = monthly_returns(equity).astype("float64")
    months = (1 + found[[*range(1, 13)]].fillna(0)).prod(axis=1)
    np.testing.assert_allclose(months, 1 + found["year"])
    total = performance(equity, traded_value=0, costs=0)["total_return"]
    assert (1 + found["year"]).prod() - 1 == pytest.approx(total, abs=1e-12)


def test_a_ruined_account_has_returns_up_to_its_ruin():
    index = pd.DatetimeIndex(["2018-12-31", "2019-01-31", "2019-02-28", "2019-03-29"])
    found = monthly_returns(pd.Series([100.0, 50.0, 0.0, 10.0], index))
    assert found.loc[2019, [1, 2]].tolist() == [-0.5, -1.0]
    assert np.isnan(found.loc[2019, 3])


def test_without_a_second_session_there_is_no_month():
    for n in (0, 1):
        found = monthly_returns(curve([100.0] * n), curve([0.0] * n))
        assert found.columns.tolist() == COLUMNS
        assert found.empty
    table = year_by_month(pd.Series(dtype="float64"), pd.Series(dtype="float64"))
    assert table.empty


def test_periods_of_any_kind():
    equity = curve([100, 110, 121, 60.5, 121])
    found = period_returns(equity, np.array([0, 0, 1, 1, 4]))
    assert found.to_dict() == pytest.approx({0: 0.1, 1: -0.45, 4: 1.0})
    with pytest.raises(DataError, match="no data"):
        period_returns(equity[:0], np.array([]))


def test_months_are_numbered():
    days = pd.DatetimeIndex(["2018-12-31", "2019-01-01", "2020-02-29"])
    assert month_numbers(days).tolist() == [12 * 2018 + 11, 12 * 2019, 12 * 2020 + 1]


def test_returns_of_sessions_are_those_that_months_are_made_of():
    equity = walk(1)
    np.testing.assert_allclose(session_returns(equity), equity.pct_change()[1:])
