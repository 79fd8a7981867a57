"""A drop-in for PandasData: what that shows, or an error before the run."""

from __future__ import annotations

import logging

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel
from test_panel_data import Seen

from bt_lstm_rotation import CheckedPandasData, LSTMForecast, MomentumSpec
from bt_lstm_rotation.errors import DataError

PANEL = random_panel("AB", 40)
BARS = PANEL.frame("A")
BY_PLACE = {"open": 0, "high": 1, "low": 2, "close": 3, "volume": 4, "nocase": False}
MODES = [
    {},
    {"runonce": False},
    {"preload": False, "runonce": False},
    {"exactbars": 1},
    {"live": True},
]


def shown(kind, frame=BARS, modes=(), **params):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(kind(dataname=frame, **params), "A")
    cerebro.addstrategy(Seen)
    (ran,) = cerebro.run(**dict(modes))
    return repr(ran.seen)


def changed(**cells):
    frame = BARS.copy()
    for column, value in cells.items():
        frame.iloc[20, frame.columns.get_loc(column)] = value
    return frame


@pytest.mark.parametrize("modes", MODES, ids=str)
@pytest.mark.parametrize(
    ("frame", "params"),
    [
        (BARS, {}),
        (BARS.rename(columns=str.lower), {}),
        (BARS.rename_axis("when").reset_index(), {"datetime": 0}),
        (BARS.rename_axis("When").reset_index(), {"datetime": "when"}),
        (BARS.rename(columns={"Close": "Last"}), {"close": "last"}),
        (BARS.set_axis(range(5), axis=1), BY_PLACE),
    ],
    ids=["plain", "lower case", "dates by place", "by name", "renamed", "numbers"],
)
def test_it_shows_what_pandas_data_shows(frame, params, modes):
    theirs = shown(bt.feeds.PandasData, frame, modes, **params)
    assert shown(CheckedPandasData, frame, modes, **params) == theirs


def test_an_adjusted_close_is_not_applied(caplog):
    frame = BARS.assign(**{"Adj Close": BARS["Close"] / 2})
    assert shown(CheckedPandasData, frame) == shown(bt.feeds.PandasData, BARS)
    assert not caplog.records


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (changed(Close=1e-40), "A 2019-01-30 .*1e-40"),
        (changed(**dict.fromkeys(["Open", "High", "Low", "Close"], 1e4)), "times"),
        (pd.concat([BARS, BARS[-1:] * 2]), "A 2019-02-26"),
        (BARS.drop(columns="Close"), "Close"),
        (BARS[:0], "A"),
        (BARS["Close"], "no bars to show"),
        (None, "no bars to show"),
        ("bars.csv", "no bars to show"),
        (BARS.reset_index(drop=True), "A"),
    ],
    ids=[
        "no float carries it",
        "a hundred times too high",
        "a day twice",
        "no closes",
        "empty",
        "a series",
        "nothing",
        "a path",
        "no dates",
    ],
)
def test_bars_that_cannot_be_are_an_error_before_the_run(frame, problem):
    with pytest.raises(DataError, match=problem):
        CheckedPandasData(dataname=frame, name="A")


@pytest.mark.parametrize("params", [{"close": "last"}, {"close": 5}, {"datetime": "x"}])
def test_a_column_that_is_not_there_is_named_with_those_that_are(params):
    with pytest.raises(DataError, match="no such column"):
        CheckedPandasData(dataname=BARS, name="A", **params)


def test_a_doubtful_bar_is_warned_of_once(caplog):
    frame = BARS.copy()
    frame.iloc[20, :4] *= 10
    with caplog.at_level(logging.WARNING):
        seen = shown(CheckedPandasData, frame)
    assert len(caplog.records) == 1
    assert seen == shown(bt.feeds.PandasData, frame)


@pytest.mark.parametrize(
    "cells", [{"Close": -1.0}, {"High": 0.01}, {"Open": np.inf}, {"Low": np.nan}]
)
def test_an_invalid_bar_is_left_out_and_warned_of(cells, caplog):
    frame, whole = changed(**cells), BARS.drop(BARS.index[20])
    with caplog.at_level(logging.WARNING):
        assert shown(CheckedPandasData, frame) == shown(bt.feeds.PandasData, whole)
    assert "2019-01-30: 1 bar of 40 left out as invalid" in caplog.text


def test_days_in_a_time_zone_are_sessions_there():
    berlin = BARS.tz_localize("Europe/Berlin")
    assert shown(CheckedPandasData, berlin) == shown(bt.feeds.PandasData, BARS)


def test_the_frame_of_the_user_is_left_as_it_was():
    frame = BARS.copy()
    shown(CheckedPandasData, frame)
    pd.testing.assert_frame_equal(frame, BARS)


def test_forecasts_are_those_of_pandas_data():
    class Reads(bt.Strategy):
        def __init__(self):
            spec = MomentumSpec(lookback=10, skip=1)
            self.forecast = LSTMForecast(self.data, spec=spec)
            self.read = []

        def next(self):
            self.read.append(self.forecast[0])

    read = []
    for kind in (bt.feeds.PandasData, CheckedPandasData):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(kind(dataname=BARS, name="A"))
        cerebro.addstrategy(Reads)
        read.append(repr(cerebro.run()[0].read))
    assert read[0] == read[1]
    assert read[0].count("nan") < len(BARS) - 10
