"""Bars of a feed that come in the order of their dates, and one a session.

Backtrader takes them as they come: newest first, twice, or by the hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError, StrategyError
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import SessionDates, dates_of, session_of
from bt_lstm_rotation.feeds.stamps import stamps_of, wall_times

__all__ = [
    "BarOrder",
    "OrderWatch",
    "check_one_time",
    "check_source",
    "different_times",
    "loaded_numbers",
    "repeated",
    "require_daily",
]


class BarOrder:
    """Checks one feed's bars as they come.

    Parameters
    ----------
    daily : bool
        Whether a second bar in a session is an error too. If not, only a second bar of
        one date and time is, unless it says that its bars are shorter than a minute,
        or they are made into longer ones.
    """

    def __init__(self, feed: Any, dates: SessionDates, *, daily: bool) -> None:
        self._dates = dates
        self._ticks = feed._timeframe < bt.TimeFrame.Minutes or feed.resampling
        self.daily = daily
        self._last = -np.inf

    def check(self, numbers: NDArray[np.float64]) -> None:
        """Check the feed's next date numbers, (n,).

        Raises
        ------
        DataError
            If one lies before the one before it, or repeats its session.
        """
        if not len(numbers):
            return
        dates, before = self._dates, np.concatenate([[self._last], numbers[:-1]])
        self._last = float(numbers[-1])
        back = np.flatnonzero(numbers < before)
        if len(back):
            now, last = (dates.day(float(side[back[0]])) for side in (numbers, before))
            raise _too_late(dates.name, session_of(now), session_of(last))
        if self.daily:
            days = dates.sessions(numbers)
            again = days[1:] == days[:-1]
            first = (
                np.isfinite(before[0]) and dates.session(float(before[0])) == days[0]
            )
            again = np.concatenate([[first], again])
        else:
            again = (numbers == before) & np.bool_(not self._ticks)
        if again.any():
            row = int(np.argmax(again))
            raise repeated(dates.name, dates.session(float(numbers[row])))


class OrderWatch:
    """Checks the bars of some feeds that no filter of ours checks.

    Bars that are loaded are checked at once, and others by `watch`, as they come.
    """

    def __init__(self, feeds: Iterable[Any]) -> None:
        self._coming: dict[Any, BarOrder] = {}
        self._seen: dict[Any, int] = {}
        for feed in feeds:
            order = BarOrder(feed, dates_of(feed), daily=False)
            check_source(feed)
            if feed.buflen():
                order.check(loaded_numbers(feed))
            else:
                self._coming[feed] = order

    def watch(self) -> None:
        """Check the bars that feeds show now; to be called every session."""
        for feed, order in self._coming.items():
            if len(feed) != self._seen.get(feed, 0):
                self._seen[feed] = len(feed)
                order.check(np.array([feed.datetime[0]]))


def loaded_numbers(feed: Any) -> NDArray[np.float64]:
    """Return the date numbers of the bars that a feed has loaded ahead of the run."""
    return np.array(feed.lines.datetime.array[: feed.buflen()], dtype=np.float64)


def check_source(feed: Any) -> None:
    """Check the dates of the DataFrame behind bars that are not loaded as they are.

    Raises
    ------
    DataError
        If one lies before the one before it. Of such a frame Backtrader would make
        weeks of nothing, or stop for want of a bar.
    """
    if feed.buflen() and not getattr(feed, "resampling", False):
        return
    if (stamps := stamps_of(feed)) is None:
        return
    times = wall_times(stamps)
    back = np.flatnonzero(times[1:] < times[:-1])
    if len(back):
        now, last = times[back[0] + 1], times[back[0]]
        days = (time.astype("datetime64[D]") for time in (now, last))
        raise _too_late(feed_name(feed), *days)


def require_daily(feeds: Iterable[Any]) -> None:
    """Raise DataError for a feed that is known to have shorter bars than a day's."""
    for feed in feeds:
        dates = dates_of(feed)
        if not dates.daily:
            raise repeated(dates.name, dates.twice)


def check_one_time(feeds: Iterable[Any]) -> None:
    """Raise unless all bars of a session that are loaded have one time of day.

    Raises
    ------
    StrategyError
        See `different_times`.
    """
    feeds = list(feeds)
    numbers = [loaded_numbers(feed) for feed in feeds]
    days = [dates_of(feed).sessions(n) for feed, n in zip(feeds, numbers, strict=True)]
    moments, first = np.unique(np.concatenate(numbers), return_index=True)
    sessions = np.sort(np.concatenate(days)[first]) if len(moments) else moments
    twice = sessions[1:][sessions[1:] == sessions[:-1]]
    if len(twice):
        raise different_times(twice[0])


def different_times(session: np.datetime64) -> StrategyError:
    """Return the error for a session whose bars do not come at one moment."""
    # Going bar by bar, Backtrader shows them one after another: a fit, a forecast or a
    # decision would be made before the session's last bar is there.
    return StrategyError(
        f"the feeds' bars of {session} have different times of day, or one came late; "
        "give the bars of all feeds one time, such as midnight "
        "(drop_invalid_bars(self.datas) does, where one has a time zone), and live, "
        "release a session when all its bars are there"
    )


def repeated(name: str, session: np.datetime64 | None) -> DataError:
    """Return the error for a session with more than one bar."""
    # Which of them is the close would depend on how Cerebro runs.
    return DataError(
        "more than one bar in a session",
        symbol=name,
        session=None if session is None else str(session),
        valid="daily bars, or longer ones: of shorter bars make days, "
        "cerebro.resampledata(feed, timeframe=bt.TimeFrame.Days); leave out what is "
        "repeated, frame[~frame.index.duplicated()]",
    )


def _too_late(name: str, session: np.datetime64, last: np.datetime64) -> DataError:
    return DataError(
        "a bar that comes after a later one",
        symbol=name,
        session=str(session),
        valid=f"the next session is after {last}: sort them, frame.sort_index()",
    )
