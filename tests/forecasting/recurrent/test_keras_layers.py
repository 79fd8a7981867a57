"""Keras' own layers, the path on a GPU, train to the same network as ours."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.recurrent.backend import Optimiser, Sequences, train
from bt_lstm_rotation.forecasting.recurrent.network import Network


def some_data(n_steps: int = 12, n_sequences: int = 6) -> Sequences:
    rng = np.random.default_rng(5)
    shape = (n_steps, n_sequences)
    held = np.zeros(shape, np.float32)
    held[:, -2:] = 1
    return Sequences(
        inputs=rng.normal(size=(*shape, 2)).astype(np.float32),
        targets=rng.normal(size=shape).astype(np.float32),
        weights=1 - held,
        held_out=held,
    )


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("patience", [None, 3])
def test_both_paths_train_to_the_same_network(cell, n_layers, patience):
    rng = np.random.default_rng(1)
    network = Network.seeded(rng, 2, 5, n_layers, cell)
    optimiser = Optimiser(8, 0.02, 1.0, patience=patience)
    ours, our_losses = train(network, some_data(), optimiser, (0, 0), layers="fused")
    theirs, losses = train(network, some_data(), optimiser, (0, 0), layers="keras")
    np.testing.assert_allclose(losses, our_losses, rtol=1e-5)
    pairs = zip(theirs.keras_weights(), ours.keras_weights(), strict=True)
    for their, our in pairs:
        np.testing.assert_allclose(their, our, atol=1e-5)
