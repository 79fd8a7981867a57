"""Feeds as a strategy needs them: valid bars only, and all of them kept.

Backtrader's broker fills at an open of 0 or NaN, and values a portfolio at a close of
NaN, because it checks nothing. So an invalid bar is taken out before the broker, the
analyzers or any strategy in the same Cerebro can see it.
"""

from __future__ import annotations

import datetime as dt
import logging
from array import array
from collections.abc import Iterable
from itertools import compress
from typing import Any

import numpy as np

from bt_lstm_rotation.feeds.absurd_bars import findings_of, warn_of_findings
from bt_lstm_rotation.feeds.bar_order import (
    BarOrder,
    check_source,
    loaded_numbers,
    require_daily,
)
from bt_lstm_rotation.feeds.bars import last_bar, loaded_bars
from bt_lstm_rotation.feeds.naming import FIELDS, feed_name
from bt_lstm_rotation.feeds.sessions import SessionDates, dates_of, source_dates
from bt_lstm_rotation.feeds.unadjusted import warn_of_unadjusted
from bt_lstm_rotation.prices.validity import (
    BarValidator,
    describe_invalid,
    has_price,
)

__all__ = ["ValidBars", "drop_invalid_bars"]

logger = logging.getLogger(__name__)


class ValidBars:
    """A filter for a feed, as ``feed.addfilter(ValidBars)``: invalid bars are left out.

    A strategy of this package adds it to all its feeds by itself. Put it in front of
    ``cerebro.resampledata`` by hand, where it is the daily bars that may be invalid.
    It also refuses bars that are not in the order of their dates, leaves out a bar
    that is an exact copy of the one before, and brings bars of a day that have a time
    zone to midnight of their exchange's date.

    Parameters
    ----------
    of_run : bool
        Whether it serves for one run only, in which a strategy has added it.

    Attributes
    ----------
    dropped : list of date
        The sessions whose bar was left out because it was invalid. A row without any
        price, as a frame that is joined with others has before a listing, is no bar,
        and not among them.
    repeated : int
        How many bars were left out because they were copies.
    dates_locally : bool
        What it lets pass is dated by the exchange's date.

    Raises
    ------
    DataError
        As bars come: if one lies before the one before it, or is a second one that
        differs.
    """

    dates_locally = True

    def __init__(self, feed: Any, *, of_run: bool = False) -> None:
        self._of_run = of_run
        self._redates = False
        self._daily = False
        self._begin(feed)

    def _begin(self, feed: Any) -> None:
        self.dropped: list[dt.date] = []
        self.repeated = 0
        self._series = BarValidator()
        self._array = feed.lines.datetime.array
        self._known: SessionDates | None = None
        self._order: BarOrder | None = None
        self._last: tuple[float, ...] = ()
        self._used = False
        self._warned = False

    def works_on(self, feed: Any) -> bool:
        """Whether it was made for the run that the feed is in."""
        return self._array is feed.lines.datetime.array

    def __call__(self, feed: Any) -> bool:
        """Say whether the bar that was just loaded is taken out again."""
        if not self.works_on(feed):
            if self._used and self._of_run:
                return False  # it is of an earlier run
            self._begin(feed)
        self._used = True
        bar = tuple(line[0] for line in feed.lines)
        number = feed.lines.datetime[0]
        if not feed.resampling and self._is_copy(bar):
            if not self.repeated:
                self._warn_of_copies(feed, "a bar is repeated", number)
            self.repeated += 1
            feed.backwards()
            return True
        self._last = bar
        self._ordered(feed).check(np.array([number]))
        values = last_bar(feed)
        if not self._series.is_valid(values)[0]:
            # Later ones in a row are not warned of: of a long one, the first is enough.
            self._drop(feed, values, [number], warn=not self._warned)
            feed.backwards()
            return True
        self._warned = False
        if self._redates or self._is_named(feed, number):
            feed.lines.datetime[0] = float(self._dates(feed).day(number))
        return False

    def sift(self, feed: Any) -> None:
        """Do the same to bars that Backtrader has loaded ahead of the run."""
        numbers = loaded_numbers(feed)
        if not len(numbers):
            return
        self._used = True
        rows = np.array([line.array[: len(numbers)] for line in feed.lines])
        same = (rows[:, 1:] == rows[:, :-1]) | (rows[:, 1:] != rows[:, 1:])
        copies = np.concatenate([[False], same.all(axis=0)])
        self.repeated = int(copies.sum())
        if self.repeated:
            what = f"{self.repeated} bars are repeated"
            self._warn_of_copies(feed, what, numbers[np.argmax(copies)])
        self._ordered(feed).check(numbers[~copies])
        sessions, bars = loaded_bars(feed)
        good = ~copies
        good[~copies] = self._series.is_valid(bars[:, ~copies])
        self._warn_of_holes(feed, bars, good)
        invalid = ~good & ~copies
        self._drop(feed, bars[:, invalid], numbers[invalid].tolist())
        if self._dates(feed).daily:
            name = feed_name(feed)
            warn_of_findings(feed, findings_of(name, sessions[good], bars[:, good]))
        if not good.all():
            # What lies beyond the loaded bars is Backtrader's room for its own use.
            keep = [*good.tolist(), *[True] * feed.lines.datetime.extension]
            for line in feed.lines:
                line.array = array("d", compress(line.array, keep))
            self._array = feed.lines.datetime.array

    def require_daily(self, feed: Any) -> None:
        """Refuse more than one bar in a session, of those loaded and those to come."""
        if not self._daily:
            self._daily = True
            self._ordered(feed).daily = True
            BarOrder(feed, self._dates(feed), daily=True).check(loaded_numbers(feed))

    def date_locally(self, feed: Any) -> None:
        """Bring bars to midnight of their exchange's date, if there is one a session.

        Those of a live feed that has no time zone keep their time.
        """
        dates = self._dates(feed)
        if self._redates or not dates.daily or (feed.islive() and dates.zone is None):
            return
        self._redates = True
        line = feed.lines.datetime.array
        for row, number in enumerate(loaded_numbers(feed).tolist()):
            line[row] = float(dates.day(number))

    def _dates(self, feed: Any) -> SessionDates:
        if self._known is None:
            self._known = source_dates(feed)
        return self._known

    def _ordered(self, feed: Any) -> BarOrder:
        if self._order is None:
            self._order = BarOrder(feed, self._dates(feed), daily=self._daily)
        return self._order

    def _is_named(self, feed: Any, number: float) -> bool:
        """Whether a feed that is filtered by hand has a bar at midnight of its zone."""
        # With a `tz`, Backtrader resamples by it: the number has to stay in UTC.
        if self._of_run or (feed.resampling and feed._tz is not None):
            return False
        return self._dates(feed).is_midnight(number)

    def _is_copy(self, bar: tuple[float, ...]) -> bool:
        return len(bar) == len(self._last) and all(
            now == last or (now != now and last != last)
            for now, last in zip(bar, self._last, strict=True)
        )

    def _warn_of_holes(self, feed: Any, bars: Any, good: Any) -> None:
        """Count the rows without any price between the first bar and the last."""
        rows = np.flatnonzero(good)
        inside = ~has_price(bars)[rows[0] : rows[-1]] if rows.size else rows
        if inside.any():
            logger.warning(
                "%s: %d rows without prices left out between its first and last bar",
                feed_name(feed),
                inside.sum(),
            )

    def _drop(
        self, feed: Any, bars: Any, numbers: list[float], *, warn: bool = True
    ) -> None:
        """Note invalid bars, with one warning; a row without any price is no bar."""
        found = [
            self._dates(feed).session(number).astype(dt.date)
            for number, priced in zip(numbers, has_price(bars), strict=True)
            if priced
        ]
        self.dropped += found
        self._warned |= bool(found)
        if found and warn:
            logger.warning("%s", describe_invalid(feed_name(feed), found))

    def _warn_of_copies(self, feed: Any, what: str, number: float) -> None:
        session = self._dates(feed).session(number)
        logger.warning("%s %s: %s, copies are left out", feed_name(feed), session, what)


