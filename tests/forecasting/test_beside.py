"""What stands beside bars, against pandas, and one by one against all at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.beside import (
    ContextRule,
    InputRule,
    RowJoiner,
    Usage,
    known_at,
)

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True, database=None)
VALUES = st.lists(st.one_of(st.just(np.nan), st.floats(-5, 5)), min_size=0, max_size=30)


def joined(rule, values, sizes=()):
    usage = {rule.name: Usage()}
    joiner = RowJoiner([rule], usage)
    stops = [*np.cumsum(sizes), len(values)] if len(sizes) else [len(values)]
    parts, begin = [], 0
    for stop in stops:
        parts.append(joiner.join(np.array([values[begin:stop]]).reshape(1, -1)))
        begin = stop
    rows = np.concatenate([rows for rows, _ in parts], axis=1)
    return rows[0], np.concatenate([kept for _, kept in parts]), usage[rule.name]


@EXAMPLES
@given(values=VALUES, at_most=st.integers(1, 4), cut=st.integers(0, 30))
def test_values_are_carried_as_pandas_fills_them(values, at_most, cut):
    rule = InputRule(name="x", missing="carry", at_most=at_most)
    expected = pd.Series(values, dtype=float).ffill(limit=at_most).to_numpy()
    one_by_one = [1] * len(values)
    for sizes in ((), (min(cut, len(values)),), one_by_one):
        row, kept, usage = joined(rule, values, sizes)
        np.testing.assert_array_equal(row, expected)
        np.testing.assert_array_equal(kept, np.isfinite(expected))
        assert usage.left_out == np.isnan(expected).sum()
        carried = np.isnan(np.array(values, dtype=float)) & np.isfinite(expected)
        assert usage.carried == carried.sum()


@pytest.mark.parametrize("absent", [np.nan, np.inf, -np.inf])
def test_a_bar_without_a_value_is_left_out_or_told_of(absent):
    row, kept, usage = joined(InputRule(name="x"), [1.0, absent, 3.0])
    assert kept.tolist() == [True, False, True]
    assert usage == Usage(left_out=1)
    row, kept, usage = joined(InputRule(name="x", missing="zero"), [1.0, absent, 3.0])
    assert kept.all()
    assert np.isnan(row[1])
    assert usage == Usage(zeroed=1)


def test_the_first_bars_of_a_warm_up_are_missing():
    _, kept, usage = joined(InputRule(name="x", warmup=2), [1.0, 2.0, 3.0], [1])
    assert kept.tolist() == [False, False, True]
    assert usage == Usage(left_out=2)
    rule = InputRule(name="x", warmup=2, missing="carry", at_most=5)
    assert joined(rule, [1.0, 2.0, np.nan])[1].tolist() == [False] * 3


def known(rule, days, own_days, values):
    numbers = np.array(days, dtype=float)
    own = np.array(own_days, dtype=float)
    found = known_at(rule, (numbers, numbers), (own, own, np.array(values)))
    return found.tolist()


def test_the_last_close_that_was_known_is_joined_by_date():
    rule = ContextRule(name="VIX", max_age=3)
    found = known(rule, [0, 1, 2, 3, 4, 5, 6], [1, 2], [10.0, 20.0])
    np.testing.assert_array_equal(found, [np.nan, 10, 20, 20, 20, 20, np.nan])


def test_a_figure_is_known_when_it_is_published():
    rule = ContextRule(name="CPI", max_age=50, published_after=12)
    found = known(rule, [30, 41, 42, 43], [0, 30], [1.0, 2.0])
    assert found == [1.0, 1.0, 2.0, 2.0]


def test_of_a_later_time_of_day_only_yesterday_is_known():
    rule = ContextRule(name="VIX")
    asked = np.array([10.0, 11.0]), np.array([10.0, 11.0])
    evening = np.array([9.9, 10.9]), np.array([9.0, 10.0]), np.array([1.0, 2.0])
    assert known_at(rule, asked, evening).tolist() == [1.0, 2.0]
    assert np.isnan(known_at(rule, asked, (evening[0][:0],) * 3)).all()


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: InputRule(name=""), "name"),
        (lambda: InputRule(name=3), "name"),
        (lambda: InputRule(name="x", missing="drop"), "missing"),
        (lambda: InputRule(name="x", missing="carry"), "at_most"),
        (lambda: InputRule(name="x", at_most=3), "at_most"),
        (lambda: InputRule(name="x", missing="carry", at_most=True), "at_most"),
        (lambda: InputRule(name="x", odd=1), "odd"),
        (lambda: InputRule(name="x", warmup=-1), "warmup"),
        (lambda: ContextRule(name=None), "name"),
        (lambda: ContextRule(name="x", max_age=-1), "max_age"),
        (lambda: ContextRule(name="x", max_age=5, published_after=6), "max_age"),
        (lambda: ContextRule(name="x", published_after=1.5), "published_after"),
        (lambda: ContextRule(name="x", missing="carry"), "missing"),
    ],
)
def test_an_impossible_rule_is_refused(make, field):
    with pytest.raises(SpecError, match=field):
        make()
