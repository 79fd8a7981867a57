"""What comes back after so many bars: found where it is, and forecast."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from bt_lstm_rotation.forecasting.filters.echoes import (
    NOTHING,
    PRIOR,
    SIZE,
    bounded,
    echo_weights,
    echoes,
)


@pytest.mark.parametrize("left", [0.03, 0.05, 0.07, -0.3])
def test_an_echo_is_the_mean_of_what_is_believed_of_it(left):
    error = 0.012

    def dense(value):
        return norm.pdf(left, value, error) * norm.pdf(value, 0.0, SIZE)

    near = left - 8 * error, left + 8 * error
    slab, _ = quad(dense, *near, epsabs=0, epsrel=1e-10)
    mean, _ = quad(lambda value: value * dense(value), *near, epsabs=0, epsrel=1e-10)
    spike = norm.pdf(left, 0.0, error)
    expected = PRIOR * mean / (PRIOR * slab + (1 - PRIOR) * spike)
    (found,) = echoes(np.array([left]), np.array([error]))
    assert found == pytest.approx(expected, rel=1e-6, abs=NOTHING)


def test_noise_is_no_echo_but_once_in_a_while():
    rng = np.random.default_rng(0)
    found = echoes(0.012 * rng.normal(size=126_000), np.full(126_000, 0.012))
    assert (np.abs(found) > 0.01).mean() < 2 * PRIOR
    assert np.sqrt((found**2).mean()) < 0.1 * 0.012


def test_an_echo_moves_smoothly_with_what_it_is_found_from():
    left = np.linspace(0.03, 0.08, 5_001)
    found = echoes(left, np.full(5_001, 0.012))
    assert (np.abs(np.diff(found)) < 10 * np.diff(left)).all()


@pytest.mark.parametrize("echo", [{42: 0.2}, {3: -0.3}, {1: 0.4, 5: 0.2, 20: -0.1}])
def test_weights_are_what_bars_ahead_add_up_to_one_by_one(echo):
    horizon, n_lags = 10, 60
    shares = np.zeros(n_lags)
    for lag, share in echo.items():
        shares[lag - 1] = share
    news = np.random.default_rng(1).normal(size=n_lags)  # the latest first
    path = list(news[::-1])
    for _ in range(horizon):
        path.append(sum(share * path[-lag] for lag, share in echo.items()))
    found = echo_weights(shares, horizon)
    assert found @ news == pytest.approx(sum(path[n_lags:]))


def test_without_echoes_nothing_comes_back():
    assert not echo_weights(np.zeros(126), 21).any()


@pytest.mark.parametrize("period", [2, 5, 20])
def test_of_bars_that_repeat_no_more_comes_back_than_there_was(period):
    at_each_lag = np.cos(2 * np.pi * np.arange(1, 127) / period)
    echo = bounded(at_each_lag)
    np.testing.assert_allclose(echo / echo[-1], at_each_lag / at_each_lag[-1])
    assert np.abs(echo_weights(echo, 50)).sum() <= 50.0
    few = np.where(np.arange(126) == 41, 0.2, 0.0)
    np.testing.assert_array_equal(bounded(few), few)
