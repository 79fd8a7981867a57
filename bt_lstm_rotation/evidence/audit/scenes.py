"""A Cerebro that can be run again and again, each time in another world.

`Recorded` reads the feeds of a Cerebro once and plays their bars to copies of it.
`Made` calls a function that makes a Cerebro of tables, so that whatever a script works
out of its prices before the run is worked out anew in each world.
"""

from __future__ import annotations

import copy
import io
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError, StrategyError
from bt_lstm_rotation.evidence.audit.rows import Rows, World
from bt_lstm_rotation.evidence.audit.tables import (
    dates_of_rows,
    is_bars,
    is_table,
    table_in_world,
)
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.wording import in_words, shown

__all__ = ["Made", "Recorded", "Scene", "given_values"]


class Scene(Protocol):
    """What an audit runs."""

    def cerebro(self, world: World) -> Any:
        """Return a Cerebro of its own for a world, ready to be run."""

    def dates_of_tables(self) -> list[NDArray[np.float64]]:
        """Return when rows of tables that are no bars are dated, in Backtrader days."""


class Recorded:
    """Copies of a Cerebro whose feeds play the bars that they were recorded with.

    DataFrames among the strategies' parameters are cut off and altered too.

    Raises
    ------
    StrategyError
        If it has been run already, optimises, has no feed or a live one, or holds what
        cannot be copied.
    DataError
        If a feed's bars are not in the order of their dates.
    """

    def __init__(self, cerebro: Any) -> None:
        _check(cerebro)
        self._cerebro = cerebro
        read = _copied(cerebro, {})
        self.rows = {
            n: _read(feed) for n, feed in enumerate(read.datas) if not feed._clone
        }

    def cerebro(self, world: World) -> Any:
        """Return a copy whose feeds have the bars of a world."""
        cerebro = _copied(self._cerebro, self._tables(world))
        for number, rows in self.rows.items():
            _Player(cerebro.datas[number], rows.in_world(world, number))
        return cerebro

    def _tables(self, world: World) -> dict[int, Any]:
        """Return id -> what takes the place of each table in a copy."""
        replaced: dict[int, Any] = {}
        for number, feed in enumerate(self._cerebro.datas):
            table = feed.p.dataname
            if is_table(table):
                rows = self.rows.get(number)
                same = rows is not None and len(rows) == len(table)
                at = rows.at if rows is not None and same else None
                replaced[id(table)] = table_in_world(table, world, number, at)
        for number, table in enumerate(self._given(), len(self._cerebro.datas)):
            replaced.setdefault(id(table), table_in_world(table, world, number))
        return replaced

    def _given(self) -> list[Any]:
        return [value for _, value in given_values(self._cerebro) if is_table(value)]

    def dates_of_tables(self) -> list[NDArray[np.float64]]:
        """Return when rows of tables among the parameters are dated."""
        return _dates_of(self._given())


class Made:
    """What a function makes of tables, which are cut off and altered."""

    def __init__(
        self, make: Callable[[dict[str, Any]], Any], frames: Mapping[str, Any]
    ) -> None:
        self._make = make
        self._frames = dict(frames)
        for name, frame in self._frames.items():
            if not is_table(frame) or dates_of_rows(frame) is None:
                valid = "a DataFrame or a Series whose rows have dates"
                raise DataError("no table", symbol=str(name), value=frame, valid=valid)

    def cerebro(self, world: World) -> Any:
        """Return what the function makes of the tables of a world."""
        frames = {
            name: table_in_world(frame, world, number)
            for number, (name, frame) in enumerate(self._frames.items())
        }
        cerebro = self._make(frames)
        _check(cerebro)
        return cerebro

    def dates_of_tables(self) -> list[NDArray[np.float64]]:
        """Return when rows of the frames that are no bars are dated."""
        return _dates_of(self._frames.values())


def given_values(cerebro: Any) -> Iterator[tuple[str, Any]]:
    """Give (name, value) of what strategies are given, and of what that holds."""
    for added in cerebro.strats:
        for _, args, kwargs in added:
            named = {f"argument {n}": value for n, value in enumerate(args, 1)}
            for name, value in (named | dict(kwargs)).items():
                yield from _within(name, value, 3)


