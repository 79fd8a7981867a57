"""The session that a bar of a feed belongs to: the date where its exchange is.

Backtrader keeps a bar's date as days since 0001-01-01 and a share of one, in UTC:
midnight in Berlin is 23:00 of the day before. What it shows (``feed.datetime.date(0)``,
``bt.num2date``) depends besides on ``cerebro.addtz`` and a feed's ``tz``, which are
meant for display. So everything here goes by the numbers, and by one definition:

- Dates without a time zone are local already.
- With a time zone (the index of a DataFrame, else a feed's ``tzinput``, else its
  ``tz``) the session is the date in it.
- A bar of a day or longer that is dated by an exact midnight, or by the last minute
  of its day, names its session itself.
- What cannot be known from this is an error.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_date
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.stamps import (
    check_resampled,
    check_stamps,
    is_utc,
    names_days,
    other_date_elsewhere,
    stamps_of,
    wall_times,
)
from bt_lstm_rotation.periods import EPOCH

__all__ = [
    "SessionClock",
    "SessionDates",
    "as_session",
    "dates_of",
    "session_of",
    "source_dates",
]

# Backtrader's own CSV feeds, and some exchanges for coins, date a day by its last
# moment.
LAST_MINUTE = 1.0 - 1.0 / 1_440.0

# A double near today's dates is 10 microseconds coarse. A time that has a whole number
# of minutes is off by at most a third of that; Backtrader's end of a session, 10
# microseconds before midnight, by at least two thirds.
ROUNDING = dt.timedelta(microseconds=5)

# From here on a bar of a day may as well be midnight in a time zone further east.
EVENING = dt.time(22)


@dataclass(frozen=True)
class SessionDates:
    """How one feed's date numbers become sessions.

    Parameters
    ----------
    name : str
        The feed's.
    zone : tzinfo or None
        The exchange's; None if the numbers are local dates.
    daily : bool
        Whether there is at most one bar a day, as far as can be known.
    twice : datetime64[D] or None
        The first session that is known to have more than one.
    known : (n,) datetime64[D] or None
        Its sessions, where a DataFrame names them before any bar is loaded.
    """

    name: str
    zone: dt.tzinfo | None
    daily: bool
    twice: np.datetime64 | None = None
    known: NDArray[np.datetime64] | None = field(
        default=None, compare=False, repr=False
    )

    def day(self, number: float) -> int:
        """Return the session of a date number, as days since 0001-01-01.

        Raises
        ------
        DataError
            If a bar of a day is dated by a time that is midnight elsewhere.
        """
        whole = int(number)
        if self.zone is None:
            return whole
        if self.daily and (number == whole or number - whole > LAST_MINUTE):
            return whole
        local = _moment(number).astimezone(self.zone) + ROUNDING
        if self.daily:
            self._check_time(local)
        return local.toordinal()

    def session(self, number: float) -> np.datetime64:
        """Return the session of a date number; raises as `day` does."""
        return session_of(self.day(number))

    def sessions(self, numbers: NDArray[np.float64]) -> NDArray[np.datetime64]:
        """Return the sessions of date numbers, (n,) datetime64[D]."""
        if self.zone is None:
            days = np.floor(numbers).astype(np.int64)
        else:
            days = np.array([self.day(n) for n in numbers.tolist()], dtype=np.int64)
        return (days - EPOCH).astype("datetime64[D]")

    def is_midnight(self, number: float) -> bool:
        """Whether a date number is a midnight in the feed's time zone."""
        if self.zone is None:
            return number == int(number)
        local = _moment(number).astimezone(self.zone) + ROUNDING
        return local.time().replace(microsecond=0) == dt.time()

    def _check_time(self, local: dt.datetime) -> None:
        end = local.hour == 23 and local.minute == 59
        if is_utc(self.zone) or (local.time() >= EVENING and not end):
            when = f"{local:%H:%M} {local.tzname()}"
            raise other_date_elsewhere(self.name, str(local.date()), when)


