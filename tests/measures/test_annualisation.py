"""Sessions a year, against made-up calendars of markets whose number is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.measures.annualisation import measured_periods
from bt_lstm_rotation.measures.performance import performance

SUNDAY_TO_THURSDAY = "Sun Mon Tue Wed Thu"


def calendar(freq: str, n: int, first: str = "2015-01-05") -> pd.DatetimeIndex:
    if freq.startswith("Sun"):
        freq = pd.offsets.CustomBusinessDay(weekmask=freq)
    return pd.date_range(first, periods=n, freq=freq)


def thinned(sessions: pd.DatetimeIndex, seed: int) -> pd.DatetimeIndex:
    """Take 15 sessions of a hundred away, but not the first."""
    rng = np.random.default_rng(seed)
    gone = rng.choice(np.arange(1, len(sessions)), round(0.15 * len(sessions)), False)
    return sessions.delete(gone)


def days_after(*gaps: int) -> pd.DatetimeIndex:
    """Sessions so many days apart."""
    days = np.cumsum([0, *gaps])
    return pd.DatetimeIndex(np.datetime64("2015-01-05") + days)


MARKETS = [
    ("B", 252),
    (SUNDAY_TO_THURSDAY, 252),
    ("D", 365),
    ("W-FRI", 52),
    ("W-MON", 52),
    ("ME", 12),
    ("BMS", 12),
    ("QE", 4),
    ("2QE", 2),
    ("YE", 1),
]


@pytest.mark.parametrize(("freq", "periods"), MARKETS)
@pytest.mark.parametrize("n", [10, 60, 300])
def test_a_market_is_known_by_its_spacing(freq, periods, n):
    assert measured_periods(calendar(freq, n)) == periods


@pytest.mark.parametrize(("freq", "periods"), MARKETS)
@pytest.mark.parametrize("seed", range(5))
def test_missing_sessions_do_not_change_the_market(freq, periods, seed):
    assert measured_periods(thinned(calendar(freq, 120), seed)) == periods


@pytest.mark.parametrize(
    ("sessions", "periods"),
    [
        (["2019-01-04", "2019-01-07"], 252),  # Friday and Monday
        (["2019-01-03", "2019-01-04", "2019-01-07"], 252),
        (["2019-01-03", "2019-01-04"], 252),
        (["2019-01-04", "2019-01-11"], 52),
        (["2019-01-31", "2019-02-28"], 12),
        (["2019-03-29", "2019-06-28"], 4),
        (["2018-12-31", "2019-12-31"], 1),
    ],
)
def test_a_few_sessions_are_enough(sessions, periods):
    assert measured_periods(pd.DatetimeIndex(sessions)) == periods


# What the documentation says is about a week, a month, a quarter, half a year, a year.
@pytest.mark.parametrize(
    ("least", "most", "periods"),
    [(5, 9, 52), (26, 35, 12), (85, 97, 4), (175, 190, 2), (350, 380, 1)],
)
def test_a_spacing_is_told_to_the_day(least, most, periods):
    for days in (least, most):
        assert measured_periods(calendar(f"{days}D", 5)) == periods
    for days in (least - 1, most + 1):
        found = measured_periods(calendar(f"{days}D", 5))
        assert found == pytest.approx(365.25 / days)


def test_the_typical_spacing_is_the_lower_median():
    # 1 and 7 days; then 1, 7 and 7; each in the order that sorting has to change.
    assert measured_periods(days_after(7, 1)) == 252
    assert measured_periods(days_after(7, 7, 1)) == 52


def test_four_sessions_may_be_a_long_weekend_and_five_are_not():
    assert measured_periods(days_after(4)) == 252
    assert measured_periods(days_after(5)) == 52
    assert measured_periods(days_after(4, 4, 4)) == 252
    assert measured_periods(days_after(4, 4, 4, 4)) == pytest.approx(365.25 / 4)


def test_one_session_has_no_spacing():
    assert measured_periods(pd.DatetimeIndex(["2019-01-04"])) is None


def test_a_weekday_that_is_traded_once_in_a_while_is_none_of_the_markets():
    saturdays = pd.date_range("2015-01-10", periods=5, freq="280D")
    assert measured_periods(calendar("B", 1_500).union(saturdays)) == 252


def test_six_days_a_week_are_a_market_of_their_own():
    # As where bars of currencies begin on a Sunday evening.
    six = calendar("Sun Mon Tue Wed Thu Fri", 600)
    assert measured_periods(six) == 313
    assert measured_periods(thinned(six, 0)) == 313


def test_six_days_a_week_are_told_from_a_gap_after_eight_weeks():
    six = pd.offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu Fri Sat")
    monday = pd.Timestamp("2015-01-05")
    for last, periods in ((monday + pd.Timedelta(weeks=8), 313), ("2015-03-01", 365)):
        assert measured_periods(pd.date_range(monday, last, freq=six)) == periods
    tuesday = monday + pd.Timedelta(days=1)
    eight = pd.date_range(tuesday, monday + pd.Timedelta(weeks=8), freq=six)
    assert (eight[-1] - eight[0]).days == 55
    assert measured_periods(eight) == 365


@pytest.mark.parametrize(("saturdays", "periods"), [(49, 252), (50, 313)])
def test_a_weekday_is_traded_if_it_has_half_the_sessions(saturdays, periods):
    weekdays = calendar("B", 500)  # a hundred of each
    every_other = pd.date_range("2015-01-10", periods=saturdays, freq="14D")
    assert measured_periods(weekdays.union(every_other)) == periods


def test_a_week_with_a_hole_is_not_a_six_day_market():
    ten = calendar("D", 11).delete(4)
    assert measured_periods(ten) == 365


def test_holidays_do_not_change_a_market():
    holidays = [*pd.date_range("2016-12-26", "2017-01-06"), pd.Timestamp("2016-07-04")]
    sessions = calendar("B", 700).difference(pd.DatetimeIndex(holidays))
    assert measured_periods(sessions) == 252


def test_any_other_spacing_is_counted():
    # Mondays, Wednesdays and Fridays are 3 in 7 days; every other week is 1 in 14.
    thrice = pd.date_range("2015-01-05", periods=301, freq="D")
    thrice = thrice[thrice.day_of_week.isin([0, 2, 4])]
    assert measured_periods(thrice) == pytest.approx(365.25 * 3 / 7, rel=0.01)
    assert measured_periods(calendar("14D", 30)) == pytest.approx(365.25 / 14)


@pytest.mark.parametrize(("freq", "periods"), MARKETS)
def test_ratios_are_annualised_by_what_was_measured(freq, periods):
    steps = np.sin(np.arange(1, 80) ** 1.5) / 100 + 0.003
    values = 1e5 * np.cumprod(np.append(1.0, 1 + steps))
    equity = pd.Series(values, calendar(freq, 80))
    returns = equity.pct_change().dropna()
    figures = performance(equity, traded_value=0.0, costs=0.0)
    assert figures["periods_a_year"] == periods
    annual = math.sqrt(periods)
    assert figures["sharpe"] == pytest.approx(returns.mean() / returns.std() * annual)
    assert figures["annual_volatility"] == pytest.approx(returns.std() * annual)


def test_the_same_market_is_as_good_by_the_day_as_by_the_month():
    # Independent daily returns: their Sharpe ratio a year is that of their months, but
    # for chance, a tenth at most in so many years.
    rng = np.random.default_rng(0)
    sessions = calendar("B", 260 * 120, "1900-01-01")
    daily = pd.Series(
        np.exp(np.cumsum(rng.normal(4e-4, 0.01, len(sessions)))), sessions
    )
    monthly = daily.resample("ME").last()
    by_day, by_month = (
        performance(curve, traded_value=0.0, costs=0.0)["sharpe"]
        for curve in (daily, monthly)
    )
    assert by_month == pytest.approx(by_day, rel=0.1)


def test_a_number_that_is_given_is_the_one_that_is_used():
    equity = pd.Series([100.0, 101.0, 99.0], calendar("B", 3))
    given = performance(equity, traded_value=0.0, costs=0.0, periods_a_year=365)
    measured = performance(equity, traded_value=0.0, costs=0.0)
    assert given["periods_a_year"] == 365.0
    ratio = given["annual_volatility"] / measured["annual_volatility"]
    assert ratio == pytest.approx(math.sqrt(365 / 252))


@pytest.mark.parametrize("periods", [0.1, 366])
def test_the_least_and_the_most_periods_a_year_are_possible(periods):
    equity = pd.Series([100.0, 101.0], calendar("B", 2))
    figures = performance(equity, traded_value=0.0, costs=0.0, periods_a_year=periods)
    assert figures["periods_a_year"] == periods


@pytest.mark.parametrize(
    "periods", [0, 0.09, -1, 366.5, 367, math.nan, math.inf, "252", True, []]
)
def test_an_impossible_number_is_refused(periods):
    equity = pd.Series([100.0, 101.0], calendar("B", 2))
    with pytest.raises(SpecError, match=r"periods_a_year must be a number from 0\.1"):
        performance(equity, traded_value=0.0, costs=0.0, periods_a_year=periods)
