"""The deepest drawdowns of curves that can be read off by eye."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.drawdowns import Drawdown, deepest_drawdowns
from bt_lstm_rotation.measures.performance import performance


def curve(*values):
    """Values on the first days of January 2019."""
    return pd.Series(values, pd.date_range("2019-01-01", periods=len(values)), float)


def day(number):
    return dt.date(2019, 1, number)


def test_each_ends_where_its_peak_is_reached_again():
    found = deepest_drawdowns(curve(100, 90, 80, 100, 101, 99, 100, 102, 51, 60))
    assert found == [
        Drawdown(day(8), day(9), None, -0.5, 2),
        Drawdown(day(1), day(3), day(4), pytest.approx(-0.2), 3),
        Drawdown(day(5), day(6), day(8), pytest.approx(-2 / 101), 3),
    ]
    assert (
        deepest_drawdowns(curve(100, 90, 80, 100, 101, 99, 100, 102), 1) == found[1:2]
    )


def test_a_peak_that_is_held_begins_at_its_last_session():
    (found,) = deepest_drawdowns(curve(100, 100, 100, 90, 90, 95))
    assert (found.peak, found.trough, found.days) == (day(3), day(4), 3)


def test_of_equal_ones_the_earlier_comes_first():
    found = deepest_drawdowns(curve(100, 50, 100, 50, 100, 50, 100), 2)
    assert [each.trough for each in found] == [day(2), day(4)]


@pytest.mark.parametrize("values", [(5,), (1, 2, 3), (7, 7, 7, 7)])
def test_a_curve_that_never_falls_has_none(values):
    assert deepest_drawdowns(curve(*values)) == []


def test_a_ruined_account_is_deeper_than_all_it_had():
    (found,) = deepest_drawdowns(curve(100, 0, -50, 20))
    assert (found.depth, found.recovery) == (-1.5, None)


def test_the_deepest_is_the_maximum_and_none_overlap():
    rng = np.random.default_rng(0)
    for _ in range(20):
        steps = rng.normal(0, 0.02, 500)
        worth = pd.Series(
            100 * np.exp(steps.cumsum()), pd.bdate_range("2015-01-01", periods=500)
        )
        found = deepest_drawdowns(worth, 1_000)
        whole = performance(worth, traded_value=0, costs=0)
        assert found[0].depth == pytest.approx(whole["max_drawdown"], rel=1e-12)
        depths = [each.depth for each in found]
        assert depths == sorted(depths)
        spans = sorted((each.peak, each.recovery or dt.date.max) for each in found)
        for (_, end), (begin, _) in pairwise(spans):
            assert end <= begin
        for each in found:
            ratio = worth[str(each.trough)] / worth[str(each.peak)] - 1
            assert each.depth == pytest.approx(ratio)
            end = each.recovery or worth.index[-1].date()
            within = worth[str(each.peak) : str(end)]
            assert within.min() == worth[str(each.trough)]


@pytest.mark.parametrize(
    ("worth", "match"),
    [
        (curve(0, 1), "does not begin above 0"),
        (curve(-5, 1), "does not begin above 0"),
        (curve(1, np.nan), "not finite"),
        (curve(), "no data"),
        ([1, 2], "not a series"),
        (pd.Series([1.0, 2.0]), "not dates"),
        (curve(1, 2).iloc[::-1], "ascending"),
        (pd.Series(["a", "b"], curve(1, 2).index), "not numbers"),
    ],
)
def test_what_is_no_curve_is_refused(worth, match):
    with pytest.raises(DataError, match=match):
        deepest_drawdowns(worth)


@pytest.mark.parametrize("count", [0, -1, 1.0, True, None, "3"])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(SpecError, match="count must be a whole number"):
        deepest_drawdowns(curve(1, 2), count)
