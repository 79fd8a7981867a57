"""Initial weights with memory: time constants, oddness, and seeds."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.recurrent.start import with_memory

CELLS = ["lstm", "gru", "rnn"]


def network(cell="lstm", *, seed=0, signs=(-1.0,), units=8, layers=1, lookback=126):
    rng = np.random.default_rng(seed)
    return with_memory(rng, np.array(signs), units, layers, cell, lookback)


def arrays(made):
    return [array.tobytes() for array in made.keras_weights()]


def time_constants(made, n_bars=400):
    """Bars in which what an impulse left behind falls to 1/e, by its decay."""
    impulse = np.zeros((1, n_bars, 1), dtype=np.float32)
    impulse[0, 0] = 1.0
    states = made.states(impulse)[0].astype(np.float64)
    kept = states[10] / states[9]
    return -1.0 / np.log(kept)


@pytest.mark.parametrize("cell", CELLS)
def test_units_forget_from_two_bars_to_half_the_lookback(cell):
    found = time_constants(network(cell, units=64))
    # 1 - 1/tau a bar: a time constant of tau but for half a bar.
    assert found.min() == pytest.approx(1.5, abs=0.3)
    assert found.max() == pytest.approx(62.5, rel=0.1)
    gaps = np.diff(np.log(np.sort(found + 0.5)))
    even = np.log(63.0 / 2.0) / 64
    assert gaps.max() < 2.1 * even  # one drawn within each part of the scale


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_is_a_sum_of_the_past_that_forgets(cell):
    made = network(cell, units=1, lookback=40)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1, 300, 1)).astype(np.float32)
    states = made.states(x)[0, :, 0].astype(np.float64)
    keep = np.exp(-1.0 / time_constants(made)[0])
    expected = np.zeros(300)
    for t in range(300):
        expected[t] = keep * (expected[t - 1] if t else 0.0) + x[0, t, 0]
    assert abs(np.corrcoef(states, expected)[0, 1]) > 0.9995


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("signs", [(-1.0,), (-1.0, 1.0), (1.0, -1.0, -1.0, 1.0)])
def test_it_is_odd_in_what_changes_its_sign(cell, layers, signs):
    made = network(cell, signs=signs, layers=layers)
    assert made.is_odd(np.array(signs))
    x = np.random.default_rng(1).normal(size=(4, 30, len(signs))).astype(np.float32)
    mirrored = made.states(x * np.array(signs, dtype=np.float32))
    np.testing.assert_array_equal(mirrored, -made.states(x))


def test_a_network_that_is_not_odd_is_not_said_to_be():
    signs = np.array([-1.0, 1.0])
    assert not network(signs=(-1.0, -1.0)).is_odd(signs)
    rng = np.random.default_rng(0)
    for cell in CELLS:
        random = type(network()).seeded(rng, 2, 4, 1, cell)
        assert not random.is_odd(signs)


def test_features_of_one_kind_are_all_written():
    for signs in [(1.0, 1.0), (-1.0, -1.0)]:
        made = network(signs=signs)
        write, _, candidate, _ = np.split(made.layers[0].kernel, 4, axis=1)
        assert candidate.all()
        assert not write.any()


def test_seeds_have_units_of_their_own_and_one_has_the_same_again():
    assert arrays(network(seed=1)) == arrays(network(seed=1))
    one, other = time_constants(network(seed=1)), time_constants(network(seed=2))
    assert (np.abs(one / other - 1.0) > 1e-3).all()


@pytest.mark.parametrize("lookback", [1, 2, 3, 7])
def test_a_short_lookback_has_memories_as_well(lookback):
    found = time_constants(network(lookback=lookback))
    assert np.isfinite(found).all()
    assert found.max() < 4.0
