"""Lines of Backtrader, computed again on other bars.

A copy is made of the lines, and of all that they are calculated from, before anything
has been calculated: indicators with their own state, operations, and a twin of each
feed, whose bars are then other ones. What is copied is the user's objects as they are,
so that no more has to be known of them than Backtrader knows.
"""

from __future__ import annotations

import array
import copy
from collections.abc import Iterator, Sequence
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.window import Window

__all__ = ["is_of_a_feed", "line_of", "recipe", "recomputed"]

Array = NDArray[np.float64]

FIELDS = ("open", "high", "low", "close", "volume")

# What is looked at to tell how a line is made, besides what it is made of.
MADE_BY = ("operation", "ago", "r", "zero", "single", "dual")


def line_of(thing: Any) -> Any:
    """Return the line that is meant: of an indicator its first."""
    return thing.lines[0] if isinstance(thing, bt.LineSeries) else thing


def is_of_a_feed(thing: Any) -> bool:
    """Whether it is a line of a feed as it comes, which nothing calculates."""
    if isinstance(thing, bt.LineSeriesStub):
        return is_of_a_feed(thing.lines[0])
    if isinstance(thing, bt.LineActions):
        return False
    owner = thing if isinstance(thing, bt.LineSeries) else thing._owner
    return isinstance(owner, bt.AbstractDataBase)


def recomputed(thing: Any, window: Window) -> Array:
    """Calculate a line anew, on the bars of a window in place of its feeds'.

    Parameters
    ----------
    thing : line, or an indicator
        Of a strategy that has not begun to run.
    window : Window
        ``(n_symbols, n_bars)``, all with the same dates. A feed gets those of a symbol,
        and lines of its own that no bar has, the volume.

    Returns
    -------
    (n_bars,) float64
    """
    feeds = list(_feeds_below(thing))
    memo: dict[int, Any] = {}
    for feed in feeds:
        for shared in (feed._env, getattr(feed, "_owner", None)):
            if shared is not None:
                memo[id(shared)] = shared
    for owner in _owners(thing):
        memo[id(owner)] = owner
    for number, feed in enumerate(feeds):
        _twin(feed, window, number % len(window.symbols), memo)
    copies = copy.deepcopy([thing, *_indicators_below(thing)], memo)
    # From now on an operation on lines is one on numbers, as when a run begins.
    indicators, twins = copies[1:], [memo[id(feed)] for feed in feeds]
    for one in [*copies, *twins]:
        one._stage2()
    if any(map(_goes_bar_by_bar, indicators)):
        # One of them has Backtrader go bar by bar in every mode.
        for _ in range(window.n_bars):
            for line in (line for twin in twins for line in twin.lines):
                line.advance()
            for indicator in indicators:
                indicator._next()
    else:
        for indicator in indicators:
            indicator._once()
    return np.array(line_of(copies[0]).array, dtype=np.float64)[: window.n_bars]


def recipe(thing: Any) -> tuple[Any, ...]:
    """Say how a line is made, the same of lines that are made alike of other feeds."""
    if isinstance(thing, bt.LineSeriesStub):
        return recipe(thing.lines[0])
    if isinstance(thing, bt.AbstractDataBase):
        return ("feed",)
    if isinstance(thing, bt.LineActions):
        told = tuple(repr(vars(thing).get(name)) for name in MADE_BY)
        return type(thing), told, tuple(map(recipe, _parts(thing)))
    if isinstance(thing, bt.LineBuffer):
        owner = thing._owner
        number = next(n for n, line in enumerate(owner.lines) if line is thing)
        return number, recipe(owner)
    if isinstance(thing, bt.LineSeries):
        params = repr(thing.p._getkwargs())
        return type(thing), params, tuple(map(recipe, thing.datas))
    return (repr(thing),)


def _goes_bar_by_bar(indicator: Any) -> bool:
    """Whether Backtrader has to go bar by bar for it, or for one within it."""
    inner = getattr(indicator, "_lineiterators", {}).get(bt.LineIterator.IndType, ())
    forced = getattr(indicator, "_nextforce", False)
    return bool(forced) or any(map(_goes_bar_by_bar, inner))


def _parts(thing: Any) -> Sequence[Any]:
    """List what a line or an indicator is calculated from."""
    if isinstance(thing, bt.LineSeriesStub):
        return [thing.lines[0]]
    if isinstance(thing, bt.AbstractDataBase):
        return []
    if isinstance(thing, bt.LineActions):
        own = vars(thing)
        named = [own[name] for name in ("a", "b", "cond") if name in own]
        given = [*named, *own.get("args", ()), *own.get("_datas", ())]
        return [part for part in given if isinstance(part, bt.LineRoot)]
    if isinstance(thing, bt.LineBuffer):
        return [thing._owner]
    return list(thing.datas)


def _all_below(thing: Any) -> Iterator[Any]:
    """Go through all that a line is calculated from, what comes first in front."""
    seen: set[int] = set()
    left = [(thing, False)]
    while left:
        now, is_done = left.pop()
        if is_done:
            yield now
        elif id(now) not in seen:
            seen.add(id(now))
            left.append((now, True))
            left.extend((part, False) for part in _parts(now))


def _feeds_below(thing: Any) -> Iterator[Any]:
    found = _all_below(thing)
    return (one for one in found if isinstance(one, bt.AbstractDataBase))


def _indicators_below(thing: Any) -> list[Any]:
    """List what is calculated for it, in the order in which it has to be."""
    return [
        one
        for one in _all_below(thing)
        if isinstance(one, bt.IndicatorBase | bt.LineActions)
        and not isinstance(one, bt.LineSeriesStub)
    ]


def _owners(thing: Any) -> Iterator[Any]:
    """Go through the strategies and observers by which indicators are owned."""
    for one in _indicators_below(thing):
        owner = getattr(one, "_owner", None)
        while owner is not None and owner._ltype != bt.LineIterator.StratType:
            owner = getattr(owner, "_owner", None)
        if owner is not None:
            yield owner


def _twin(feed: Any, window: Window, row: int, memo: dict[int, Any]) -> None:
    """Make a feed with the bars of a window's symbol stand for another one."""
    twin = copy.copy(feed)
    memo[id(feed)] = twin
    twin.lines = copy.copy(feed.lines)
    twin.lines.lines = lines = []
    for number, line in enumerate(feed.lines):
        name = feed.lines._getlinealias(number)
        other = copy.copy(line)
        other.bindings, other.mode = [], bt.LineBuffer.UnBounded
        other.array = array.array("d", _values(window, row, name))
        other.extension = 0
        other.home()
        lines.append(other)
        memo[id(line)] = other
    memo[id(feed.lines)] = twin.lines
    stands_for = {
        id(line): other for line, other in zip(feed.lines, lines, strict=True)
    }
    for name, value in vars(feed).items():
        if id(value) in stands_for:
            setattr(twin, name, stands_for[id(value)])
    twin.l = twin.lines


def _values(window: Window, row: int, name: str) -> list[float]:
    if name == "datetime":
        days = window.dates[row].astype("datetime64[D]").astype(np.int64)
        # Backtrader counts days from the year 1, as Python does.
        numbers = days + np.datetime64(0, "D").item().toordinal()
        return list(numbers.astype(np.float64))
    if name in FIELDS:
        return list(window.bars[FIELDS.index(name), row])
    if name == "openinterest":
        return [0.0] * window.n_bars
    return list(window.volume[row])
