"""Bars in memory, in each form that pandas and yfinance give them."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, same_bytes, without

from bt_lstm_rotation import load_prices
from bt_lstm_rotation.errors import DataError

# XLK is listed late, XLE misses two sessions.
PANEL = without(random_panel(["XLE", "XLK"], 40), "XLK", slice(0, 7))
PANEL = without(PANEL, "XLE", [11, 30])
FRAMES = PANEL.frames()


def downloaded(frames=None, *, names=("Price", "Ticker")):
    """One frame, as ``yfinance.download`` of a list gives it; prices come first."""
    joined = pd.concat(FRAMES if frames is None else frames, axis=1, sort=True)
    joined = joined.swaplevel(axis=1).sort_index(axis=1)
    return joined.rename_axis(columns=list(names)).rename_axis("Date")


def with_dividend(frame):
    adjusted = frame["Close"].where(frame.index >= frame.index[20], frame["Close"] / 2)
    return frame.assign(**{"Adj Close": adjusted})


def test_a_dict_of_frames_is_the_panel():
    assert load_prices(FRAMES).content_hash == PANEL.content_hash


@pytest.mark.parametrize(
    "joined",
    [
        downloaded(),
        downloaded(names=(None, None)),
        downloaded().swaplevel(axis=1).sort_index(axis=1),
        downloaded().sample(frac=1.0, random_state=0),
        downloaded().rename(columns=str.upper, level=0),
        downloaded().tz_localize("America/New_York"),
    ],
    ids=["prices first", "unnamed", "tickers first", "unsorted", "capitals", "zone"],
)
def test_a_frame_of_several_tickers_is_taken_apart(joined, caplog):
    with caplog.at_level(logging.WARNING):
        panel = load_prices(joined, ["XLE", "XLK"])
    assert panel.content_hash == PANEL.content_hash
    # Rows on which only the other traded are no holes.
    assert "without prices" not in caplog.text
    assert set(load_prices(joined).symbols) == {"XLE", "XLK"}


def test_a_volume_of_0_where_only_others_traded_makes_no_bar():
    joined = downloaded()
    joined["Volume"] = joined["Volume"].fillna(0.0)
    assert load_prices(joined).content_hash == PANEL.content_hash


def test_chosen_symbols_come_in_the_order_asked_for():
    panel = load_prices(downloaded(), ["XLK"], benchmark="XLE")
    assert panel.symbols == ("XLK", "XLE")
    assert panel.content_hash == PANEL.select(["XLK", "XLE"]).content_hash


def test_an_adjusted_close_is_applied_symbol_by_symbol(caplog):
    frames = {"XLE": with_dividend(FRAMES["XLE"]), "XLK": FRAMES["XLK"]}
    with caplog.at_level(logging.WARNING):
        panel = load_prices(frames)
    assert "no Adj Close for XLK" in caplog.text
    ratio = panel.close[:, 0] / PANEL.close[:, 0]
    there = np.isfinite(ratio)
    early = PANEL.sessions < FRAMES["XLE"].index[20].to_datetime64()
    assert ratio[there] == pytest.approx(np.where(early, 0.5, 1.0)[there])
    assert same_bytes(panel.close[:, 1], PANEL.close[:, 1])
    expected = "memory, prices as they are for 1 of 2 symbols without Adj Close"
    assert panel.source == expected


@pytest.mark.parametrize("take_apart", [True, False])
def test_an_adjusted_close_may_be_left_and_the_panel_says_so(take_apart):
    frames = {name: with_dividend(frame) for name, frame in FRAMES.items()}
    data = downloaded(frames) if take_apart else frames
    panel = load_prices(data, adjust=False)
    assert panel.content_hash == PANEL.content_hash
    assert panel.source == "memory, prices as they are"
    assert load_prices(data).source == "memory, adjusted by Adj Close"


def test_one_ticker_of_two_storeys_has_its_name_with_it():
    # yf.download("XLK"); in a dict under another name, that name counts.
    alone = downloaded({"XLK": FRAMES["XLK"]})
    expected = PANEL.select(["XLK"]).content_hash
    assert load_prices(alone).content_hash == expected
    assert load_prices(alone, ["XLK"]).content_hash == expected
    assert load_prices({"tech": alone}).symbols == ("tech",)


def history():
    """A frame as ``Ticker.history`` gives it."""
    frame = FRAMES["XLK"].tz_localize("America/New_York").rename_axis("Date")
    extra = {"Dividends": 0.0, "Stock Splits": 0.0, "Capital Gains": 0.0}
    return frame.assign(**extra)


@pytest.mark.parametrize("frame", [FRAMES["XLK"], history()], ids=["flat", "history"])
def test_a_frame_without_a_name_is_given_one(frame):
    panel = load_prices(frame, symbols=["XLK"])
    assert panel.content_hash == PANEL.select(["XLK"]).content_hash
    with pytest.raises(DataError, match=r"no name for it.*symbols=\['XLK'\]"):
        load_prices(frame)
    with pytest.raises(DataError, match="several names for it"):
        load_prices(frame, ["XLK", "XLE"])
    with pytest.raises(DataError, match="several names for it"):
        load_prices(frame, ["XLK"], benchmark="SPY")


def test_what_is_given_is_left_as_it_is():
    frames = {name: with_dividend(frame) for name, frame in FRAMES.items()}
    joined = downloaded(frames)
    before = joined.copy()
    load_prices(joined)
    pd.testing.assert_frame_equal(joined, before)


@pytest.mark.parametrize("name", ["S&P 500", "../etc", "a\nb", "☂", " "])
def test_a_symbol_in_memory_may_be_called_anything(name):
    assert load_prices({name: FRAMES["XLE"]}).symbols == (name,)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "no symbols"),
        (pd.DataFrame(), "no name for it"),
        ({"XLE": None}, "XLE: bars must be a pandas DataFrame"),
        ({"XLE": FRAMES["XLE"]["Close"]}, "XLE: bars must be a pandas DataFrame"),
        ({"XLE": pd.DataFrame()}, "XLE: no data"),
        ({"XLE": FRAMES["XLE"].iloc[:0]}, "XLE: no data"),
        ({"XLE": FRAMES["XLE"].drop(columns="Low")}, "XLE: no column Low"),
        ({"XLE": FRAMES["XLE"].reset_index(drop=True)}, "the index is not dates"),
        ({3: FRAMES["XLE"]}, "not a name"),
        ({"": FRAMES["XLE"]}, "not a name"),
        ({"XLE": downloaded()}, "XLE: bars of several tickers in one frame"),
        (downloaded()[["Open"]], "columns that are not those of bars"),
        (downloaded().rename(columns={"XLE": "Close"}), "not those of bars"),
        (pd.concat({"a": downloaded()}, axis=1), "not those of bars"),
        (downloaded().rename(columns={"XLE": 5}), "not a name"),
        (downloaded().rename(columns={"XLE": ""}), "not a name"),
        (downloaded().mul(np.nan), "none of its rows has a price"),
        (pd.concat([downloaded(), downloaded()], axis=1), "more than one column"),
        ({"XLE": FRAMES["XLE"].assign(AdjPrice=1.0)}, "may be an adjusted close"),
    ],
)
def test_what_is_not_bars_is_told_apart(data, problem):
    with pytest.raises(DataError, match=problem):
        load_prices(data)