class SessionClock:
    """Tells a strategy's session, and those of its feeds, as a run goes.

    It finds out how feeds are dated when it is first asked: strategies may still put
    filters on them while they are made. A copy in another process is empty.
    """

    # Asked many times a session, it reads ``feed.lines.datetime``: ``feed.datetime`` is
    # looked for in vain first, which takes five times as long.

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._dates: dict[Any, SessionDates] = {}
        self._local = False

    def today(self) -> dt.date:
        """Return the strategy's session."""
        return dt.date.fromordinal(self.day())

    def session(self) -> np.datetime64:
        """Return the strategy's session."""
        return session_of(self.day())

    def day(self) -> int:
        """Return the strategy's session, as days since 0001-01-01."""
        number = self._strategy.lines.datetime[0]
        dates = self._of_feeds()
        if self._local:
            return int(number)
        now = [
            known.day(number)
            for feed, known in dates.items()
            if len(feed) and feed.lines.datetime[0] == number
        ]
        return max(now, default=int(number))

    def shows_today(self, feed: Any) -> bool:
        """Whether a feed has a bar of the strategy's session."""
        dated = feed.lines.datetime
        if not len(dated):  # `len(feed)` goes a long way round to it
            return False
        if self._local:
            return int(dated[0]) == int(self._strategy.lines.datetime[0])
        return self.day_of(feed, dated[0]) == self.day()

    def day_of(self, feed: Any, number: float) -> int:
        """Return the session of one of a feed's date numbers."""
        known = self._of_feeds().get(feed)
        return int(number) if known is None else known.day(number)

    def date_of(self, feed: Any, number: float) -> dt.date:
        """Return the session of one of a feed's date numbers."""
        return dt.date.fromordinal(self.day_of(feed, number))

    def dates_of(self, feed: Any) -> SessionDates:
        """Return how one of the strategy's feeds is dated."""
        return self._of_feeds()[feed]

    def _of_feeds(self) -> dict[Any, SessionDates]:
        if not self._dates:
            self._dates = {feed: dates_of(feed) for feed in self._strategy.datas}
            self._local = all(known.zone is None for known in self._dates.values())
        return self._dates

    def __getstate__(self) -> dict[str, Any]:
        return {}


def dates_of(feed: Any) -> SessionDates:
    """Find out how a feed that has been started is dated.

    Raises
    ------
    DataError
        If its dates cannot be known: they have time zones of their own each, are
        shifted twice, are a day off by the days of the week, or were cut or resampled
        by another date than the exchange's.
    """
    if not getattr(feed, "resampling", False):
        return source_dates(feed)
    name = feed_name(feed)
    zone = _resampled_zone(feed, name, stamps_of(feed))
    return SessionDates(name, zone, _is_declared(feed))


def source_dates(feed: Any) -> SessionDates:
    """Find out how a feed's bars are dated before it is resampled, if it is."""
    name = feed_name(feed)
    stamps = stamps_of(feed)
    zone = getattr(stamps, "tz", None)
    given, shown = (_zone(feed, setting) for setting in ("tzinput", "tz"))
    if zone is not None and given is not None:
        raise DataError(
            "both the index and tzinput have a time zone, which shifts bars twice",
            symbol=name,
            value=f"{zone}, {given}",
            valid="leave tzinput out",
        )
    if stamps is None:
        return SessionDates(name, given or shown, _is_declared(feed))
    if zone is None:
        zone, local = given or shown, wall_times(stamps)
        if given is None and shown is not None and not names_days(local).all():
            local = wall_times(stamps, shown)
    else:
        zone = (shown or zone) if is_utc(zone) else zone
        local = wall_times(stamps, zone)
    # Asked several times a feed: what is in order need not be sorted once more.
    moments = local if (local[1:] > local[:-1]).all() else np.unique(local)
    days = moments.astype("datetime64[D]")
    again = days[1:][days[1:] == days[:-1]]
    twice = again[0] if len(again) else None
    known = days if twice is None else np.unique(days)
    dates = SessionDates(name, zone, twice is None, twice, known)
    if dates.daily and _is_declared(feed):
        check_stamps(name, stamps, local, feed)
    return dates


def session_of(number: float) -> np.datetime64:
    """Return the session of a date number that is a local date."""
    return np.datetime64(int(number) - EPOCH, "D")


def as_session(
    date: dt.date | None, owner: str = "LSTMForecast"
) -> np.datetime64 | None:
    """Return a date as NumPy has it; SpecError if it is neither a date nor None."""
    check_date(owner, "start", date)
    return None if date is None else np.datetime64(date, "D")


def _moment(number: float) -> dt.datetime:
    whole = int(number)
    microseconds = round((number - whole) * 86_400e6)
    day = dt.datetime.fromordinal(whole).replace(tzinfo=dt.UTC)
    return day + dt.timedelta(microseconds=microseconds)


def _is_declared(feed: Any) -> bool:
    """Whether a feed says that its bars are of a day or longer."""
    return bool(getattr(feed, "_timeframe", bt.TimeFrame.Days) >= bt.TimeFrame.Days)


def _zone(feed: Any, setting: str) -> dt.tzinfo | None:
    """Return a feed's ``tz`` or ``tzinput`` as Backtrader has understood it."""
    root = getattr(feed, "data", feed) if getattr(feed, "_clone", False) else feed
    ask = getattr(root, f"_get{setting}", None)
    found = None if ask is None else ask()
    return found if isinstance(found, dt.tzinfo) else None


def _resampled_zone(feed: Any, name: str, stamps: Any) -> dt.tzinfo | None:
    """Return the time zone of bars that Backtrader has made of shorter ones.

    It cuts days and weeks by a feed's ``tz``, and without one by UTC.
    """
    given, shown = (_zone(feed, setting) for setting in ("tzinput", "tz"))
    filters = (found for found, *_ in feed._filters)
    filtered = any(getattr(found, "dates_locally", False) for found in filters)
    if stamps is not None and not (filtered and shown is None):
        check_resampled(name, stamps, given, shown, is_copy=feed._clone)
    return shown
