"""Chosen -> weights: sums to the last bit, caps, unknown volatilities, odd input."""

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
    forecast_weights,
    inverse_volatility_weights,
    weighting_named,
)

names = st.text(min_size=1, max_size=8)
symbols = st.lists(names, max_size=60, unique=True)
buffers = st.floats(0, 1, exclude_max=True)


def test_the_invested_share_is_divided_by_the_number_chosen():
    # 1 - 0.25 is exact in binary, and so are its half and its third.
    assert equal_weights(["A", "B"], cash_buffer=0.25) == {"A": 0.375, "B": 0.375}
    assert equal_weights(list("ABC"), cash_buffer=0.25) == dict.fromkeys("ABC", 0.25)
    assert equal_weights(["A"], cash_buffer=0.0) == {"A": 1.0}
    assert equal_weights([], cash_buffer=0.02) == {}


@settings(derandomize=True, deadline=None)
@given(symbols, buffers)
def test_weights_are_equal_and_use_up_the_invested_share(chosen, buffer):
    weights = equal_weights(chosen, cash_buffer=buffer)
    assert list(weights) == chosen
    for weight in weights.values():
        assert 0 <= weight <= 1
        assert weight == pytest.approx((1 - buffer) / len(chosen), rel=1e-9, abs=1e-15)


@settings(derandomize=True, deadline=None)
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


@settings(derandomize=True, deadline=None)
@given(symbols, buffers, st.randoms())
def test_the_order_of_the_symbols_changes_no_weight(chosen, buffer, random):
    shuffled = list(chosen)
    random.shuffle(shuffled)
    assert equal_weights(shuffled, cash_buffer=buffer) == equal_weights(
        chosen, cash_buffer=buffer
    )


@pytest.mark.parametrize("buffer", [-0.01, 1, 1.5, math.nan, math.inf, "0.02", None])
def test_an_impossible_cash_buffer_is_refused(buffer):
    with pytest.raises(SpecError, match="cash_buffer must be a number from 0 up"):
        equal_weights(["A"], cash_buffer=buffer)


def test_a_symbol_chosen_twice_is_refused():
    with pytest.raises(SpecError, match="symbols, each once"):
        equal_weights(["A", "B", "A"], cash_buffer=0.02)


def test_forecasts_are_weighed_in_proportion():
    # 0.75 is shared out as 3 to 2 to 1.
    forecast = {"A": 0.03, "B": 0.02, "C": 0.01}
    weights = forecast_weights(list("ABC"), cash_buffer=0.25, forecasts=forecast)
    assert weights == pytest.approx({"A": 0.375, "B": 0.25, "C": 0.125}, rel=1e-12)


def test_a_forecast_that_is_not_above_zero_gets_nothing():
    forecast = {"A": 0.02, "B": 0.0, "C": -0.01, "D": math.nan}
    weights = forecast_weights(list("ABCDE"), cash_buffer=0.5, forecasts=forecast)
    assert weights == {"A": 0.5, "B": 0, "C": 0, "D": 0, "E": 0}
    none = forecast_weights(list("BC"), cash_buffer=0.5, forecasts=forecast)
    assert none == {"B": 0, "C": 0}


def test_half_the_volatility_gets_twice_the_weight():
    # 1/1 + 1/2 + 1/4 = 7/4: shares of 4/7, 2/7 and 1/7.
    volatilities = {"A": 0.01, "B": 0.02, "C": 0.04, "not chosen": 0.001}
    weights = inverse_volatility_weights(
        list("ABC"), cash_buffer=0.125, volatilities=volatilities
    )
    assert weights == pytest.approx({"A": 0.5, "B": 0.25, "C": 0.125}, rel=1e-12)


@pytest.mark.parametrize("unknown", [{}, {"D": math.nan}, {"D": math.inf}, {"D": 0.0}])
def test_an_unknown_volatility_is_taken_to_be_the_smallest_of_the_chosen(unknown):
    volatilities = {"A": 0.01, "B": 0.02, "Z": 0.001} | unknown
    weights = inverse_volatility_weights(
        list("ABD"), cash_buffer=0.0, volatilities=volatilities
    )
    assert weights == pytest.approx({"A": 0.4, "B": 0.2, "D": 0.4}, rel=1e-12)


