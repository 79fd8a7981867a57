"""Days and moments that callers hand in, and how long bars take to settle."""

from __future__ import annotations

import datetime as dt

from bt_lstm_rotation.errors import SpecError

__all__ = ["DAY", "SETTLE", "as_moment", "check_day", "check_settle", "midnight_after"]

DAY = dt.timedelta(days=1)

# Vendors correct the last minutes of a session after its close: the closing auction is
# reported late, and Yahoo's quotes of most exchanges are 15 minutes old.
SETTLE = dt.timedelta(minutes=30)
LONGEST_SETTLE = dt.timedelta(days=7)

# All in pandas' range, with room for a calendar to look a little further.
FIRST_DAY, LAST_DAY = dt.date(1800, 1, 1), dt.date(2200, 12, 31)


def check_day(owner: str, field: str, value: object) -> None:
    """Raise SpecError unless ``value`` is a date from `FIRST_DAY` to `LAST_DAY`."""
    # A moment is a date to isinstance, and so is pandas' NaT.
    if (
        not isinstance(value, dt.date)
        or isinstance(value, dt.datetime)
        or not FIRST_DAY <= value <= LAST_DAY
    ):
        valid = f"a datetime.date from {FIRST_DAY} to {LAST_DAY}"
        raise SpecError(owner, field, value, valid)


def as_moment(owner: str, field: str, value: object) -> dt.datetime:
    """Return ``value`` in UTC; raise SpecError unless it is an aware datetime."""
    if (
        not isinstance(value, dt.datetime)
        or value != value  # pandas' NaT
        or value.utcoffset() is None
        or not FIRST_DAY.year <= value.year <= LAST_DAY.year
    ):
        valid = "a datetime with a time zone, in the years 1800 to 2200"
        raise SpecError(owner, field, value, valid)
    return value.astimezone(dt.UTC)


def check_settle(owner: str, value: object) -> None:
    """Raise SpecError unless ``value`` is a timedelta from 0 to a week."""
    if not isinstance(value, dt.timedelta) or not (
        dt.timedelta(0) <= value <= LONGEST_SETTLE
    ):
        raise SpecError(owner, "settle", value, "a datetime.timedelta from 0 to 7 days")


def midnight_after(day: dt.date) -> dt.datetime:
    """Return the moment at which a day is over in UTC."""
    return dt.datetime.combine(day + DAY, dt.time(), dt.UTC)
