"""A bar's session is the exchange's local date; what cannot be known is an error."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.dates import iso_dates, latest_date, sessions_of

YEAR = pd.bdate_range("2019-01-01", "2019-12-31")


def texts(index: pd.DatetimeIndex) -> pd.Series:
    return pd.Series([str(stamp) for stamp in index])


def both_doors(index: pd.DatetimeIndex) -> list:
    """The sessions as a frame and as a file give them."""
    return [sessions_of("X", index), iso_dates("X", "X.csv", texts(index))]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Tokyo", "America/New_York"])
def test_local_midnights_are_their_own_sessions(zone):
    for sessions in both_doors(YEAR.tz_localize(zone)):
        assert list(sessions) == list(YEAR)


@pytest.mark.parametrize("hours", [9.5, 16.0, 17.5])
@pytest.mark.parametrize("zone", [None, "Europe/London", "America/New_York"])
def test_the_time_of_an_open_or_a_close_is_no_other_session(hours, zone):
    local = (YEAR + pd.Timedelta(hours=hours)).tz_localize(zone)
    for sessions in both_doors(local):
        assert list(sessions) == list(YEAR)


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "Asia/Tokyo", "America/New_York", "Europe/London"]
)
@pytest.mark.parametrize("written", ["UTC", "naive"])
def test_another_places_midnight_is_refused(zone, written):
    utc = YEAR.tz_localize(zone).tz_convert("UTC")
    index = utc if written == "UTC" else utc.tz_localize(None)
    for door in (
        lambda: sessions_of("X", index),
        lambda: iso_dates("X", "X.csv", texts(index)),
    ):
        with pytest.raises(DataError, match="a midnight elsewhere") as caught:
            door()
        assert caught.value.symbol == "X"
        assert caught.value.valid.startswith("give local dates")


def test_the_time_that_was_seen_is_named():
    utc = YEAR.tz_localize("Europe/Berlin").tz_convert("UTC")
    with pytest.raises(DataError) as caught:
        sessions_of("EU", utc)
    assert caught.value.problem == (
        "daily bars at 22:00 and 23:00 UTC: a midnight elsewhere"
    )
    assert caught.value.value == "2018-12-31 23:00"


def test_a_european_midnight_in_new_yorks_time_is_refused():
    index = YEAR.tz_localize("Europe/Berlin").tz_convert("America/New_York")
    with pytest.raises(DataError, match="a midnight elsewhere"):
        sessions_of("X", index)


def test_a_fixed_offset_all_year_is_refused_where_the_exchange_moves():
    index = YEAR.tz_localize("America/New_York").tz_convert("Etc/GMT+5")
    with pytest.raises(DataError, match="00:00 and 23:00: a midnight elsewhere"):
        iso_dates("X", "X.csv", texts(index))


def test_a_market_of_every_day_has_its_midnight_in_utc():
    days = pd.date_range("2019-01-01", periods=60)
    for sessions in both_doors(days.tz_localize("UTC")):
        assert list(sessions) == list(days)


def test_mixed_offsets_of_one_exchange_in_objects_are_its_local_dates():
    stamps = [
        dt.datetime.fromisoformat(text)
        for text in ("2019-03-08 00:00-05:00", "2019-03-11 00:00-04:00")
    ]
    sessions = sessions_of("X", pd.Index(stamps, dtype=object))
    assert [str(day.date()) for day in sessions] == ["2019-03-08", "2019-03-11"]


def test_bars_within_the_day_are_left_to_the_rule_for_those():
    hours = pd.date_range("2019-01-01 10:00", periods=5, freq="h", tz="UTC")
    assert len(sessions_of("X", hours).unique()) == 1


@pytest.mark.parametrize(
    ("now", "latest"),
    [
        ("2026-01-05T23:00-05:00", dt.date(2026, 1, 6)),  # an American evening
        ("2026-01-06T09:59+00:00", dt.date(2026, 1, 6)),
        ("2026-01-06T10:00+00:00", dt.date(2026, 1, 7)),
    ],
)
def test_the_latest_date_on_earth_is_that_of_utc_and_fourteen_hours(now, latest):
    assert latest_date(dt.datetime.fromisoformat(now)) == latest
