"""Indicators that go by a feed's bars, moved on together.

Once all is calculated, Backtrader asks each indicator and each operation on lines, at
each bar, whether what it goes by is ahead of it, and moves it on: a dozen calls, which
take longer than calculating it did. Those that go by one feed are always at one place,
so one comparison is enough for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import backtrader as bt

__all__ = ["InStep"]

INDICATORS = bt.LineIterator.IndType

# How an indicator and an operation are moved on, unless they see to it themselves.
PLAIN = (bt.Indicator.advance, bt.LineBuffer.advance)


class InStep:
    """Moves a strategy's indicators on, where all is calculated ahead of the run.

    Each is where Backtrader would have it, when the strategy is asked for anything.

    Parameters
    ----------
    strategy : bt.Strategy
    """

    def __init__(self, strategy: Any) -> None:
        self._lists = strategy._lineiterators
        self._all: list[Any] | None = None
        self._others: list[Any] = []
        # Of each line its attributes: they are of several classes, whose instances
        # CPython finds in a dict in half the time.
        self._together: list[tuple[Any, list[dict[str, Any]]]] = []

    def move(self) -> None:
        """Move on those that go by feeds, and leave the others to Backtrader's loop.

        What the loop goes through next, once, is the others alone.
        """
        if self._lists[INDICATORS] is not self._all:
            self._sort(self._lists[INDICATORS])
        for feed, places in self._together:
            row = places[0]["lencount"]
            if row < len(feed):
                count = row + 1
                for place in places:
                    place["_idx"] = row
                    place["lencount"] = count
        self._lists[INDICATORS] = self

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._others
        finally:
            self._lists[INDICATORS] = self._all

    def _sort(self, indicators: list[Any]) -> None:
        """Tell which go by a feed: directly, or by others that do."""
        goes_by: dict[int, Any] = {}
        places: dict[Any, list[dict[str, Any]]] = {}
        self._all, self._others = indicators, []
        for one in indicators:
            feed, own = _feed(one, goes_by), list(one.lines)
            if feed is None or len(feed) > 1 or not _is_plain(one, own):
                self._others.append(one)
                continue
            goes_by[id(one)] = feed
            places.setdefault(feed, []).extend(map(vars, own))
        self._together = list(places.items())


def _feed(indicator: Any, goes_by: dict[int, Any]) -> Any:
    """Return the feed whose bars it goes by, if nothing comes in between."""
    clock = indicator._clock
    if isinstance(clock, bt.LineSeriesStub):
        clock = clock.lines[0]
    if isinstance(clock, bt.LineBuffer) and not isinstance(clock, bt.LineActions):
        clock = clock._owner
    return clock if isinstance(clock, bt.AbstractDataBase) else goes_by.get(id(clock))


def _is_plain(indicator: Any, lines: list[Any]) -> bool:
    """Whether it stands before its first bar, and moving it on is but counting."""
    return (
        type(indicator).advance in PLAIN
        and "advance" not in vars(indicator)
        and all(type(line).advance is bt.LineBuffer.advance for line in lines)
        and all(line.mode == bt.LineBuffer.UnBounded for line in lines)
        and not any(line.lencount for line in lines)
    )
