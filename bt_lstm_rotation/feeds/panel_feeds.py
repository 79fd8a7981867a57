"""Panel -> Backtrader feeds."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from bt_lstm_rotation.feeds.absurd_bars import mark_as_judged
from bt_lstm_rotation.prices import PricePanel

__all__ = ["add_feeds"]


def add_feeds(cerebro: Any, panel: PricePanel, benchmark: str | None = None) -> None:
    """Add one feed a symbol to a Cerebro, the benchmark first if there is one.

    Backtrader's own analyzers take the first feed for the clock, so it should be the
    one with the full history.
    """
    ordered = sorted(panel.symbols, key=lambda symbol: symbol != benchmark)
    for symbol in ordered:
        bars = panel.frame(symbol)
        feed = bt.feeds.PandasData(dataname=bars, name=symbol)
        mark_as_judged(feed)
        cerebro.adddata(feed)
