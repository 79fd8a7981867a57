"""Panel -> feeds -> bars, unchanged."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import date, random_panel, without

from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.feeds.bars import last_bar, loaded_bars
from bt_lstm_rotation.feeds.naming import feed_names
from bt_lstm_rotation.feeds.sessions import session_of


class Watch(bt.Strategy):
    """Keep what the feeds show, bar by bar and as they are loaded."""

    def __init__(self):
        self.shown = {feed._name: [] for feed in self.datas}
        self.seen = dict.fromkeys(self.shown, 0)

    def prenext(self):
        self.next()

    def next(self):
        for feed in self.datas:
            if len(feed) > self.seen[feed._name]:
                self.seen[feed._name] = len(feed)
                session = session_of(feed.lines.datetime[0])
                assert str(session) == feed.datetime.date(0).isoformat()
                self.shown[feed._name].append((session, last_bar(feed)[:, 0]))

    def stop(self):
        self.loaded = {feed._name: loaded_bars(feed) for feed in self.datas}


def watched(panel, benchmark=None, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    add_feeds(cerebro, panel, benchmark)
    cerebro.addstrategy(Watch)
    return cerebro.run()[0]


def test_the_benchmark_is_the_first_feed_and_the_others_keep_their_order():
    panel = random_panel(["XLK", "SPY", "XLB", "^GSPC"], 5)
    assert [d._name for d in watched(panel).datas] == ["XLK", "SPY", "XLB", "^GSPC"]
    names = [d._name for d in watched(panel, "SPY").datas]
    assert names == ["SPY", "XLK", "XLB", "^GSPC"]


@pytest.mark.parametrize("modes", [{}, {"runonce": False}, {"preload": False}])
def test_feeds_show_the_panels_own_bars(modes):
    panel = without(random_panel("ABC", 70), "B", [3, 4, 69])
    panel = without(panel, "C", slice(0, 30))
    strategy = watched(panel, **modes)
    for symbol in panel.symbols:
        frame = panel.frame(symbol)
        sessions, bars = zip(*strategy.shown[symbol], strict=True)
        assert list(sessions) == list(frame.index.to_numpy("M8[D]"))
        assert (np.array(bars) == frame.to_numpy()).all()


def test_loaded_bars_are_the_panels_own():
    panel = without(random_panel("AB", 70), "B", [3, 4, 69])
    strategy = watched(panel)
    for symbol in panel.symbols:
        sessions, bars = strategy.loaded[symbol]
        frame = panel.frame(symbol)
        assert (sessions == frame.index.to_numpy("M8[D]")).all()
        assert (bars == frame.to_numpy().T).all()
        assert bars.dtype == np.float64


def test_a_date_number_is_a_session_whatever_the_time_of_day():
    for session in (np.datetime64("1970-01-01"), np.datetime64("2024-02-29")):
        midnight = bt.date2num(pd.Timestamp(session).to_pydatetime())
        assert session_of(midnight) == session
        assert session_of(midnight + 0.99999) == session
        assert session_of(midnight).dtype == np.dtype("M8[D]")
    assert date(session_of(719_163.0)).isoformat() == "1970-01-01"


def feed(name=""):
    return bt.feeds.PandasData(dataname=random_panel("A", 3).frame("A"), name=name)


def test_one_feed_needs_no_name_and_several_do():
    assert feed_names([feed()]) == ("data",)
    assert feed_names([feed("XLK"), feed("é x")]) == ("XLK", "é x")
    with pytest.raises(StrategyError, match=r"feed 1 has no name.*name='XLK'"):
        feed_names([feed("XLK"), feed()])


def test_a_repeated_name_is_refused_and_named():
    with pytest.raises(StrategyError, match=r"different names \(got XLB, XLK twice"):
        feed_names([feed(name) for name in ("XLK", "XLB", "XLK", "XLB", "XLV")])


@pytest.mark.parametrize("nothing", [[], ()])
def test_no_feed_at_all_is_refused(nothing):
    with pytest.raises(StrategyError, match="no feeds"):
        feed_names(nothing)


@pytest.mark.parametrize("wrong", ["XLK", None, 3, object()])
def test_something_that_is_no_feed_is_refused_with_what_would_be(wrong):
    with pytest.raises(StrategyError, match=r"lines open high low close volume.*got"):
        feed_names([wrong])
