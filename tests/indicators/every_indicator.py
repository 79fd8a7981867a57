"""Every indicator that Backtrader has, made with its defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import backtrader as bt

# What is there to derive from, and makes no line by itself.
BASES = {
    *("ApplyN", "BaseApplyN", "Envelope", "EnvelopeMixIn", "Indicator"),
    *("MovingAverageBase", "OperationN", "Oscillator", "OscillatorMixIn", "PeriodN"),
    *("ReduceN", "_CrossBase", "DirectionalMovement"),
}

# Why some take no part in the table.
LEFT_OUT = {
    "CointN": "needs what pandas no longer has",
    "ExponentialSmoothingDynamic": "needs a line for its `alpha`",
    "FindFirstIndex": "needs a function",
    "FindLastIndex": "needs a function",
    "HurstExponent": "takes minutes on a history",
    "OLS_BetaN": "needs what pandas no longer has",
    "OLS_Slope_InterceptN": "takes minutes on a history",
    "OLS_TransformationN": "takes minutes on a history",
}


def every_indicator() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Go through names and how to make one on a feed, other names of one left out."""
    kinds = {
        name: kind
        for name, kind in vars(bt.indicators).items()
        if isinstance(kind, type)
        and issubclass(kind, bt.Indicator)
        and kind.__name__ == name
    }
    aliases = {
        alias if isinstance(alias, str) else alias[0]
        for kind in kinds.values()
        for alias in vars(kind).get("alias", ())
    }
    for name, kind in sorted(kinds.items()):
        if name not in aliases and name not in BASES and name not in LEFT_OUT:
            yield name, maker(kind)


def maker(kind: Any) -> Callable[[Any], Any]:
    def make(feed: Any) -> Any:
        if getattr(kind, "_mindatas", 1) > 1:
            return kind(feed.close, bt.ind.SMA(feed, period=10))
        return kind(feed)

    return make
