"""Rebalancers in one Cerebro that would trade each other's positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.feeds.naming import feed_name

__all__ = ["refuse_shared_feeds"]


def refuse_shared_feeds(strategy: Any, rebalancer: Any) -> None:
    """Raise if another rebalancer of the run trades one of a rebalancer's feeds.

    A position in Backtrader's broker is the account's, whichever strategy has opened
    it: each of the two would sell what the other has bought.

    Raises
    ------
    StrategyError
        Naming both strategies and the feeds they share.
    """
    cerebro = getattr(strategy, "cerebro", None)
    running = list(getattr(cerebro, "runningstrats", None) or [strategy])
    # Feeds overload ==, so they are looked up by hash.
    traded = frozenset(rebalancer.traded)
    for other in running:
        for found in _rebalancers(other, type(rebalancer)):
            if found is rebalancer:
                continue
            shared = [feed for feed in found.traded if feed in traded]
            if shared:
                names = ", ".join(sorted(map(feed_name, shared)))
                both = " and ".join(sorted(type(s).__name__ for s in (strategy, other)))
                raise StrategyError(
                    f"{both} would trade each other's positions in {names}, which are "
                    "the account's: give each a universe of its own (universe=..., or "
                    "a Rebalancer's ignore=...) and its share of equity "
                    "(cash_buffer=0.5), or run each in a Cerebro of its own"
                )


def _rebalancers(strategy: Any, kind: type) -> Iterator[Any]:
    for value in list(vars(strategy).values()):
        if isinstance(value, kind):
            yield value
        elif isinstance(value, list | tuple | dict):
            inner = value.values() if isinstance(value, dict) else value
            yield from (one for one in list(inner) if isinstance(one, kind))
