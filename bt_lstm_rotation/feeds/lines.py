"""What one of Backtrader's lines belongs to: its feed, its dates, its name.

Nothing here reads a line as a user's code does, so that it may be asked at any time.
Dates are numbers as Backtrader keeps them, days since 0001-01-01 and a share of one.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from bt_lstm_rotation.feeds.sessions import dates_of

__all__ = ["current_day", "date_of_bar", "day_of", "feed_of", "label_of", "name_of"]


def current_day(owner: Any) -> int | None:
    """Return the session in which a strategy or an indicator is, if there is one.

    Days since 0001-01-01, where the exchange of the feeds is that show a bar now.
    """
    dates = _current_dates(owner)
    return max((day_of(owner, feed, date) for feed, date in dates), default=None)


def day_of(owner: Any, feed: Any, date: float) -> int:
    """Return the session of a feed's date; an owner keeps how its feeds are dated."""
    known = vars(owner).setdefault("_dates_of_feeds", {})
    if feed not in known:
        known[feed] = dates_of(feed)
    return int(known[feed].day(date))


def _current_dates(owner: Any) -> list[tuple[Any, float]]:
    strategy = owner
    while strategy is not None and strategy._ltype != bt.LineIterator.StratType:
        strategy = strategy._owner
    if strategy is not None and len(strategy):
        line = strategy.lines.datetime
        if (date := float(line.array[line._idx])) == date:
            feeds = [feed for feed in strategy.datas if len(feed)]
            shown = [feed for feed in feeds if date_of_bar(feed, len(feed)) == date]
            return [(feed, date) for feed in shown or strategy.datas[:1]]
    if owner is strategy:
        return []
    # Indicators are calculated ahead of the run, when the strategy has no date yet.
    feed = feed_of(owner)
    found = date_of_bar(feed, len(owner))
    return [] if found is None else [(feed, found)]


def feed_of(series: Any) -> Any:
    """Return the feed by whose bars a line or an indicator goes."""
    while series is not None and not isinstance(series, bt.AbstractDataBase):
        if isinstance(series, bt.LineSeriesStub):  # its owner is the strategy
            series = series.lines[0]
        clock = getattr(series, "_clock", None)
        series = series._owner if clock is None else clock
    return series


def date_of_bar(feed: Any, length: int) -> float | None:
    """Return the date of a feed's bar, counted from 1, if it is kept."""
    # An indicator is ahead of its feed while it is calculated ahead of the run.
    dates = feed.lines.datetime
    row = dates._idx + length - dates.lencount
    return float(dates.array[row]) if 0 <= row < len(dates.array) else None


def name_of(line: Any) -> str:
    """Name a line by its feed or indicator, as in ``"SMA(XLK).sma"``."""
    if isinstance(line, bt.LineActions):
        return type(line).__name__.lstrip("_")
    owner = line._owner
    number = next(n for n, other in enumerate(owner.lines) if other is line)
    return f"{label_of(owner)}.{owner._getlinealias(number) or number}"


def label_of(series: Any) -> str:
    """Name a feed or an indicator, as in ``"SMA(XLK)"``."""
    if isinstance(series, bt.AbstractDataBase):
        return str(series._name or f"data{series._id - 1}")
    if isinstance(series, bt.LineSeriesStub):
        return name_of(series.lines[0])
    if not isinstance(series, bt.IndicatorBase):
        return type(series).__name__
    return f"{type(series).__name__}({', '.join(map(label_of, series.datas))})"
