"""An adjusted close that Backtrader passes over is warned of, once a feed."""

from __future__ import annotations

import logging

import backtrader as bt
import numpy as np
import pytest
from fakes import FakeSpec, random_panel
from modes import each_mode

from bt_lstm_rotation import LSTMForecast, PeriodicRebalance
from bt_lstm_rotation.feeds import warn_of_unadjusted

BARS = random_panel("A", 60).frame("A")


def adjusted(label="Adj Close", share=0.75):
    """Bars whose first close is 1 - `share` higher than its adjusted one."""
    factor = np.ones(len(BARS))
    factor[:10] = share
    return BARS.assign(**{label: BARS["Close"] * factor})


def feed(frame=None, kind=bt.feeds.PandasData, **params):
    frame = adjusted() if frame is None else frame
    return kind(dataname=frame, name="A", **params)


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING)
    return lambda: [m for m in map(str, caplog.messages) if "not applied" in m]


def test_the_symbol_the_difference_and_the_remedy_are_said(warnings):
    warn_of_unadjusted([feed()])
    (message,) = warnings()
    assert message.startswith("A: Adj Close is not applied, and up to 25.00% off")
    assert "load_prices({'A': frame}).frames() applies it" in message


@pytest.mark.parametrize("label", ["adjclose", "5. adjusted close", "Close (adj)"])
def test_an_adjusted_close_is_known_in_any_spelling(label, warnings):
    warn_of_unadjusted([feed(adjusted(label))])
    assert len(warnings()) == 1


@pytest.mark.parametrize("share", [1.0, 1 + 2e-7])
def test_one_that_does_not_differ_is_no_news(share, warnings):
    warn_of_unadjusted([feed(adjusted(share=share))])
    warn_of_unadjusted([feed(BARS)])
    assert warnings() == []


def test_the_largest_difference_is_that_of_the_worst_column(warnings):
    frame = adjusted().assign(**{"Adjusted Close 2": BARS["Close"] / 2})
    warn_of_unadjusted([feed(frame)])
    (message,) = warnings()
    assert "Adjusted Close 2 is not applied, and up to 50.00% off" in message


def test_a_feed_that_reads_the_adjusted_close_is_right(warnings):
    warn_of_unadjusted([feed(close="Adj Close"), feed(close=5)])
    warn_of_unadjusted([feed(kind=bt.feeds.PandasDirectData, close=6)])
    assert warnings() == []


def test_direct_feeds_are_looked_at_too(warnings):
    warn_of_unadjusted([feed(kind=bt.feeds.PandasDirectData, openinterest=-1)])
    assert len(warnings()) == 1


@pytest.mark.parametrize(
    "odd",
    [
        adjusted().assign(Close=np.nan),
        adjusted().assign(Close=0.0),
        adjusted().assign(**{"Adj Close": "none"}),
        adjusted().iloc[:0],
        adjusted().drop(columns="Close"),
    ],
    ids=["NaN", "zero", "text", "empty", "no close"],
)
def test_nothing_that_can_be_compared_is_no_news(odd, warnings):
    warn_of_unadjusted([feed(odd)])
    assert warnings() == []


def test_a_hole_does_not_hide_the_rest(warnings):
    frame = adjusted()
    frame.iloc[3, 3], frame.iloc[4, 5] = 0.0, np.nan
    warn_of_unadjusted([feed(frame)])
    assert "up to 25.00% off" in warnings()[0]


def test_what_is_no_feed_of_a_frame_is_passed_over(warnings, tmp_path):
    csv = bt.feeds.GenericCSVData(dataname=str(tmp_path / "A.csv"))
    warn_of_unadjusted([csv, object(), None])
    assert warnings() == []


def test_names_of_any_kind_are_shown(warnings):
    warn_of_unadjusted([bt.feeds.PandasData(dataname=adjusted(), name="a'%s\n")])
    assert '"a\'%s\\n"' in warnings()[0]


class Twice(PeriodicRebalance):
    """Looks at its feeds as a strategy, as a pool, and once more."""

    def __init__(self):
        super().__init__()
        LSTMForecast.pooled(self.datas, spec=FakeSpec())
        for data in self.datas:
            LSTMForecast(data, spec=FakeSpec())

    def weights(self):
        return {}


@each_mode
def test_it_is_said_once_a_feed_whoever_looks_and_however_often(modes, warnings):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    for name in "AB":
        cerebro.adddata(bt.feeds.PandasData(dataname=adjusted(), name=name), name=name)
    cerebro.addstrategy(Twice)
    cerebro.run()
    cerebro.run()
    assert [message[:2] for message in warnings()] == ["A:", "B:"]


def test_a_copy_and_its_original_are_one_feed(warnings):
    cerebro = bt.Cerebro(stdstats=False)
    daily = feed()
    cerebro.adddata(daily, name="A")
    cerebro.resampledata(daily, name="weeks", timeframe=bt.TimeFrame.Weeks)

    class Looks(bt.Strategy):
        def __init__(self):
            warn_of_unadjusted(self.datas)

    cerebro.addstrategy(Looks)
    cerebro.run()
    assert len(warnings()) == 1


def test_a_pool_in_any_strategy_warns(warnings):
    class Alone(bt.Strategy):
        def __init__(self):
            LSTMForecast(self.data, spec=FakeSpec())

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(feed(), name="A")
    cerebro.addstrategy(Alone)
    cerebro.run()
    assert len(warnings()) == 1
