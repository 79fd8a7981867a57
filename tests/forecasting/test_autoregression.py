"""Two parameters of an expectation that wanders: recovered, and the gain at rest."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.autoregression import (
    MEMORIES,
    ahead,
    autoregression,
    gain,
    misfits,
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


def test_a_memory_that_is_the_truth_has_no_misfit():
    place, signal = 17, 3e-6
    phi = 0.5 ** (1.0 / MEMORIES[place])
    errors, signals = misfits(signal * phi ** np.arange(1, 127))
    assert errors.argmin() == place
    assert errors[place] == pytest.approx(0.0, abs=1e-24)
    assert signals[place] == pytest.approx(signal)


def test_an_expectation_of_one_adds_up_to_a_geometric_sum():
    assert ahead(0.9, 21) == pytest.approx(0.9 * (1 - 0.9**21) / (1 - 0.9))
