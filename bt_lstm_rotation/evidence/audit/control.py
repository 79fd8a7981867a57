"""A strategy that looks ahead on purpose: a probe that does not see it sees nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import backtrader as bt

from bt_lstm_rotation.evidence.audit.rows import Rows

__all__ = ["MODES", "Control", "in_control_of"]

# It needs the bars of the future to be in memory.
MODES: Final[Mapping[str, Any]] = {
    "preload": True,
    "runonce": True,
    "exactbars": False,
    "live": False,
}


class Control(bt.Strategy):
    """Shows the next close of every feed as a line, and orders by it."""

    lines = ("tomorrow",)
    params = (("reads", None),)

    def __init__(self) -> None:
        pass

    def start(self) -> None:
        """Read a file, as a control for what notices that."""
        if self.p.reads is not None:
            with open(self.p.reads, "rb") as file:
                file.read(1)

    def prenext(self) -> None:
        """Do not wait for a feed that is listed late."""
        self.next()

    def next(self) -> None:
        """Buy as many shares as the next bar says."""
        feeds = [feed for feed in self.datas if len(feed)]
        ahead = [_following(feed) for feed in feeds]
        total = math.fsum(value for value in ahead if value == value)
        self.l.tomorrow[0] = total
        self.buy(feeds[0], size=1.0 + abs(total))


def _following(feed: Any) -> float:
    line = feed.lines.close
    row = line.idx + 1
    try:
        if row < len(line.array):
            return float(line.array[row])
    except TypeError:  # only the last bars are kept
        pass
    rows: Rows | None = getattr(feed, "world_rows", None)
    if rows is None:
        return math.nan
    row = rows.count(feed.datetime[0])
    close = rows.values[:, rows.names.index("close")]
    return float(close[row]) if row < len(close) else math.nan


def in_control_of(
    make: Callable[[], Any], *, coc: bool = False, **params: Any
) -> Callable[[], Any]:
    """Return what makes the same Cerebro with the control in place of strategies."""

    def made() -> Any:
        cerebro = make()
        cerebro.strats[:] = [[(Control, (), params)]]
        cerebro.signals.clear()
        for added in (cerebro.indicators, cerebro.observers, cerebro.analyzers):
            added.clear()
        cerebro.sizers.clear()
        cerebro._pretimers.clear()
        cerebro.p.stdstats = cerebro.p.cheat_on_open = False
        # What it orders has to be filled, whatever it costs.
        cerebro.broker.setcash(1e15)
        if coc:
            cerebro.broker.set_coc(True)
        return cerebro

    return made
