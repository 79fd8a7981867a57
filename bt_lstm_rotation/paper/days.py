"""Markets whose sessions are whole days of UTC."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.paper.moments import (
    DAY,
    SETTLE,
    as_moment,
    check_day,
    check_settle,
    midnight_after,
)

__all__ = ["EveryDay", "GivenSessions", "Weekdays"]


@dataclass(frozen=True)
class EveryDay:
    """A market that never closes, such as that of coins: a session is a day of UTC."""

    settle: dt.timedelta = SETTLE

    name: ClassVar[str] = "24/7"
    zone: ClassVar[dt.tzinfo] = dt.UTC

    def __post_init__(self) -> None:
        check_settle(self.name, self.settle)

    def sessions(self, first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
        """Return the sessions from ``first`` to ``last``, both included."""
        check_day(self.name, "first", first)
        check_day(self.name, "last", last)
        days = (first + number * DAY for number in range((last - first).days + 1))
        return tuple(day for day in days if self._trades(day))

    def close(self, session: dt.date) -> dt.datetime:
        """Return the UTC midnight after a session."""
        check_day(self.name, "session", session)
        if not self._trades(session):
            raise SpecError(self.name, "session", str(session), "a weekday")
        return midnight_after(session)

    def finished(self, now: dt.datetime) -> dt.date:
        """Return the last session that has closed and settled at ``now``."""
        day = (as_moment(self.name, "now", now) - self.settle).date() - DAY
        while not self._trades(day):
            day -= DAY
        return day

    def next_close(self, now: dt.datetime) -> dt.datetime:
        """Return the close of the first session that is not finished at ``now``."""
        return self.close(self.following(self.finished(now)))

    def following(self, session: dt.date) -> dt.date:
        """Return the first session after a date."""
        check_day(self.name, "session", session)
        day = session + DAY
        while not self._trades(day):
            day += DAY
        return day

    def _trades(self, day: dt.date) -> bool:
        return True


@dataclass(frozen=True)
class Weekdays(EveryDay):
    """A market open from Monday to Friday, without holidays, in days of UTC."""

    name: ClassVar[str] = "weekdays"

    def _trades(self, day: dt.date) -> bool:
        return day.weekday() < 5


class GivenSessions:
    """Bars that are their own calendar: a session is any date that has bars.

    It is over at the UTC midnight after. No holiday is known before it has passed.

    Parameters
    ----------
    dates : iterable of date, or (n,) datetime64[D]
        The dates with bars so far, in any order; a panel's ``sessions``.
    settle : timedelta
        Bars that are already there need no time to settle, which is the default.
    """

    name = "bars"
    zone: dt.tzinfo = dt.UTC

    def __init__(
        self,
        dates: Iterable[dt.date] | NDArray[np.datetime64] = (),
        *,
        settle: dt.timedelta = dt.timedelta(0),
    ) -> None:
        check_settle(self.name, settle)
        self.settle = settle
        self._days = sorted(set(_dates(dates)))

    def sessions(self, first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
        """Return the dates with bars from ``first`` to ``last``, both included."""
        check_day(self.name, "first", first)
        check_day(self.name, "last", last)
        return tuple(day for day in self._days if first <= day <= last)

    def close(self, session: dt.date) -> dt.datetime:
        """Return the UTC midnight after a session."""
        check_day(self.name, "session", session)
        if session not in self._days:
            raise SpecError(self.name, "session", str(session), "a date that has bars")
        return midnight_after(session)

    def finished(self, now: dt.datetime) -> dt.date:
        """Return the last session that is over; raise DataError if none is."""
        passed = bisect_right(self._days, self.last_day(now))
        if not passed:
            first = f"the first is {self._days[0]}" if self._days else "there is none"
            raise DataError(
                f"no session is over by {now:%Y-%m-%d %H:%M %Z}", valid=first
            )
        return self._days[passed - 1]

    def next_close(self, now: dt.datetime) -> dt.datetime:
        """Return when the next date with bars is over, or a day that may have some."""
        last = self.last_day(now)
        later = self._days[bisect_right(self._days, last) :]
        return midnight_after(later[0] if later else last + DAY)

    def following(self, session: dt.date) -> dt.date:
        """Return the next date with bars; raise DataError if none is known yet."""
        check_day(self.name, "session", session)
        later = self._days[bisect_right(self._days, session) :]
        if not later:
            raise DataError(
                "no later session is known yet",
                session=session.isoformat(),
                valid="the calendar 'bars' knows only the dates that have bars",
            )
        return later[0]

    def last_day(self, now: dt.datetime) -> dt.date:
        """Return the last date that is over, whether it has bars or not."""
        return (as_moment(self.name, "now", now) - self.settle).date() - DAY


def _dates(dates: Iterable[dt.date] | NDArray[np.datetime64]) -> list[dt.date]:
    if isinstance(dates, np.ndarray) and dates.dtype.kind == "M":
        dates = dates.astype("datetime64[D]").tolist()
    found = list(dates)
    for day in found:
        check_day(GivenSessions.name, "session", day)
    return found