@pytest.mark.parametrize("volatility", [0.0, math.nan, 0.02])
def test_volatilities_that_say_nothing_give_equal_weights(volatility):
    chosen = list("ABC")
    assert inverse_volatility_weights(
        chosen, cash_buffer=0.02, volatilities=dict.fromkeys(chosen, volatility)
    ) == equal_weights(chosen, cash_buffer=0.02)


def test_the_smallest_and_largest_volatilities_there_are_can_be_divided_by():
    tiny, huge = math.ulp(0.0), 1.7e308
    weights = inverse_volatility_weights(
        ["A", "B"], cash_buffer=0.0, volatilities={"A": tiny, "B": huge}
    )
    assert weights == {"A": 1.0, "B": 0.0}
    weights = forecast_weights(
        ["A", "B"], cash_buffer=0.0, forecasts={"A": huge, "B": huge}
    )
    assert weights == {"A": 0.5, "B": 0.5}


@pytest.mark.parametrize("volatility", [-0.01, -1])
def test_a_negative_volatility_is_refused(volatility):
    with pytest.raises(DataError, match="XLK: a volatility below 0"):
        inverse_volatility_weights(
            ["XLK"], cash_buffer=0.0, volatilities={"XLK": volatility}
        )


@pytest.mark.parametrize("value", ["0.1", None, [0.1], 1j, 10**400, True])
def test_what_is_not_a_number_is_named(value):
    with pytest.raises(DataError, match="XLK: a volatility that is not a number"):
        inverse_volatility_weights(
            ["XLK"], cash_buffer=0.0, volatilities={"XLK": value}
        )
    with pytest.raises(DataError, match="no mapping"):
        forecast_weights(["XLK"], cash_buffer=0.0, forecasts=[0.1])


def test_what_the_cap_cuts_off_goes_to_the_others_in_proportion():
    # 9 : 4 : 2 of 0.9 are 0.54, 0.24 and 0.12. Capped at 0.45, the first leaves 0.45
    # to the others, 0.3 and 0.15.
    forecast = {"A": 0.09, "B": 0.04, "C": 0.02}
    weights = forecast_weights(
        list("ABC"), cash_buffer=0.1, cap=0.45, forecasts=forecast
    )
    assert weights == pytest.approx({"A": 0.45, "B": 0.3, "C": 0.15}, rel=1e-12)


def test_what_the_cap_cuts_off_may_lift_the_next_one_to_the_cap():
    # 10 : 5 : 1 at a cap of 0.4: A leaves 0.6, of which B's five sixths are 0.5. C is
    # left with 0.2.
    forecast = {"A": 0.10, "B": 0.05, "C": 0.01}
    weights = forecast_weights(
        list("ABC"), cash_buffer=0.0, cap=0.4, forecasts=forecast
    )
    assert weights == pytest.approx({"A": 0.4, "B": 0.4, "C": 0.2}, rel=1e-12)


def test_what_nobody_can_take_stays_in_cash():
    assert equal_weights(["A", "B"], cash_buffer=0.0, cap=0.25) == {
        "A": 0.25,
        "B": 0.25,
    }
    forecast = {"A": 0.1, "B": -0.1}
    assert forecast_weights(
        ["A", "B"], cash_buffer=0.0, cap=0.25, forecasts=forecast
    ) == {"A": 0.25, "B": 0.0}


@pytest.mark.parametrize("cap", [0, -0.1, 1.01, math.nan, math.inf, "0.3", True])
def test_an_impossible_cap_is_refused(cap):
    with pytest.raises(SpecError, match="cap must be above 0 and at most 1"):
        equal_weights(["A"], cash_buffer=0.0, cap=cap)


