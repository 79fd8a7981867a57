"""Deposits and withdrawals, against accounts whose return is known without them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.flows import growth, with_flows
from bt_lstm_rotation.measures.performance import performance


def series(*values: float) -> pd.Series:
    sessions = pd.bdate_range("2019-01-02", periods=len(values))
    return pd.Series(values, sessions, dtype="float64")


def measured(equity, flows=None, traded_value=0.0):
    return performance(equity, traded_value=traded_value, costs=0.0, flows=flows)


def test_a_deposit_into_an_account_that_does_nothing_is_no_return():
    figures = measured(series(1000, 2000, 2000.25, 2500), series(0, 1000, 0.25, 499.75))
    for name in ("total_return", "cagr", "annual_volatility", "max_drawdown"):
        assert figures[name] == 0.0
    assert figures["sharpe"] is None


def test_sums_that_are_rounded_are_no_return():
    # 0.3 - 0.2 is a little less than 0.1.
    assert growth(series(0.1, 0.3), series(0, 0.2)).tolist() == [0.1, 0.1]


def test_a_session_without_a_flow_keeps_its_return_however_small():
    little = 1 + 2.0**-48
    curve = growth(series(1, little, 1 + little), series(0, 0, 1))
    assert curve.tolist() == [1, little, little]


def test_less_than_one_of_the_currency_is_an_account_too():
    # 10% on a half, and a half paid in.
    equity, flows = series(0.5, 0.55, 1.05), series(0, 0, 0.5)
    assert growth(equity, flows).tolist() == pytest.approx([0.5, 0.55, 0.55])
    worth = with_flows(series(0.5, 0.55, 0.55), flows)
    assert worth.tolist() == pytest.approx([0.5, 0.55, 1.05])


def test_returns_are_those_of_what_was_there():
    # 10% on 100; then 90 come in, and 10% are lost on 200; then 80 go, and 5% on 100.
    equity, flows = series(100, 200, 100, 105), series(0, 90, -80, 0)
    # 110 and 90 more; 200 - 10% is 180, less 80; 100 + 5%.
    np.testing.assert_allclose(growth(equity, flows), [100, 110, 99, 103.95])
    figures = measured(equity, flows, traded_value=126.25)
    assert figures["total_return"] == pytest.approx(1.1 * 0.9 * 1.05 - 1)
    assert figures["max_drawdown"] == pytest.approx(-0.1)
    # Turnover is of the capital that was there, 505 / 4 on average.
    years = (equity.index[-1] - equity.index[0]).days / 365.25
    assert figures["turnover"] == pytest.approx(0.5 / years)


@settings(derandomize=True, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-0.5, 1.0), st.floats(0.0, 1e5)), min_size=1, max_size=30
    )
)
def test_whatever_is_paid_in_the_return_is_the_markets(steps):
    worth, paid = [1000.0], [0.0]
    for step, flow in steps:
        worth.append(worth[-1] * (1 + step) + flow)
        paid.append(flow)
    market = 1000 * np.cumprod([1.0, *(1 + step for step, _ in steps)])
    np.testing.assert_allclose(growth(series(*worth), series(*paid)), market, rtol=1e-9)
    np.testing.assert_allclose(
        with_flows(series(*market), series(*paid)), worth, rtol=1e-9
    )


def test_the_first_flow_is_part_of_the_base():
    equity = series(1500, 1650)
    assert measured(equity, series(500, 0)) == measured(equity)
    assert growth(equity, series(500, 0)) is equity
    market = series(100, 110)
    assert with_flows(market, series(500, 0)).tolist() == pytest.approx([100, 110])


def test_without_flows_a_curve_is_left_to_its_last_bit():
    equity = series(100, 110.1, 99.7, 103.3)
    assert growth(equity) is equity
    assert growth(equity, series(0, 0, 0, 0)) is equity
    assert measured(equity, series(0, 0, 0, 0)) == measured(equity)


def test_an_account_that_was_emptied_begins_anew():
    equity, flows = series(100, 0, 0, 50, 55), series(0, -110, 0, 50, 0)
    # 10% on the day of the withdrawal, nothing while it is empty, and 10% after.
    np.testing.assert_allclose(growth(equity, flows), [100, 110, 110, 110, 121])


def test_an_account_that_lost_everything_stays_lost():
    equity, flows = series(100, 500, 600), series(0, 500, 0)
    assert growth(equity, flows).tolist() == [100, 0, 0]
    figures = measured(equity, flows)
    assert figures["total_return"] == -1.0
    assert figures["sharpe"] is None


def test_an_account_in_debt_stays_there_whatever_is_paid_in():
    # 150% lost beside a deposit, which then earns 10% and loses 110% of itself.
    equity, flows = series(100, 450, 495, -49.5, 50), series(0, 500, 0, 0, 50)
    assert growth(equity, flows).tolist() == pytest.approx([100, -50, -50, -50, -50])


def test_a_benchmark_that_could_just_have_paid_has_nothing_left_to_grow():
    worth = with_flows(series(100, 200, 400), series(0, -200, 10))
    np.testing.assert_array_equal(worth, [100, math.nan, math.nan])


def test_a_benchmark_that_could_not_have_paid_is_unknown_from_there():
    worth = with_flows(series(100, 110, 120, 130), series(0, 0, -150, 10))
    assert worth.tolist()[:2] == pytest.approx([100, 110])
    assert worth.isna().tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("flows", "message"),
    [
        ([0.0, 1.0], "not a series"),
        (series(0, 1, 2), "flows have other sessions"),
        (series(0, math.nan), "a flow is not finite"),
        (series(0, math.inf), "a flow is not finite"),
    ],
)
def test_what_are_no_flows_is_refused(flows, message):
    with pytest.raises(DataError, match=message):
        measured(series(100, 101), flows)
