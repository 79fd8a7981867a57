"""One rule for one kind of bar, whichever door it comes through."""

from __future__ import annotations

import datetime as dt
import math

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel

from bt_lstm_rotation.feeds.valid_bars import drop_invalid_bars
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.yahoo import YahooPrices

PRICES = ["Open", "High", "Low", "Close"]
BARS = random_panel("A", 60).frame("A").astype("float64")
TODAY = dt.date(2100, 1, 1)
ROW = 30


def through_frames(bars, _folder):
    return PricePanel.from_frames({"A": bars}, today=TODAY).frame("A")


def through_a_file(bars, folder):
    bars.to_csv(folder / "A.csv", index_label="Date")
    return load_folder(folder, today=TODAY).frame("A")


def through_yahoo(bars, folder):
    answer = bars.assign(**{"Adj Close": bars["Close"]})
    yahoo = YahooPrices(folder, lambda *asked: {"A": answer}, lambda: TODAY)
    return yahoo.load(["A"]).frame("A")


def through_a_feed(bars, _folder):
    class Noted(bt.Strategy):
        def __init__(self):
            drop_invalid_bars(self.datas)
            self.rows = {}

        def next(self):
            day = pd.Timestamp(self.data.datetime.date(0))
            self.rows[day] = [getattr(self.data, f.lower())[0] for f in PRICES]

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=bars, name="A"))
    cerebro.addstrategy(Noted)
    (ran,) = cerebro.run()
    return pd.DataFrame.from_dict(ran.rows, orient="index", columns=PRICES)


each_door = pytest.mark.parametrize(
    "door", [through_frames, through_a_file, through_yahoo, through_a_feed]
)


@each_door
@pytest.mark.parametrize(
    ("fields", "value", "is_bar"),
    [
        (["Open"], 0.0, False),
        (["Close"], math.nan, False),
        (["Close"], -1.0, False),
        (["Low"], math.inf, False),
        (["High"], 0.01, False),
        (PRICES, 0.0, False),
        (PRICES, math.nan, False),
        ([*PRICES, "Volume"], math.nan, False),
        (["Volume"], math.nan, True),
        (["Volume"], -1.0, True),
        (["Volume"], math.inf, True),
    ],
)
@pytest.mark.parametrize("row", [0, ROW, 59])
def test_the_same_bar_has_the_same_outcome(door, fields, value, is_bar, row, tmp_path):
    bars = BARS.copy()
    bars.loc[bars.index[row], fields] = value
    expected = BARS if is_bar else BARS.drop(BARS.index[row])
    found = door(bars, tmp_path)
    assert list(found.index) == list(expected.index)
    np.testing.assert_array_equal(found[PRICES], expected[PRICES])


@each_door
def test_rows_before_a_listing_and_after_the_end_are_no_bars(door, tmp_path, caplog):
    joined = BARS.copy()
    joined.iloc[:20], joined.iloc[50:] = math.nan, math.nan
    assert list(door(joined, tmp_path).index) == list(BARS.index[20:50])
    said = [r.getMessage() for r in caplog.records if "Adj Close" not in r.getMessage()]
    # Yahoo's last rows may yet be filled, and are named for that.
    assert all("no prices yet" in message for message in said)
