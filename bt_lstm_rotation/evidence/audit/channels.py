"""The lines that a strategy can read: its indicators' and its own."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator
from typing import Any

import backtrader as bt

from bt_lstm_rotation.feeds.lines import feed_of, label_of

__all__ = ["Channel", "channels_of"]


class Channel:
    """One line of a strategy, with a name and the place of what calculates it.

    Attributes
    ----------
    name : str
        Such as ``"fast = SMA(XLK).sma"``.
    place : str
        File and line of the class, where it is not Backtrader's.
    """

    def __init__(self, name: str, owner: Any, line: Any, *, ahead: bool) -> None:
        self.name = name
        self.place = _source(type(owner)) or getattr(owner, "made_at", "")
        # Lines that are calculated ahead of the run are read by the length of the feed
        # that they go by: those inside another indicator are not moved along.
        self._clock = feed_of(owner) if ahead else None
        self._line = line

    def read(self) -> float:
        """Return the value of now; NaN where there is none yet."""
        line = self._line
        if self._clock is not None:
            row = len(self._clock) - 1
            values = line.array
            return float(values[row]) if 0 <= row < len(values) else math.nan
        try:
            return float(line[0]) if len(line) else math.nan
        except IndexError:
            return math.nan


def channels_of(strategy: Any) -> list[Channel]:
    """List the lines that a strategy can read; what others are made of comes first."""
    cerebro = strategy.env
    ahead = bool(cerebro._dopreload and cerebro._dorunonce)
    attributes = {
        id(value): name
        for name, value in vars(strategy).items()
        if isinstance(value, bt.LineRoot) and not name.startswith("_")
    }
    found: list[Channel] = []
    taken: dict[str, int] = {}
    for indicator, outer in _indicators(strategy, set()):
        attribute = attributes.get(id(indicator), "")
        for number, line in enumerate(_lines_of(indicator)):
            name = _name(indicator, number)
            if outer is not None:
                name = f"{name} in {_label(outer)}"
            taken[name] = taken.get(name, 0) + 1
            if attribute:
                name = f"{attribute} = {name}"
            elif taken[name] > 1:
                name = f"{name} #{taken[name]}"
            found.append(Channel(name, indicator, line, ahead=ahead))
    for number, line in enumerate(strategy.lines):
        alias = strategy._getlinealias(number)
        if alias != "datetime":
            name = f"{type(strategy).__name__}.{alias}"
            found.append(Channel(name, strategy, line, ahead=False))
    return found


def _indicators(owner: Any, seen: set[int]) -> Iterator[tuple[Any, Any]]:
    """Give each indicator, and the one that it is part of; inner ones first."""
    inner = getattr(owner, "_lineiterators", {})
    for indicator in inner.get(bt.LineIterator.IndType, ()):
        if id(indicator) in seen:
            continue
        seen.add(id(indicator))
        # What Backtrader's own are made of, and operators within another, say no more
        # than the line that comes of them.
        for part, _ in _indicators(indicator, seen):
            if not type(part).__module__.startswith("backtrader"):
                yield part, indicator
        yield indicator, None


def _lines_of(indicator: Any) -> list[Any]:
    return (
        [indicator] if isinstance(indicator, bt.LineBuffer) else list(indicator.lines)
    )


def _label(indicator: Any) -> str:
    if isinstance(indicator, bt.LineBuffer):
        return type(indicator).__name__.lstrip("_")
    # Backtrader numbers the classes that it makes for a coupling.
    return re.sub(r"(Coupler)_\d+", r"\1", label_of(indicator))


def _name(indicator: Any, number: int) -> str:
    label = _label(indicator)
    if isinstance(indicator, bt.LineBuffer):
        return label
    return f"{label}.{indicator._getlinealias(number) or number}"


def _source(kind: type) -> str:
    """Return file and line of a class that is the user's or ours."""
    if kind.__module__.startswith("backtrader"):
        return ""
    try:
        return f"{inspect.getsourcefile(kind)}:{inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        return ""
