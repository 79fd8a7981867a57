"""A strategy that does what a script says, and a broker with splits and dividends.

Sessions are weekdays from 2020-01-01 on and are named by their number, from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
from hand_made import Bar, frame_of

from bt_lstm_rotation import Forecast, MomentumSpec, PricePanel
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.prices.corporate_actions import CorporateAction
from bt_lstm_rotation.rebalancing.adjusting_broker import AdjustingBroker

FIRST = np.datetime64("2020-01-01", "D")

SPLIT = CorporateAction(0.5, 2.0, 0.0)
REVERSE = CorporateAction(10.0, 0.1, 0.0)
# 0.5% of a close of 100.
DIVIDEND = CorporateAction(0.995, 1.0, 0.5)


def day(number: int) -> Any:
    return np.busday_offset(FIRST, number, "forward").astype(object)


def number_of(date: Any) -> int:
    return int(np.busday_count(FIRST, date))


class Scripted(bt.Strategy):
    """Calls ``script[session](self)`` at its close, and takes notes at each."""

    params = (("script", {}),)

    def __init__(self):
        self.noted: dict[int, tuple[float, float, dict[str, float]]] = {}
        self.orders: list[tuple[int, str, float, float]] = []
        self.told: list[tuple[int, str, CorporateAction]] = []
        self.trades: list[Any] = []

    @property
    def session(self) -> int:
        return number_of(self.datetime.date(0))

    def prenext(self):
        self.next()

    def next(self):
        now = self.session
        held = {
            feed._name: position.size
            for feed, position in self.broker.positions.items()
            if position.size
        }
        self.noted[now] = (self.broker.getvalue(), self.broker.getcash(), held)
        if now in self.p.script:
            self.p.script[now](self)

    def notify_order(self, order):
        done = order.executed
        row = (order.getstatusname(), done.size, done.price)
        self.orders.append((self.session, *row))

    def notify_trade(self, trade):
        self.trades.append((self.session, trade.isclosed, trade.size, trade.pnl))


class Told(Scripted):
    """The same, with a hook."""

    def __init__(self):
        super().__init__()

    def notify_corporate_action(self, data, action):
        self.told.append((len(data), data._name, action))


class Forecasts(Scripted):
    """Momentum for each feed."""

    def __init__(self):
        super().__init__()
        spec = MomentumSpec(lookback=10, skip=2, horizon=3)
        Forecast.pooled(self.datas, spec=spec, training=Training(store=None))


def market(**prices: Sequence[Bar]) -> dict[str, pd.DataFrame]:
    """Frames of weekdays whose bars have no range but that of open and close."""
    return {
        name: frame_of(dict(enumerate(bars)), str(FIRST), spread=0.0)
        for name, bars in prices.items()
    }


def in_old_units(
    panel: PricePanel, actions: Mapping[int, Mapping[str, CorporateAction]]
) -> PricePanel:
    """A panel as it was seen, session by session; rows are numbers of sessions."""
    bars = panel.bars.copy()
    for number, named in actions.items():
        for name, action in named.items():
            column = panel.symbols.index(name)
            bars[:4, :number, column] /= action.price
            bars[4, :number, column] /= action.shares
    return replace(panel, bars=bars)


def run(
    frames: Mapping[str, pd.DataFrame],
    script: Mapping[int, Callable[[Any], Any]] | None = None,
    actions: Mapping[int, Mapping[str, CorporateAction]] | None = None,
    *,
    strategy: Any = Scripted,
    cash: float = 10_000.0,
    broker: Any = None,
    analyzers: Sequence[Any] = (),
    broker_lot: float = 1,
    mode: Mapping[str, Any] | None = None,
    **params: Any,
) -> Any:
    """Run a strategy; without actions, under Backtrader's own broker."""
    cerebro = bt.Cerebro(stdstats=False, **(mode or {}))
    for name, frame in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    if actions is not None:
        dated = {day(number): named for number, named in actions.items()}
        cerebro.broker = AdjustingBroker(actions=dated, lot=broker_lot)
    if broker is not None:
        broker(cerebro.broker)
    cerebro.broker.setcash(cash)
    if script is not None:
        params["script"] = script
    cerebro.addstrategy(strategy, **params)
    for analyzer in analyzers:
        kind, settings = analyzer if isinstance(analyzer, tuple) else (analyzer, {})
        cerebro.addanalyzer(kind, _name=kind.__name__, **settings)
    (ran,) = cerebro.run()
    return ran
