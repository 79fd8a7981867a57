"""Markets whose sessions are days of UTC, and what fits a folder's bars."""

from __future__ import annotations

import datetime as dt
import sys

import numpy as np
import pytest
from new_york import SESSIONS

from bt_lstm_rotation.errors import DataError, MissingExtraError, SpecError
from bt_lstm_rotation.paper.market import (
    EveryDay,
    GivenSessions,
    Weekdays,
    market_named,
    market_of,
)
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import SimulatedMarket

FRIDAY, SATURDAY, SUNDAY, MONDAY = (dt.date(2024, 7, number) for number in (5, 6, 7, 8))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def panel_of(days) -> PricePanel:
    sessions = np.array(days, dtype="datetime64[D]")
    return PricePanel(sessions, ("A",), np.ones((5, len(sessions), 1)))


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2024-07-07 00:00", FRIDAY),  # Saturday is over, and settles
        ("2024-07-07 00:29", FRIDAY),
        ("2024-07-07 00:30", SATURDAY),
        ("2024-07-08 00:30", SUNDAY),
    ],
)
def test_coins_have_a_session_each_day_that_ends_at_midnight(now, last):
    market = EveryDay()
    assert market.finished(at(now)) == last
    assert market.following(last) == last + dt.timedelta(days=1)
    assert market.next_close(at(now)) == market.close(market.following(last))
    assert market.close(last) == at(f"{last + dt.timedelta(days=1)} 00:00")
    assert market.sessions(FRIDAY, MONDAY) == (FRIDAY, SATURDAY, SUNDAY, MONDAY)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2024-07-06 00:29", dt.date(2024, 7, 4)),
        ("2024-07-06 00:30", FRIDAY),
        ("2024-07-09 00:29", FRIDAY),
        ("2024-07-09 00:30", MONDAY),
    ],
)
def test_weekdays_leave_out_the_weekend(now, last):
    market = Weekdays()
    assert market.finished(at(now)) == last
    assert market.sessions(FRIDAY, MONDAY) == (FRIDAY, MONDAY)
    assert market.following(FRIDAY) == market.following(SUNDAY) == MONDAY
    assert market.next_close(at(now)) == market.close(market.following(last))
    with pytest.raises(SpecError, match="a weekday"):
        market.close(SATURDAY)


def test_bars_are_their_own_calendar():
    market = GivenSessions([MONDAY, FRIDAY, FRIDAY])
    assert market.sessions(FRIDAY, MONDAY) == (FRIDAY, MONDAY)
    assert market.finished(at("2024-07-06 00:00")) == FRIDAY
    assert market.finished(at("2024-07-08 23:59")) == FRIDAY
    assert market.finished(at("2024-07-09 00:00")) == MONDAY
    assert market.following(FRIDAY) == MONDAY
    assert market.close(FRIDAY) == at("2024-07-06 00:00")
    assert market.next_close(at("2024-07-06 12:00")) == at("2024-07-09 00:00")
    with pytest.raises(SpecError, match="a date that has bars"):
        market.close(SATURDAY)


def test_after_the_last_bars_any_day_may_bring_some():
    market = GivenSessions([FRIDAY])
    assert market.next_close(at("2024-07-06 12:00")) == at("2024-07-07 00:00")
    assert market.next_close(at("2024-07-07 00:00")) == at("2024-07-08 00:00")
    with pytest.raises(DataError, match="2024-07-05: no later session is known yet"):
        market.following(FRIDAY)
    assert GivenSessions().next_close(at("2024-07-06 12:00")) == at("2024-07-07 00:00")


def test_before_the_first_bars_are_over_nothing_is_finished():
    with pytest.raises(DataError, match="by 2024-07-05 23:59 UTC; the first is 2024"):
        GivenSessions([FRIDAY]).finished(at("2024-07-05 23:59"))
    with pytest.raises(DataError, match="there is none"):
        GivenSessions().finished(at("2024-07-05 23:59"))


def test_a_panels_sessions_are_dates_to_give():
    panel = panel_of([FRIDAY, MONDAY])
    given = market_named("bars", dates=panel.sessions)
    assert given.sessions(FRIDAY, MONDAY) == (FRIDAY, MONDAY)


@pytest.mark.parametrize(
    "dates",
    [
        "2024-07-05",
        [at("2024-07-05 12:00")],
        np.array([1, 2]),
        np.array(["NaT"], dtype="datetime64[D]"),
        [None],
    ],
    ids=repr,
)
def test_other_dates_are_refused(dates):
    with pytest.raises(SpecError, match="session must be"):
        GivenSessions(dates)


def test_a_settling_delay_of_ones_own():
    hour = dt.timedelta(hours=1)
    for name in ("24/7", "weekdays", "bars", "XNYS"):
        assert market_named(name, settle=hour).settle == hour


def test_new_yorks_bars_are_told_by_their_dates():
    name, reason = market_of(panel_of(SESSIONS))
    assert name == "XNYS"
    assert (
        reason == "250 of the last 250 sessions are among New York's 250 of that time"
    )


@pytest.mark.parametrize(("lacking", "name"), [(2, "XNYS"), (3, "bars")])
def test_a_few_days_without_bars_are_no_other_calendar(lacking, name):
    days = SESSIONS[:100] + SESSIONS[100 + lacking :]
    assert market_of(panel_of(days))[0] == name


def test_coins_are_told_by_their_weekends():
    days = np.arange("2023-01-01", "2024-01-01", dtype="datetime64[D]")
    assert market_of(panel_of(days)) == ("24/7", "250 of the last 250 days have bars")
    assert market_of(panel_of(np.delete(days, -20)))[0] == "24/7"


@pytest.mark.parametrize(
    "days",
    [
        SESSIONS[::5],
        np.arange("2300-01-01", "2301-01-01", 2, dtype="datetime64[D]"),
        np.array(SESSIONS, dtype="datetime64[D]") + np.timedelta64(1, "D"),
    ],
    ids=["weekly", "beyond all calendars", "dated a day late"],
)
def test_other_bars_are_their_own_calendar(days):
    assert market_of(panel_of(days))[0] == "bars"


def test_a_simulated_market_trades_on_holidays_too():
    panel = SimulatedMarket(n_sessions=600, start=dt.date(2020, 1, 1)).panel()
    assert market_of(panel)[0] == "bars"


@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_few_bars_tell_nothing(count):
    name, reason = market_of(panel_of(SESSIONS[:count]))
    assert name == "bars"
    assert reason == f"{count} sessions are too few to tell by"


def test_without_the_library_only_coins_can_be_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    days = np.arange("2023-01-01", "2024-01-01", dtype="datetime64[D]")
    assert market_of(panel_of(days))[0] == "24/7"
    with pytest.raises(MissingExtraError, match=r"rotation\[paper\]"):
        market_of(panel_of(SESSIONS))
