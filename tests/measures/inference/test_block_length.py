"""The length of blocks, against its closed form and against arch."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.measures.inference.block_length import stationary_block


def autoregression(phi, n, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n)
    for t in range(1, n):
        values[t] += phi * values[t - 1]
    return values


@pytest.mark.parametrize("phi", [0.5, 0.7, 0.9])
def test_of_an_autoregression_it_is_the_closed_form(phi):
    # Σ |k| R(k) over Σ R(k) is 2 phi / (1 - phi²).
    n = 40_000
    expected = (2 * phi / (1 - phi**2)) ** (2 / 3) * n ** (1 / 3)
    found = np.mean([stationary_block(autoregression(phi, n, s)) for s in range(5)])
    assert found == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("phi", [0.3, 0.6, 0.9])
def test_it_is_about_archs(phi):
    arch = pytest.importorskip("arch.bootstrap", reason="arch is the oracle")
    paths = [autoregression(phi, 3_000, seed) for seed in range(20)]
    theirs = [arch.optimal_block_length(path)["stationary"].iloc[0] for path in paths]
    # They count the lags of the window from one more.
    ours = np.mean([stationary_block(path) for path in paths])
    assert ours == pytest.approx(np.mean(theirs), rel=0.15)


def test_independent_values_need_short_blocks():
    values = np.random.default_rng(0).normal(size=5_000)
    assert 1 <= stationary_block(values) < 10


@pytest.mark.parametrize(
    "values", [[], [1.0] * 9, [2.5] * 100, [0.1] * 50, [np.nan] * 50]
)
def test_of_nothing_it_is_one(values):
    assert stationary_block(np.array(values)) == 1.0


def test_it_is_bounded():
    walk = np.random.default_rng(1).normal(size=2_000).cumsum()
    assert stationary_block(walk) <= 3 * 2_000**0.5 + 1
