"""Panel -> Backtrader feeds."""

from __future__ import annotations

import math
from array import array
from typing import Any

import backtrader as bt
import numpy as np

from bt_lstm_rotation.feeds.absurd_bars import mark_as_judged
from bt_lstm_rotation.feeds.naming import FIELDS
from bt_lstm_rotation.periods import EPOCH
from bt_lstm_rotation.prices import PricePanel

__all__ = ["PanelData", "add_feeds"]


class PanelData(bt.feeds.PandasData):
    """`PandasData` over one symbol's frame of a panel, loaded at once.

    Its bars are valid, in order, and dated by midnights without a time zone, so there
    is nothing to convert cell by cell. With filters, or dates of its own to begin and
    end at, it loads bar by bar, as any feed.
    """

    def __init__(self) -> None:
        super().__init__()
        # Backtrader looks for ``feed.close`` in vain before it asks the feed's lines.
        for name in self.getlinealiases():
            setattr(self, name, getattr(self.lines, name))

    def start(self) -> None:
        """Take the bars out of the frame."""
        super().start()
        frame = self.p.dataname
        days = frame.index.to_numpy().astype("datetime64[D]").astype(np.int64)
        # Rows of plain floats: open to volume, and the date as Backtrader counts it.
        self._rows = [
            *frame[[field.capitalize() for field in FIELDS]].to_numpy().T.tolist(),
            (days + EPOCH).astype(float).tolist(),
        ]
        self._own = [getattr(self.lines, name) for name in (*FIELDS, "datetime")]

    def preload(self) -> None:
        """Fill the lines from the arrays, if nothing has to see each bar."""
        own_dates = self.fromdate > -math.inf or self.todate < math.inf
        if self._filters or self._ffilters or self._tzinput or own_dates:
            super().preload()
            return
        count = len(self._rows[0])
        self.forward(size=count)
        for line, values in zip(self._own, self._rows, strict=True):
            line.array[:count] = array("d", values)
        self._idx = count
        self.home()

    def advance_peek(self) -> float:
        """Return the date of the next bar, infinity after the last."""
        dated = self.datetime
        if dated.lencount < len(dated.array) - dated.extension:
            return float(dated.array[dated._idx + 1])
        return math.inf

    def advance(
        self, size: int = 1, datamaster: Any = None, ticks: bool = True
    ) -> None:
        """Go on by some bars, as `LineBuffer.advance` does line by line."""
        if datamaster is not None or self.datetime.mode == bt.LineBuffer.QBuffer:
            super().advance(size, datamaster, ticks)
            return
        for line in self.lines.lines:
            line._idx += size
            line.lencount += size

    def _tick_nullify(self) -> None:
        """Do nothing: the broker takes a bar's own prices where no tick is newer."""

    def _tick_fill(self, force: bool = False) -> None:
        """Do nothing, as `_tick_nullify`."""

    def _load(self) -> bool:
        self._idx += 1
        if self._idx >= len(self._rows[0]):
            return False
        for line, values in zip(self._own, self._rows, strict=True):
            line[0] = values[self._idx]
        return True


def add_feeds(cerebro: Any, panel: PricePanel, benchmark: str | None = None) -> None:
    """Add one feed a symbol to a Cerebro, the benchmark first if there is one.

    Backtrader's own analyzers take the first feed for the clock, so it should be the
    one with the full history.
    """
    make: Any = PanelData  # its params are taken by its metaclass
    ordered = sorted(panel.symbols, key=lambda symbol: symbol != benchmark)
    for symbol in ordered:
        feed = make(dataname=panel.frame(symbol), name=symbol)
        mark_as_judged(feed)
        cerebro.adddata(feed)
