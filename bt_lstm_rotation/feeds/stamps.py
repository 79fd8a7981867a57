"""The DataFrame behind a feed: its dates, and what can be wrong with them at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.feeds.naming import feed_name

__all__ = [
    "check_resampled",
    "check_stamps",
    "first_feed",
    "frame_of",
    "is_utc",
    "names_days",
    "other_date_elsewhere",
    "stamps_of",
    "wall_times",
]

# Two weeks of sessions tell on which days of the week a market is open.
ENOUGH = 10

FRIDAY, SATURDAY, SUNDAY = 4, 5, 6

LOCAL = (
    "give local dates: frame.tz_convert('Europe/Berlin'), with the exchange's zone, "
    "or frame.tz_localize(None) if they are local already"
)


def first_feed(feed: Any) -> Any:
    """Return what a feed is a clone of, or the feed itself."""
    while getattr(feed, "_clone", False):
        feed = feed.data
    return feed


def frame_of(feed: Any) -> Any:
    """Return the DataFrame behind a feed, or None."""
    frame: Any = getattr(getattr(first_feed(feed), "p", None), "dataname", None)
    return frame if hasattr(frame, "index") and hasattr(frame, "iloc") else None


def stamps_of(feed: Any) -> Any:
    """Return a feed's dates as pandas has them, with a `tz`; None if there are none.

    Raises
    ------
    DataError
        If they are in different time zones each.
    """
    feed, frame = first_feed(feed), frame_of(feed)
    if frame is None:
        return None
    place = getattr(feed.p, "datetime", None)
    mapped = getattr(feed, "_colmapping", None)
    if mapped is not None:  # PandasData: None is the index
        place = mapped.get("datetime")
    else:  # PandasDirectData counts the index as column 0
        place = None if not place else int(place) - 1
    if place is None:
        stamps = frame.index
    else:
        column = frame[place] if isinstance(place, str) else frame.iloc[:, place]
        stamps = column.array
    if hasattr(stamps, "tz"):
        return stamps
    if any(getattr(stamp, "tzinfo", None) is not None for stamp in stamps):
        raise DataError(
            "dates that each have a time zone of their own",
            symbol=feed_name(feed),
            value=str(stamps[0]),
            valid="one zone: pandas.to_datetime(dates, utc=True)"
            ".tz_convert('Europe/Berlin'), with the exchange's",
        )
    return None


def wall_times(stamps: Any, zone: dt.tzinfo | None = None) -> NDArray[np.datetime64]:
    """Return what a clock shows at the dates, (n,) datetime64[us].

    In `zone`, or in their own if that is None. Dates without one are as they are, or in
    UTC if there is a `zone`: that is how Backtrader reads them.
    """
    if zone is not None:
        aware = stamps if stamps.tz is not None else stamps.tz_localize("UTC")
        stamps = aware.tz_convert(zone)
    times: NDArray[np.datetime64] = np.asarray(stamps.tz_localize(None))
    return times.astype("datetime64[us]")


def names_days(times: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Tell which times are a midnight or in a day's last minute, as dates of days."""
    share = times - times.astype("datetime64[D]").astype(times.dtype)
    minute = np.timedelta64(1, "m")
    found: NDArray[np.bool_] = (share == 0 * minute) | (share > 1_439 * minute)
    return found


def is_utc(zone: dt.tzinfo | None) -> bool:
    """Whether a time zone is UTC, under any name and from any package."""
    return zone is not None and zone.utcoffset(None) == dt.timedelta(0)


def other_date_elsewhere(name: str, session: str, value: str) -> DataError:
    """Return the error for a bar of a day at a time that is midnight elsewhere."""
    return DataError(
        "a bar of a day at a time that is another date elsewhere",
        symbol=name,
        session=session,
        value=value,
        valid=LOCAL,
    )


def check_stamps(
    name: str, stamps: Any, local: NDArray[np.datetime64], feed: Any
) -> None:
    """Refuse bars of a day whose dates are another's.

    Parameters
    ----------
    local : (n,) datetime64[us]
        What a clock at the exchange shows.

    Raises
    ------
    DataError
        If they are in UTC, at a time of day; if there are Sundays and neither Fridays
        nor Saturdays, at a time of day, as dates have that were written in a zone
        further west; if midnight in UTC is the evening before; or if `fromdate` and
        `todate`, which Backtrader compares in UTC, cut elsewhere than asked.
    """
    by_index = stamps.tz is not None and getattr(feed, "_tz", None) is None
    if by_index and is_utc(stamps.tz) and not (named := names_days(local)).all():
        row = int(np.argmin(named))
        raise other_date_elsewhere(name, str(local[row])[:10], str(stamps[row]))
    if stamps.tz is not None:
        _check_midnights(name, stamps, local)
    _check_weekdays(name, local)
    if by_index:
        _check_cut(name, stamps, local, feed)


