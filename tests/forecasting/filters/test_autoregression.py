"""Two parameters of an expectation that wanders: recovered, and the gain at rest."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.filters.autoregression import (
    ahead,
    autoregression,
    gain,
    interpolated,
)


@pytest.mark.parametrize("noise", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("phi", [0.5, 0.9, 0.99])
def test_the_steady_gain_is_where_the_filter_comes_to_rest(phi, noise):
    before = 1.0
    for _ in range(20_000):
        kept = before * noise / (before + noise)
        before = phi**2 * kept + (1.0 - phi**2)
    assert gain(phi, 1.0, noise) == pytest.approx(before / (before + noise), rel=1e-9)
    assert gain(phi, 0.0, noise) == 0.0
    assert gain(phi, 1.0, 0.0) == 1.0


def test_two_parameters_are_recovered_from_autocovariances():
    rng = np.random.default_rng(2)
    phi, drift, noise = 0.97, 0.004, 0.01
    n = 40_000
    mean = np.zeros((9, n))
    pushes = rng.normal(0, drift * np.sqrt(1 - phi**2), (9, n))
    for day in range(1, n):
        mean[:, day] = phi * mean[:, day - 1] + pushes[:, day]
    found_phi, signal, total = autoregression(mean + rng.normal(0, noise, (9, n)))
    assert found_phi == pytest.approx(phi, abs=0.004)
    assert signal == pytest.approx(drift**2, rel=0.05)
    assert total == pytest.approx(drift**2 + noise**2, rel=0.02)
    phi, signal, _ = autoregression(rng.normal(0, noise, (9, n)))
    assert signal < 0.02 * noise**2


def test_the_memory_does_not_jump_from_one_of_the_list_to_the_next():
    lags = np.arange(1, 127)
    memories = np.linspace(20.0, 40.0, 2_001)
    found = [interpolated(3e-6 * 0.5 ** (lags / one)) for one in memories]
    phi, signal = np.array(found).T
    fitted = -np.log(2.0) / np.log(phi)
    np.testing.assert_allclose(fitted, memories, rtol=0.01)
    np.testing.assert_allclose(signal, 3e-6, rtol=0.01)
    assert (np.abs(np.diff(np.log(fitted))) < 0.003).all()  # the list's own is 0.08


@pytest.mark.parametrize("value", [0.0, -1e-6])
def test_without_a_positive_autocovariance_there_is_no_expectation(value):
    assert interpolated(np.full(126, value)) == (0.0, 0.0)


def test_an_expectation_of_one_adds_up_to_a_geometric_sum():
    assert ahead(0.9, 21) == pytest.approx(0.9 * (1 - 0.9**21) / (1 - 0.9))
