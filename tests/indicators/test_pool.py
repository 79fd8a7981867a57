"""What other people's feeds may bring: invalid bars, no volume, odd clocks."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, date, random_panel, without
from forecast_reader import Reader, pooled, walked
from modes import each_mode

from bt_lstm_rotation import LSTMForecast
from bt_lstm_rotation.errors import DataError, StrategyError

BAD = 37  # a row in the middle


def run(frames, *, make=None, feeds=bt.feeds.PandasData, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    for name, frame in frames.items():
        cerebro.adddata(feeds(dataname=frame), name=name)
    cerebro.addstrategy(Reader, make=make or pooled(FakeSpec()))
    return cerebro.run()[0].noted


def frames_of(panel):
    return {symbol: panel.frame(symbol) for symbol in panel.symbols}


FAULTS = [
    {field: value}
    for field in ("Open", "High", "Low", "Close")
    for value in (math.nan, math.inf, 0.0, -1.0)
]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
@pytest.mark.parametrize("runonce", [True, False])
def test_an_invalid_bar_counts_as_none(fault, runonce, caplog):
    panel = random_panel("ABC", 70)
    session = panel.sessions[BAD]
    frames = frames_of(panel)
    ((field, value),) = fault.items()
    frames["B"].loc[str(session), field] = value
    with caplog.at_level(logging.WARNING):
        noted = run(frames, runonce=runonce)
    assert noted.pop(("B", date(session))) == "nan"
    assert noted == walked(without(panel, "B", [BAD]), FakeSpec())
    assert f"B {session}: not a valid bar" in caplog.text


@each_mode
def test_a_high_below_the_low_counts_as_no_bar(modes):
    panel = random_panel("AB", 70)
    frames = frames_of(panel)
    session = panel.sessions[BAD]
    frames["A"].loc[str(session), "High"] = frames["A"].Low.iloc[BAD] * 0.9
    noted = run(frames, **modes)
    assert noted.pop(("A", date(session))) == "nan"
    assert noted == walked(without(panel, "A", [BAD]), FakeSpec())


@each_mode
def test_a_session_with_invalid_bars_only_is_no_session(modes):
    panel = random_panel("AB", 70)
    frames = frames_of(panel)
    session = panel.sessions[-1]
    for frame in frames.values():
        frame.loc[str(session), "Close"] = math.nan
    noted = run(frames, **modes)
    assert noted.pop(("A", date(session))) == noted.pop(("B", date(session))) == "nan"
    assert noted == walked(panel.rows(0, 69), FakeSpec())


@each_mode
def test_a_feed_without_a_volume_has_a_volume_of_zero(modes):
    panel = random_panel("AB", 70)
    frames = frames_of(panel)
    frames["A"] = frames["A"].drop(columns="Volume")
    panel.bars[4, :, 0] = 0.0
    assert run(frames, **modes) == walked(panel, FakeSpec())


@each_mode
def test_a_volume_that_is_not_known_is_zero_and_its_bar_a_bar(modes):
    panel = random_panel("AB", 70)
    frames = frames_of(panel)
    frames["A"].iloc[:20, 4] = math.nan
    frames["A"].iloc[BAD, 4] = math.nan
    panel.bars[4, :20, 0] = panel.bars[4, BAD, 0] = 0.0
    assert run(frames, **modes) == walked(panel, FakeSpec())


@dataclass(frozen=True, kw_only=True)
class VolumeSpec(FakeSpec):
    features: tuple[str, ...] = ("volume",)


@each_mode
def test_a_feature_of_volumes_needs_volumes(modes):
    frames = frames_of(random_panel("AB", 70))
    frames["A"]["Volume"] = math.nan

    def make(strategy):
        return LSTMForecast.pooled(strategy.datas, spec=VolumeSpec())

    with pytest.raises(DataError, match="no volume") as caught:
        run(frames, make=make, **modes)
    assert caught.value.symbol == "A"
    assert "features without 'volume'" in caught.value.valid


@each_mode
def test_beside_other_features_that_of_no_volume_says_nothing(modes, caplog):
    @dataclass(frozen=True, kw_only=True)
    class Beside(FakeSpec):
        features: tuple[str, ...] = ("relative_return", "volume")

    frames = frames_of(random_panel("AB", 70))
    frames["A"]["Volume"] = 0.0

    def make(strategy):
        return LSTMForecast.pooled(strategy.datas, spec=Beside())

    assert run(frames, make=make, **modes)
    said = [r.getMessage() for r in caplog.records if "no volume" in r.msg]
    assert said == ["A: no volume, so that the feature says nothing"]


@each_mode
def test_a_feature_of_volumes_counts_unknown_ones_as_0_and_says_so(modes, caplog):
    panel = random_panel("AB", 70)
    frames = frames_of(panel)
    frames["A"].iloc[BAD, 4] = math.nan
    panel.bars[4, BAD, 0] = 0.0

    def make(strategy):
        return LSTMForecast.pooled(strategy.datas, spec=VolumeSpec())

    assert run(frames, make=make, **modes) == walked(panel, VolumeSpec())
    said = [r.getMessage() for r in caplog.records if "volumes not known" in r.msg]
    assert said == [
        f"A: 1 volumes not known from {panel.sessions[BAD]} on, counted as 0"
    ]


@each_mode
def test_a_feed_of_invalid_bars_alone_has_no_forecast(modes):
    panel = random_panel("AB", 70)
    frames = frames_of(panel)
    frames["B"]["Close"] = math.nan
    noted = run(frames, **modes)
    only = {key: value for key, value in noted.items() if key[0] == "A"}
    assert only == walked(panel.select(["A"]), FakeSpec())
    assert {value for key, value in noted.items() if key[0] == "B"} == {"nan"}


@each_mode
@pytest.mark.parametrize("hour", ["09:30", "16:00", "23:59:59"])
def test_the_time_of_day_of_a_bar_does_not_matter(modes, hour):
    panel = random_panel("AB", 70)
    frames = frames_of(panel)
    for frame in frames.values():
        frame.index += pd.Timedelta(f"0 days {hour}" + ":00" * (len(hour) == 5))
    assert run(frames, **modes) == walked(panel, FakeSpec())


@each_mode
def test_more_than_one_bar_a_session_is_refused(modes):
    panel = random_panel("AB", 40)
    frames = frames_of(panel)
    later = frames["B"].copy()
    later.index += pd.Timedelta(hours=3)
    frames["B"] = pd.concat([frames["B"], later]).sort_index()
    with pytest.raises(DataError, match=r"B 2019-01-02.*daily bars"):
        run(frames, **modes)


@each_mode
def test_bars_that_go_back_in_time_are_refused(modes):
    frames = frames_of(random_panel("AB", 40))
    order = [*range(20), 25, *range(20, 25), *range(26, 40)]
    frames["B"] = frames["B"].iloc[order]
    with pytest.raises(DataError, match=r"B 2019-01-30.*after 2019-02-06"):
        run(frames, **modes)


def test_a_replayed_feed_is_refused_because_its_bars_still_form():
    hours = pd.date_range("2019-01-02 10:00", periods=90, freq="8h")
    prices = np.full((90, 5), 10.0)
    columns = ["Open", "High", "Low", "Close", "Volume"]
    frame = pd.DataFrame(prices, index=hours, columns=columns)
    feed = bt.feeds.PandasData(
        dataname=frame, timeframe=bt.TimeFrame.Minutes, compression=480
    )
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.replaydata(feed, name="A", timeframe=bt.TimeFrame.Days)
    cerebro.addstrategy(Reader, make=pooled(FakeSpec()))
    with pytest.raises(StrategyError, match="A is replayed"):
        cerebro.run()


@each_mode
def test_a_feed_resampled_to_weeks_has_the_forecasts_of_its_weeks(modes):
    panel = random_panel("A", 250)
    daily = panel.frame("A")
    how = {"Open": "first", "High": "max", "Low": "min", "Close": "last"}
    weekly = daily.resample("W-FRI").agg({**how, "Volume": "sum"})
    weekly = weekly[weekly.index <= daily.index[-1]]
    cerebro = bt.Cerebro(stdstats=False, **modes)
    feed = bt.feeds.PandasData(dataname=daily)
    cerebro.resampledata(feed, name="A", timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(Reader, make=pooled(FakeSpec()))
    noted = cerebro.run()[0].noted
    expected = run({"A": weekly})
    assert sum(value != "nan" for value in expected.values()) > 20
    assert {key: noted[key] for key in expected} == expected


@each_mode
def test_a_feed_that_ticks_by_the_hour_beside_the_pool_changes_nothing(modes):
    panel = random_panel("AB", 50)
    frames = frames_of(panel)
    hours = [frames["A"].set_index(frames["A"].index + pd.Timedelta(hours=hour))
             for hour in range(3)]  # fmt: skip
    frames["hourly"] = pd.concat(hours).sort_index()

    def make(strategy):
        daily = [data for data in strategy.datas if data._name != "hourly"]
        return pooled(FakeSpec())(type("daily", (), {"datas": daily}))

    assert run(frames, make=make, **modes) == walked(panel, FakeSpec())


@each_mode
def test_bars_of_one_session_at_different_times_of_day_are_refused(modes):
    frames = frames_of(without(random_panel("ABC", 70), "B", slice(0, 3)))
    frames["B"].index += pd.Timedelta(hours=16)
    with pytest.raises(StrategyError, match="bars of 2019-01-07 have different times"):
        run(frames, **modes)
