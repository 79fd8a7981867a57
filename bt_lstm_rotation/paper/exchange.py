"""When an exchange's sessions close, as the library exchange_calendars knows it."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from typing import Any

from bt_lstm_rotation.errors import MissingExtraError, SpecError, closest
from bt_lstm_rotation.paper.moments import (
    DAY,
    FIRST_DAY,
    LAST_DAY,
    SETTLE,
    as_moment,
    check_day,
    check_settle,
)

__all__ = ["ExchangeMarket"]

# What a load reaches beyond what is asked for. It takes as long for a month as for
# twenty years, the holidays being worked out for all of them.
MARGIN = dt.timedelta(days=370)

# Longer than exchanges have been closed at a stretch: New York in 1914, 4 months.
LONGEST_PAUSE = dt.timedelta(days=200)


class ExchangeMarket:
    """An exchange's sessions: holidays, early closes and daylight saving included.

    Parameters
    ----------
    code : str
        Its market identifier code, ``"XNYS"``, or another name the library knows it by,
        ``"nasdaq"``; `name` is the code.
    settle : timedelta
        How long after a close its bars are corrected, 0 to 7 days.

    Raises
    ------
    MissingExtraError
        Without the library.
    SpecError
        For a name that it does not know, and a calendar that it cannot work out.

    Notes
    -----
    A holiday that is declared later, such as a day of mourning, is known to a later
    version of the library. So are, for some exchanges, all sessions after this year.
    """

    def __init__(self, code: str, *, settle: dt.timedelta = SETTLE) -> None:
        check_settle("calendar", settle)
        self.name = _known_code(code)
        self.settle = settle
        calendar = _calendar(self.name)
        self.zone: dt.tzinfo = calendar.tz
        least, most = calendar.bound_min(), calendar.bound_max()
        self._least = FIRST_DAY if least is None else least.date()
        self._most = LAST_DAY if most is None else most.date()
        first, last = calendar.default_start(), calendar.default_end()
        self._keep(calendar, first.date(), last.date())

    def sessions(self, first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
        """Return the sessions from ``first`` to ``last``, both included."""
        check_day(self.name, "first", first)
        check_day(self.name, "last", last)
        if first > last:
            return ()
        self._reach(first, last)
        found = slice(bisect_left(self._days, first), bisect_right(self._days, last))
        return tuple(self._days[found])

    def close(self, session: dt.date) -> dt.datetime:
        """Return when a session closes, in UTC."""
        check_day(self.name, "session", session)
        self._reach(session, session)
        place = bisect_left(self._days, session)
        if self._days[place : place + 1] != [session]:
            near = " or ".join(map(str, self._days[max(0, place - 1) : place + 1]))
            valid = f"a day on which it trades, for example {near}"
            raise SpecError(self.name, "session", str(session), valid)
        return self._closes[place]

    def finished(self, now: dt.datetime) -> dt.date:
        """Return the last session that has closed and settled at ``now``."""
        settled = as_moment(self.name, "now", now) - self.settle
        # No session closes on an earlier date than its own, there where it trades.
        today = settled.astimezone(self.zone).date()
        self._reach(max(self._least, today - LONGEST_PAUSE), today)
        passed = bisect_right(self._closes, settled)
        if not passed:
            raise self._unknown(today)
        return self._days[passed - 1]

    def next_close(self, now: dt.datetime) -> dt.datetime:
        """Return the close of the first session that is not finished at ``now``."""
        return self.close(self.following(self.finished(now)))

    def following(self, session: dt.date) -> dt.date:
        """Return the first session after a date."""
        check_day(self.name, "session", session)
        self._reach(session, min(self._most, session + LONGEST_PAUSE))
        place = bisect_right(self._days, session)
        if place == len(self._days):
            raise self._unknown(session + DAY)
        return self._days[place]

    def _reach(self, first: dt.date, last: dt.date) -> None:
        """Know the sessions from ``first`` to ``last``; SpecError if nobody does."""
        for day in (first, last):
            if not self._least <= day <= self._most:
                raise self._unknown(day)
        if self._first <= first and last <= self._last:
            return
        first = max(self._least, min(first - MARGIN, self._first))
        last = min(self._most, max(last + MARGIN, self._last))
        self._keep(_calendar(self.name, first, last), first, last)

    def _keep(self, calendar: Any, first: dt.date, last: dt.date) -> None:
        self._first, self._last = first, last
        closes = calendar.closes.dt.tz_convert(dt.UTC).array
        self._days: list[dt.date] = calendar.sessions.date.tolist()
        self._closes: list[dt.datetime] = closes.to_pydatetime().tolist()

    def _unknown(self, day: dt.date) -> SpecError:
        valid = (
            f"from {self._least} to {self._most}, the dates that the installed "
            "exchange_calendars knows; a newer one may know more"
        )
        return SpecError(self.name, "session", str(day), valid)


def _library() -> Any:
    try:
        import exchange_calendars
    except ImportError as error:
        raise MissingExtraError("the calendar of an exchange", "paper") from error
    return exchange_calendars


def _known_code(code: object) -> str:
    library = _library()
    names = {name.casefold(): name for name in library.get_calendar_names()}
    known = names.get(code.casefold()) if isinstance(code, str) else None
    if known is None:
        valid = "the code of an exchange, '24/7', 'weekdays' or 'bars'"
        # Codes are in capitals, and a letter is close only to itself.
        near = closest(code.upper(), names.values()) if isinstance(code, str) else ""
        raise SpecError("calendar", "name", code, f"{valid}; {near}".removesuffix("; "))
    return str(library.resolve_alias(known))


def _calendar(
    name: str, first: dt.date | None = None, last: dt.date | None = None
) -> Any:
    try:
        return _library().get_calendar(name, start=first, end=last)
    # Some calendars fail inside the library, each in its own way, with a newer pandas.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:100]
        valid = f"one that the installed exchange_calendars can work out ({reason})"
        raise SpecError("calendar", "name", name, valid) from error
