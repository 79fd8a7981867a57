"""A vendor for paper accounts, whose history can change and whose bars can be late."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np

from bt_lstm_rotation.backtest import Broker, run_backtest
from bt_lstm_rotation.errors import DataError, SourceError
from bt_lstm_rotation.paper import PaperSession
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import SimulatedMarket

MARKET = SimulatedMarket(n_sessions=420, n_sectors=4, seed=7).panel()
SECTORS = tuple(name for name in MARKET.symbols if name != "MARKET")
DAYS = MARKET.sessions.tolist()
SETTINGS = {
    "data": "simulated",
    "symbols": SECTORS,
    "benchmark": "MARKET",
    "calendar": "bars",
    "strategy": "momentum_12_1",
    "settings": ("lookback=63", "skip=5"),
}
# A network that is trained in no time, and decides each week.
SMALL_LSTM = {
    "strategy": "lstm_top3_monthly",
    "settings": (
        "top=2",
        "units=2",
        "steps=1",
        "lookback=10",
        "horizon=5",
        "train_size=120",
        "rebalance=weekly",
    ),
}


class Vendor:
    """Gives a panel's bars, as somebody may have changed them since yesterday."""

    def __init__(self, panel: PricePanel = MARKET) -> None:
        self.panel = panel
        self.fault: Exception | None = None
        self.asked = 0
        self.late: set[tuple[str, dt.date]] = set()

    def __call__(self, wanted, last, since=None):
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        panel = self.panel
        bars = panel.bars.copy()
        for symbol, day in self.late:
            bars[:, DAYS.index(day), panel.symbols.index(symbol)] = np.nan
        kept = ~np.isnan(bars[3]).all(axis=1)
        panel = replace(panel, bars=bars[:, kept], sessions=panel.sessions[kept])
        return panel.select(dict.fromkeys(wanted.names)).between(None, last)

    def restate(self, symbol, before, factor, shares=1.0):
        """Multiply all of a symbol's prices before a day."""
        column = self.panel.symbols.index(symbol)
        rows = self.panel.sessions < np.datetime64(before, "D")
        bars = self.panel.bars.copy()
        bars[:4, rows, column] *= factor
        bars[4, rows, column] *= shares
        self.panel = replace(self.panel, bars=bars)


def no_answer():
    """Return what a vendor that does not answer raises."""
    return SourceError("no bars of S1 from 2000-01-03 on: HTTP 429")


def unusable():
    """Return what an answer that cannot be used raises."""
    return DataError("not a table", symbol="S1")


def account(root, day, vendor=None, name="mine", **parts):
    """Find an account on a day, by its place in the market's sessions."""
    return PaperSession(
        name, root=root, today=DAYS[day], source=vendor or Vendor(), **parts
    )


def backtest(wanted, first, last, panel=MARKET):
    """Run what an account is to come out as, from its first fill to a session."""
    strategy, params = wanted.load_strategy()
    return run_backtest(
        panel.select(wanted.names),
        strategy,
        params,
        benchmark="MARKET",
        start=DAYS[first + 1],
        end=DAYS[last],
        broker=Broker(),
        sizer=wanted.made_sizer(),
    )


def contents(record):
    """Return all that a record holds but for when it was written."""
    kept = {name: list(map(repr, rows)) for name, rows in record.tables.items()}
    heads = [(t.number, t.kind, t.session) for t in record.transactions]
    return heads, kept
