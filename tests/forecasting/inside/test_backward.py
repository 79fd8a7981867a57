"""Gradients, against differences in double precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import CELLS, busy_network

from bt_lstm_rotation.forecasting.inside.backward import back_propagate
from bt_lstm_rotation.forecasting.inside.unrolled import unroll
from bt_lstm_rotation.forecasting.recurrent import backend
from bt_lstm_rotation.forecasting.recurrent.network import Layer

STEP = 1e-6


def doubled(network):
    """The same weights in double precision, for differences that are small."""
    layers = tuple(
        Layer(*(np.asarray(a, np.float64) for a in vars(layer).values()))
        for layer in network.layers
    )
    head = network.head.astype(np.float64)
    return replace(network, layers=layers, head=head)


def output(network, x):
    return (unroll(network, x)[-1].hidden[..., -1, :] @ network.head).sum()


def gradient(network, x):
    return back_propagate(network, unroll(network, x), network.head)


def differences(function, array):
    found = np.empty_like(array)
    for place in np.ndindex(array.shape):
        moved = []
        for sign in (1, -1):
            changed = array.copy()
            changed[place] += sign * STEP
            moved.append(function(changed))
        found[place] = (moved[0] - moved[1]) / (2 * STEP)
    return found


def agree(found, expected):
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max() + 1e-9


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_what_a_forecast_owes_to_each_bar(cell, layers):
    network = doubled(busy_network(cell, layers, units=4))
    x = np.random.default_rng(1).normal(size=(2, 9, 2))
    found = gradient(network, x).inputs
    agree(found, differences(lambda changed: output(network, changed), x))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", ["kernel", "recurrent", "bias"])
def test_a_layer_that_is_used_at_every_step_counts_every_time(cell, layers, name):
    """A known fault of tools that hook a layer: they see its last use alone."""
    network = doubled(busy_network(cell, layers, units=3))
    x = np.random.default_rng(2).normal(size=(1, 9, 2))
    found = gradient(network, x).weights
    for number, layer in enumerate(network.layers):

        def moved(array, number=number, layer=layer):
            stack = list(network.layers)
            stack[number] = replace(layer, **{name: array})
            return output(replace(network, layers=tuple(stack)), x)

        expected = differences(moved, getattr(layer, name))
        agree(getattr(found[number], name), expected)
    # The last use alone would be another number.
    short = replace(network, layers=network.layers[:1])
    if layers == 1:
        last = gradient(short, x[:, -1:]).weights[0].kernel
        assert np.abs(last - found[0].kernel).max() > 1e-3


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_many_directions_at_once_are_those_of_each(cell):
    network = busy_network(cell, units=4)
    x = np.random.default_rng(3).normal(size=(2, 9, 2))
    layers = unroll(network, x)
    together = back_propagate(network, layers, np.eye(4)[:, None]).inputs
    assert together.shape == (4, 2, 9, 2)
    for unit, one in enumerate(np.eye(4)):
        alone = back_propagate(network, layers, one).inputs
        assert np.abs(together[unit] - alone).max() < 1e-14


def test_a_forget_gate_that_stays_open_passes_the_gradient_on_whole():
    """The constant error carousel: in the paper's own case, nothing vanishes."""
    units, steps = 3, 50
    bias = np.zeros((4, units))
    bias[0] = bias[1] = bias[3] = 40.0  # sigmoid(40) is 1 in double precision
    kernel = np.zeros((1, 4 * units))
    kernel[0, 2 * units : 3 * units] = 1e-4  # where tanh is as good as linear
    layer = Layer(kernel, np.zeros((units, 4 * units)), bias.reshape(-1))
    network = replace(
        busy_network("lstm", units=units, n_features=1),
        layers=(layer,),
        head=np.ones(units),
    )
    x = np.random.default_rng(4).normal(size=(steps, 1))
    found = gradient(network, x).inputs
    assert np.abs(found / (units * 1e-4) - 1).max() < 1e-4


def test_a_vanilla_network_multiplies_by_its_matrix_at_every_step():
    kernel, across = np.array([[1e-5]]), np.array([[0.8]])
    network = replace(
        busy_network("rnn", units=1, n_features=1),
        layers=(Layer(kernel, across, np.zeros(1)),),
        head=np.ones(1),
    )
    found = gradient(network, np.ones((40, 1))).inputs[::-1, 0]
    assert np.abs(found / (1e-5 * 0.8 ** np.arange(40)) - 1).max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_the_gradient_of_a_loss_is_tensorflows(cell, layers):
    network = busy_network(cell, layers, units=4)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(12, 3, 2)).astype(np.float32)  # time first
    targets = np.zeros((12, 3), np.float32)
    targets[-1] = rng.normal(size=3)
    weights = np.zeros((12, 3), np.float32)
    weights[-1] = 1.0
    _, expected = backend.loss_and_gradient(
        network, backend.Sequences(x, targets, weights)
    )
    unrolled = unroll(network, np.moveaxis(x, 1, 0))
    errors = unrolled[-1].hidden[:, -1] @ network.head + network.offset - targets[-1]
    upstream = (2 / 3) * errors[:, None] * network.head
    found = back_propagate(network, unrolled, upstream).weights
    for ours, theirs in zip(found, expected.layers, strict=True):
        for name in ("kernel", "recurrent", "bias"):
            wanted = getattr(theirs, name)
            gap = np.abs(getattr(ours, name) - wanted).max()
            assert gap < 1e-5 * np.abs(wanted).max() + 1e-6
