"""What counts as a number, a whole one, a date; and what is said of what does not."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.checks import (
    all_finite,
    check_choice,
    check_date,
    check_flag,
    check_fraction,
    check_positive,
    check_range,
    check_whole,
    finite_only,
    is_number,
    is_whole,
)
from bt_lstm_rotation.errors import DataError, SpecError

NUMBERS = [0, -1, 2**70, 0.5, math.inf, math.nan, np.float32(1), np.int64(2)]
OTHERS = [True, np.True_, "1", None, 1j, Decimal(1), Fraction(1, 2), [1], np.array([1])]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_numbers_are_numbers(value):
    assert is_number(value)


@pytest.mark.parametrize("value", OTHERS, ids=repr)
def test_nothing_else_is_a_number(value):
    assert not is_number(value)
    assert not is_whole(value)
    for check in (check_fraction, check_positive):
        with pytest.raises(SpecError):
            check("Owner", "field", value)


def test_whole_numbers_are_those_of_python_and_numpy():
    assert is_whole(3)
    assert not is_whole(3.0)
    assert is_whole(np.int64(3))
    assert is_whole(np.uint8(3))
    assert not is_whole(np.float64(3))


@pytest.mark.parametrize(
    ("check", "good", "bad", "valid"),
    [
        (lambda *a: check_whole(*a, least=2), [2, 9], [1, 2.0], "of at least 2"),
        (check_fraction, [0, 0.0, 0.999], [-0.1, 1, math.nan], "up to, but not, 1"),
        (check_positive, [1e-300, 7], [0, -1, math.inf, math.nan], "finite number ab"),
        (lambda *a: check_range(*a, 0, 2), [0, 2], [-1, 2.1, math.nan], "from 0 to 2"),
        (check_flag, [True, False], [1, None, "yes", np.True_], "True or False"),
        (lambda *a: check_choice(*a, ("a", "b")), ["a"], ["c", 1], "one of 'a', 'b'"),
        (
            check_date,
            [None, dt.date(2020, 1, 2), dt.datetime(2020, 1, 2)],
            ["2020-01-02", pd.NaT, 20200102, np.datetime64("2020-01-02")],
            "a datetime.date, or None",
        ),
    ],
)
def test_each_check_says_what_was_wrong_and_what_would_be_valid(
    check, good, bad, valid
):
    for value in good:
        check("Owner", "field", value)
    for value in bad:
        with pytest.raises(SpecError) as refused:
            check("Owner", "field", value)
        assert str(refused.value).startswith("Owner: field must be ")
        assert valid in str(refused.value)
        assert refused.value.value is value


def test_what_is_not_finite_is_left_out_or_refused():
    values = {"A": 1, "B": math.nan, "C": math.inf, "D": np.float32(2)}
    assert finite_only("forecast", values) == {"A": 1.0, "D": 2.0}
    assert all_finite("share", {"A": 1}) == {"A": 1.0}
    with pytest.raises(DataError, match=r"B: a share that is not finite .got nan."):
        all_finite("share", {"A": 1.0, "B": math.nan})


@pytest.mark.parametrize("value", [True, "1", None, 10**400])
def test_a_value_that_is_no_number_is_named(value):
    with pytest.raises(DataError, match="XLK: a forecast that is not a number"):
        finite_only("forecast", {"XLK": value})


def test_something_that_is_no_mapping_is_refused():
    with pytest.raises(DataError, match=r"symbol -> forecast"):
        finite_only("forecast", [1.0])