def check_resampled(
    name: str,
    stamps: Any,
    given: dt.tzinfo | None,
    shown: dt.tzinfo | None,
    *,
    is_copy: bool,
) -> None:
    """Refuse days and weeks that Backtrader has cut by another date.

    Parameters
    ----------
    given, shown : tzinfo or None
        The feed's ``tzinput`` and ``tz``.
    is_copy : bool
        Whether another feed of the same Cerebro shows the shorter bars.

    Raises
    ------
    DataError
        If the date by which a bar was put in its day or week is not the exchange's.
    """
    if given is not None and stamps.tz is None:
        first = np.ones(len(stamps), dtype=bool)
        stamps = stamps.tz_localize(given, ambiguous=first, nonexistent="shift_forward")
    local = wall_times(stamps)
    if shown is not None and (
        is_utc(stamps.tz) or (stamps.tz is None and not names_days(local).all())
    ):
        local = wall_times(stamps, shown)
    days = local.astype("datetime64[D]")
    other = days != wall_times(stamps, shown or dt.UTC).astype("datetime64[D]")
    # Where the shorter bars are shown too, a filter may have brought them to midnight.
    other |= is_copy and stamps.tz is not None and shown is not None
    if other.any():
        raise DataError(
            f"resampled by the days of {shown or 'UTC'}, which are not the exchange's",
            symbol=name,
            session=str(days[np.argmax(other)]),
            value=str(local[np.argmax(other)].astype("datetime64[m]")),
            valid="give local dates, frame.tz_localize(None), and no tz; or, to a feed "
            "that is only resampled, its exchange's zone as tz",
        )


def _check_midnights(name: str, stamps: Any, local: NDArray[np.datetime64]) -> None:
    utc = wall_times(stamps, dt.UTC)
    days = utc.astype("datetime64[D]")
    other = (utc == days) & (local.astype("datetime64[D]") != days)
    if other.any():
        row = int(np.argmax(other))
        raise DataError(
            "midnight in UTC, which is the evening before at the exchange",
            symbol=name,
            session=str(days[row]),
            value=str(stamps[row]),
            valid=LOCAL,
        )


def _check_weekdays(name: str, local: NDArray[np.datetime64]) -> None:
    days = local.astype("datetime64[D]")
    timed = local != days
    found = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    sundays = timed & (found == SUNDAY)
    closed = not np.isin(found, (FRIDAY, SATURDAY)).any()
    if len(days) >= ENOUGH and closed and sundays.any():
        first = local[np.argmax(sundays)].astype("datetime64[m]")
        raise DataError(
            "bars on Sundays and none on Fridays: dates of another time zone",
            symbol=name,
            session=str(first.astype("datetime64[D]")),
            value=str(first),
            valid="give local dates: frame.tz_convert('Asia/Tokyo'), with the "
            "exchange's zone, after tz_localize('UTC') if they have none; where Sunday "
            "is a session, dates without a time of day: frame.index.normalize()",
        )


def _check_cut(
    name: str, stamps: Any, local: NDArray[np.datetime64], feed: Any
) -> None:
    first, last = feed.p.fromdate, feed.p.todate
    if first is None and last is None:
        return
    asked = _between(local.astype("datetime64[D]").astype("datetime64[us]"), feed)
    cut = asked != _between(wall_times(stamps, dt.UTC), feed)
    if cut.any():
        raise DataError(
            "fromdate and todate are compared in UTC, not where the exchange is",
            symbol=name,
            session=str(local[np.argmax(cut)].astype("datetime64[D]")),
            value=f"{first}, {last}",
            valid=f"cut the frame instead, frame.loc[...], or give tz='{stamps.tz}'",
        )


def _between(times: NDArray[np.datetime64], feed: Any) -> NDArray[np.bool_]:
    inside = np.ones(len(times), dtype=bool)
    if feed.p.fromdate is not None:
        inside &= times >= np.datetime64(feed.p.fromdate, "us")
    if feed.p.todate is not None:
        inside &= times <= np.datetime64(feed.p.todate, "us")
    return inside
