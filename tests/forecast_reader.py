"""A strategy that notes forecast lines, and what the walk on a panel says of them."""

from __future__ import annotations

import backtrader as bt
from fakes import date

from bt_lstm_rotation.forecasting import walk_forward
from bt_lstm_rotation.indicators import LSTMForecast


class Reader(bt.Strategy):
    """Note each feed's forecast on each of its dates; `make` adds the indicators."""

    params = (("make", None),)

    def __init__(self):
        self.forecasts = self.p.make(self)
        self.noted = {}

    def prenext(self):
        self.next()

    def next(self):
        for feed, forecast in self.forecasts.items():
            if len(feed):
                key = feed._name, feed.datetime.date(0)
                self.noted[key] = forecast.l.forecast[0].hex()


def pooled(spec, **others):
    return lambda strategy: LSTMForecast.pooled(strategy.datas, spec=spec, **others)


def walked(panel, spec, start=None):
    """The panel's own forecasts, as a strategy would note them."""
    result = walk_forward(panel, spec, start=start)
    return {
        (symbol, date(session)): float(result.values[row, column]).hex()
        for row, session in enumerate(result.sessions)
        for column, symbol in enumerate(result.symbols)
        if panel.traded[row, column]
    }
