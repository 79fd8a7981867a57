"""Held -> targets, no further than the turnover allows."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.selection import limit_turnover

names = st.sampled_from("ABCDEFGH")
HALF = 2.0**-53


def targets_within(cash_buffer, numbers):
    """Shares on the grid, below what may be invested in absolute terms."""
    total = max(1.0, 1.01 * sum(map(abs, numbers.values())))
    share = (1 - cash_buffer) / total
    return {s: math.trunc(n * share * 2**53) / 2**53 for s, n in numbers.items()}


def turnover_of(new, held):
    return sum(
        abs(Fraction(new.get(symbol, 0.0)) - Fraction(held.get(symbol, 0.0)))
        for symbol in new.keys() | held.keys()
    )


def test_half_the_turnover_goes_half_of_the_way():
    # From A to B is a turnover of 1: half of A sold, and as much of B bought.
    new = limit_turnover({"B": 0.5}, {"A": 0.5}, 0.5, cash_buffer=0.5)
    assert new == {"B": 0.25, "A": 0.25}


def test_moving_a_tenth_of_equity_is_a_turnover_of_a_fifth():
    held, targets = {"A": 0.5, "B": 0.25}, {"A": 0.4, "B": 0.35}
    assert limit_turnover(targets, held, 0.2001, cash_buffer=0.0) == targets
    new = limit_turnover(targets, held, 0.1, cash_buffer=0.0)
    assert new == pytest.approx({"A": 0.45, "B": 0.3}, rel=1e-12)


def test_the_first_purchase_is_turnover_too():
    new = limit_turnover({"A": 0.5, "B": 0.25}, {}, 0.375, cash_buffer=0.0)
    assert new == {"A": 0.25, "B": 0.125}


def test_a_long_position_may_go_short_in_steps():
    held, target = {"A": 0.5}, {"A": -0.5}
    assert limit_turnover(target, held, 0.25, cash_buffer=0.0) == {"A": 0.25}
    assert limit_turnover(target, held, 0.75, cash_buffer=0.0) == {"A": -0.25}


def test_from_all_long_to_all_short_is_a_turnover_of_two():
    held, target = {"A": 1.0}, {"A": -1.0}
    assert limit_turnover(target, held, 2, cash_buffer=0.0) == target
    assert limit_turnover(target, held, 1.5, cash_buffer=0.0) == {"A": -0.5}


def test_a_turnover_of_just_the_limit_gives_the_targets_to_the_last_bit():
    # 0.1 is no multiple of 2**-53, to which what is cut is rounded.
    assert limit_turnover({"A": 0.1}, {}, 0.1, cash_buffer=0.0) == {"A": 0.1}
    assert (0.1 * 2**53) % 1


def test_the_cash_buffer_wins_over_the_turnover():
    # A has risen to all of equity. A tenth of the way to a half would be 0.95.
    new = limit_turnover({"A": 0.5}, {"A": 1.0}, 0.05, cash_buffer=0.25)
    assert new == {"A": 0.75}
    # 0.95 and -0.25 are scaled to 0.75 in all, each by the same factor.
    new = limit_turnover(
        {"A": 0.5, "B": -0.25}, {"A": 1.0, "B": -0.25}, 0.05, cash_buffer=0.25
    )
    assert new == pytest.approx({"A": 0.75 * 0.95 / 1.2, "B": -0.75 * 0.25 / 1.2})


def test_without_a_limit_the_targets_are_returned():
    targets = {"B": 0.5, "A": 0.25}
    assert limit_turnover(targets, {"C": 1.0}, None, cash_buffer=0.02) == targets
    assert limit_turnover(targets, targets, 1e-9, cash_buffer=0.02) == targets
    assert limit_turnover({}, {}, 1, cash_buffer=0.02) == {}


@settings(derandomize=True, deadline=None)
@given(
    st.dictionaries(names, st.floats(-1, 1)),
    st.dictionaries(names, st.floats(-1.5, 1.5)),
    st.floats(0, 2, exclude_min=True),
    st.floats(0, 1, exclude_max=True),
    st.randoms(),
)
def test_the_limit_and_the_buffer_hold_to_the_last_bit(
    wanted, held, max_turnover, buffer, random
):
    targets = targets_within(buffer, wanted)
    new = limit_turnover(targets, held, max_turnover, cash_buffer=buffer)
    total = sum(map(abs, map(Fraction, new.values())))
    assert total <= Fraction(1 - buffer)
    assert float(total) == math.fsum(map(abs, new.values()))
    if total < Fraction(1 - buffer) - len(new) * Fraction(HALF):
        # The buffer left it alone.
        limit = Fraction(max_turnover) + len(new) * Fraction(HALF)
        assert turnover_of(new, held) <= limit
    # Nobody goes away from the target, but for the scaling down.
    for symbol, share in new.items():
        ends = (0.0, held.get(symbol, 0.0), targets.get(symbol, 0.0))
        assert min(ends) <= share <= max(ends)
    order = random.sample(list(held), len(held))
    shuffled = {symbol: held[symbol] for symbol in order}
    assert limit_turnover(targets, shuffled, max_turnover, cash_buffer=buffer) == new


@settings(derandomize=True, deadline=None)
@given(
    st.dictionaries(names, st.floats(-1, 1), min_size=1),
    st.dictionaries(names, st.floats(-0.1, 0.1)),
    st.floats(0.01, 2),
)
def test_all_symbols_go_the_same_part_of_their_way(wanted, held, max_turnover):
    targets = targets_within(0.02, wanted)
    new = limit_turnover(targets, held, max_turnover, cash_buffer=0.02)
    part = min(1, Fraction(max_turnover) / max(turnover_of(targets, held), 1e-9))
    for symbol, share in new.items():
        start, end = held.get(symbol, 0.0), targets.get(symbol, 0.0)
        assert share == pytest.approx(start + float(part) * (end - start), abs=1e-12)


@pytest.mark.parametrize("limit", [0, -1, 2.1, math.nan, math.inf, "1", True])
def test_an_impossible_turnover_is_refused(limit):
    with pytest.raises(SpecError, match="max_turnover must be above 0 and at most 2"):
        limit_turnover({"A": 0.5}, {}, limit, cash_buffer=0.0)


@pytest.mark.parametrize("share", [math.nan, math.inf, "0.5", None])
def test_a_held_share_that_is_not_a_number_is_named(share):
    with pytest.raises(DataError, match="XLK: a held share that is not"):
        limit_turnover({"A": 0.5}, {"XLK": share}, 1, cash_buffer=0.0)
    with pytest.raises(DataError, match="XLK: a target that is not"):
        limit_turnover({"XLK": share}, {}, 1, cash_buffer=0.0)
