"""What a factor on past prices stands for, and that it takes no value away."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.corporate_actions import (
    COMMON_SPLITS,
    CorporateAction,
    classified,
    restated,
)

SPLITS = ["1/2", "1/3", "2/3", "1/4", "3/4", "4/5", "5/7", "1/10", "1/20", "1/50"]


@pytest.mark.parametrize("ratio", [*SPLITS, "5/4", "3/2", "3", "10", "37", "100"])
@pytest.mark.parametrize("noise", [0.0, 9e-5, -9e-5])
def test_a_ratio_of_small_whole_numbers_is_a_split(ratio, noise):
    split = Fraction(ratio)
    found = classified(float(split) * (1 + noise), 123.45)
    assert found == CorporateAction(float(split), float(1 / split), 0.0)


@pytest.mark.parametrize("factor", [0.81, 0.9, 0.995, 0.9999, 1.0, 1.002, 1.2])
def test_what_is_nearer_to_1_is_a_dividend(factor):
    found = classified(factor, 200.0)
    assert (found.price, found.shares) == (factor, 1.0)
    assert found.cash == pytest.approx(200 - 200 * factor)


def test_a_dividend_by_hand():
    # 0.5% of 80 are 0.40 a share; a factor above 1 takes a dividend back.
    assert classified(0.995, 80.0).cash == pytest.approx(0.40)
    assert classified(1.005, 80.0).cash == pytest.approx(-0.40)


@pytest.mark.parametrize(
    ("factor", "split", "rest"),
    [
        (0.4975, "1/2", 0.995),
        (0.45, "1/2", 0.9),
        (2 / 3 * 0.97, "2/3", 0.97),
        (0.097, "1/10", 0.97),
        (9.95, "10", 0.995),
        (1.5 * 0.98, "3/2", 0.98),
        (48.5, "50", 0.97),
    ],
)
def test_both_at_once_are_the_split_that_leaves_the_smallest_dividend(
    factor, split, rest
):
    found = classified(factor, 60.0)
    assert (found.price, found.shares) == (factor, float(1 / Fraction(split)))
    # 0.30 for each old share of 60, where it is 0.5%.
    assert found.cash == pytest.approx(60 * (1 - rest))


@pytest.mark.parametrize("factor", [0.0042, 0.086, 0.53, 0.77 * 0.7, 6.13, 1234.0])
def test_what_is_neither_is_refused_with_the_factor(factor):
    with pytest.raises(DataError, match="neither a split nor a dividend") as caught:
        classified(factor, 60.0)
    assert caught.value.value == factor
    assert repr(factor) in str(caught.value)


@pytest.mark.parametrize("wrong", [0.0, -0.5, math.nan, math.inf, True, "1/2"])
def test_what_cannot_be_is_refused(wrong):
    for factor, last_close in ((wrong, 50.0), (0.5, wrong)):
        with pytest.raises(DataError, match="finite number above 0"):
            classified(factor, last_close)
    for price, shares in ((wrong, 1.0), (1.0, wrong)):
        with pytest.raises(DataError, match="a corporate action that cannot be"):
            CorporateAction(price, shares, 0.0)


@pytest.mark.parametrize("wrong", [math.nan, -math.inf, None])
def test_cash_has_to_be_finite(wrong):
    with pytest.raises(DataError, match="cash"):
        CorporateAction(1.0, 1.0, wrong)


dividends = st.floats(0.8, 1.25, exclude_min=True, exclude_max=True)
combined = st.tuples(st.sampled_from(COMMON_SPLITS), st.floats(0.901, 1.0)).map(
    lambda both: float(both[0]) * both[1]
)


@given(
    factor=st.one_of(dividends, combined),
    close=st.floats(0.01, 1e6),
    size=st.floats(-1e6, 1e6),
)
def test_what_is_held_keeps_its_value(factor, close, size):
    found = classified(factor, close)
    assert found.price == pytest.approx(factor, rel=1e-4)
    after = size * found.shares * close * found.price + size * found.cash
    assert after == pytest.approx(size * close, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    ("shares", "lots", "whole"),
    [
        (2.0, 15, 30),
        (0.1, 15, 1),
        (0.1, -15, -1),
        (0.1, 9, 0),
        (1 / 3, 30, 10),
        (1 / 3, 3_000_000, 1_000_000),
        (1.5, 3, 4),
        (1.0, 7, 7),
    ],
)
def test_lots_are_rounded_towards_none(shares, lots, whole):
    assert CorporateAction(1 / shares, shares, 0.0).whole(lots) == whole


def test_bars_before_an_action_are_restated_and_later_ones_are_not():
    sessions = np.arange("2020-01-06", "2020-01-10", dtype="datetime64[D]")
    bars = np.array([[100.0, 100.0, 50.0, 50.0]] * 5)
    split, dividend = CorporateAction(0.5, 2.0, 0.0), CorporateAction(0.9, 1.0, 5.0)
    # The dividend's session is missing: from the next one on, all is in new units.
    actions = [("2020-01-08", split), ("2020-01-09", dividend)]
    found = restated(sessions, bars, actions)
    assert found[0].tolist() == [45.0, 45.0, 45.0, 50.0]
    assert found[4].tolist() == [200.0, 200.0, 50.0, 50.0]
    assert bars[0].tolist() == [100.0, 100.0, 50.0, 50.0]
    assert restated(sessions, bars, []).tolist() == bars.tolist()
