"""What analyzers record of a run on whose way shares split or pay a dividend."""

from __future__ import annotations

import backtrader as bt
import pytest
from scripted import SPLIT, market, run

from bt_lstm_rotation.analyzers import FillHistory, OrderHistory


def buy(size, **how):
    return lambda strategy: strategy.buy(size=size, **how)


def test_a_half_filled_order_is_recorded_in_the_units_of_its_last_fill():
    # 4 a bar: 4 at 100, then the other 6 are 12: three bars of 4 at 50.
    frames = market(A=[100, 100, 50, 50, 50, 50])
    ran = run(
        frames,
        {0: buy(10)},
        {2: {"A": SPLIT}},
        broker=lambda broker: broker.set_filler(
            lambda order, price, ago: min(4, abs(order.executed.remsize))
        ),
        analyzers=[OrderHistory, FillHistory],
    )
    (order,) = ran.analyzers.OrderHistory.get_analysis()
    assert (order.size, order.filled, order.price) == (20, 20, 50.0)
    parts = ran.analyzers.FillHistory.get_analysis()
    assert [(part.size, part.price) for part in parts] == [(4, 100.0), *[(4, 50.0)] * 3]


def test_slippage_of_an_order_in_two_units_is_that_of_its_parts():
    frames = market(A=[100, 100, 50, 50])
    for frame in frames.values():
        frame["High"] *= 1.5

    def costly(broker):
        broker.set_filler(lambda order, price, ago: min(5, abs(order.executed.remsize)))
        broker.set_slippage_perc(0.01)

    analyzers = [OrderHistory]
    ran = run(
        frames, {0: buy(7)}, {2: {"A": SPLIT}}, broker=costly, analyzers=analyzers
    )
    (order,) = ran.analyzers.OrderHistory.get_analysis()
    assert order.filled == 14
    # 5 at a dollar more, and 4 at half a dollar more.
    assert order.slippage == pytest.approx(5 * 1.0 + 4 * 0.5)


def test_an_order_is_recorded_in_the_units_of_its_fill():
    frames = market(A=[100, 100, 100, 50, (50, 44)])
    script = {0: buy(10, exectype=bt.Order.Limit, price=90), 2: buy(5)}
    ran = run(frames, script, {3: {"A": SPLIT}}, analyzers=[OrderHistory])
    rows = ran.analyzers.OrderHistory.get_analysis()
    assert [(row.size, row.filled) for row in rows] == [(20, 20), (10, 10)]
