"""Strategies and indicators in which looking ahead is an error that names the line.

Backtrader loads all bars before a run. A positive index is then tomorrow's bar, an
index into a feed that has not begun is the last bar of the data set, and one past a
feed's beginning wraps round to its end: all without a word. `NoLookahead` refuses them.
"""

from __future__ import annotations

import functools
import operator
import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any

import backtrader as bt

from bt_lstm_rotation.errors import LookaheadError, StrategyError
from bt_lstm_rotation.feeds.lines import (
    current_day,
    date_of_bar,
    day_of,
    feed_of,
    name_of,
)
from bt_lstm_rotation.feeds.sessions import session_of

__all__ = ["NoLookahead"]

# What Cerebro calls of a user's class, besides __init__ and notify_*. In a strategy
# over signals, Backtrader renames the user's next to _next_custom.
HOOKS = frozenset(
    [
        *("start", "prenext", "nextstart", "next", "_next_custom", "stop"),
        *("prenext_open", "nextstart_open", "next_open"),
    ]
)
# Methods that read a line, and which of their arguments is the index, `ago`.
READS = {
    **dict.fromkeys(["__getitem__", "get", "datetime", "date", "time", "dt"], 0),
    **dict.fromkeys(["tm_raw", "tm"], 0),
    **dict.fromkeys(["tm_lt", "tm_le", "tm_eq", "tm_gt", "tm_ge"], 1),
    **dict.fromkeys(["tm2dtime", "tm2datetime"], 1),
}
# A line is read through these for whoever called them.
PLUMBING = ("backtrader.line", "backtrader.feed", "backtrader.dataseries")

# Whose code is running, and its session if bars' dates are to be compared with it.
_running: ContextVar[tuple[Any, int | None] | None] = ContextVar(
    "running", default=None
)


# A line series itself, or Backtrader would count the other base's lines twice.
class NoLookahead(bt.LineSeries):
    """Refuse, with the line of source that did it, to read a bar that is not known yet.

    A mix-in, to be named first: ``class Mine(NoLookahead, bt.Strategy)``, or ``class
    Guarded(NoLookahead, Theirs)`` for a strategy or an indicator that is there already.
    While the class's own code runs (``__init__``, ``start``, ``prenext``,
    ``nextstart``, ``next``, ``notify_*``, ``stop``), in every mode of Cerebro, these
    raise LookaheadError when they touch a feed or an indicator:

    - a positive index, ``close[1]``, ``sma[1]``, ``get(ago=1)``, ``datetime.date(1)``;
    - any index while there is no bar yet (``len`` is 0), and an order for such a feed;
    - a negative index past the first bar, or past those that ``exactbars`` keeps;
    - a positive delay, ``close(1)``, when it is made;
    - a bar of a later day, in an indicator over several feeds: Backtrader's default
      mode walks them row by row and not by date.

    Other strategies in the same Cerebro are left alone.

    It does not see reads that go round the lines: ``line.array``, ``getzero``, the
    DataFrame behind a feed, a vectorised ``once``; nor an indicator that writes into
    its past, as Ichimoku's lagging span does; nor today's close in ``next_open``.

    Attributes
    ----------
    refuse_stale_bars : bool
        Whether it is also an error to read a feed that has no bar of the session,
        except for its ``datetime``. Backtrader then shows an older bar, which is often
        meant (False).

    Raises
    ------
    StrategyError
        When a class is defined that names another base before this one.

    See:
      - ``docs/decisions/0011-how-looking-ahead-is-noticed.md``
    """

    refuse_stale_bars = False

    # No __init__: one here would answer for that of the class it is mixed into.

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Watch the user's methods, inherited ones included."""
        super().__init_subclass__(**kwargs)
        first = next(kind for kind in cls.__mro__ if "addindicator" in vars(kind))
        if issubclass(bt.LineIterator, first):
            raise StrategyError(
                f"{cls.__name__} must name NoLookahead before its other bases, as in "
                f"class {cls.__name__}(NoLookahead, bt.Strategy)"
            )
        for name in dir(cls):
            if name == "__init__":
                setattr(cls, name, _watched(cls.__init__, guards=True))
            elif name in HOOKS or name.startswith("notify_"):
                method = getattr(cls, name)
                if not str(method.__module__).startswith("backtrader."):
                    setattr(cls, name, _watched(method))

    def addindicator(self, indicator: Any) -> None:
        """Guard what is made in this class's code, or refuse it as the future."""
        if isinstance(indicator, bt.linebuffer._LineForward):
            raise _error(
                *(self, indicator.a, indicator.ago, _reader()[0]),
                "a line that runs ahead is the future; a delay is 0 or below",
                delayed=True,
            )
        # An observer is recorded as the run goes, and knows no future.
        if indicator._ltype == bt.LineIterator.IndType:
            _guard(indicator)
        super().addindicator(indicator)


def _watched(method: Callable[..., Any], *, guards: bool = False) -> Callable[..., Any]:
    """Mark user code as running for as long as a method runs."""
    if hasattr(method, "_watched"):
        return method

    @functools.wraps(method)
    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        for data in self.datas if guards else ():
            _guard(data)
        indicator = self._ltype == bt.LineIterator.IndType
        dated = self.refuse_stale_bars or (indicator and len(self.datas) > 1)
        token = _running.set((self, current_day(self) if dated else None))
        try:
            return method(self, *args, **kwargs)
        finally:
            _running.reset(token)

    watched._watched = True  # type: ignore[attr-defined]
    return watched


