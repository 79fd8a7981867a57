"""What time it is, and waiting until it is later; a test brings a clock of its own."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bt_lstm_rotation.errors import ClockError, SpecError
from bt_lstm_rotation.paper.market import Market
from bt_lstm_rotation.paper.moments import (
    DAY,
    as_moment,
    check_day,
    midnight_after,
)
from bt_lstm_rotation.prices.dates import latest_date

__all__ = ["Clock", "FixedClock", "SystemClock", "check_not_back", "check_past"]

# A machine that sleeps stops the timer too: it wakes up with as much left as before.
LONGEST_PIECE = dt.timedelta(seconds=60)

# Network time moves a clock by seconds at most, unless it was wrong.
ADJUSTED = dt.timedelta(minutes=1)

# Records come from machines whose clocks differ a little.
TOLERANCE = dt.timedelta(minutes=5)

# Exchanges hardly close for longer: where no session is known, the day may be one.
RECENT = dt.timedelta(days=14)

_TICK = dt.timedelta(microseconds=1)


class Clock(Protocol):
    """What time it is."""

    def now(self) -> dt.datetime:
        """Return the time, in UTC."""

    def wait(self, until: dt.datetime, stop: threading.Event) -> bool:
        """Wait until a time; return False as soon as that is over or in vain."""


def _system_time() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class SystemClock:
    """The machine's clock, which may be set, and may stand still in its sleep.

    Parameters
    ----------
    read : callable
        Returns the time in UTC.
    """

    read: Callable[[], dt.datetime] = _system_time

    def now(self) -> dt.datetime:
        """Return the time, in UTC."""
        return self.read()

    def wait(self, until: dt.datetime, stop: threading.Event) -> bool:
        """Wait until a time; return False once ``stop`` is set.

        Notes
        -----
        The clock is read again at least once a minute. If it has been set back in the
        meantime, the wait is over at once: ``until`` was worked out from a wrong time.
        """
        until = as_moment("SystemClock", "until", until)
        before = now = self.now()
        while now < until and now > before - ADJUSTED:
            if stop.wait(min(until - now, LONGEST_PIECE).total_seconds()):
                return False
            before, now = now, self.now()
        return not stop.is_set()


@dataclass(frozen=True)
class FixedClock:
    """The end of a day, for ``--today``: its session has settled, and no later one.

    Parameters
    ----------
    day : date
        Any date; it need not be a session.
    market : Market
        Whose sessions they are: the end of a day is not the same everywhere.
    """

    day: dt.date
    market: Market

    def __post_init__(self) -> None:
        check_day("FixedClock", "day", self.day)

    def now(self) -> dt.datetime:
        """Return the last moment of the day in UTC.

        It is later where the bars of the last session up to the day take longer to
        settle, and earlier where those of the next one take less, as in Wellington.
        """
        day, market = self.day, self.market
        midnight = midnight_after(day)
        sessions = market.sessions(day - RECENT, day)
        over = market.close(sessions[-1]) if sessions else midnight
        now = max(over + market.settle, midnight - _TICK)
        for tomorrow in market.sessions(day + DAY, day + DAY):
            now = min(now, market.close(tomorrow) + market.settle - _TICK)
        return now

    def wait(self, until: dt.datetime, stop: threading.Event) -> bool:
        """Return False: it stands still."""
        return False


def check_past(day: dt.date, now: dt.datetime) -> None:
    """Raise SpecError if a day has not begun anywhere on Earth."""
    check_day("paper", "today", day)
    latest = latest_date(now)
    if day > latest:
        raise SpecError("paper", "today", str(day), f"no later than {latest}")


def check_not_back(
    now: dt.datetime,
    last_written: dt.datetime | None,
    *,
    tolerance: dt.timedelta = TOLERANCE,
) -> None:
    """Raise ClockError if ``now`` is earlier than the last record, if there is one."""
    if last_written is None:
        return
    now = as_moment("clock", "now", now)
    written = as_moment("clock", "last_written", last_written)
    if now < written - tolerance:
        raise ClockError(now, written)
