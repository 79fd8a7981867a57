"""Columns to a mean of 0 and a deviation of 1, constants and holes among them."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.features.scaling import scale_of, scaled


def columns(n_columns=3):
    rng = np.random.default_rng(0)
    return rng.normal([1.0, -50.0, 1e6], [0.01, 3.0, 1e5], (4, 90, 3))[..., :n_columns]


@pytest.mark.parametrize("holes", [False, True])
def test_means_and_deviations_are_those_of_what_is_there(holes):
    values = columns()
    if holes:
        values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
    mean, scale = scale_of(values)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(scale, np.nanstd(values, axis=(0, 1)), rtol=1e-12)
    found = scaled(values, mean, scale)
    assert found.dtype == np.float32
    assert (found[np.isnan(values)] == 0.0).all()
    there = np.where(np.isnan(values), np.nan, found)
    np.testing.assert_allclose(np.nanmean(there, axis=(0, 1)), 0.0, atol=1e-6)
    np.testing.assert_allclose(np.nanstd(there, axis=(0, 1)), 1.0, atol=1e-6)


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("value", [0.0, 0.1, -1 / 3, 123456.789, 1e8 + 0.1, 1e15 / 7])
def test_a_constant_says_nothing_until_it_moves(value, holes):
    values = np.full((9, 756, 1), value)
    if holes:
        values[0, :5] = np.nan
    mean, scale = scale_of(values)
    assert scale == 1.0
    assert np.abs(scaled(values, mean, scale)).max() <= 1e-12 * max(abs(value), 1.0)
    # Nobody knows how much a first move means; it counts as it is.
    moved = scaled(values + 1.0, mean, scale)
    np.testing.assert_allclose(moved[-1], 1.0, atol=0.1)


def test_what_is_never_there_is_the_mean():
    values = columns(2)
    values[..., 1] = np.nan
    mean, scale = scale_of(values)
    assert (mean[1], scale[1]) == (0.0, 1.0)
    assert not scaled(values, mean, scale)[..., 1].any()
