"""Whether there are bars enough for a strategy to be called at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bt_lstm_rotation.errors import HistoryError
from bt_lstm_rotation.feeds.naming import feed_name

__all__ = ["too_few_bars"]


def too_few_bars(strategies: Iterable[Any]) -> HistoryError | None:
    """Return the error for strategies whose indicators need more bars than there are.

    Backtrader, calculating them ahead of the run, stops with an IndexError.
    """
    for strategy in strategies:
        periods = getattr(strategy, "_minperiods", ())
        for feed, period in zip(strategy.datas, periods, strict=False):
            if feed.buflen() < period:
                return HistoryError(
                    f"{type(strategy).__name__} could never be called",
                    needed=period,
                    available=feed.buflen(),
                    symbol=feed_name(feed),
                    valid="indicators of shorter periods, or more bars",
                )
    return None
