"""Figures computed by hand, what no figure may depend on, and curves without one."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.performance import drawdown, performance, yearly_returns

KEYS = [
    "total_return",
    "cagr",
    "annual_volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "turnover",
    "costs",
    "periods_a_year",
]

curves = st.lists(st.floats(1.0, 1e6), min_size=2, max_size=60)


def curve(*values: float, first: str = "2019-01-02") -> pd.Series:
    sessions = pd.bdate_range(first, periods=len(values))
    return pd.Series(values, index=sessions, dtype="float64")


def measured(equity, traded_value=0.0, costs=0.0):
    return performance(equity, traded_value=traded_value, costs=costs)


def test_five_sessions_by_hand():
    # Returns 1/10, -1/10, 1/10 and -1/11, over six days: 2 January to 8 January.
    equity = curve(100, 110, 99, 108.9, 99)
    returns = [0.1, -0.1, 0.1, -1 / 11]
    mean = sum(returns) / 4
    deviation = math.sqrt(sum((r - mean) ** 2 for r in returns) / 3)
    downside = math.sqrt((0.1**2 + (1 / 11) ** 2) / 4)
    cagr = 0.99 ** (365.25 / 6) - 1

    figures = performance(equity, traded_value=206.76, costs=1.5)

    assert list(figures) == KEYS
    assert figures == pytest.approx(
        {
            "total_return": -0.01,
            "cagr": cagr,
            "annual_volatility": deviation * math.sqrt(252),
            "sharpe": mean / deviation * math.sqrt(252),
            "sortino": mean / downside * math.sqrt(252),
            "max_drawdown": -0.1,
            "calmar": cagr / 0.1,
            # Mean equity is 516.9 / 5 = 103.38, of which 206.76 / 2 is the whole.
            "turnover": 365.25 / 6,
            "costs": 1.5,
            "periods_a_year": 252,
        },
        rel=1e-12,
    )


def test_doubling_in_four_years_of_365_and_a_quarter_days():
    sessions = pd.to_datetime(["2015-01-01", "2019-01-01"])
    figures = measured(pd.Series([50.0, 100.0], index=sessions), traded_value=300.0)

    assert figures["total_return"] == 1.0
    assert figures["cagr"] == pytest.approx(2**0.25 - 1, rel=1e-12)
    # 150 one way is twice the mean equity of 75, in four years.
    assert figures["turnover"] == pytest.approx(0.5, rel=1e-12)


def test_the_deepest_fall_need_not_be_the_last_one_nor_begin_at_the_start():
    equity = curve(100, 80, 120, 60, 130, 104)
    assert measured(equity)["max_drawdown"] == pytest.approx(-0.5)
    np.testing.assert_allclose(drawdown(equity), [0, -0.2, 0, -0.5, 0, -0.2])


def test_pandas_and_numpy_agree_on_a_long_curve():
    steps = np.sin(np.arange(1, 2000) ** 1.5) / 100 + 0.0003
    equity = curve(*(1e5 * np.cumprod(np.append(1.0, 1 + steps))))
    returns = equity.pct_change().dropna()

    figures = measured(equity)

    assert figures["annual_volatility"] == pytest.approx(returns.std() * 252**0.5)
    assert figures["sharpe"] == pytest.approx(returns.mean() / returns.std() * 252**0.5)
    falls = returns.clip(upper=0)
    assert figures["sortino"] == pytest.approx(
        returns.mean() / (falls**2).mean() ** 0.5 * 252**0.5
    )


@settings(derandomize=True, deadline=None)
@given(curves, st.floats(1e-3, 1e3), st.floats(0, 1e6))
def test_another_currency_changes_nothing_but_costs(values, rate, traded):
    # Near its threshold, the same curve could be without risk in one of the two only.
    assume(len(set(values)) > 1 and np.ptp(values) > 1e-6 * max(values))
    here = measured(curve(*values), traded_value=traded, costs=7.0)
    there = measured(
        curve(*(rate * value for value in values)),
        traded_value=rate * traded,
        costs=rate * 7.0,
    )
    assert there.pop("costs") == rate * here.pop("costs")
    for name, figure in there.items():
        if figure is None:
            assert here[name] is None
        else:
            assert figure == pytest.approx(here[name], rel=1e-6, abs=1e-9)


@settings(derandomize=True, deadline=None)
@given(curves)
def test_a_rising_curve_never_draws_down(values):
    figures = measured(curve(*sorted(values)))
    assert figures["max_drawdown"] == 0
    assert figures["sortino"] is None
    assert figures["calmar"] is None


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20)
)
def test_nothing_is_ever_nan_or_infinite(values):
    figures = measured(curve(*values))
    assert list(figures) == KEYS
    json.dumps(figures, allow_nan=False)
    assert all(type(value) in (float, type(None)) for value in figures.values())


@settings(derandomize=True, deadline=None)
@given(curves)
def test_a_drawdown_is_between_zero_and_total_loss_and_covers_the_total_return(values):
    figures = measured(curve(*values))
    assert -1 < figures["max_drawdown"] <= 0
    assert figures["total_return"] >= figures["max_drawdown"] - 1e-12


def test_a_constant_curve_has_no_ratios():
    assert measured(curve(100, 100, 100)) == {
        "total_return": 0.0,
        "cagr": 0.0,
        "annual_volatility": 0.0,
        "sharpe": None,
        "sortino": None,
        "max_drawdown": 0.0,
        "calmar": None,
        "turnover": 0.0,
        "costs": 0.0,
        "periods_a_year": 252.0,
    }


def test_steady_growth_is_without_risk_in_spite_of_its_rounding():
    # The returns of these floats deviate by about 1e-16, which would be a Sharpe
    # ratio of 1e15.
    figures = measured(curve(*(100 * 1.0003 ** np.arange(500))))
    assert figures["sharpe"] is None


def test_one_session_measures_nothing():
    figures = measured(curve(100), traded_value=50.0, costs=1.0)
    assert figures.pop("costs") == 1.0
    assert set(figures.values()) == {None}


def test_two_sessions_have_a_return_and_no_deviation():
    figures = measured(curve(100, 99))
    assert figures["total_return"] == pytest.approx(-0.01)
    assert figures["annual_volatility"] is None
    assert figures["sharpe"] is None
    assert figures["sortino"] == pytest.approx(-math.sqrt(252))


@pytest.mark.parametrize("last", [0.0, -50.0])
def test_a_ruined_account_has_lost_but_has_no_rate(last):
    figures = measured(curve(100, 120, last, 10), traded_value=9.0)
    assert figures["total_return"] == pytest.approx(-0.9)
    assert figures["max_drawdown"] == pytest.approx(last / 120 - 1)
    undefined = {"cagr", "annual_volatility", "sharpe", "sortino", "calmar", "turnover"}
    assert {key for key, value in figures.items() if value is None} == undefined


def test_an_account_that_begins_with_nothing_measures_nothing():
    figures = measured(curve(0, 10, 20))
    known = [key for key, value in figures.items() if value is not None]
    assert known == ["costs", "periods_a_year"]


def test_an_account_of_less_than_one_unit_of_currency_has_its_rates():
    sessions = pd.to_datetime(["2015-01-01", "2019-01-01"])
    figures = measured(pd.Series([0.25, 0.5], index=sessions), traded_value=1.5)
    assert figures["cagr"] == pytest.approx(2**0.25 - 1, rel=1e-12)
    assert figures["turnover"] == pytest.approx(0.5, rel=1e-12)


def test_a_growth_too_large_for_a_float_is_undefined():
    figures = measured(curve(1e-300, 1.0, 1e300))
    assert figures["total_return"] is None
    assert figures["cagr"] is None
    assert figures["max_drawdown"] == 0


@pytest.mark.parametrize(
    ("equity", "message"),
    [
        ([100.0, 101.0], "not a series"),
        (pd.Series([100.0, 101.0]), "not dates"),
        (curve(), "no data"),
        (curve(100, 101)[::-1], "out of order"),
        (curve(100, 101).set_axis(pd.to_datetime(["2019-01-02"] * 2)), "repeated"),
        (curve(100, 101).set_axis(pd.to_datetime(["2019-01-02", None])), "missing"),
        (curve(100, math.nan), "2019-01-03: equity is not finite"),
        (curve(100, math.inf), r"not finite \(got inf\)"),
        (curve(100, math.nan, math.inf), r"2019-01-03: .* not finite \(got nan\)"),
        (curve(100, 101).astype(str), "not numbers"),
    ],
)
def test_what_is_not_an_equity_curve_is_refused(equity, message):
    if isinstance(equity, pd.Series) and equity.dtype != "float64":
        equity = equity + " dollars"
    with pytest.raises(DataError, match=message):
        measured(equity)


@pytest.mark.parametrize("name", ["traded_value", "costs"])
@pytest.mark.parametrize("amount", [math.nan, math.inf])
def test_amounts_must_be_finite(name, amount):
    amounts = {"traded_value": 0.0, "costs": 0.0} | {name: amount}
    with pytest.raises(DataError, match=f"{name} is not finite"):
        performance(curve(100, 101), **amounts)


def test_a_year_runs_from_the_last_close_of_the_year_before():
    sessions = ["2017-12-29", "2018-01-02", "2018-12-31", "2019-01-02", "2019-06-28"]
    equity = pd.Series([100.0, 105.0, 110.0, 99.0, 121.0], pd.to_datetime(sessions))
    yearly = yearly_returns(equity)
    assert list(yearly.index) == [2018, 2019]
    np.testing.assert_allclose(yearly, [0.1, 0.1])


def test_a_first_year_runs_from_the_first_close():
    sessions = pd.to_datetime(["2018-03-01", "2018-12-31", "2019-01-02"])
    yearly = yearly_returns(pd.Series([100.0, 150.0, 75.0], sessions))
    assert dict(yearly) == {2018: 0.5, 2019: -0.5}


def test_a_year_without_a_base_is_nan():
    sessions = pd.to_datetime(["2018-03-01", "2018-12-31", "2019-01-02"])
    yearly = yearly_returns(pd.Series([100.0, math.nan, 75.0], sessions))
    assert list(yearly.index) == [2018, 2019]
    assert yearly.isna().all()
    ruined = yearly_returns(pd.Series([100.0, 0.0, 75.0], sessions))
    assert ruined[2018] == -1
    assert math.isnan(ruined[2019])


def test_a_year_may_begin_with_less_than_one_unit_of_currency():
    sessions = pd.to_datetime(["2017-12-29", "2018-12-31", "2019-06-28"])
    yearly = yearly_returns(pd.Series([0.25, 0.5, 0.75], sessions))
    assert dict(yearly) == {2018: 1.0, 2019: 0.5}


def test_one_session_has_no_year():
    assert yearly_returns(curve(100)).empty


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(1.0, 1e6), min_size=2, max_size=40))
def test_years_compound_to_the_whole(values):
    sessions = pd.date_range("2015-01-30", periods=len(values), freq="50D")
    equity = pd.Series(values, sessions)
    compounded = (1 + yearly_returns(equity)).prod()
    assert compounded == pytest.approx(values[-1] / values[0], rel=1e-9)
