"""Indicators that are moved on together are where Backtrader would have them."""

from __future__ import annotations

import backtrader as bt
import pytest
from fakes import random_panel, without

from bt_lstm_rotation import SectorRotation
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.feeds.in_step import InStep

PANEL = without(without(random_panel("ABC", 90), "B", slice(0, 30)), "A", [40, 41, 60])


class Slow(bt.Indicator):
    """Goes on at every other bar, by its own doing."""

    lines = ("slow",)

    def __init__(self):
        self.asked = 0

    def once(self, start, end):
        for row in range(start, end):
            self.l.slow.array[row] = row

    def advance(self, size=1):
        self.asked += 1
        if self.asked % 2:
            super().advance(size)


class Plain(bt.Strategy):
    """Has indicators of all kinds, and writes down where each is at each bar."""

    def __init__(self):
        self.seen = []
        for data in self.datas:
            mean = bt.ind.SMA(data, period=5)
            self.distance = data.close / mean - 1.0
            bt.ind.EMA(self.distance, period=4)
            bt.ind.MACD(data)
            bt.ind.Stochastic(data)
            bt.ind.Highest(data.high - data.low, period=7)
            bt.If(data.close > data.close(-1), mean, 0.0)
            bt.ind.SMA(Slow(data), period=2)
            self.slow_one = Slow(data) + data.close
        self.joined = self.data0.close() - self.data1.close()
        self.between = bt.ind.SMA(self.data1.close - self.data0.close, period=3)

    def prenext(self):
        self.next()

    def next(self):
        for number, one in enumerate(self.getindicators()):
            where = [(line.idx, line.lencount) for line in one.lines]
            now = [line[0] for line in one.lines if len(line)]
            self.seen.append((len(self), number, type(one), len(one), where, now))


class Together(Plain):
    """The same, moved on together."""

    def __init__(self):
        super().__init__()
        self.in_step = InStep(self)

    def _oncepost(self, dt):
        self.in_step.move()
        super()._oncepost(dt)


def weekly(cerebro):
    cerebro.resampledata(cerebro.datas[0], timeframe=bt.TimeFrame.Weeks)


def ran(strategy, prepare=lambda cerebro: None):
    cerebro = bt.Cerebro()
    add_feeds(cerebro, PANEL, "C")
    prepare(cerebro)
    cerebro.addstrategy(strategy)
    return cerebro.run()[0]


@pytest.mark.parametrize("prepare", [lambda cerebro: None, weekly])
def test_they_are_where_backtrader_would_have_them(prepare):
    plain, together = ran(Plain, prepare), ran(Together, prepare)
    assert len(plain.seen) > 1_000
    assert repr(together.seen) == repr(plain.seen)
    assert len(together.getindicators()) == len(plain.getindicators())


def test_those_that_go_on_by_themselves_are_left_to_do_so():
    strategy = ran(Together)
    left = list(map(type, strategy.in_step._others))
    assert left.count(Slow) == 6
    # What is calculated from one of them goes by it: a mean, and a sum, of each feed.
    assert left.count(bt.ind.SMA) == 3
    assert 0 < len(left) < len(strategy.getindicators()) / 2


def test_a_rotation_moves_its_lines_together():
    moved = []

    class Rotation(SectorRotation):
        def __init__(self):
            super().__init__()
            self.means = [bt.ind.SMA(feed, period=9) for feed in self.datas]

        def next(self):
            super().next()
            moved.append([len(mean) - len(mean.data) for mean in self.means])
            assert self.means[0] in self.getindicators()

    strategy = ran(Rotation)
    assert {gap for gaps in moved for gap in gaps} == {0}
    assert strategy._in_step._others == []
