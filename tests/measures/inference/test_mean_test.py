"""The test of a mean: its arithmetic, and its size where returns overlap."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.inference.mean_test import mean_test


def test_the_error_is_that_of_scipys_cosine_transform():
    fft = pytest.importorskip("scipy.fft", reason="scipy is the oracle")
    values = np.random.default_rng(0).normal(0.1, 1, 400)
    found = mean_test(values, 10)
    assert found.degrees == 10
    # An orthonormal DCT-II; its first coefficient is the mean's.
    waves = fft.dct(values, norm="ortho")[1:11]
    assert found.error == pytest.approx(math.sqrt((waves**2).mean() / 400))
    assert found.mean == pytest.approx(values.mean())
    assert found.t == found.mean / found.error
    assert found.p_above + found.p_below == pytest.approx(1)


def test_it_is_found_by_hand():
    # n = 8, h = 1: two cosines, of pi/16 (2 t + 1) and of pi/8 (2 t + 1).
    values = np.array([0, 0, 0, 0, 0, 0, 0, 8.0])
    first, second = (math.cos(j * math.pi * 7.5 / 8) for j in (1, 2))
    error = math.sqrt(2 / 8 * 64 * (first**2 + second**2) / 2 / 8)
    found = mean_test(values, 1)
    assert (found.mean, found.degrees, found.sessions) == (1.0, 2, 8)
    assert found.error == pytest.approx(error)


def overlapping(rng, n, horizon):
    shocks = rng.normal(size=n + horizon)
    return np.convolve(shocks, np.ones(horizon), "valid")[:n]


def test_sums_that_overlap_are_claimed_as_often_as_the_size_says():
    rng, claims, newey_west = np.random.default_rng(1), 0, 0
    for _ in range(2_000):
        values = overlapping(rng, 1_260, 21)
        claims += mean_test(values, 21).p_above <= 0.025
        apart = values - values.mean()
        weights = 1 - np.arange(1, 21) / 21
        sums = [apart[k:] @ apart[:-k] for k in range(1, 21)]
        variance = (apart @ apart + 2 * weights @ sums) / len(apart)
        newey_west += values.mean() > 1.96 * math.sqrt(variance / len(apart))
    # 50 expected, with a deviation of 7.
    assert 29 <= claims <= 71
    assert newey_west > 90


def test_independent_values_too():
    rng = np.random.default_rng(2)
    claims = sum(
        mean_test(rng.normal(size=120), 1).p_above <= 0.05 for _ in range(2_000)
    )
    assert 70 <= claims <= 130


def test_nan_are_left_out():
    values = np.random.default_rng(3).normal(size=200)
    holes = np.insert(values, [0, 50, 200], np.nan)
    assert mean_test(holes, 5) == mean_test(values, 5)


def test_a_shift_moves_the_mean_alone():
    values = np.random.default_rng(4).normal(size=300)
    one, other = mean_test(values, 5), mean_test(values + 1e3, 5)
    assert other.mean == pytest.approx(one.mean + 1e3)
    assert other.error == pytest.approx(one.error, rel=1e-6)


@pytest.mark.parametrize(
    "values", [[], [1.0], [0.5] * 500, np.arange(167.0), [np.nan] * 9]
)
def test_too_little_is_not_tested(values):
    found = mean_test(np.array(values), 21)
    assert not found.is_defined
    assert math.isnan(found.p_above)


@pytest.mark.parametrize(
    "values", [[[1.0, 2.0]], ["a"], 5.0, [1.0, math.inf], {"a": 1}]
)
def test_what_is_no_series_is_refused(values):
    with pytest.raises(DataError, match="values"):
        mean_test(values, 1)


@pytest.mark.parametrize("horizon", [0, -1, 1.5, True, None])
def test_impossible_horizons_are_refused(horizon):
    with pytest.raises(SpecError, match="horizon"):
        mean_test(np.zeros(10), horizon)
