"""Forecasts -> chosen -> weights: order, ties, sums to the last bit, hostile input."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.selection import (
    WEIGHTINGS,
    equal_weights,
    select_top,
    weighting_named,
)

names = st.text(min_size=1, max_size=8)
forecasts = st.dictionaries(names, st.floats(), max_size=30)
symbols = st.lists(names, max_size=60, unique=True)
buffers = st.floats(0, 1, exclude_max=True)


def test_the_highest_forecasts_come_first():
    forecast = {"XLB": 0.01, "XLE": -0.02, "XLF": 0.03, "XLI": 0.0}
    assert select_top(forecast, 2) == ["XLF", "XLB"]


def test_equal_forecasts_are_chosen_by_name():
    assert select_top({"XLV": 0.0, "XLB": -0.0, "XLK": 0.0}, 2) == ["XLB", "XLK"]


def test_symbols_without_a_forecast_are_out():
    forecast = {"A": math.nan, "B": math.inf, "C": -math.inf, "D": -0.5}
    assert select_top(forecast, 3) == ["D"]
    assert select_top({}, 3) == []


def test_numpy_numbers_are_forecasts():
    forecast = {"A": np.float32(0.1), "B": np.float64(0.2), "C": np.nan}
    assert select_top(forecast, 5) == ["B", "A"]


@settings(derandomize=True)
@given(forecasts, st.integers(1, 10), st.randoms())
def test_nothing_left_out_beats_anything_chosen(forecast, top, random):
    chosen = select_top(forecast, top)
    finite = {s for s, value in forecast.items() if math.isfinite(value)}
    assert set(chosen) <= finite
    assert len(chosen) == min(top, len(finite))
    for inside in chosen:
        for outside in finite - set(chosen):
            assert (forecast[inside], outside) >= (forecast[outside], inside)
    shuffled = list(forecast)
    random.shuffle(shuffled)
    assert select_top({s: forecast[s] for s in shuffled}, top) == chosen


@pytest.mark.parametrize("top", [0, -1, 1.0, True, "3", None])
def test_an_impossible_number_to_choose_is_refused(top):
    with pytest.raises(SpecError, match="top must be a whole number, 1 or more"):
        select_top({"A": 0.1}, top)


@pytest.mark.parametrize("forecast", ["0.1", None, [0.1], 1j])
def test_a_forecast_that_is_not_a_number_is_named(forecast):
    with pytest.raises(DataError, match="XLK: a forecast that is not a number"):
        select_top({"A": 0.1, "XLK": forecast}, 1)


def test_the_invested_share_is_divided_by_the_number_chosen():
    # 1 - 0.25 is exact in binary, and so are its half and its third.
    assert equal_weights(["A", "B"], cash_buffer=0.25) == {"A": 0.375, "B": 0.375}
    assert equal_weights(list("ABC"), cash_buffer=0.25) == dict.fromkeys("ABC", 0.25)
    assert equal_weights(["A"], cash_buffer=0.0) == {"A": 1.0}
    assert equal_weights([], cash_buffer=0.02) == {}


@settings(derandomize=True)
@given(symbols, buffers)
def test_weights_are_equal_and_use_up_the_invested_share(chosen, buffer):
    weights = equal_weights(chosen, cash_buffer=buffer)
    assert list(weights) == chosen
    for weight in weights.values():
        assert 0 <= weight <= 1
        assert weight == pytest.approx((1 - buffer) / len(chosen), rel=1e-9, abs=1e-15)


@settings(derandomize=True)
@given(symbols, buffers, st.randoms())
def test_weights_never_exceed_the_invested_share_however_they_are_added(
    chosen, buffer, random
):
    weights = list(equal_weights(chosen, cash_buffer=buffer).values())
    one_by_one = 0.0
    for weight in weights:
        one_by_one += weight
    sums = [one_by_one, sum(weights), math.fsum(weights), float(np.sum(weights))]
    assert max(sums) <= 1 - buffer
    assert sum(map(Fraction, weights)) <= Fraction(1 - buffer)


@settings(derandomize=True)
@given(symbols, buffers, st.randoms())
def test_the_order_of_the_symbols_changes_no_weight(chosen, buffer, random):
    shuffled = list(chosen)
    random.shuffle(shuffled)
    assert equal_weights(shuffled, cash_buffer=buffer) == equal_weights(
        chosen, cash_buffer=buffer
    )


@pytest.mark.parametrize("buffer", [-0.01, 1, 1.5, math.nan, math.inf, "0.02", None])
def test_an_impossible_cash_buffer_is_refused(buffer):
    with pytest.raises(SpecError, match="cash_buffer must be 0 or more and below 1"):
        equal_weights(["A"], cash_buffer=buffer)


def test_a_symbol_chosen_twice_is_refused():
    with pytest.raises(SpecError, match="symbols, each once"):
        equal_weights(["A", "B", "A"], cash_buffer=0.02)


def test_a_weighting_is_found_by_its_name():
    assert weighting_named("equal") is equal_weights


@pytest.mark.parametrize("name", ["eqaul", "", None, ["equal"]])
def test_an_unknown_weighting_names_the_known_ones(name):
    with pytest.raises(SpecError, match=r"known: equal") as caught:
        weighting_named(name)
    assert caught.value.value == name


def test_a_misspelled_weighting_gets_the_closest_one():
    with pytest.raises(SpecError, match="did you mean 'equal'"):
        weighting_named("eqaul")


def test_the_weightings_cannot_be_changed_from_outside():
    with pytest.raises(TypeError):
        WEIGHTINGS["mine"] = equal_weights
