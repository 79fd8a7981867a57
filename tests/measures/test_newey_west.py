"""Errors of means, against the formula written out and against many samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.measures.newey_west import means_with_errors

NAN = float("nan")

numbers = st.lists(st.one_of(st.floats(-10, 10), st.just(NAN)), min_size=1, max_size=25)


def test_by_hand():
    mean, error, count = means_with_errors(np.array([1.0, 2.0, 3.0, 6.0]), 1)
    # Deviations -2, -1, 0, 3: squares are 14, and products of neighbours 2. Half of
    # twice that is 2: 16 over 3 and over 4.
    assert (mean, count) == (3.0, 4)
    assert error == pytest.approx((16 / 12) ** 0.5)


def test_without_lags_it_is_the_usual_error():
    values = np.random.default_rng(0).normal(size=(3, 50))
    mean, error, count = means_with_errors(values, 0)
    np.testing.assert_allclose(mean, values.mean(axis=1))
    np.testing.assert_allclose(error, values.std(axis=1, ddof=1) / 50**0.5)
    assert count.tolist() == [50] * 3


def written_out(values, lags):
    known = [v for v in values if np.isfinite(v)]
    n = len(known)
    if n < 2:
        return NAN
    mean = sum(known) / n
    total = 0.0
    for i, one in enumerate(values):
        for j, other in enumerate(values):
            if abs(i - j) <= lags and np.isfinite(one) and np.isfinite(other):
                weight = 1 - abs(i - j) / (lags + 1)
                total += weight * (one - mean) * (other - mean)
    return (max(total, 0) / (n - 1) / n) ** 0.5


@settings(derandomize=True, deadline=None)
@given(numbers, st.integers(0, 30))
def test_the_formula_written_out(values, lags):
    mean, error, count = means_with_errors(np.array(values), lags)
    known = [v for v in values if np.isfinite(v)]
    assert count == len(known)
    expected = np.mean(known) if known else NAN
    np.testing.assert_allclose(mean, expected, atol=1e-12)
    # Its square is a sum that may cancel.
    np.testing.assert_allclose(error, written_out(values, lags), atol=1e-6)


def test_it_covers_means_of_returns_that_overlap():
    rng = np.random.default_rng(1)
    steps = rng.normal(size=(400, 1_000 + 4))
    sums = sum(steps[:, lag : lag + 1_000] for lag in range(5))
    mean, error, _ = means_with_errors(sums, 4)
    spread = mean.std()
    _, naive, _ = means_with_errors(sums, 0)
    assert naive.mean() < 0.5 * spread
    # Bartlett's weights take a part of the covariance away.
    assert 0.75 * spread < error.mean() < 1.05 * spread
    _, longer, _ = means_with_errors(sums, 20)
    assert error.mean() < longer.mean() < 1.1 * spread


def test_sessions_that_lie_further_apart_do_not_overlap():
    values = np.full(100, NAN)
    values[::5] = np.random.default_rng(2).normal(size=20)
    _, error, _ = means_with_errors(values, 4)
    assert error == pytest.approx(values[::5].std(ddof=1) / 20**0.5)


def test_too_little_has_no_error():
    mean, error, count = means_with_errors(np.array([[NAN, NAN], [1.0, NAN]]), 1)
    np.testing.assert_array_equal(mean, [NAN, 1])
    np.testing.assert_array_equal(error, [NAN, NAN])
    assert count.tolist() == [0, 1]
    mean, _, count = means_with_errors(np.array([]), 3)
    assert np.isnan(mean)
    assert count == 0


@pytest.mark.parametrize("lags", [-1, 1.5, None])
def test_lags_that_are_none_are_refused(lags):
    with pytest.raises(SpecError, match="lags must be a whole number"):
        means_with_errors(np.array([1.0]), lags)
