"""Panel -> Backtrader feeds, and Backtrader feeds -> sound bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.periods import EPOCH
from bt_lstm_rotation.prices import PricePanel

__all__ = ["add_feeds", "feed_names", "last_bar", "loaded_bars", "session_of"]

FIELDS = ("open", "high", "low", "close", "volume")


def add_feeds(cerebro: Any, panel: PricePanel, benchmark: str | None = None) -> None:
    """Add one feed a symbol to a Cerebro.

    Parameters
    ----------
    cerebro : bt.Cerebro
        Where they go.
    panel : PricePanel
        Validated bars.
    benchmark : str, optional
        A symbol of the panel that is added first: Backtrader's own analyzers take the
        first feed for the clock, so it should be the one with the full history.
    """
    ordered = sorted(panel.symbols, key=lambda symbol: symbol != benchmark)
    for symbol in ordered:
        bars = panel.frame(symbol)
        cerebro.adddata(bt.feeds.PandasData(dataname=bars, name=symbol))


def feed_names(feeds: Any) -> tuple[str, ...]:
    """Return the feeds' names, which have to be there and to differ.

    Raises
    ------
    StrategyError
        If there is no list of feeds, something that is none, a feed without a name, two
        with the same one, or a replayed feed.
    """
    if not isinstance(feeds, Sequence):
        raise StrategyError(
            "a list of feeds is needed, such as self.datas "
            f"(got {type(feeds).__name__})"
        )
    if not feeds:
        raise StrategyError("no feeds: add at least one to Cerebro (got an empty list)")
    for number, feed in enumerate(feeds):
        if not all(hasattr(getattr(feed, "lines", None), field) for field in FIELDS):
            raise StrategyError(
                f"a data feed with the lines {' '.join(FIELDS)} is needed "
                f"(got {type(feed).__name__})"
            )
        if not feed._name and len(feeds) > 1:
            raise StrategyError(
                f"feed {number} has no name; "
                "give one: cerebro.adddata(feed, name='XLK')"
            )
        if getattr(feed, "replaying", False):
            raise StrategyError(
                f"{feed._name or 'the feed'} is replayed: a bar that still forms has "
                "no close to forecast from; use cerebro.resampledata instead"
            )
    names = tuple(str(feed._name or "data") for feed in feeds)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StrategyError(
            f"feeds need different names (got {', '.join(twice)} twice)"
        )
    return names


def session_of(number: float) -> np.datetime64:
    """Return the session of one of Backtrader's date numbers."""
    return np.datetime64(int(number) - EPOCH, "D")


def loaded_bars(feed: Any) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Return all bars of a feed that Backtrader has loaded ahead of the run.

    Returns
    -------
    sessions : (n_bars,) datetime64[D]
    bars : (5, n_bars) float64
        Open, high, low, close and volume, as they are.
    """
    numbers = np.array(feed.lines.datetime.array)[: feed.buflen()]
    days = np.floor(numbers).astype(np.int64) - EPOCH
    columns = [getattr(feed.lines, field).array for field in FIELDS]
    return days.astype("datetime64[D]"), np.array(columns)[:, : feed.buflen()]


def last_bar(feed: Any) -> NDArray[np.float64]:
    """Return the bar that a feed shows now, (5, 1)."""
    return np.array([[getattr(feed.lines, field)[0]] for field in FIELDS])
