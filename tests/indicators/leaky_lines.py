"""Indicators that know the future, each in its own way."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd


class AtOnce(bt.Indicator):
    """Of all closes at once, as a vectorised indicator may compute it."""

    lines = ("value",)
    params = (("made", None),)

    def next(self):
        self.once(len(self) - 1, len(self))

    def once(self, start, end):
        closes = pd.Series(np.array(self.data.close.array))
        values = self.p.made(closes).to_numpy()
        for row in range(start, end):
            self.l.value.array[row] = values[row]


class TomorrowIfThereIsOne(bt.Indicator):
    lines = ("value",)

    def next(self):
        try:
            self.l.value[0] = self.data.close[1]
        except IndexError:
            self.l.value[0] = self.data.close[0]


class Tomorrow(bt.Indicator):
    lines = ("value",)

    def next(self):
        self.l.value[0] = self.data.close[1]


class AtMonthEnds(bt.Indicator):
    """Knows only whether the next bar is in another month."""

    lines = ("value",)

    def next(self):
        date = self.data.datetime.date
        try:
            self.l.value[0] = float(date(1).month != date(0).month)
        except IndexError:
            self.l.value[0] = 0.0


class Chance(bt.Indicator):
    lines = ("value",)

    def next(self):
        self.l.value[0] = np.random.default_rng().normal()


def centred_mean(closes):
    return closes.rolling(11, center=True).mean()


def shifted_back(closes):
    return closes.shift(-1)


def scored_on_the_whole(closes):
    return (closes - closes.mean()) / closes.std()


def centred_maximum(closes):
    return closes.rolling(7, center=True).max()


# Name -> makes the line, and how many bars it looks ahead; None: to the last bar.
LEAKS = {
    "centred mean": (lambda d: AtOnce(d, made=centred_mean), 5),
    "shift": (lambda d: AtOnce(d, made=shifted_back), 1),
    "whole sample": (lambda d: AtOnce(d, made=scored_on_the_whole), None),
    "centred maximum": (lambda d: AtOnce(d, made=centred_maximum), 3),
    "tomorrow": (TomorrowIfThereIsOne, 1),
    "month ends": (AtMonthEnds, 1),
    "a line that runs ahead": (lambda d: d.close(3), 3),
    "an operation on one": (lambda d: d.close(2) / d.close - 1.0, 2),
}

CLEAN = {
    "RSI": bt.ind.RSI,
    "SMA": lambda d: bt.ind.SMA(d, period=50),
    "EMA": lambda d: bt.ind.EMA(d, period=20),
    "MACD's signal": lambda d: bt.ind.MACD(d).signal,
    "distance": lambda d: d.close / bt.ind.EMA(d, period=20) - 1.0,
    "momentum": lambda d: d.close / d.close(-63),
    "ATR": lambda d: bt.ind.ATR(d) / d.close,
    "crossing": lambda d: bt.ind.CrossOver(d.close, bt.ind.SMA(d)),
    "of another": lambda d: bt.ind.SMA(bt.ind.RSI(d), period=5),
    "either": lambda d: bt.If(d.close > d.close(-1), 1.0, -1.0),
    "the larger": lambda d: bt.Max(d.close, bt.ind.SMA(d)) / d.close,
    "band": lambda d: bt.ind.BBands(d).top / d.close,
    "stochastic": bt.ind.Stochastic,
    "highest": lambda d: d.close / bt.ind.Highest(d.high, period=100),
    "ADX": bt.ind.ADX,
    "CCI": bt.ind.CCI,
    "aroon": lambda d: bt.ind.AroonOscillator(d),
    "percent rank": lambda d: bt.ind.PercentRank(d, period=40),
    "volume": lambda d: d.volume,
    "delayed": lambda d: bt.ind.EMA(d, period=10)(-2),
}
