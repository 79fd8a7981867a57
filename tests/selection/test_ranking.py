"""Forecasts -> chosen: order, ties, quantiles, and a buffer for what is held."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.selection import choose, ranked, select_quantile, select_top

names = st.text(min_size=1, max_size=8)
forecasts = st.dictionaries(names, st.floats(), max_size=30)


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


@settings(derandomize=True, deadline=None)
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
    with pytest.raises(SpecError, match="top must be a whole number of at least 1"):
        select_top({"A": 0.1}, top)


@pytest.mark.parametrize("forecast", ["0.1", None, [0.1], 1j, 10**400])
def test_a_forecast_that_is_not_a_number_is_named(forecast):
    with pytest.raises(DataError, match="XLK: a forecast that is not a number"):
        select_top({"A": 0.1, "XLK": forecast}, 1)


def hundred(n):
    return {f"{number:03}": float(number) for number in range(n)}


@pytest.mark.parametrize(
    ("quantile", "n", "chosen"),
    [
        (0.2, 10, 2),
        (0.29, 100, 29),  # 0.29 * 100 is 28.999999999999996 in binary
        (1 / 3, 9, 3),
        (0.1, 9, 1),  # never none
        (0.999, 10, 9),
        (1, 7, 7),
        (1.0, 1, 1),
        (5e-324, 5, 1),
        (0.5, 0, 0),
    ],
)
def test_a_quantile_is_rounded_down_but_never_to_none(quantile, n, chosen):
    best_first = sorted(hundred(n), reverse=True)
    assert select_quantile(hundred(n), quantile) == best_first[:chosen]


def test_a_quantile_counts_only_symbols_with_a_forecast():
    forecast = hundred(10) | {f"none {n}": math.nan for n in range(90)}
    assert select_quantile(forecast, 0.2) == ["009", "008"]


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_quantile_written_as_a_fraction_is_that_fraction(part, whole):
    part, whole = sorted([part, whole])
    chosen = select_quantile(dict.fromkeys(map(str, range(200)), 0.0), part / whole)
    assert len(chosen) == max(1, math.floor(Fraction(200 * part, whole)))


@pytest.mark.parametrize("quantile", [0, 1.01, 2, -0.1, math.nan, True, "0.2", None])
def test_an_impossible_quantile_is_refused(quantile):
    with pytest.raises(SpecError, match="quantile must be above 0 and at most 1"):
        select_quantile({"A": 0.1}, quantile)


@pytest.mark.parametrize(
    ("held", "rank_buffer", "chosen"),
    [
        ("", 5, "AB"),
        ("C", 0, "AB"),
        ("C", 1, "AC"),  # third of two and one more: it stays, the best joins it
        ("D", 1, "AB"),
        ("CD", 2, "CD"),  # both slots are taken
        ("BCD", 2, "BC"),  # of three kept, the best two
        ("AE", 9, "AE"),
        ("XYZ", 9, "AB"),  # no forecast, no rank
    ],
)
def test_what_is_held_keeps_its_slot_within_the_buffer(held, rank_buffer, chosen):
    assert choose("ABCDE", 2, held=held, rank_buffer=rank_buffer) == list(chosen)


def test_no_slots_are_filled_with_nothing():
    assert choose("ABC", 0, held="AB", rank_buffer=3) == []
    assert choose([], 3, held="AB", rank_buffer=3) == []


def test_without_a_buffer_the_best_are_chosen_held_or_not():
    assert choose("ABC", 2, held="BC") == ["A", "B"]
    assert choose("ABC", 1, held="B") == ["A"]


@settings(derandomize=True, deadline=None)
@given(forecasts, st.sets(names, max_size=10), st.integers(0, 9), st.integers(0, 9))
def test_a_buffer_only_ever_keeps_what_is_held(forecast, held, n_slots, rank_buffer):
    ranking = ranked(forecast)
    chosen = choose(ranking, n_slots, held=held, rank_buffer=rank_buffer)
    assert len(chosen) == min(n_slots, len(ranking))
    assert chosen == [symbol for symbol in ranking if symbol in set(chosen)]
    for symbol in chosen:
        rank = ranking.index(symbol)
        assert rank < n_slots or (symbol in held and rank < n_slots + rank_buffer)
    for symbol in set(ranking[:n_slots]) - set(chosen):
        assert symbol not in held or set(chosen) <= held
    assert choose(ranking, n_slots, held=held) == ranking[:n_slots]
