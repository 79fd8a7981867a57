"""A feed's past in new units, and what has been made of it.

Bars come as they were seen, so from a split or a dividend on they are in other units
than the ones before (`bt_lstm_rotation.prices.corporate_actions`). These functions
bring the past of a running Cerebro into the new units, in the session that shows the
first new bar and before anything has looked at it. Bars are kept, and go one by one:
``exactbars=0``, ``runonce=False``; that later ones are loaded already does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import backtrader as bt
import numpy as np

from bt_lstm_rotation.feeds.lines import label_of
from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["recalculate", "restate", "tell"]

# What a strategy, an indicator or an analyzer may define, for (feed, CorporateAction).
HOOK = "notify_corporate_action"

# What a vectorised calculation has to define, if it defines what goes bar by bar.
TWINS = (("next", "once"), ("nextstart", "oncestart"), ("prenext", "preonce"))


def restate(feed: Any, action: CorporateAction) -> None:
    """Bring the bars before the one that a feed shows into new units.

    Prices are multiplied by the action's price; volume and open interest count shares,
    and are multiplied by those. Other lines that a feed may have stay as they are.
    """
    factors = dict.fromkeys(("open", "high", "low", "close"), action.price)
    factors |= dict.fromkeys(("volume", "openinterest"), action.shares)
    for field, factor in factors.items():
        line = getattr(feed.lines, field, None)
        if line is not None and len(line) > 1:
            # Not a copy: a view, which must be gone before the array grows again.
            np.frombuffer(line.array, dtype="float64")[: line.idx] *= factor


def recalculate(strategy: Any, feeds: Iterable[Any]) -> list[str]:
    """Calculate a strategy's indicators of some restated feeds again, up to the last.

    An EMA, RSI or MACD then goes on from new units, and not from a mixture. One with a
    hook of its own, ``notify_corporate_action``, looks after itself.

    Returns
    -------
    list of str
        Those that cannot be calculated again, and go on from what they have: one that
        has only a ``next`` may keep what it needs anywhere, and one that reads feeds of
        different sessions cannot be calculated by row.
    """
    changed = frozenset(feeds)
    found = strategy.getindicators()
    names = [name for one in found for name in _recalculate(one, changed)]
    return list(dict.fromkeys(names))


def tell(strategy: Any, feed: Any, action: CorporateAction) -> None:
    """Call the hook of a strategy's indicators and analyzers, and then its own."""
    analyzers = [*strategy.analyzers, *strategy._slave_analyzers]
    for listener in (
        *_family(strategy.getindicators(), lambda one: one.getindicators()),
        *_family(analyzers, lambda one: one._children),
        strategy,
    ):
        hook = getattr(listener, HOOK, None)
        if hook is not None:
            hook(feed, action)


def _family(parents: Iterable[Any], children: Any) -> Iterator[Any]:
    for parent in parents:
        yield from _family(children(parent), children)
        yield parent


def _recalculate(indicator: Any, changed: frozenset[Any]) -> Iterator[str]:
    """Calculate children first; give the names of those that cannot be."""
    feeds = _feeds_of(indicator)
    if not feeds & changed:
        return
    if getattr(indicator, "_nextforce", False):
        # Such as HeikinAshi, whose parts feed on each other bar by bar.
        yield label_of(indicator)
        return
    for child in indicator.getindicators():
        yield from _recalculate(child, changed)
    if hasattr(indicator, HOOK):
        return
    if _is_vectorised(type(indicator)) and _is_in_step(indicator, feeds, changed):
        _once(indicator, len(indicator))
    else:
        yield label_of(indicator)


def _once(indicator: Any, n_bars: int) -> None:
    """Fill an indicator's lines, as ``LineIterator._once`` does after its children."""
    first = indicator._minperiod
    indicator.preonce(0, min(first - 1, n_bars))
    if n_bars >= first:
        indicator.oncestart(first - 1, first)
        indicator.once(first, n_bars)
    for line in indicator.lines:
        line.oncebinding()


def _is_vectorised(kind: Any) -> bool:
    """Whether what a class calculates bar by bar it also calculates at once."""
    if kind.once is getattr(kind, "once_via_next", None):
        return False
    depth = {
        name: next(n for n, base in enumerate(kind.__mro__) if name in vars(base))
        for twins in TWINS
        for name in twins
    }
    return all(depth[by_bar] >= depth[at_once] for by_bar, at_once in TWINS)


def _is_in_step(indicator: Any, feeds: frozenset[Any], changed: frozenset[Any]) -> bool:
    """Whether one row of all that an indicator reads and fills is one session."""
    n_bars = len(indicator)
    if any(len(feed) != n_bars + 1 for feed in feeds & changed):
        return False
    bound = [b for line in indicator.lines for b in line.bindings]
    if any(line.buflen() != n_bars for line in (*indicator.lines, *bound)):
        return False
    dates = [feed.lines.datetime.array[:n_bars] for feed in feeds]
    return all(own == dates[0] for own in dates)


def _feeds_of(indicator: Any) -> frozenset[Any]:
    """Return the feeds that an indicator reads, itself or through others."""
    found: set[Any] = set()
    seen: set[int] = set()
    left = [indicator]
    while left:
        series = left.pop()
        if id(series) in seen:
            continue
        seen.add(id(series))
        if isinstance(series, bt.AbstractDataBase):
            found.add(series)
        else:
            left += _inputs(series)
    return frozenset(found)


def _inputs(series: Any) -> list[Any]:
    if isinstance(series, bt.LineActions):
        return list(series._datas)
    if isinstance(series, bt.LineSeriesStub):
        return [series.lines[0]]
    if isinstance(series, bt.StrategyBase):
        return list(series.datas)
    if isinstance(series, bt.LineIterator):
        return [*series.datas, *series.getindicators()]
    return [series._owner]  # a line of a feed or of an indicator
