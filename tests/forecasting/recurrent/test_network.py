"""The network as arrays: the same in any company, and seeded."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.recurrent.forward import Layer
from bt_lstm_rotation.forecasting.recurrent.network import Network


def seeded(seed=0, n_features=3, units=5, layers=1):
    return Network.seeded(np.random.default_rng(seed), n_features, units, layers)


def arrays(network):
    return [array.tobytes() for array in network.keras_weights()]


def by_hand(network, sequence):
    """One sequence through one layer of one unit, in plain Python's arithmetic."""
    (layer,) = network.layers

    def sigmoid(x):
        return 1.0 / (1.0 + np.exp(-x))

    cell = hidden = 0.0
    for x in sequence:
        i, f, g, o = (
            float(x @ layer.kernel[:, gate])
            + hidden * float(layer.recurrent[0, gate])
            + float(layer.bias[gate])
            for gate in range(4)
        )
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
    return hidden * float(network.head[0]) + float(network.offset)


def test_one_unit_follows_the_equations():
    rng = np.random.default_rng(5)
    parts = (rng.normal(size=shape) for shape in [(2, 4), (1, 4), (4,)])
    layer = Layer(*(part.astype(np.float32) for part in parts))
    network = Network((layer,), np.float32([1.7]), np.float32(-0.3))
    sequences = rng.normal(size=(6, 9, 2)).astype(np.float32)
    expected = [by_hand(network, sequence) for sequence in sequences]
    np.testing.assert_allclose(network.run(sequences), expected, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 3])
def test_initial_weights_are_those_that_keras_documents(layers):
    units, n_features = 16, 3
    network = seeded(3, n_features, units, layers)
    assert len(network.layers) == layers
    for number, layer in enumerate(network.layers):
        inputs = units if number else n_features
        assert layer.kernel.shape == (inputs, 4 * units)
        # Glorot: uniform up to sqrt(6 / (rows + columns)), so its deviation is that
        # by sqrt(3).
        limit = np.sqrt(6.0 / (inputs + 4 * units))
        assert np.abs(layer.kernel).max() <= limit
        assert np.isclose(layer.kernel.std(), limit / np.sqrt(3.0), rtol=0.2)
        np.testing.assert_allclose(
            layer.recurrent @ layer.recurrent.T, np.eye(units), atol=1e-6
        )
        expected = np.repeat(np.float32([0.0, 1.0, 0.0, 0.0]), units)
        assert (layer.bias == expected).all()
    assert network.head.shape == (units,)
    assert np.abs(network.head).max() <= np.sqrt(6.0 / (units + 1))
    assert network.offset == 0.0
    assert {array.dtype for array in network.keras_weights()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("layers", [1, 2])
def test_weights_go_to_keras_layout_and_back_unchanged(layers):
    network = seeded(4, layers=layers)
    there = network.keras_weights()
    assert there[0].shape == (3, 20)
    assert there[-2].shape == (5, 1)
    assert there[-1].shape == (1,)
    assert arrays(Network.from_keras(there)) == arrays(network)
