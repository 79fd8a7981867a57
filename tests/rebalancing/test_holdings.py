"""Positions as shares of equity, at closes that were one."""

from __future__ import annotations

import math

import backtrader as bt
import pytest
from hand_made import FREE, panel_of

from bt_lstm_rotation.rebalancing.holdings import Holdings

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)


class Holder(bt.Strategy):
    """Buy once, and note what is held at each close."""

    params = (("buys", ()),)

    def __init__(self):
        self.holdings = Holdings(self)
        self.noted = []

    def prenext(self):
        self.next()

    def next(self):
        if len(self) == 1:
            for name, size in self.p.buys:
                feed = self.getdatabyname(name)
                (self.buy if size > 0 else self.sell)(feed, size=abs(size))
        held = self.holdings.shares()
        self.noted.append({feed._name: share for feed, share in held.items()})


def noted(frames, **params):
    cerebro = bt.Cerebro(stdstats=False)
    for name, frame in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame, name=name))
    FREE.set_up(cerebro)
    cerebro.addstrategy(Holder, **params)
    (ran,) = cerebro.run()
    return ran


def frames_of(**prices):
    panel = panel_of("2019-01-28", **prices)
    return {symbol: panel.frame(symbol) for symbol in panel.symbols}


def test_positions_are_shares_of_equity_and_shorts_are_negative():
    frames = frames_of(A=[100, 100, 110], B=[50, 50, 40])
    ran = noted(frames, buys=[("A", 50), ("B", -40)])
    # 10,000 - 5,000 + 2,000 in cash; then A is worth 5,500 and B -1,600: 10,900.
    assert ran.noted == [
        {},
        {"A": 0.5, "B": -0.2},
        pytest.approx({"A": 5_500 / 10_900, "B": -1_600 / 10_900}),
    ]


def test_a_feed_without_a_bar_is_valued_at_its_last_close():
    ran = noted(frames_of(A=[100, 100, None, 200], B=[50] * 4), buys=[("A", 50)])
    assert ran.noted[2] == {"A": 0.5}
    assert ran.noted[3] == {"A": pytest.approx(10_000 / 15_000)}


@pytest.mark.parametrize("close", [math.nan, math.inf])
def test_a_close_that_is_none_is_not_used(close):
    frames = frames_of(A=[100, (100, 120), 120, 120], B=[50] * 4)
    frames["A"].iloc[2, frames["A"].columns.get_loc("Close")] = close
    ran = noted(frames, buys=[("A", 50)])
    assert ran.noted[1] == ran.noted[2] == {"A": pytest.approx(6_000 / 11_000)}


def test_no_position_is_made_by_asking_for_one():
    frames = frames_of(A=[100, 100, 100], B=[50, 50, 50])
    frames["B"].iloc[:, frames["B"].columns.get_loc("Close")] = math.nan
    ran = noted(frames, buys=[("A", 50)])
    assert ran.noted[1:] == [{"A": 0.5}] * 2
    assert [feed._name for feed in ran.broker.positions] == ["A"]


def test_without_equity_there_are_no_shares_of_it():
    ran = noted(frames_of(A=[100, 100, 400]), buys=[("A", -50)])
    assert ran.noted[1:] == [{"A": -0.5}, {}]
