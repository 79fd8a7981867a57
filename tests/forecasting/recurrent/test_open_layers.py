"""Layers that look at no state: quicker, and the same as any other to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.recurrent import forward
from bt_lstm_rotation.forecasting.recurrent.forward import RUN, last_of_open
from bt_lstm_rotation.forecasting.recurrent.start import with_memory

SIGNS = np.array([-1.0, 1.0])
CELLS = ["lstm", "gru"]


def network(cell, layers=1):
    made = with_memory(np.random.default_rng(3), SIGNS, 6, layers, cell, 40)
    made.head[:] = np.random.default_rng(4).normal(size=6)
    return made


def drawn(*shape):
    return np.random.default_rng(0).normal(size=(*shape, 2)).astype(np.float32)


@pytest.mark.parametrize("cell", CELLS)
def test_they_are_what_the_equations_of_the_cell_say(cell, monkeypatch):
    (layer,) = network(cell).layers
    inputs = drawn(5, 40)
    quick = RUN[cell](layer, inputs)
    monkeypatch.setattr(forward, "is_open", lambda *_: False)
    np.testing.assert_allclose(RUN[cell](layer, inputs), quick, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_the_last_output_alone_is_that_of_the_whole_to_the_bit(cell):
    (layer,) = network(cell).layers
    for shape in [(1, 40), (5, 40), (3, 2, 40), (1, 1)]:
        inputs = drawn(*shape)
        whole = RUN[cell](layer, inputs)[..., -1, :]
        np.testing.assert_array_equal(last_of_open(layer, cell, inputs), whole)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
def test_sessions_one_after_the_other_are_as_each_by_itself(cell, layers):
    made, series = network(cell, layers), drawn(3, 60)
    windows = np.lib.stride_tricks.sliding_window_view(series, 40, axis=1)
    together = np.ascontiguousarray(np.moveaxis(windows, (1, 3), (0, 2)))
    assert together.shape == (21, 3, 40, 2)
    alone = [made.run(together[at]) for at in range(21)]
    np.testing.assert_array_equal(made.run(together), np.stack(alone))
    # Of other sessions than those that follow each other, as after a hole.
    some = [0, 1, 2, 7, 20]
    np.testing.assert_array_equal(made.run(together[some]), np.stack(alone)[some])


def test_a_layer_that_looks_at_its_state_is_none():
    rng = np.random.default_rng(0)
    random = type(network("lstm")).seeded(rng, 2, 6, 1, "lstm")
    assert last_of_open(random.layers[0], "lstm", drawn(2, 5)) is None
    memory = with_memory(rng, SIGNS, 6, 1, "rnn", 40)
    assert last_of_open(memory.layers[0], "rnn", drawn(2, 5)) is None


def test_what_a_gate_takes_in_is_added_feature_by_feature_to_the_bit():
    rng = np.random.default_rng(5)
    for shape in ((3, 40), (4, 1, 7), (1, 1)):
        inputs = rng.normal(size=(*shape, 20)).astype(np.float32)
        kernel = rng.normal(size=(20, 6)).astype(np.float32)
        kernel[3] = 0.0  # not looked at, whatever it is
        inputs[..., 3] = np.nan
        bias = rng.normal(size=6).astype(np.float32)
        expected = np.broadcast_to(bias, (*shape, 6))
        for row in (row for row in range(20) if row != 3):
            expected = expected + inputs[..., row, None] * kernel[row]
        found = forward._seen(inputs, kernel, bias)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(forward._seen(inputs, 0 * kernel, bias), bias)
