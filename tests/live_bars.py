"""Feeds that deliver a panel as a data vendor would: live, one session at a time.

A session is released to all feeds at once, and the next one only when every feed that
has a bar of it has delivered. Until then, and now and then at the turn of a session, a
feed says what a live one says: nothing yet.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np

from bt_lstm_rotation.prices import PricePanel


class Tape:
    """What has been released so far."""

    def __init__(self, panel: PricePanel, *, hesitates: bool) -> None:
        self.panel = panel
        self.row = -1
        self._missing: set[str] = set()
        self._hesitates = hesitates
        self._silent = 0

    def ask(self, symbol: str) -> Any:
        """Return a bar of the session that is out, None for not yet, False for ended.

        A bar is (session, 5 fields).
        """
        if not self._missing and not self._advance():
            return False if self.row >= len(self.panel) else None
        if symbol not in self._missing:
            return None
        self._missing.remove(symbol)
        column = self.panel.symbols.index(symbol)
        return self.panel.sessions[self.row], self.panel.bars[:, self.row, column]

    def _advance(self) -> bool:
        if self._hesitates and self._silent < 3:
            self._silent += 1  # longer than one round of Cerebro's questions
            return False
        self._silent = 0
        self.row += 1
        if self.row >= len(self.panel):
            return False
        there = self.panel.traded[self.row]
        self._missing = {
            name for name, has in zip(self.panel.symbols, there, strict=True) if has
        }
        return True


class LiveBars(bt.feed.DataBase):
    """One symbol of a tape."""

    params = (("tape", None), ("symbol", ""))

    def __init__(self):
        super().__init__()
        self._timeframe, self._compression = bt.TimeFrame.Days, 1

    def islive(self):
        return True

    def _load(self):
        bar = self.p.tape.ask(self.p.symbol)
        if not bar:
            return bar
        session, fields = bar
        day = session.astype("datetime64[D]").astype(np.int64) + 719_163
        self.lines.datetime[0] = float(day)
        names = ("open", "high", "low", "close", "volume")
        for name, value in zip(names, fields, strict=True):
            getattr(self.lines, name)[0] = value
        self.lines.openinterest[0] = 0.0
        return True


def add_live_feeds(cerebro: Any, panel: PricePanel, *, hesitates: bool = False) -> None:
    """Add a live feed for each symbol."""
    tape = Tape(panel, hesitates=hesitates)
    for symbol in panel.symbols:
        cerebro.adddata(LiveBars(tape=tape, symbol=symbol, name=symbol), name=symbol)
