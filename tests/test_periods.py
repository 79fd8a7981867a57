"""Calendar periods against plain Python's calendar."""

from __future__ import annotations

import calendar
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from fakes import days
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.periods import (
    PERIODS,
    check_period,
    longest_period,
    period_of,
    stale_after,
)

EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True, database=None)
dates = st.dates(dt.date(1900, 1, 1), dt.date(2200, 12, 31))


def next_weekday(day: dt.date) -> dt.date:
    day += dt.timedelta(days=1)
    while day.weekday() >= 5:
        day += dt.timedelta(days=1)
    return day


def period(day: dt.date, every) -> int:
    return int(period_of(np.array([day], dtype="datetime64[D]"), every)[0])


def periods(texts, every) -> list[int]:
    return period_of(np.array(days(texts)), every).tolist()


# Strictly increasing keys of the period that a session's fill falls into.
ORACLE = {
    "weekly": lambda day: day.toordinal() - day.weekday(),
    "monthly": lambda day: (day.year, day.month),
    "quarterly": lambda day: (day.year, (day.month - 1) // 3),
}


@pytest.mark.parametrize("every", PERIODS)
@EXAMPLES
@given(first=dates, second=dates)
def test_sessions_share_a_period_as_their_next_weekdays_do(every, first, second):
    key = ORACLE[every]
    ours = period(first, every), period(second, every)
    theirs = key(next_weekday(first)), key(next_weekday(second))
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
    assert (ours[0] < ours[1]) == (theirs[0] < theirs[1])


@pytest.mark.parametrize("every", PERIODS)
@EXAMPLES
@given(day=dates)
def test_neighbouring_days_are_told_apart_as_plain_python_does(every, day):
    tomorrow = day + dt.timedelta(days=1)
    key = ORACLE[every]
    turned = key(next_weekday(day)) != key(next_weekday(tomorrow))
    assert period(tomorrow, every) - period(day, every) == int(turned)


@EXAMPLES
@given(day=st.dates(dt.date(1970, 1, 1), dt.date(2100, 12, 31)), every=st.integers(1))
def test_a_number_counts_weekdays_from_1970(day, every):
    every = every % 300 + 1
    fill = next_weekday(day)
    since = (fill - dt.date(1970, 1, 1)).days
    weeks, rest = divmod(since, 7)
    # 1970-01-01 was a Thursday, so the days of a part week begin there.
    counted = weeks * 5 + sum((3 + number) % 7 < 5 for number in range(rest))
    assert period(day, every) == counted // every


@EXAMPLES
@given(year=st.integers(1900, 2200), month=st.integers(1, 12))
def test_the_last_weekday_of_a_month_belongs_to_the_next_month(year, month):
    length = calendar.monthrange(year, month)[1]
    month_days = [dt.date(year, month, number + 1) for number in range(length)]
    *others, last = [day for day in month_days if day.weekday() < 5]
    ours = {period(day, "monthly") for day in others}
    assert len(ours) == 1
    assert period(last, "monthly") == ours.pop() + 1


def test_january_ends_at_the_close_before_its_last():
    sessions = ["2020-01-29", "2020-01-30", "2020-01-31", "2020-02-03"]
    january, same, february, still = periods(sessions, "monthly")
    assert january == same == february - 1
    assert february == still


def test_a_month_whose_last_weekday_is_good_friday_ends_one_session_late():
    # 2018-03-30 was no session: Thursday's next weekday is in March, Monday's in April.
    thursday, monday, tuesday = periods(
        ["2018-03-29", "2018-04-02", "2018-04-03"], "monthly"
    )
    assert thursday == monday - 1
    assert monday == tuesday


def test_a_friday_and_its_weekend_belong_to_the_week_that_follows():
    keys = periods(
        ["2024-03-07", "2024-03-08", "2024-03-09", "2024-03-10", "2024-03-11"],
        "weekly",
    )
    assert keys == [keys[0]] + [keys[0] + 1] * 4


def test_quarters_turn_with_four_months_of_the_year():
    ends = ["2024-03-28", "2024-03-29", "2024-06-28", "2024-09-30", "2024-12-31"]
    keys = periods(ends, "quarterly")
    assert [key - keys[0] for key in keys] == [0, 1, 2, 3, 4]


def test_every_one_weekday_is_a_new_period_each_weekday():
    keys = periods(["2024-03-07", "2024-03-08", "2024-03-09", "2024-03-11"], 1)
    assert np.diff(keys).tolist() == [1, 0, 1]


def test_the_order_and_number_of_sessions_do_not_matter():
    some = np.array(days(["2024-05-31", "2020-01-01", "2024-05-31"]))
    for every in (*PERIODS, 7):
        alone = [int(period_of(some[[row]], every)[0]) for row in range(3)]
        assert period_of(some, every).tolist() == alone
        assert len(period_of(some[:0], every)) == 0


@pytest.mark.parametrize("every", [*PERIODS, 1, 21, 1_000_000])
def test_periods_that_exist_are_taken_as_they_are(every):
    assert check_period("Spec", "retrain", every) is every


@pytest.mark.parametrize(
    "every",
    ["", "daily", "Monthly", b"monthly", None, 0, -1, 1.0, True, False, float("nan"),
     [], ["monthly"], ("weekly", 2), 10**30, np.array([1, 2]), np.array(["weekly"])],
)  # fmt: skip
def test_anything_else_is_told_what_would_be_valid(every):
    with pytest.raises(SpecError, match=r"Plan: due must be .*weekly.*monthly") as info:
        check_period("Plan", "due", every)
    assert info.value.value is every
    assert "weekdays" in str(info.value)


@pytest.mark.parametrize("freq", ["BME", "BMS", "ME", "W-FRI", "QE", "BQS"])
@pytest.mark.parametrize("missing", [1, 2])
def test_one_or_two_missing_bars_are_no_end_and_four_are(freq, missing):
    dates = pd.date_range("1990-01-01", periods=200, freq=freq)
    gaps = np.diff(dates.to_numpy()) / np.timedelta64(1, "D")
    for row in range(22, len(gaps) - 4):
        allowed = stale_after(gaps[row - 21 : row])
        assert gaps[row : row + 1 + missing].sum() <= allowed
        assert gaps[row : row + 4].sum() > allowed


@pytest.mark.parametrize(
    ("gaps", "days"),
    [
        ([], 10),  # a single bar has no spacing
        ([0.0] * 21, 10),  # bars within one day
        ([1, 1, 1, 3] * 5, 10),  # an exchange's days and weekends
        ([1] * 11 + [36] * 10, 10),  # as many halts as there may be
        ([2, 3, 2, 2, 3], 10),  # Mondays, Wednesdays and Fridays
        ([7] * 21, 24),  # 3.5 * 7 = 24.5
        ([7, 7, 14, 7, 7, 21, 7], 24),
        ([30] * 21, 105),
        ([365, 365, 366], 1277),
    ],
)
def test_a_symbol_has_stopped_after_ten_days_or_three_and_a_half_spacings(gaps, days):
    assert stale_after(gaps) == stale_after(np.array(gaps, dtype=float)) == days


@pytest.mark.parametrize("every", [*PERIODS, 1, 2, 5, 6, 21, 63])
def test_the_longest_period_is_the_longest_of_400_years(every):
    # Dates fall on the same weekdays again after 400 years.
    every_day = np.arange(np.datetime64("1990-01-01"), np.datetime64("2391-01-01"))
    numbers = period_of(every_day, every)
    whole = np.unique(numbers, return_counts=True)[1][1:-1]
    assert longest_period(every) == whole.max()
