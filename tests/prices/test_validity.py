"""Which bars are valid: one fault at a time, in every field."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from fakes import random_panel
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.bars import COLUMNS, valid_bars
from bt_lstm_rotation.prices.validity import (
    BarValidator,
    first_fault,
    is_valid,
    known_volume,
)

EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True, database=None)
GOOD = (10.0, 12.0, 9.0, 11.0, 100.0)  # open, high, low, close, volume


def verdict(**changed) -> bool:
    fields = [name.lower() for name in COLUMNS]
    bar = dict(zip(fields, GOOD, strict=True)) | changed
    return bool(is_valid(np.array([[bar[name]] for name in fields]))[0])


@pytest.mark.parametrize("field", ["open", "high", "low", "close"])
@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0])
def test_a_price_that_is_none_spoils_the_bar(field, price):
    assert verdict()
    assert not verdict(**{field: price})


@pytest.mark.parametrize("volume", [math.nan, math.inf, -1.0])
def test_a_volume_is_not_a_price(volume):
    assert verdict(volume=volume)
    assert not known_volume(np.array([volume, 0.0]))[0]
    assert known_volume(np.array([0.0, 1e6])).all()


@pytest.mark.parametrize(
    "fault",
    [
        {"high": 8.0},
        {"high": 10.9},
        {"high": 9.9, "close": 9.5},
        {"low": 10.5},
        {"low": 12.5},
        {"open": 12.1},
        {"open": 8.9},
        {"close": 12.1},
        {"close": 8.9},
    ],
)
def test_a_high_or_low_that_does_not_enclose_spoils_the_bar(fault):
    assert not verdict(**fault)


def test_rounding_does_not_spoil_a_bar_and_a_tick_does():
    # Vendors keep prices in 32 bits: an ulp of 12 is about 1e-6.
    assert verdict(close=12.0 + 1e-6)
    assert verdict(open=9.0 - 1e-6)
    assert not verdict(close=12.0 + 1e-4)
    assert not verdict(open=9.0 - 1e-4)


def test_a_bar_of_one_price_is_valid():
    assert verdict(open=5.0, high=5.0, low=5.0, close=5.0)


@EXAMPLES
@given(
    bar=st.tuples(
        *[st.sampled_from([math.nan, math.inf, -1.0, 0.0, 1.0, 2.0, 3.0])] * 4,
        st.sampled_from([math.nan, math.inf, -1.0, 0.0, 7.0]),
    )
)
def test_a_bar_is_valid_exactly_if_a_source_may_bring_it(bar):
    frame = pd.DataFrame([bar], index=pd.DatetimeIndex(["2020-01-02"]), columns=COLUMNS)
    try:
        valid_bars("XLK", frame, today=dt.date(2020, 12, 31))
        valid = True
    except DataError:
        valid = False
    assert bool(is_valid(np.array(bar))) == valid


@EXAMPLES
@given(
    bar=st.tuples(
        *[st.sampled_from([math.nan, math.inf, -1.0, 0.0, 1.0, 2.0, 3.0])] * 4,
        st.just(7.0),
    )
)
def test_an_invalid_bar_has_a_fault_in_the_field_that_has_it(bar):
    named = dict(zip(COLUMNS, bar, strict=True))
    if not is_valid(np.array(bar)):
        problem, field, _ = first_fault(named)
        if "price" in problem:
            assert not named[field] > 0 or math.isinf(named[field])
        else:
            assert all(price > 0 for price in bar)


def test_a_feed_may_lose_its_volume_and_find_it_again():
    validator = BarValidator()
    bars = np.array([GOOD] * 4).T
    bars[4] = [math.nan, 100.0, -1.0, math.inf]
    assert validator.is_valid(bars[:, :1]).all()
    assert not validator.has_volume
    assert validator.is_valid(bars[:, 1:]).all()
    assert bars[4].tolist() == [0.0, 100.0, 0.0, 0.0]
    assert validator.has_volume


def test_each_bar_of_many_has_its_own_verdict():
    bars = random_panel("AB", 30).bars
    assert is_valid(bars).shape == (30, 2)
    assert is_valid(bars).all()
    bars[1, 4, 0], bars[3, 9, 1], bars[:, 20, 0] = 0.0, math.nan, math.nan
    assert np.argwhere(~is_valid(bars)).tolist() == [[4, 0], [9, 1], [20, 0]]
    assert is_valid(bars[:, :0]).shape == (0, 2)
