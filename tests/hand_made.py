"""Bars written out by hand, for runs whose every fill can be worked out on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from bt_lstm_rotation import Broker, PricePanel
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.prices.bars import COLUMNS

# The price all day long, its open and close, or no bar.
Bar = float | tuple[float, float] | None

FREE = Broker(cash=10_000.0, commission=0.0, slippage=0.0)


def frame_of(
    bars: Mapping[int, Bar], first: str, *, spread: float = 0.1
) -> pd.DataFrame:
    """Bars of weekdays, numbered from `first`; their range is so much wider."""
    rows = {}
    for number, bar in bars.items():
        if bar is not None:
            opened, close = bar if isinstance(bar, tuple) else (bar, bar)
            high, low = max(opened, close), min(opened, close)
            day = np.busday_offset(np.datetime64(first, "D"), number, "forward")
            rows[day] = opened, high * (1 + spread), low * (1 - spread), close, 1_000.0
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS))
    return frame.set_index(pd.DatetimeIndex(list(rows)).as_unit("ns")).astype("float64")


def panel_of(first: str, **prices: Sequence[Bar]) -> PricePanel:
    """One bar a weekday from `first` on; the range is a tenth beyond open and close."""
    frames = {name: frame_of(dict(enumerate(s)), first) for name, s in prices.items()}
    n_sessions = max(map(len, prices.values()))
    days = np.busday_offset(np.datetime64(first, "D"), np.arange(n_sessions), "forward")
    tables = [frame.reindex(pd.DatetimeIndex(days)) for frame in frames.values()]
    return PricePanel(days, tuple(prices), np.stack(tables, axis=-1).transpose(1, 0, 2))


class Fills(bt.Analyzer):
    """Every fill as (session, feed, signed size, price), told by the broker."""

    def __init__(self):
        self.rets = []

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            done = order.executed
            day = bt.num2date(done.dt).date().isoformat()
            self.rets.append((day, order.data._name, done.size, done.price))

    def get_analysis(self) -> Any:
        return self.rets


def drop_in(
    panel: PricePanel,
    strategy: Any,
    *,
    broker: Broker = FREE,
    first_feed: str | None = None,
    analyzers: Sequence[Any] = (),
    **params: Any,
) -> Any:
    """Run a strategy as anybody's script would, without our backtest around it."""
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, panel, first_feed)
    broker.set_up(cerebro)
    cerebro.addstrategy(strategy, **params)
    for analyzer in (Fills, *analyzers):
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    (ran,) = cerebro.run()
    return ran


def fills(ran: Any) -> list[tuple[str, str, float, float]]:
    """Fills of a strategy that `drop_in` ran, oldest first."""
    return ran.analyzers.Fills.get_analysis()
