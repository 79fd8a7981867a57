"""When an exchange's sessions close, against a year written out by hand."""

from __future__ import annotations

import datetime as dt
import sys
import types

import pandas as pd
import pytest
from new_york import SESSIONS, close_of

from bt_lstm_rotation.errors import MissingExtraError, SpecError
from bt_lstm_rotation.paper.market import EveryDay, ExchangeMarket, market_named

MINUTE = dt.timedelta(minutes=1)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def at(text: str, zone: dt.tzinfo = dt.UTC) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.fixture(scope="module")
def new_york() -> ExchangeMarket:
    return ExchangeMarket("XNYS")


@pytest.fixture(scope="module")
def shanghai() -> ExchangeMarket:
    return ExchangeMarket("XSHG")


def test_a_year_of_sessions_and_their_closes(new_york):
    found = new_york.sessions(day("2024-01-01"), day("2024-12-31"))
    assert list(found) == SESSIONS
    assert len(found) == 252
    assert [new_york.close(session) for session in found] == list(
        map(close_of, SESSIONS)
    )


@pytest.mark.parametrize(
    ("session", "utc"),
    [
        ("2024-03-08", "21:00"),  # the clocks change on the Sunday
        ("2024-03-11", "20:00"),
        ("2024-11-01", "20:00"),
        ("2024-11-04", "21:00"),
        ("2024-07-03", "17:00"),  # 13:00 in summer
        ("2024-11-29", "18:00"),  # 13:00 in winter
    ],
)
def test_a_close_follows_daylight_saving_and_early_closes(new_york, session, utc):
    close = new_york.close(day(session))
    assert f"{close:%Y-%m-%d %H:%M}" == f"{session} {utc}"
    assert close.utcoffset() == dt.timedelta(0)
    assert new_york.finished(close + 30 * MINUTE - MINUTE) < day(session)
    assert new_york.finished(close + 30 * MINUTE) == day(session)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2024-07-02 19:59", "2024-07-01"),  # it still trades
        ("2024-07-02 20:00", "2024-07-01"),  # exactly at the close
        ("2024-07-02 20:29", "2024-07-01"),  # while bars settle
        ("2024-07-02 20:30", "2024-07-02"),
        ("2024-07-03 17:30", "2024-07-03"),  # an early close
        ("2024-07-04 23:00", "2024-07-03"),  # a holiday
        ("2024-07-05 20:29", "2024-07-03"),
        ("2024-07-07 12:00", "2024-07-05"),  # a Sunday
    ],
)
def test_a_session_is_finished_once_its_bars_have_settled(new_york, now, last):
    assert new_york.finished(at(now)) == day(last)
    following = new_york.following(day(last))
    assert new_york.next_close(at(now)) == new_york.close(following)


def test_a_moment_is_the_same_in_every_time_zone(new_york):
    tokyo = dt.timezone(dt.timedelta(hours=9))
    assert new_york.finished(at("2024-07-03 05:29", tokyo)) == day("2024-07-01")
    assert new_york.finished(at("2024-07-03 05:30", tokyo)) == day("2024-07-02")
    assert new_york.finished(pd.Timestamp("2024-07-02 20:30Z")) == day("2024-07-02")


def test_the_settling_delay_is_an_argument():
    prompt = ExchangeMarket("XNYS", settle=dt.timedelta(0))
    assert prompt.finished(at("2024-07-02 20:00")) == day("2024-07-02")
    late = ExchangeMarket("XNYS", settle=dt.timedelta(hours=12))
    assert late.finished(at("2024-07-03 07:59")) == day("2024-07-01")


def test_what_follows_a_session_or_any_other_date(new_york):
    assert new_york.following(day("2024-07-03")) == day("2024-07-05")
    assert new_york.following(day("2024-07-04")) == day("2024-07-05")
    assert new_york.following(day("2024-12-31")) == day("2025-01-02")
    assert new_york.following(day("2001-09-10")) == day("2001-09-17")


def test_no_sessions_are_none(new_york):
    assert new_york.sessions(day("2024-07-06"), day("2024-07-07")) == ()
    assert new_york.sessions(day("2024-07-08"), day("2024-07-05")) == ()
    assert new_york.sessions(day("2024-07-05"), day("2024-07-05")) == (
        day("2024-07-05"),
    )


def test_a_holiday_has_no_close_and_the_error_names_days_that_have(new_york):
    with pytest.raises(SpecError, match="example 2024-07-03 or 2024-07-05"):
        new_york.close(day("2024-07-04"))


def test_a_calendar_reaches_as_far_as_the_library_can_work_it_out():
    market = ExchangeMarket("XNYS")
    assert len(market.sessions(day("2095-01-01"), day("2095-12-31"))) > 245
    assert market.following(day("1850-06-01")) == day("1850-06-03")
    assert market.finished(at("2100-01-04 21:30")) == day("2100-01-04")
    # What was known before still is.
    assert market.close(day("2024-07-03")) == at("2024-07-03 17:00")


