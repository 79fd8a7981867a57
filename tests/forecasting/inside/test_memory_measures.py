"""Time constants, impulse responses, fading gradients, and past bars like today's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel
from networks import CELLS, SMALL, busy_network, fitted, window_of

from bt_lstm_rotation.forecasting import EWMASpec, KalmanSpec
from bt_lstm_rotation.forecasting.features import features_of
from bt_lstm_rotation.forecasting.inside.filters import (
    ewma_response,
    kalman_response,
    network_response,
    written_feature,
)
from bt_lstm_rotation.forecasting.inside.neighbours import nearest
from bt_lstm_rotation.forecasting.inside.readout import readout
from bt_lstm_rotation.forecasting.inside.time_constants import half_life, memories
from bt_lstm_rotation.forecasting.inside.vanishing import fading, gradient_norms
from bt_lstm_rotation.forecasting.recurrent.network import Layer
from bt_lstm_rotation.forecasting.recurrent.start import with_memory
from bt_lstm_rotation.forecasting.window import Window


@pytest.mark.parametrize("cell", CELLS)
def test_time_constants_are_those_that_a_network_was_begun_with(cell):
    rng = np.random.default_rng(0)
    network = with_memory(rng, np.array([-1.0]), 16, 1, cell, 126)
    network = replace(network, head=np.arange(16, dtype=np.float32))
    states = rng.normal(size=(500, 16))
    found = memories(network, states)
    # Drawn each within its part of a logarithmic scale from 2 to 63 bars.
    edges = 2 * 31.5 ** (np.arange(17) / 16)
    assert (found.bars >= edges[:-1] * 0.999).all()
    assert (found.bars <= edges[1:] * 1.001).all()
    # And so in the order of the units, whose weights these are.
    assert np.allclose(found.weights, np.arange(16) * states.std(axis=0), rtol=1e-6)


def test_a_rotated_vanilla_network_has_the_same_time_constants_and_weights():
    rng = np.random.default_rng(1)
    network = with_memory(rng, np.array([-1.0]), 6, 1, "rnn", 126)
    network = replace(network, head=rng.normal(size=6).astype(np.float32))
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    (layer,) = network.layers
    turned = replace(
        network,
        layers=(
            Layer(layer.kernel @ turn, turn.T @ layer.recurrent @ turn, layer.bias),
        ),
        head=network.head @ turn,
    )
    states = rng.normal(size=(400, 6))
    plain, found = memories(network, states), memories(turned, states @ turn)
    assert np.allclose(found.bars, plain.bars, rtol=1e-5)
    assert np.allclose(found.weights, plain.weights, rtol=1e-4)


def test_a_unit_that_forgets_nothing_has_a_time_constant_all_the_same():
    network = busy_network("rnn", units=2)
    (layer,) = network.layers
    still = replace(network, layers=(Layer(layer.kernel, np.eye(2) * 1.5, layer.bias),))
    assert np.isfinite(memories(still, np.ones((3, 2))).bars).all()


@pytest.mark.parametrize(
    ("slopes", "bars"),
    [
        ([0.0, 0.0, 0.0], 0),
        ([0.0, 0.0, 5.0], 1),
        ([1.0, 1.0, 1.0, -1.0], 2),
        (0.5 ** (np.arange(200)[::-1] / 10), 10),
    ],
)
def test_half_of_a_gradient_belongs_to_so_many_bars(slopes, bars):
    assert half_life(np.array(slopes)) == bars


def moved_forecast(model, window, row, bar):
    """How much a forecast moves for a return that is larger by one, by differences."""
    step, values = 1e-6, []
    for sign in (1, -1):
        bars = window.bars.copy()
        # The log return of one bar of one symbol, and all prices after it.
        bars[:4, row, bar:] *= np.exp(sign * step)
        shown = Window(window.symbols, window.dates[None], bars[:, None])
        values.append(model.forecast(shown)[0, 0, row])
    return (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize(
    ("spec", "response"),
    [(EWMASpec, ewma_response), (KalmanSpec, kalman_response)],
)
def test_a_filters_response_is_what_its_forecast_does(spec, response):
    # Of one symbol: a return that is moved is moved for the cross-section too.
    made = spec(lookback=40, horizon=3, train_size=60, target="plain")
    panel = random_panel("A", made.fit_bars + 1, seed=4)
    model = made.forecaster().fit(window_of(panel, made.fit_bars), None).model
    if spec is KalmanSpec:  # a random walk has nothing to filter
        model = replace(model, phi=0.9, gain=0.2)
    window = window_of(panel, made.forecast_bars)
    expected = [moved_forecast(model, window, 0, 40 - lag) for lag in range(40)]
    found = response(model, 40)
    assert np.abs(found).max() > 0
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_a_networks_response_is_what_its_forecast_does():
    spec = replace(SMALL, target="plain", features=("log_return",))
    model, window = fitted(spec, "A")
    function, inputs = readout(model, window, "A")
    feature = written_feature(spec.feature_columns)
    found = network_response(function, inputs, feature)
    expected = [moved_forecast(model, window, 0, 12 - lag) for lag in range(12)]
    # Differences of single precision.
    assert np.allclose(found, expected, rtol=0.02, atol=2e-2 * np.abs(found).max())


@pytest.mark.parametrize(
    ("features", "place"),
    [
        (("relative_return", "volume"), 0),
        (("volume", "rank", "log_return"), 2),
        (("volatility", "rank"), 1),
        (("volume",), 0),
    ],
)
def test_a_response_is_to_a_return_if_there_is_one(features, place):
    assert written_feature(features_of(features, ())) == place


def test_a_vanilla_gradient_fades_with_its_eigenvalue_and_an_open_cell_keeps_it():
    inputs = np.random.default_rng(5).normal(size=(3, 60, 1)) * 1e-3
    vanilla = replace(
        busy_network("rnn", units=2, n_features=1),
        layers=(Layer(np.ones((1, 2)) * 1e-3, np.eye(2) * 0.7, np.zeros(2)),),
    )
    norms = gradient_norms(vanilla, inputs)
    assert norms[0] == pytest.approx(1e-3 * np.sqrt(2), rel=1e-4)
    assert fading(norms) == pytest.approx(0.7, rel=1e-4)
    bias = np.array([0.0, 0.0, 40.0, 40.0, 0.0, 0.0, 0.0, 0.0])  # i f g o
    kernel = np.zeros((1, 8))
    kernel[0, 4:6] = 1e-3
    lstm = replace(
        busy_network("lstm", units=2, n_features=1),
        layers=(Layer(kernel, np.zeros((2, 8)), bias),),
    )
    assert fading(gradient_norms(lstm, inputs)) == pytest.approx(1.0, abs=1e-3)


def test_a_network_that_says_nothing_has_no_slope():
    assert np.isnan(fading(np.zeros(40)))
    assert np.isnan(fading(np.ones(5)))


def test_past_bars_like_todays_are_those_nearest_and_never_two_of_one_time():
    rng = np.random.default_rng(6)
    states = rng.normal(size=(3, 200, 4)) * [1, 10, 100, 1000]
    now = states[1, 77]
    found = nearest(states, now, count=20, apart=21)
    assert found[0] == (1, 77, 0.0)
    distances = [one.distance for one in found]
    assert distances == sorted(distances)
    assert len(found) == 20
    for row in range(3):
        bars = sorted(one.bar for one in found if one.row == row)
        assert (np.diff(bars) >= 21).all()
    # A unit's own size does not count.
    scaled = nearest(
        states * [5, 1, 1e-3, 7], now * [5, 1, 1e-3, 7], count=20, apart=21
    )
    assert [one[:2] for one in scaled] == [one[:2] for one in found]


def test_units_that_stand_still_and_few_bars_are_no_hindrance():
    states = np.zeros((1, 3, 2))
    found = nearest(states, np.zeros(2), count=5, apart=2)
    assert [one.bar for one in found] == [0, 2]
