"""A forecast as a function, and how it is shared out among its bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from moved_inputs import check_gradient
from networks import CELLS, SMALL, busy_network, fitted

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.forecasting.inside.attribution import integrated_gradients
from bt_lstm_rotation.forecasting.inside.readout import readout
from bt_lstm_rotation.forecasting.recurrent.part import Part

WAYS = {
    "default": {},
    "plain": {"target": "plain", "features": ("log_return",)},
    "not mirrored": {"mirrored": False},
    "two layers": {"layers": 2},
    "one each": {"pooled": False},
    "members": {"members": 3},
    "gru": {"cell": "gru"},
    "rnn": {"cell": "rnn"},
    "volatility": {"features": ("relative_return", "volatility")},
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def busy(model, cell="lstm", layers=1):
    """The model with networks whose every weight is at work."""
    parts = tuple(
        Part(
            tuple(
                busy_network(cell, layers, len(p.networks[0].head), seed=seed)
                for seed, _ in enumerate(p.networks)
            ),
            p.scaler,
        )
        for p in model.parts
    )
    return replace(model, parts=parts)


@each_way
def test_the_function_is_the_models_forecast(way):
    model, window = fitted(replace(SMALL, **way))
    expected = model.forecast(
        replace(window, dates=window.dates[None], bars=window.bars[:, None])
    ).mean(axis=0)[0]
    for row, symbol in enumerate(window.symbols):
        function, inputs = readout(model, window, symbol)
        assert abs(function.forecast(inputs) - expected[row]) < 1e-7


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_its_gradient_is_that_of_moves_of_each_bar(cell, layers, mirrored):
    spec = replace(SMALL, mirrored=mirrored, members=2)
    model, window = fitted(spec)
    check_gradient(*readout(busy(model, cell, layers), window, "B"))


@each_way
@pytest.mark.parametrize("is_busy", [False, True])
def test_shares_add_up_to_the_forecast_less_the_baseline(way, is_busy):
    model, window = fitted(replace(SMALL, **way))
    if is_busy and len(model.spec.features) == 2:
        model = busy(model, model.spec.cell, model.spec.layers)
    function, inputs = readout(model, window, "A")
    found = integrated_gradients(function, inputs)
    whole = found.forecast - found.baseline
    assert abs(found.gap) <= 1e-4 * abs(whole) + 1e-12
    assert abs(found.shares.sum() - whole) < 1e-4
    assert found.forecast == pytest.approx(float(function.forecast(inputs)))


@pytest.mark.parametrize("cell", CELLS)
def test_a_zero_state_makes_no_merit_of_the_first_bar(cell):
    """From rest to where its biases drive it, a state moves most in the first step."""
    model, window = fitted(replace(SMALL, mirrored=False))
    model = busy(model, cell)
    function, _ = readout(model, window, "A")
    still = np.zeros((40, 2))
    (network,) = function.part.networks
    states = network.states(still.astype(np.float32))
    moves = np.abs(np.diff(states, axis=0, prepend=0.0) @ network.head)
    assert moves[0] > 3 * moves[20:].max()  # which such a tool would show
    # The mean bar throughout says nothing, in the first step as in any other.
    assert not integrated_gradients(function, still).shares.any()
    # And one unusual bar gets all of what it does, wherever it stands.
    for place in (0, 39):
        shocked = still.copy()
        shocked[place, 0] = 2.0
        shares = integrated_gradients(function, shocked).shares
        assert abs(shares[place].sum()) == pytest.approx(np.abs(shares).sum())
        assert np.isclose(
            shares[place, 0],
            float(function.forecast(shocked) - function.forecast(still)),
        )


def test_a_linear_network_is_shared_out_exactly():
    model, window = fitted(SMALL)
    function, inputs = readout(model, window, "C")
    small = inputs * 1e-3
    shares = integrated_gradients(function, small).shares
    slope = function.gradient(np.zeros_like(small))
    # Volume says how much a return counts: a product, of second order.
    assert np.allclose(shares[:, 0], (small * slope)[:, 0], rtol=1e-2)
    assert np.abs(shares[:, 1]).max() < 1e-2 * np.abs(shares[:, 0]).max()


def test_a_symbol_that_is_not_there_is_named_with_the_nearest():
    model, window = fitted(SMALL)
    with pytest.raises(DataError, match="'A'"):
        readout(model, window, "AA")
