"""What a feed is called, in results, events and messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.wording import is_writable, shown

__all__ = ["FIELDS", "FeedLabels", "check_writable", "feed_name", "feed_names"]

# The lines that a feed of bars has.
FIELDS = ("open", "high", "low", "close", "volume")


def feed_name(feed: object) -> str:
    """Return a feed's name, ``"data"`` if it has none; of anything else, its text."""
    return str(getattr(feed, "_name", feed) or "data")


def feed_names(feeds: Any) -> tuple[str, ...]:
    """Return the feeds' names, which have to be there and to differ.

    Raises
    ------
    StrategyError
        If there are no feeds, or one is no feed, has no name, shares another's name, or
        is replayed.
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
                f"{feed_name(feed)} is replayed: a bar that still forms has "
                "no close to forecast from; use cerebro.resampledata instead"
            )
    names = tuple(map(feed_name, feeds))
    check_writable(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StrategyError(
            f"feeds need different names (got {', '.join(twice)} twice)"
        )
    return names


def check_writable(names: Iterable[str]) -> None:
    """Raise StrategyError if no file could hold one of the names."""
    for name in names:
        if not is_writable(name):
            problem = f"a feed has a name that no file can hold (got {shown(name)})"
            raise StrategyError(f"{problem}; letters that UTF-8 has are needed")


class FeedLabels:
    """What a report calls a strategy's feeds: their names, and no two alike.

    Of several feeds without a name, each is ``data0``, ``data1``, ... by its place; of
    several with the same, the second is ``name-2``. A copy in another process is empty.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._known: dict[Any, str] = {}

    def __getitem__(self, feed: Any) -> str:
        if not self._known:
            self._known = _labels(self._strategy.datas)
        return self._known.get(feed) or feed_name(feed)

    def __getstate__(self) -> dict[str, Any]:
        return {}


def _labels(feeds: Sequence[Any]) -> dict[Any, str]:
    labels: dict[Any, str] = {}
    for number, feed in enumerate(feeds):
        unnamed = not getattr(feed, "_name", "") and len(feeds) > 1
        name = f"data{number}" if unnamed else feed_name(feed)
        label, again = name, 2
        while label in labels.values():
            label, again = f"{name}-{again}", again + 1
        labels[feed] = label
    return labels
