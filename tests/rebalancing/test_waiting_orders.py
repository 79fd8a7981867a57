"""Orders that wait for a bar while the target changes, and what counts as a failure."""

from __future__ import annotations

import backtrader as bt
import pytest
from planned import feed, flat, run

from bt_lstm_rotation.rebalancing import Rebalancer

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

SHORTS = {"shorts": True}


def fills(got):
    return [(fill.session, fill.feed, fill.size) for fill in got.fills]


def test_a_short_sale_that_waits_is_taken_back_when_none_is_wanted():
    # 100 are short and 300 more are on the way at 2, where A has no bar.
    a = flat(10, [0, 1, 3, 4, 5])
    plan = {0: {"A": -0.1}, 1: {"A": -0.4}, 2: {}}
    got = run({"A": a, "B": flat(20, range(6))}, plan, settings=SHORTS)
    assert fills(got) == [(1, "A", -100), (4, "A", 100)]
    assert got.alive[2] == []
    assert got.done[4] is True


def test_a_part_of_a_buy_that_misses_its_bar_is_sized_at_the_next_close():
    # 50 of A are to pay for 85 of B; after gaps of 10% only 80 are sure. B has no bar
    # at 3. At 4, four of seven gaps were 10%: 9,450 less three times 7.6% buy 77.
    prices = [100.0, 110.0, 99.0, 99.0, 99.0, 99.0, 99.0]
    a = {s: (price, price) for s, price in enumerate(prices)}
    b = {s: bar for s, bar in a.items() if s != 3}
    got = run({"A": a, "B": b}, {0: {"A": 0.5}, 2: {"B": 0.9}})
    assert fills(got)[1:] == [(3, "A", -50), (5, "B", 77)]
    assert got.alive[2] == ["A", "B"]
    assert got.alive[3] == []
    assert got.events() == [(2, "staged", "B"), (3, "no_bar", "B"), (4, "resized", "B")]


def test_a_single_share_that_is_bought_back_waits_for_its_bar():
    # Of 900 short at 10, cash pays for 690, 138, 28, 6 and 1 at 22, a day each; the
    # last one waits for the bar of 9.
    b = flat(10, range(3)) | flat(22, [3, 4, 5, 6, 7, 9])
    market = {"A": flat(20, range(10)), "B": b}
    got = run(market, {0: {"B": -0.9}}, settings=SHORTS)
    assert fills(got)[4:] == [(7, "B", 6), (9, "B", 1)]
    assert got.alive[8] == ["B"]
    assert "Canceled" not in got.statuses


def test_a_long_position_that_is_called_is_told_once_while_it_waits():
    # At 16, 16,000 are short and 15,000 in cash: a tenth more than 1,000, 55 of A, are
    # to be sold, and so they are at 4, when 12,000 in cash have bought 750 of B back
    # and A has no bar. What is left then, 3,000, is sure to pay for 150.
    market = {
        "A": flat(20, [0, 1, 2, 3, 5, 6]),
        "B": flat(10, range(3)) | flat(16, range(3, 7)),
    }
    got = run(market, {0: {"A": 0.5, "B": -1.0}}, settings=SHORTS)
    assert fills(got)[2:5] == [(4, "B", 750), (5, "A", -55), (5, "B", 150)]
    called = [(3, "margin_call", "A"), (3, "margin_call", "B")]
    assert sorted(got.events()) == [*called, (4, "no_bar", "A")]


@pytest.mark.parametrize(("now", "then"), [(1, 2), (2, 1)], ids=["buy", "sell"])
def test_a_single_share_without_a_bar_is_a_failure_too(now, then):
    a = flat(1_000, [0, 1, 2, 4, 5])
    weights = {1: 0.15, 2: 0.25}
    plan = {0: {"A": weights[now]}, 2: {"A": weights[then]}}
    got = run({"A": a, "B": flat(20, range(6))}, plan)
    assert fills(got) == [(1, "A", now), (4, "A", then - now)]
    assert got.events() == [(3, "no_bar", "A")]


def test_a_feed_that_is_where_it_should_be_misses_no_bar():
    # At 3 neither has a bar: A is kept at 500, and B is still to be bought.
    market = {
        "A": flat(10, [0, 1, 2, 4, 5]),
        "B": flat(10, [0, 1, 2, 4, 5]),
        "C": flat(10, range(6)),
    }
    got = run(market, {0: {"A": 0.5}, 2: {"A": 0.5, "B": 0.2}})
    assert got.events() == [(3, "no_bar", "B")]
    assert fills(got)[1:] == [(4, "B", 200)]


def test_a_debt_of_the_strategys_own_making_calls_nothing_back():
    def withdraw(strategy):
        if strategy.session == 2:
            strategy.broker.add_cash(-6_000.0)

    got = run({"A": flat(10, range(6))}, {0: {"A": 0.5}}, before=withdraw)
    assert got.cash[4] == -1_000.0
    assert got.held[5] == {"A": 500}
    assert got.events() == []


def test_whether_feeds_are_shared_is_asked_once():
    class Counting(Rebalancer):
        asked = 0

        def begin(self):
            type(self).asked += 1
            super().begin()

    class Holding(bt.Strategy):
        def __init__(self):
            self.rebalancer = Counting(self)

        def next(self):
            self.rebalancer.target({self.data: 0.5})
            self.rebalancer.next()

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(feed(flat(10, range(4))), name="A")
    cerebro.addstrategy(Holding)
    cerebro.run()
    assert Counting.asked == 1
