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

from bt_lstm_rotation.feeds.bars import (
    FIELDS,
    last_bar,
    loaded_bars,
)
from bt_lstm_rotation.feeds.sessions import (
    session_of,
)
from bt_lstm_rotation.prices.validity import BarValidator, has_price

__all__ = ["ValidBars", "drop_invalid_bars", "keep_all_bars"]

logger = logging.getLogger(__name__)


class ValidBars:
    """A filter for a feed, as ``feed.addfilter(ValidBars)``: invalid bars are left out.

    A strategy of this package adds it to all its feeds by itself. Put it in front of
    ``cerebro.resampledata`` by hand, where it is the daily bars that may be invalid.

    Attributes
    ----------
    dropped : list of date
        The sessions whose bar was left out. A row without any price, as a frame that is
        joined with others has before a listing, is no bar, and not among them.
    """

    def __init__(self, feed: Any) -> None:
        self.dropped: list[dt.date] = []
        self._series = BarValidator()
        self._warned = False
        self._dates = feed.lines.datetime.array

    def works_on(self, feed: Any) -> bool:
        """Whether it was made for the run that the feed is in."""
        return self._dates is feed.lines.datetime.array

    def __call__(self, feed: Any) -> bool:
        """Say whether the bar that was just loaded is taken out again."""
        bar = last_bar(feed)
        if self._series.is_valid(bar)[0]:
            self._warned = False
            return False
        # Later ones in a row are not warned of: of a long one, the first says enough.
        self._drop(feed, bar, [feed.lines.datetime[0]], warn=not self._warned)
        feed.backwards()
        return True

    def sift(self, feed: Any) -> None:
        """Do the same to bars that Backtrader has loaded ahead of the run."""
        _, bars = loaded_bars(feed)
        good = self._series.is_valid(bars)
        if good.all():
            return
        rows = np.flatnonzero(good)
        inside = ~has_price(bars)[rows[0] : rows[-1]] if rows.size else rows
        if inside.any():
            logger.warning(
                "%s: %d rows without prices left out between its first and last bar",
                feed._name or "data",
                inside.sum(),
            )
        numbers = np.array(feed.lines.datetime.array)[: len(good)][~good]
        self._drop(feed, bars[:, ~good], numbers.tolist())
        # What lies beyond the loaded bars is Backtrader's room for its own use.
        keep = [*good.tolist(), *[True] * feed.lines.datetime.extension]
        for line in feed.lines:
            line.array = array("d", compress(line.array, keep))
        self._dates = feed.lines.datetime.array

    def _drop(
        self, feed: Any, bars: Any, numbers: list[float], *, warn: bool = True
    ) -> None:
        """Note invalid bars, with one warning; a row without any price is no bar."""
        found = [
            session_of(number).astype(dt.date)
            for number, priced in zip(numbers, has_price(bars), strict=True)
            if priced
        ]
        self.dropped += found
        self._warned |= bool(found)
        if found and warn:
            more = f", and {len(found) - 1} more to {found[-1]}" if found[1:] else ""
            name = feed._name or "data"
            logger.warning(
                "%s %s%s: not a valid bar, counts as none", name, found[0], more
            )


def drop_invalid_bars(feeds: Iterable[Any]) -> dict[Any, ValidBars]:
    """Leave the invalid bars of some feeds out of the run that is about to begin.

    Call it from a strategy's ``__init__``: bars may be loaded, but none has been shown.
    Returns feed -> its filter, whose `ValidBars.dropped` grows as bars come.

    Notes
    -----
    A second strategy in the same Cerebro shares the filter of the first. Left alone are
    feeds without open, high, low, close and volume, and resampled ones: what comes out
    of Backtrader's resampler passes no filter when it is not loaded ahead.
    """
    return {feed: _filter_of(feed) for feed in feeds if _can_be_sifted(feed)}


def keep_all_bars(feeds: Iterable[Any]) -> None:
    """Let feeds keep their bars under ``exactbars=1``; to be called from `qbuffer`.

    Where feeds have different sessions, Backtrader loads a bar of each, and puts those
    back whose date has not come (``cerebro.py:1595-1598``, ``feed.py:438-441``). A
    buffer of minimum length has lost the bar before by then, and the feed goes on to
    show a bar of the future, or raises IndexError.
    """
    for feed in feeds:
        for line in feed.lines:
            if line.mode == line.QBuffer:
                line.mode = line.UnBounded
                line.reset()
                # Another strategy in the same Cerebro would shorten it once more.
                line.qbuffer = _stay


def _filter_of(feed: Any) -> ValidBars:
    """Return a feed's filter of this run."""
    # Backtrader gives a feed new arrays for each run, and keeps its filters.
    for found, *_ in feed._filters:
        if isinstance(found, ValidBars) and found.works_on(feed):
            return found
    rest = [entry for entry in feed._filters if not isinstance(entry[0], ValidBars)]
    made = ValidBars(feed)
    feed._filters[:] = [(made, [], {}), *rest]
    made.sift(feed)
    return made


def _stay(savemem: int = 0, extrasize: int = 0) -> None:
    """Stand in for `LineBuffer.qbuffer`, and do nothing."""


def _can_be_sifted(feed: Any) -> bool:
    has_prices = all(hasattr(feed.lines, field) for field in FIELDS)
    return has_prices and not getattr(feed, "resampling", False)