def _within(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    yield name, value
    if depth and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _within(f"{name}[{key!r}]", inner, depth - 1)
    elif depth and isinstance(value, list | tuple) and len(value) < 100:
        for number, inner in enumerate(value):
            yield from _within(f"{name}[{number}]", inner, depth - 1)


def _dates_of(tables: Iterable[Any]) -> list[NDArray[np.float64]]:
    dates = (dates_of_rows(table) for table in tables if not is_bars(table))
    return [at for at in dates if at is not None]


def _check(cerebro: Any) -> None:
    if not isinstance(cerebro, bt.Cerebro):
        raise StrategyError(f"an audit needs a bt.Cerebro (got {shown(cerebro)})")
    problem = ""
    if not cerebro.datas:
        problem = "it has no feed"
    elif cerebro._dooptimize:
        problem = "it optimises; add one strategy with addstrategy"
    elif hasattr(cerebro, "runstrats"):
        problem = "it has been run, which leaves traces; audit it before its first run"
    elif any(feed.islive() for feed in cerebro.datas):
        problem = "a live feed cannot be played twice; give it recorded bars"
    if problem:
        raise StrategyError(f"this Cerebro cannot be audited: {problem}")


def _copied(cerebro: Any, replaced: dict[int, Any]) -> Any:
    """Copy a Cerebro and all it holds, but for what is replaced or cannot be copied."""
    shared = dict(replaced)
    held = [value for _, value in given_values(cerebro)]
    for value in (*held, *(feed.p.dataname for feed in cerebro.datas)):
        if id(value) in shared or isinstance(value, io.IOBase):
            shared.setdefault(id(value), value)
        elif not isinstance(value, bt.LineRoot):
            try:
                copy.deepcopy(value, dict(shared))
            except Exception:
                # Such as a lock or a connection: every world has the one that there is.
                shared[id(value)] = value
    try:
        return copy.deepcopy(cerebro, shared)
    except Exception as error:
        raise StrategyError(
            f"this Cerebro cannot be copied ({in_words(error)}); give audit a function "
            "that makes one of tables, as in audit(make, frames=frames)"
        ) from error


def _read(feed: Any) -> Rows:
    """Take all bars of a feed, before its filters."""
    feed.reset()
    feed._start()
    values, at = [], []
    while True:
        feed.forward()
        if not feed._load():
            break
        values.append([line[0] for line in feed.lines])
        date = feed.lines.datetime[0]
        if feed._tzinput:
            date = bt.date2num(feed._tzinput.localize(bt.num2date(date)))
        at.append(date)
    feed.stop()
    names = tuple(feed.getlinealiases())
    table = np.array(values, dtype=np.float64).reshape(len(values), len(names))
    dates = np.array(at, dtype=np.float64)
    if (np.diff(dates) < 0).any():
        raise DataError(
            "bars are not in the order of their dates, so no future can be cut off",
            symbol=feed_name(feed),
        )
    return Rows(names, table, dates, feed_name(feed))


class _Player:
    """Takes the place of what loads a feed's bars; filters and dates stay its own."""

    def __init__(self, feed: Any, rows: Rows) -> None:
        self._feed, self._rows, self._row = feed, rows, -1
        feed.world_rows = rows
        feed.start, feed.stop = self.start, self.stop
        feed._load, feed.preload = self.load, self.preload

    def start(self) -> None:
        bt.AbstractDataBase.start(self._feed)
        self._row = -1

    def stop(self) -> None:
        pass

    def load(self) -> bool:
        self._row += 1
        if self._row >= len(self._rows):
            return False
        for line, value in zip(
            self._feed.lines, self._rows.values[self._row].tolist(), strict=True
        ):
            line[0] = value
        return True

    def preload(self) -> None:
        feed = self._feed
        dated = feed.fromdate > -math.inf or feed.todate < math.inf
        if feed._filters or feed._ffilters or feed._tzinput or dated:
            bt.AbstractDataBase.preload(feed)
            return
        count = len(self._rows)
        feed.forward(size=count)
        for line, values in zip(feed.lines, self._rows.values.T, strict=True):
            line.array[:count] = array("d", values.tobytes())
        # Or it would be loaded once more by whoever asks for the bar after the last.
        self._row = count
        feed.home()
