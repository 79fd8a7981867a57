"""Every gate, recomputed from the equations."""

from __future__ import annotations

import numpy as np
import pytest
from networks import CELLS, busy_network

from bt_lstm_rotation.forecasting.inside.unrolled import (
    LSTM_LINES,
    last_step,
    unroll,
)
from bt_lstm_rotation.forecasting.recurrent.start import with_memory


def lstm_by_hand(network, x):
    """Ten lines, from the equations of docs/method.md; one layer, one sequence."""
    (layer,), units = network.layers, len(network.head)
    h = c = np.zeros(units)
    found = []
    for row in x:
        i, f, g, o = np.split(row @ layer.kernel + h @ layer.recurrent + layer.bias, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        found.append({"cell": c, "hidden": h, "input_gate": i})
        found[-1] |= {"forget_gate": f, "output_gate": o}
    return found


def test_gates_are_those_of_an_lstm_written_down_from_the_equations():
    network = busy_network("lstm")
    x = np.random.default_rng(1).normal(size=(30, 2))
    (found,) = unroll(network, x)
    expected = lstm_by_hand(network, x)
    for name in LSTM_LINES:
        by_hand = np.array([step[name] for step in expected])
        assert np.abs(found.values[name] - by_hand).max() < 1e-12


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_the_last_state_is_the_one_that_forecasts(cell, layers):
    network = busy_network(cell, layers)
    x = np.random.default_rng(2).normal(size=(4, 20, 2)).astype(np.float32)
    last = unroll(network, x)[-1].hidden[:, -1]
    forecast = last @ network.head + network.offset
    assert np.abs(forecast - network.run(x)).max() < 2e-6
    assert np.abs(unroll(network, x)[-1].hidden - network.states(x)).max() < 2e-6


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_the_last_step_alone_has_the_bytes_it_has_among_others(cell, layers):
    network = busy_network(cell, layers, units=7)
    x = np.random.default_rng(3).normal(size=(33, 9, 20, 2))
    together = last_step(network, x)
    whole = unroll(network, x)[-1]
    for row in (0, 16, 32):
        alone = last_step(network, x[row : row + 1])
        for name, values in together.items():
            assert alone[name][0].tobytes() == values[row].tobytes()
            assert np.allclose(values[row], whole.values[name][row, :, -1], atol=1e-14)


def test_a_network_that_begins_with_memory_has_its_last_step_at_once():
    rng = np.random.default_rng(4)
    network = with_memory(rng, np.array([-1.0, 1.0]), 7, 1, "lstm", 126)
    bars = rng.normal(size=(9, 152, 2)).astype(np.float32)
    x = np.stack([bars[:, at : at + 126] for at in range(26)])  # session by session
    together, whole = last_step(network, x), unroll(network, x)[-1]
    for name, values in together.items():
        assert np.abs(values - whole.values[name][..., -1, :]).max() < 1e-6
    for row in (0, 25):
        alone = last_step(network, x[row : row + 1])
        for name, values in together.items():
            assert alone[name][0].tobytes() == values[row].tobytes()


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_enormous_stays_finite(cell):
    network = busy_network(cell)
    x = np.full((6, 2), 1e30)
    (found,) = unroll(network, x)
    assert all(np.isfinite(values).all() for values in found.values.values())