sizes = st.floats(0, exclude_min=False, allow_nan=False, allow_infinity=False)
caps = st.none() | st.floats(0, 1, exclude_min=True)


@settings(derandomize=True, deadline=None)
@given(
    st.sampled_from(sorted(WEIGHTINGS)),
    st.dictionaries(names, st.tuples(st.floats(), sizes), max_size=12),
    buffers,
    caps,
    st.randoms(),
)
def test_every_weighting_keeps_the_buffer_and_the_cap_in_any_order(
    name, symbols, buffer, cap, random
):
    def weigh(chosen):
        return WEIGHTINGS[name](
            chosen,
            cash_buffer=buffer,
            cap=cap,
            forecasts={symbol: symbols[symbol][0] for symbol in chosen},
            volatilities={symbol: symbols[symbol][1] for symbol in chosen},
        )

    weights = weigh(list(symbols))
    assert list(weights) == list(symbols)
    assert all(0 <= weight <= (cap or 1) for weight in weights.values())
    assert sum(map(Fraction, weights.values())) <= Fraction(1 - buffer)
    one_by_one = 0.0
    for weight in weights.values():
        one_by_one += weight
    assert one_by_one == math.fsum(weights.values()) <= 1 - buffer
    shuffled = list(symbols)
    random.shuffle(shuffled)
    assert weigh(shuffled) == weights


@settings(derandomize=True, deadline=None)
@given(
    st.dictionaries(names, st.floats(1e-6, 1.0), min_size=1, max_size=12),
    st.floats(0, 0.9),
    st.floats(0.01, 1),
)
def test_capped_weights_are_proportional_below_the_cap(forecast, buffer, cap):
    # Water-filling: min(cap, level * forecast), at the level that uses up the share.
    weights = forecast_weights(
        list(forecast), cash_buffer=buffer, cap=cap, forecasts=forecast
    )
    share = min(1 - buffer, cap * len(forecast))
    low, high = 0.0, 2 / min(forecast.values())
    for _ in range(200):
        level = (low + high) / 2
        total = sum(min(cap, level * value) for value in forecast.values())
        low, high = (level, high) if total < share else (low, level)
    expected = {s: min(cap, high * value) for s, value in forecast.items()}
    assert weights == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(names, st.floats(1e-6, 1.0), max_size=12), st.floats(1e-3, 1e3))
def test_the_unit_of_the_volatilities_does_not_matter(volatilities, unit):
    scaled = {symbol: unit * value for symbol, value in volatilities.items()}
    chosen = list(volatilities)
    assert inverse_volatility_weights(
        chosen, cash_buffer=0.02, volatilities=scaled
    ) == pytest.approx(
        inverse_volatility_weights(chosen, cash_buffer=0.02, volatilities=volatilities),
        rel=1e-12,
    )


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(names, st.floats(0, 1), max_size=12), buffers)
def test_a_cap_of_everything_changes_nothing(forecast, buffer):
    for weigh in WEIGHTINGS.values():
        given_ = {
            "cash_buffer": buffer,
            "forecasts": forecast,
            "volatilities": forecast,
        }
        assert weigh(list(forecast), cap=1, **given_) == weigh(list(forecast), **given_)


def test_a_weighting_is_found_by_its_name():
    assert weighting_named("equal") is equal_weights
    assert weighting_named("forecast") is forecast_weights
    assert weighting_named("inverse_volatility") is inverse_volatility_weights


@pytest.mark.parametrize("name", ["eqaul", "", None, ["equal"]])
def test_an_unknown_weighting_names_the_known_ones(name):
    with pytest.raises(SpecError, match=r"known: equal, forecast") as caught:
        weighting_named(name)
    assert caught.value.value == name


def test_a_misspelled_weighting_gets_the_closest_one():
    with pytest.raises(SpecError, match="did you mean 'equal'"):
        weighting_named("eqaul")


def test_the_weightings_cannot_be_changed_from_outside():
    with pytest.raises(TypeError):
        WEIGHTINGS["mine"] = equal_weights
