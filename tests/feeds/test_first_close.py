"""Which close decides, if the first fill is to be on a date: dates alone tell."""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, without
from live_bars import add_live_feeds
from modes import MODES, each_mode

from bt_lstm_rotation import PeriodicRebalance
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.feeds.first_close import first_close

# January 2 is a Wednesday, and row 3 is Monday, January 7.
PANEL = random_panel("AB", 30)


class Diary(PeriodicRebalance):
    """Notes the closes at which it was asked; `found` is what the rule says."""

    def __init__(self):
        super().__init__()
        self.asked = []
        self.found = self._first_close

    def weights(self):
        self.asked.append(str(self.datetime.date(0)))
        return {"A": 0.5}


def run(start, *, panel=PANEL, add=add_feeds, modes=None, **params):
    cerebro = bt.Cerebro(stdstats=False, **(modes or {}))
    add(cerebro, panel)
    cerebro.addstrategy(Diary, start=start, **params)
    return cerebro.run()[0]


@each_mode
@pytest.mark.parametrize(
    ("start", "close"),
    [
        ("2019-01-15", "2019-01-14"),  # a Tuesday
        ("2019-01-14", "2019-01-11"),  # a Monday
        ("2019-01-13", "2019-01-11"),
        ("2019-01-12", "2019-01-11"),
        ("2019-01-03", "2019-01-02"),  # the second session there is
        ("2019-01-02", "2019-01-02"),
        ("1990-01-01", "2019-01-02"),
    ],
)
def test_the_session_before_the_start_decides(start, close, modes):
    assert run(dt.date.fromisoformat(start), modes=modes).asked[0] == close


@each_mode
def test_it_is_the_last_session_on_which_any_traded_feed_has_a_bar(modes):
    # No bars at all on January 11, and only B's on January 10.
    panel = without(without(PANEL, "A", [6, 7]), "B", [7])
    ran = run(dt.date(2019, 1, 14), panel=panel, modes=modes)
    assert ran.asked[0] == "2019-01-10"


@each_mode
def test_a_feed_that_is_not_traded_has_no_say(modes):
    panel = without(PANEL, "A", [6, 7])
    ran = run(dt.date(2019, 1, 14), panel=panel, modes=modes, benchmark="B")
    assert ran.found == dt.date(2019, 1, 9)
    assert ran.asked[0] == "2019-01-09"


@each_mode
def test_a_date_without_a_price_is_a_date_of_the_calendar(modes):
    def add(cerebro, panel):
        for name in panel.symbols:
            frame = panel.frame(name)
            frame.loc["2019-01-11"] = np.nan
            cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)

    ran = run(dt.date(2019, 1, 14), add=add, modes=modes)
    assert ran.found == dt.date(2019, 1, 11)
    assert ran.asked[0] == "2019-01-14"


def test_live_feeds_have_no_calendar_and_weekdays_count():
    ran = run(dt.date(2019, 1, 14), add=add_live_feeds)
    assert ran.asked[0] == "2019-01-11"
    # Without Friday's bars, the first close from Friday on is Monday's.
    panel = without(without(PANEL, "A", [7]), "B", [7])
    late = run(dt.date(2019, 1, 14), panel=panel, add=add_live_feeds)
    assert late.asked[0] == "2019-01-14"


@pytest.mark.parametrize("modes", [{}, MODES["not preloaded"]])
def test_bars_that_are_resampled_have_no_calendar(modes):
    def add(cerebro, panel):
        for name in panel.symbols:
            daily = bt.feeds.PandasData(dataname=panel.frame(name), name=name)
            cerebro.resampledata(daily, name=name, timeframe=bt.TimeFrame.Weeks)

    ran = run(dt.date(2019, 1, 16), add=add, modes=modes)
    assert ran.found == dt.date(2019, 1, 15)
    assert ran.asked[0] == "2019-01-18"


@each_mode
def test_sessions_are_those_of_the_exchange(modes):
    def add(cerebro, panel):
        for name in panel.symbols:
            frame = panel.frame(name).tz_localize("Asia/Tokyo")
            cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)

    ran = run(dt.date(2019, 1, 15), add=add, modes=modes)
    assert ran.found == dt.date(2019, 1, 14)
    assert ran.asked[0] == "2019-01-14"


def test_prices_do_not_count():
    def found(scale):
        frame = PANEL.frame("A") * scale
        feed = bt.feeds.PandasData(dataname=frame, name="A")
        return first_close([feed], dt.date(2019, 1, 14))

    assert found(1.0) == found(np.nan) == dt.date(2019, 1, 11)


def test_no_feeds_leave_weekdays():
    assert first_close([], dt.date(2019, 1, 14)) == dt.date(2019, 1, 11)


def test_an_empty_frame_leaves_weekdays():
    frame = PANEL.frame("A").iloc[:0]
    feed = bt.feeds.PandasData(dataname=frame, name="A")
    assert first_close([feed], dt.date(2019, 1, 15)) == dt.date(2019, 1, 14)


def test_dates_that_cannot_be_known_are_an_error():
    zones = ["2019-01-02 00:00+01:00", "2019-01-03 00:00-05:00"]
    frame = PANEL.frame("A").iloc[:2].set_axis(map(pd.Timestamp, zones), axis=0)
    feed = bt.feeds.PandasData(dataname=frame, name="A")
    with pytest.raises(DataError, match="a time zone of their own"):
        first_close([feed], dt.date(2019, 1, 15))