def drop_invalid_bars(
    feeds: Iterable[Any], *, daily: Iterable[Any] = ()
) -> dict[Any, ValidBars]:
    """Leave the invalid bars of some feeds out of the run that is about to begin.

    Call it from a strategy's ``__init__``: bars may be loaded, but none has been shown.
    If any of the feeds has a time zone, all bars of a day are brought to midnight of
    their exchange's date, so that feeds of several exchanges are joined by it.

    Parameters
    ----------
    daily : iterable of feeds
        Those of which more than one bar in a session is an error.

    Returns
    -------
    dict of feed to ValidBars
        Their `ValidBars.dropped` grows as bars come.

    Raises
    ------
    DataError
        If bars are not in the order of their dates, repeat one that differs, or have
        dates that cannot be known.

    Notes
    -----
    A second strategy in the same Cerebro shares the filter of the first. Left alone are
    feeds without open, high, low, close and volume, and resampled ones: what comes out
    of Backtrader's resampler passes no filter when it is not loaded ahead.
    """
    feeds, daily = list(feeds), list(daily)
    require_daily(daily)
    for feed in feeds:
        check_source(feed)
    warn_of_unadjusted(feeds)
    filters = {feed: _filter_of(feed) for feed in feeds if _can_be_sifted(feed)}
    for feed in daily:
        if feed in filters:
            filters[feed].require_daily(feed)
    if any(dates_of(feed).zone is not None for feed in filters):
        for feed, found in filters.items():
            found.date_locally(feed)
    return filters


def _filter_of(feed: Any) -> ValidBars:
    """Return a feed's filter of this run."""
    # Backtrader gives a feed new arrays for each run, and keeps its filters.
    for found, *_ in feed._filters:
        if isinstance(found, ValidBars) and found.works_on(feed):
            return found
    rest = [entry for entry in feed._filters if not isinstance(entry[0], ValidBars)]
    made = ValidBars(feed, of_run=True)
    feed._filters[:] = [(made, [], {}), *rest]
    made.sift(feed)
    return made


def _can_be_sifted(feed: Any) -> bool:
    has_prices = all(hasattr(feed.lines, field) for field in FIELDS)
    return has_prices and not getattr(feed, "resampling", False)