@pytest.mark.parametrize("text", ["1799-12-31", "2201-01-01", "0001-01-01"])
def test_a_date_in_no_calendar_is_an_error(new_york, text):
    for ask in (new_york.close, new_york.following):
        with pytest.raises(SpecError, match="1800-01-01 to 2200-12-31"):
            ask(day(text))
    with pytest.raises(SpecError, match="in the years 1800 to 2200"):
        new_york.finished(at(f"{text} 12:00"))


def test_a_date_that_an_exchange_has_not_decided_on_is_an_error(shanghai):
    for ask in (shanghai.close, shanghai.following):
        with pytest.raises(SpecError, match="a newer one may know more"):
            ask(day("2150-01-04"))
        with pytest.raises(SpecError, match="from 1990-12-03"):
            ask(day("1850-01-04"))
    for now in ("1850-01-04 12:00", "2150-01-04 12:00"):
        with pytest.raises(SpecError, match="from 1990-12-03"):
            shanghai.finished(at(now))


def test_nothing_is_said_of_the_sessions_after_the_last_one_known(shanghai):
    last = shanghai.sessions(day("2024-01-01"), shanghai._most)[-1]
    settled = shanghai.close(last) + shanghai.settle
    assert shanghai.finished(settled) == last
    with pytest.raises(SpecError, match="a newer one may know more"):
        shanghai.following(last)
    with pytest.raises(SpecError, match="a newer one may know more"):
        shanghai.finished(settled + dt.timedelta(days=30))


@pytest.mark.parametrize(
    "wrong",
    [
        dt.datetime(2024, 7, 2, 20, 30),
        pd.Timestamp("2024-07-02 20:30"),
        pd.NaT,
        dt.date(2024, 7, 2),
        "2024-07-02T20:30Z",
        1_720_000_000,
        None,
    ],
    ids=repr,
)
@pytest.mark.parametrize("ask", ["finished", "next_close"])
@pytest.mark.parametrize("name", ["XNYS", "24/7", "bars"])
def test_a_moment_without_a_time_zone_is_refused(name, ask, wrong):
    with pytest.raises(SpecError, match="now must be a datetime with a time zone"):
        getattr(market_named(name, dates=[day("2024-07-02")]), ask)(wrong)


@pytest.mark.parametrize(
    "wrong",
    [at("2024-07-02 20:30"), pd.Timestamp("2024-07-02"), pd.NaT, "2024-07-02", 0, None],
    ids=repr,
)
@pytest.mark.parametrize("name", ["XNYS", "24/7", "bars"])
def test_what_is_no_plain_date_is_refused(name, wrong):
    market = market_named(name, dates=[day("2024-07-02")])
    good = day("2024-07-02")
    for ask in (
        lambda: market.close(wrong),
        lambda: market.following(wrong),
        lambda: market.sessions(wrong, good),
        lambda: market.sessions(good, wrong),
    ):
        with pytest.raises(SpecError, match=r"must be a datetime\.date"):
            ask()


@pytest.mark.parametrize(
    "wrong", [30, None, dt.timedelta(days=-1), dt.timedelta(days=8)], ids=repr
)
@pytest.mark.parametrize(
    "kind", [lambda **own: ExchangeMarket("XNYS", **own), EveryDay]
)
def test_a_settling_delay_is_from_none_to_a_week(kind, wrong):
    with pytest.raises(SpecError, match="settle must be"):
        kind(settle=wrong)


@pytest.mark.parametrize("text", ["nyse", "NASDAQ", "xnys", "XNYS"])
def test_an_exchange_is_known_by_other_names_too(text):
    assert market_named(text).name == "XNYS"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("XNYSE", "did you mean 'XNYS'"),
        ("nasdac", "did you mean 'NASDAQ'"),
        ("", "known: "),
        (None, r"the code of an exchange, '24/7', 'weekdays' or 'bars' \(got None"),
        (7, "the code of an exchange"),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest(text, hint):
    with pytest.raises(SpecError, match=hint):
        market_named(text)


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    with pytest.raises(MissingExtraError, match=r"bt-lstm-rotation\[paper\]"):
        market_named("XNYS")
    assert market_named("24/7").name == "24/7"
    assert market_named("weekdays").name == "weekdays"
    assert market_named("bars").name == "bars"


def test_a_calendar_that_fails_inside_the_library_is_a_typed_error(monkeypatch):
    def fail(name, **bounds):
        raise NotImplementedError("by subclasses " + 1000 * "x")

    broken = types.SimpleNamespace(
        get_calendar=fail,
        get_calendar_names=lambda: ["ASEX"],
        resolve_alias=lambda name: name,
    )
    monkeypatch.setitem(sys.modules, "exchange_calendars", broken)
    with pytest.raises(SpecError, match="NotImplementedError: by subclasses") as caught:
        ExchangeMarket("ASEX")
    assert len(str(caught.value)) < 250
