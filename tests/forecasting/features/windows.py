"""Windows of random bars, with the benchmark's closes beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bt_lstm_rotation.forecasting import BarHistory, Window

MARKET = "M"


def history_of(panel):
    """Bars of all symbols but the market's, whose closes stand beside them by date."""
    symbols = [symbol for symbol in panel.symbols if symbol != MARKET]
    history = BarHistory(symbols, extra=("benchmark",))
    market = panel.bars[3, :, panel.symbols.index(MARKET)]
    for column, symbol in enumerate(panel.symbols):
        if symbol in symbols:
            rows = panel.traded[:, column]
            bars = np.vstack([panel.bars[:, rows, column], market[rows]])
            history.extend(symbol, panel.sessions[rows], bars)
    return history


def whole(panel, n_bars=None) -> Window:
    """Every symbol's last bars at the end of a panel, without a leading axis."""
    history = history_of(panel)
    counts = history.counts(panel.sessions[-1:])
    last = history.window(
        history.symbols, panel.sessions[-1:], n_bars or int(counts.min())
    )
    return replace(last, dates=last.dates[0], bars=last.bars[:, 0])