@functools.cache
def _guarded(kind: Any) -> Any:
    """Derive a class of lines whose reads are checked from one of Backtrader's."""

    def __reduce_ex__(line: Any, protocol: Any) -> Any:  # noqa: N807
        # A class made on the fly cannot be found by name: a copy is of the line's own.
        reduced: Any = object.__reduce_ex__(line, protocol)
        return object.__new__, (kind,), *reduced[2:]

    reads = {name: _checked(getattr(kind, name), at) for name, at in READS.items()}
    more = {"__reduce_ex__": __reduce_ex__, "_guarded": True}
    return type(kind)(kind.__name__, (kind,), reads | more)


def _checked(read: Callable[..., Any], position: int) -> Callable[..., Any]:
    """Check the argument `ago` of a line's method, which is the one at a position."""

    def checked(line: Any, *args: Any, **kwargs: Any) -> Any:
        given = args[position] if len(args) > position else 0
        _check(line, kwargs.get("ago", given))
        return read(line, *args, **kwargs)

    return checked


def _guard(series: Any) -> None:
    """Have the lines of a feed, or of an indicator and those in it, check reads."""
    for line in [series] if isinstance(series, bt.LineBuffer) else series.lines:
        if not hasattr(line, "_guarded"):
            kind: Any = type(line)
            line.__class__ = _guarded(kind)
    inner = getattr(series, "_lineiterators", {})
    for indicator in inner.get(bt.LineIterator.IndType, ()):
        _guard(indicator)


def _check(line: Any, ago: Any) -> None:
    """Raise LookaheadError if user code reads what is not known yet."""
    running = _running.get()
    if running is None:
        return
    owner, session = running
    # The index of a line's last bar is its length less one, except under exactbars: it
    # is then the last that is kept, and too high for a feed whose bar was put back.
    if not (-line.lencount < ago <= 0 and -line._idx <= ago):
        _refuse(owner, line, ago)
    elif session is not None:
        _check_date(owner, line, ago, session)


def _refuse(owner: Any, line: Any, ago: Any) -> None:
    try:
        ago = operator.index(ago)
    except TypeError:  # no index at all: Backtrader says so
        return
    # What an indicator wrote itself it may read at will. What is made by operators in
    # somebody's __init__ is theirs too, but Backtrader writes it.
    if line._owner is owner and not isinstance(line, bt.LineActions):
        return
    frame, reader = _reader()
    if reader not in (None, "backtrader.order"):
        return
    kept = min(line.lencount, line._idx + 1)
    known = f"known are [0], the last, to [{1 - kept}]" if kept > 1 else "known is [0]"
    if not line.lencount and (feed := feed_of(line)) is not None and len(feed):
        problem = (
            "in this mode Backtrader leaves an indicator inside another at its last "
            "value of all; make one in your own __init__"
        )
    elif not line.lencount:
        problem = (
            "there is no bar yet, and Backtrader shows the last of the data set; "
            "read lines in next, where len(data) is above 0"
        )
    elif ago > 0:
        problem = f"that is the future; {known}"
    elif kept < line.lencount:
        problem = f"exactbars keeps no more bars; {known}"
    else:
        problem = f"that is before the first bar, and comes round to the last; {known}"
    if reader:
        problem = f"an order is priced from it, but {problem}"
    raise _error(owner, line, ago, frame, problem)


def _check_date(owner: Any, line: Any, ago: int, session: int) -> None:
    """Refuse a bar of a later day, and an older one if that is wanted."""
    feed = feed_of(line)
    # The date tells one bar from another, so it may be read.
    if feed is None or line is feed.lines.datetime:
        return
    read, last = (
        None if date is None else day_of(owner, feed, date)
        for date in (date_of_bar(feed, line.lencount + back) for back in (ago, 0))
    )
    indicator = owner._ltype == bt.LineIterator.IndType
    if indicator and read is not None and read > session:
        problem = (
            f"Backtrader shows the bar of {session_of(read)} already; set "
            f"_nextforce = True in {type(owner).__name__}: it then goes by date"
        )
    elif owner.refuse_stale_bars and last is not None and last < session:
        problem = (
            f"its last bar is of {session_of(last)}, and refuse_stale_bars is set; "
            "compare the feed's datetime.date(0) with the strategy's first"
        )
    else:
        return
    frame, reader = _reader()
    if reader in (None, "backtrader.order"):
        raise _error(owner, line, ago, frame, problem)


def _reader() -> tuple[FrameType | None, str | None]:
    """Return the user's frame, and the module of Backtrader's that reads by itself."""
    frame: FrameType | None = sys._getframe(1)
    reader = None
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module != __name__:
            if not module.startswith("backtrader."):
                break
            if reader is None and not module.startswith(PLUMBING):
                reader = module
        frame = frame.f_back
    return frame, reader


def _error(
    owner: Any,
    line: Any,
    ago: int,
    frame: FrameType | None,
    problem: str,
    **more: Any,
) -> LookaheadError:
    day = current_day(owner)
    place = "?"
    if frame is not None:
        place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
    session = None if day is None else str(session_of(day))
    return LookaheadError(
        name_of(line), ago, problem, place=place, session=session, **more
    )
