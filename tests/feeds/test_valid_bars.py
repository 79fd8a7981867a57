"""An invalid bar in anybody's feed is no bar, for whoever looks, in every mode."""

from __future__ import annotations

import math

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, date, random_panel, without
from hand_made import Fills
from modes import each_mode

from bt_lstm_rotation import SectorRotation
from bt_lstm_rotation.analyzers import AccountHistory, ForecastHistory
from bt_lstm_rotation.feeds.valid_bars import ValidBars, drop_invalid_bars

PANEL = random_panel("ABC", 70)
BAD = {
    f"{name} {field}": (field, value)
    for field in ("Open", "High", "Low", "Close")
    for name, value in [
        ("NaN", math.nan),
        ("infinite", math.inf),
        ("minus infinite", -math.inf),
        ("0", 0.0),
        ("negative", -1.0),
    ]
} | {
    "High below Low": ("High", 0.01),
    "Low above High": ("Low", 1e6),
}
# Where a fill or a decision would meet it; the periods below are of five weekdays.
ROWS = [44, 45, 46, 47]


def frames(panel=PANEL):
    return {symbol: panel.frame(symbol) for symbol in panel.symbols}


def rotated(bars, **modes):
    """What a rotation over some frames left: fills, forecasts and the account."""
    cerebro = bt.Cerebro(stdstats=False, **modes)
    for symbol, frame in bars.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame, name=symbol))
    spec = FakeSpec(retrain=5, min_symbols=2)
    cerebro.addstrategy(SectorRotation, spec=spec, top=2, rebalance=5)
    for analyzer in (Fills, AccountHistory, ForecastHistory, bt.analyzers.TimeReturn):
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    (ran,) = cerebro.run()
    kinds = ("invalid", "no_bar")
    return {
        "events": [e for e in ran.rebalancer.events if e.kind not in kinds],
        "invalid": [e for e in ran.rebalancer.events if e.kind == "invalid"],
        "fills": ran.analyzers.Fills.get_analysis(),
        "account": ran.analyzers.AccountHistory.get_analysis(),
        "forecasts": ran.analyzers.ForecastHistory.get_analysis()["forecasts"],
        "returns": dict(ran.analyzers.TimeReturn.get_analysis()),
    }


@pytest.mark.parametrize(("field", "value"), BAD.values(), ids=BAD)
def test_the_others_trade_as_if_the_feed_had_no_bar_that_day(field, value):
    for row in ROWS:
        bars = frames()
        bars["B"] = bars["B"].astype("float64")
        bars["B"].loc[bars["B"].index[row], field] = value
        found, expected = rotated(bars), rotated(frames(without(PANEL, "B", row)))
        (event,) = found.pop("invalid")
        assert (event.feed, event.session) == ("B", date(PANEL.sessions[row]))
        assert expected.pop("invalid") == []
        assert found == expected
        equity = [equity for equity, _, _ in found["account"].values()]
        assert np.isfinite(equity).all()
        assert np.isfinite(list(found["returns"].values())).all()
        assert len(found["fills"]) > 5


def spoiled():
    """B is bad now and then, from its first bar to its last."""
    bars = frames()
    bad = bars["B"].astype("float64")
    for number, row in enumerate([0, 1, 20, 44, 45, 46, 60, 69]):
        bad.iloc[row, number % 4] = [math.nan, 0.0, math.inf, -5.0][number // 2]
    bars["B"] = bad
    return bars


@each_mode
def test_every_mode_leaves_the_same_bars_out(modes):
    rows = [0, 1, 20, 44, 45, 46, 60, 69]
    found, expected = (
        rotated(spoiled(), **modes),
        rotated(frames(without(PANEL, "B", rows))),
    )
    told = [event.session for event in found.pop("invalid")]
    assert told == [date(PANEL.sessions[row]) for row in rows]
    assert expected.pop("invalid") == []
    assert found == expected


def test_a_second_run_of_the_same_cerebro_is_like_the_first():
    cerebro = bt.Cerebro(stdstats=False)
    for symbol, frame in spoiled().items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame, name=symbol))
    cerebro.addstrategy(SectorRotation, spec=FakeSpec(min_symbols=2))
    cerebro.addanalyzer(AccountHistory, _name="account")
    first, second = (
        cerebro.run()[0].analyzers.account.get_analysis() for _ in range(2)
    )
    assert first == second


class Sifted(bt.Strategy):
    """Any strategy that drops invalid bars, and notes what its feeds show."""

    def __init__(self):
        self.filters = drop_invalid_bars(self.datas)
        self.closes = []

    def next(self):
        self.closes.append(self.data.close[0])


def sifted(frame, strategies=1, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame, name="B"))
    for _ in range(strategies):
        cerebro.addstrategy(Sifted)
    return cerebro.run()


@each_mode
def test_what_was_dropped_is_named_and_logged(modes, caplog):
    (ran,) = sifted(spoiled()["B"], **modes)
    dropped = ran.filters[ran.data].dropped
    expected = [date(PANEL.sessions[row]) for row in [0, 1, 20, 44, 45, 46, 60, 69]]
    assert dropped == expected
    assert len(ran.closes) == 62
    assert f"B {expected[0]}" in caplog.text
    assert "not a valid bar, counts as none" in caplog.text


@each_mode
def test_strategies_of_one_cerebro_share_what_was_dropped(modes):
    first, second = sifted(spoiled()["B"], strategies=2, **modes)
    assert first.filters[first.data] is second.filters[second.data]
    assert first.closes == second.closes
    assert len(second.filters[second.data].dropped) == 8


@each_mode
def test_a_bar_whose_volume_is_not_known_is_a_bar(modes):
    frame = frames()["A"].astype("float64")
    for unknown in (math.nan, math.inf, -1.0):
        never, lost = frame.assign(Volume=unknown), frame.copy()
        lost.iloc[10:40, 4] = unknown
        for bars in (never, lost):
            (ran,) = sifted(bars, **modes)
            assert ran.filters[ran.data].dropped == []
            assert len(ran.closes) == 70


@each_mode
def test_rows_without_prices_in_a_joined_frame_are_no_bars_and_no_events(modes, caplog):
    bars = frames()
    joined = bars["B"].astype("float64")
    joined.iloc[:30], joined.iloc[60:] = math.nan, math.nan
    listed = {**bars, "B": bars["B"].iloc[30:60]}
    found = rotated({**bars, "B": joined}, **modes)
    assert found == rotated(listed, **modes)
    assert found["invalid"] == []
    assert "not a valid bar" not in caplog.text


def test_one_warning_counts_the_bars_that_are_left_out(caplog):
    sifted(spoiled()["B"])
    said = [message for message in caplog.messages if "not a valid bar" in message]
    first, last = date(PANEL.sessions[0]), date(PANEL.sessions[69])
    assert said == [f"B {first}, and 7 more to {last}: not a valid bar, counts as none"]


@pytest.mark.parametrize("modes", [{}, {"preload": False}])
def test_a_feed_of_nothing_but_invalid_bars_stops_nobody(modes):
    bars = frames()
    bars["B"] = pd.DataFrame(math.nan, bars["B"].index, bars["B"].columns)
    two = rotated({name: bars[name] for name in "AC"}, **modes)
    found = rotated(bars, **modes)
    assert found["fills"] == two["fills"]
    assert found["account"] == two["account"]


@pytest.mark.parametrize("modes", [{}, {"preload": False}, {"exactbars": 1}])
def test_daily_bars_are_sifted_before_they_become_weekly_ones(modes):
    def weekly(frame):
        cerebro = bt.Cerebro(stdstats=False, **modes)
        daily = bt.feeds.PandasData(dataname=frame, name="B")
        daily.addfilter(ValidBars)
        cerebro.resampledata(daily, timeframe=bt.TimeFrame.Weeks)
        cerebro.addstrategy(Sifted)
        return cerebro.run()[0].closes

    absent = without(PANEL, "B", [0, 1, 20, 44, 45, 46, 60, 69])
    assert weekly(spoiled()["B"]) == weekly(absent.frame("B"))
