"""GRU and vanilla RNN: their formulas, and what they share with the LSTM and Keras."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward
from bt_lstm_rotation.forecasting.recurrent import backend
from bt_lstm_rotation.forecasting.recurrent.backend import Optimiser, Sequences, train
from bt_lstm_rotation.forecasting.recurrent.forward import GATES, Layer
from bt_lstm_rotation.forecasting.recurrent.network import KERAS, Network

UNITS, N_FEATURES = 4, 3
PLAIN = Optimiser(steps=5, learning_rate=0.02, clip_norm=0.05)

each_cell = pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
new_cell = pytest.mark.parametrize("cell", ["gru", "rnn"])
each_depth = pytest.mark.parametrize("layers", [1, 2])


@pytest.fixture(scope="module")
def tf():
    return backend.tensorflow()


def seeded(cell, layers=1, units=UNITS, n_features=N_FEATURES):
    """Weights that are nowhere 0, so that no term of the gradient hides."""
    rng = np.random.default_rng(0)
    network = Network.seeded(rng, n_features, units, layers, cell)
    noisy = [
        array + rng.normal(0.0, 0.2, array.shape).astype(np.float32)
        for array in network.keras_weights()
    ]
    return Network.from_keras(noisy, cell)


def some_data(n_steps=7, n_sequences=5, seed=3):
    rng = np.random.default_rng(seed)
    shape = (n_steps, n_sequences)
    weights = np.ones(shape, dtype=np.float32)
    weights[:3, 0], weights[-1, 1] = 0.0, 2.5
    return Sequences(
        inputs=rng.normal(size=(*shape, N_FEATURES)).astype(np.float32),
        targets=rng.normal(size=shape).astype(np.float32),
        weights=weights,
    )


def keras_model(network, *, every_step=True):
    import keras

    layer = getattr(keras.layers, KERAS[network.cell])
    depth, units = len(network.layers), len(network.head)
    model = keras.Sequential(
        [
            keras.Input((None, network.layers[0].kernel.shape[0])),
            *(
                layer(units, return_sequences=every_step or n < depth - 1)
                for n in range(depth)
            ),
            keras.layers.Dense(1),
        ]
    )
    model.set_weights(network.keras_weights())
    return model


def keras_loss(tf, model, data):
    output = tf.transpose(model(np.moveaxis(data.inputs, 1, 0))[..., 0])
    error = data.weights * (output - data.targets) ** 2
    return tf.reduce_sum(error) / data.weights.sum()


def as_bytes(network):
    return [array.tobytes() for array in network.keras_weights()]


# The formulas, in NumPy


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def gru_by_hand(layer, sequence):
    hidden = 0.0
    (u_z, u_r, u_g), (d_z, d_r, d_g) = layer.recurrent[0], layer.bias[1]
    for x in sequence:
        z_in, r_in, g_in = x @ layer.kernel + layer.bias[0]
        z = sigmoid(z_in + hidden * u_z + d_z)
        r = sigmoid(r_in + hidden * u_r + d_r)
        g = np.tanh(g_in + r * (hidden * u_g + d_g))
        hidden = z * hidden + (1.0 - z) * g
    return hidden


def rnn_by_hand(layer, sequence):
    hidden = 0.0
    for x in sequence:
        (driven,) = x @ layer.kernel + layer.bias
        hidden = np.tanh(driven + hidden * layer.recurrent[0, 0])
    return hidden


@pytest.mark.parametrize(
    ("cell", "by_hand", "shapes"),
    [
        ("gru", gru_by_hand, [(2, 3), (1, 3), (2, 3)]),
        ("rnn", rnn_by_hand, [(2, 1), (1, 1), (1,)]),
    ],
)
def test_one_unit_follows_the_equations(cell, by_hand, shapes):
    rng = np.random.default_rng(5)
    layer = Layer(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))
    network = Network((layer,), np.float32([1.7]), np.float32(-0.3), cell)
    sequences = rng.normal(size=(6, 9, 2)).astype(np.float32)
    expected = [by_hand(layer, sequence) * 1.7 - 0.3 for sequence in sequences]
    np.testing.assert_allclose(network.run(sequences), expected, atol=1e-6)


@each_cell
@pytest.mark.parametrize("n_symbols", [1, 3, 9])
@pytest.mark.parametrize("units", [1, 4, 7, 32])
@each_depth
def test_a_session_has_the_same_bytes_alone_and_in_a_stack(
    cell, n_symbols, units, layers
):
    network = seeded(cell, layers, units, n_features=2)
    rng = np.random.default_rng(2)
    stack = rng.normal(size=(32, n_symbols, 13, 2)).astype(np.float32)
    together = network.run(stack)
    assert together.shape == (32, n_symbols)
    assert together.dtype == np.float32
    for row in range(32):
        assert network.run(stack[[row]]).tobytes() == together[row].tobytes()
        assert network.run(stack[row]).tobytes() == together[row].tobytes()
    for size in (2, 7, 31):
        assert network.run(stack[:size]).tobytes() == together[:size].tobytes()


@each_cell
@pytest.mark.parametrize("units", [1, 6])
@pytest.mark.parametrize("n_features", [1, 2, 5])
def test_a_session_has_the_same_bytes_however_it_lies_in_memory(
    cell, units, n_features
):
    network = seeded(cell, units=units, n_features=n_features)
    rng = np.random.default_rng(2)
    stack = rng.normal(size=(32, 4, 11, n_features)).astype(np.float32)
    before = stack.copy()
    plain = network.run(np.ascontiguousarray(stack[:, [2]]))
    assert network.run(stack[..., [2], :, :]).tobytes() == plain.tobytes()
    assert network.run(stack[:, 2:3]).tobytes() == plain.tobytes()
    for row in range(32):
        alone = network.run(stack[[row]][..., [2], :, :])
        assert alone.tobytes() == plain[row].tobytes()
    assert (stack == before).all()


@each_cell
def test_extreme_inputs_saturate_instead_of_overflowing(cell):
    network = seeded(cell, n_features=1)
    inputs = np.float32([[[1e30], [-1e30]], [[-1e30], [0.0]]])
    bound = np.abs(network.head).sum() + abs(network.offset)
    assert (np.abs(network.run(inputs)) <= bound * 1.000001).all()


# Weights


@each_cell
def test_the_same_seed_draws_the_same_weights_and_another_does_not(cell):
    first, same, other = (
        Network.seeded(np.random.default_rng(seed), 3, 5, 2, cell) for seed in (7, 7, 8)
    )
    assert as_bytes(first) == as_bytes(same) != as_bytes(other)
    assert first.cell == cell


@new_cell
@pytest.mark.parametrize("layers", [1, 3])
def test_initial_weights_are_those_that_keras_documents(cell, layers):
    units, n_features = 16, 3
    width = {"gru": 48, "rnn": 16}[cell]
    network = Network.seeded(np.random.default_rng(3), n_features, units, layers, cell)
    assert len(network.layers) == layers
    for number, layer in enumerate(network.layers):
        inputs = units if number else n_features
        assert layer.kernel.shape == (inputs, width)
        # Glorot: uniform up to sqrt(6 / (rows + columns)), so its deviation is that
        # by sqrt(3).
        limit = np.sqrt(6.0 / (inputs + width))
        assert np.abs(layer.kernel).max() <= limit
        assert np.isclose(layer.kernel.std(), limit / np.sqrt(3.0), rtol=0.25)
        np.testing.assert_allclose(
            layer.recurrent @ layer.recurrent.T, np.eye(units), atol=1e-6
        )
        assert layer.bias.shape == ((2, width) if cell == "gru" else (width,))
        assert (layer.bias == 0.0).all()
    assert (network.head == 0.0).all()
    assert network.offset == 0.0


@each_cell
@each_depth
def test_weights_go_from_keras_to_the_network_and_back_unchanged(tf, cell, layers):
    # set_weights refuses any shape but those of the model's own layers.
    model = keras_model(seeded(cell, layers))
    before = model.get_weights()
    network = Network.from_keras(before, cell)
    assert network.cell == cell
    assert as_bytes(network) == [array.tobytes() for array in before]
    model.set_weights(network.keras_weights())


def wrong_weights():
    def weights(cell, layers=1):
        return seeded(cell, layers).keras_weights()

    kernel, recurrent_, bias, head, offset = weights("gru")
    return {
        "those of another cell": weights("lstm"),
        "a bias as of reset_after=False": [kernel, recurrent_, bias[0], head, offset],
        "no weights": [],
        "a head alone": [head, offset],
        "no head": [kernel, recurrent_, bias],
        "a head of two outputs": [kernel, recurrent_, bias, head.repeat(2, 1), offset],
        "a layer cut short": [*weights("gru", 2)[:4], head, offset],
        "layers that do not fit": [
            *weights("gru")[:3],
            kernel,
            recurrent_,
            bias,
            head,
            offset,
        ],
        "numbers for arrays": [1.0, 2.0, 3.0, 4.0, 5.0],
    }


@pytest.mark.parametrize("weights", wrong_weights().values(), ids=wrong_weights())
def test_weights_of_another_shape_are_refused_with_their_shapes(weights):
    with pytest.raises(SpecError, match=r"keras\.Sequential\(\[GRU\(units\)") as info:
        Network.from_keras(weights, "gru")
    assert info.value.value == [np.shape(array) for array in weights]


@pytest.mark.parametrize("cell", ["GRU", "", None, 3, []])
def test_a_cell_that_there_is_not_is_refused_with_those_there_are(cell):
    with pytest.raises(SpecError, match="one of 'lstm', 'gru', 'rnn'"):
        Network.from_keras(seeded("lstm").keras_weights(), cell)


# Training, against Keras


@new_cell
@each_depth
def test_numpy_runs_the_network_as_keras_does(tf, cell, layers):
    network = seeded(cell, layers)
    inputs = np.moveaxis(some_data(12).inputs, 1, 0)
    expected = np.asarray(keras_model(network, every_step=False)(inputs))[:, 0]
    np.testing.assert_allclose(network.run(inputs), expected, atol=1e-5)


@new_cell
@each_depth
@pytest.mark.parametrize(("n_steps", "n_sequences"), [(7, 5), (4, 2), (40, 3)])
def test_loss_and_gradient_are_those_of_keras(tf, cell, layers, n_steps, n_sequences):
    network, data = seeded(cell, layers), some_data(n_steps, n_sequences)
    model = keras_model(network)
    with tf.GradientTape() as tape:
        expected = keras_loss(tf, model, data)
    slopes = tape.gradient(expected, model.trainable_variables)
    loss, gradient = backend.loss_and_gradient(network, data)
    np.testing.assert_allclose(loss, float(expected), rtol=1e-5)
    for mine, theirs in zip(gradient.keras_weights(), slopes, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-5, atol=1e-5)
        assert np.abs(mine).max() > 1e-3


@new_cell
def test_a_sequence_of_one_step_gives_its_state_no_say(tf, cell):
    rng = np.random.default_rng(1)
    data = Sequences(
        inputs=rng.normal(size=(1, 6, N_FEATURES)).astype(np.float32),
        targets=rng.normal(size=(1, 6)).astype(np.float32),
        weights=np.ones((1, 6), dtype=np.float32),
    )
    loss, gradient = backend.loss_and_gradient(seeded(cell), data)
    output = seeded(cell).run(np.moveaxis(data.inputs, 1, 0))
    np.testing.assert_allclose(
        loss, ((output - data.targets[0]) ** 2).mean(), rtol=1e-5
    )
    # The state before the first step is zero, and so is what multiplies it.
    assert (gradient.layers[0].recurrent == 0.0).all()
    assert np.abs(gradient.layers[0].kernel).max() > 1e-3


@new_cell
@each_depth
@pytest.mark.parametrize("clip_norm", [0.05, 100.0])
def test_training_is_adam_on_clipped_gradients(tf, cell, layers, clip_norm):
    import keras

    network, data = seeded(cell, layers), some_data()
    model = keras_model(network)
    adam = keras.optimizers.Adam(0.02, epsilon=1e-8, global_clipnorm=clip_norm)
    expected = []
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = keras_loss(tf, model, data)
        expected.append(float(loss))
        slopes = tape.gradient(loss, model.trainable_variables)
        adam.apply_gradients(zip(slopes, model.trainable_variables, strict=True))
    trained, losses = train(network, data, Optimiser(5, 0.02, clip_norm), (0, 0))
    np.testing.assert_allclose(losses, expected, atol=1e-5)
    for mine, theirs in zip(trained.keras_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


@new_cell
def test_a_target_of_weight_zero_has_no_say(tf, cell):
    data, other = some_data(), some_data()
    other.targets[data.weights == 0.0] = 1e6
    first, _ = train(seeded(cell), data, PLAIN, (1, 2))
    second, _ = train(seeded(cell), other, PLAIN, (1, 2))
    assert as_bytes(first) == as_bytes(second)


@new_cell
def test_a_fit_repeated_after_others_gives_the_same_bytes(tf, cell):
    optimiser = Optimiser(steps=4, learning_rate=0.02, clip_norm=1.0, dropout=0.3)
    first, losses = train(seeded(cell, 2), some_data(), optimiser, (5, 6))
    for other in ("lstm", "gru", "rnn"):
        train(seeded(other, 2), some_data(9, 2), optimiser, (1, 1))
    again, same = train(seeded(cell, 2), some_data(), optimiser, (5, 6))
    assert first.cell == again.cell == cell
    assert as_bytes(first) == as_bytes(again)
    assert losses.tobytes() == same.tobytes()


@new_cell
def test_dropout_is_seeded_and_zero_is_none(tf, cell):
    def trained(dropout, seed):
        optimiser = Optimiser(3, 0.02, 1.0, dropout)
        return as_bytes(train(seeded(cell, 2), some_data(), optimiser, seed)[0])

    assert trained(0.5, (1, 2)) == trained(0.5, (1, 2))
    assert trained(0.5, (1, 2)) != trained(0.5, (1, 3))
    assert trained(0.0, (1, 2)) == trained(0.0, (7, 8)) != trained(0.5, (1, 2))


@new_cell
def test_one_trace_serves_windows_and_networks_of_any_size(tf, cell):
    train(seeded(cell), some_data(), PLAIN, (0, 0))
    fit = backend.prepare(cell, 1, PLAIN)
    before = fit.experimental_get_tracing_count()
    train(seeded(cell, units=9), some_data(11, 3), Optimiser(2, 0.5, 3.0), (4, 4))
    narrow = replace(some_data(5, 8), inputs=some_data(5, 8).inputs[..., :1])
    train(seeded(cell, units=2, n_features=1), narrow, PLAIN, (4, 5))
    assert fit.experimental_get_tracing_count() == before == 1


@new_cell
def test_training_learns_what_can_be_learned(tf, cell):
    # The target is the sum of the last two inputs' first feature.
    data = some_data(12, 40)
    seen = data.inputs[..., 0]
    data.targets[:] = seen
    data.targets[1:] += seen[:-1]
    optimiser = Optimiser(steps=120, learning_rate=0.03, clip_norm=1.0)
    trained, losses = train(seeded(cell, units=8), data, optimiser, (0, 0))
    assert losses[-1] < 0.15 * losses[0]
    fresh = some_data(12, 40, seed=8).inputs
    truth = fresh[-1, :, 0] + fresh[-2, :, 0]
    forecast = trained.run(np.moveaxis(fresh, 1, 0))
    assert np.corrcoef(forecast, truth)[0, 1] > 0.9


@new_cell
def test_a_fit_that_diverges_says_so_in_its_losses(tf, cell):
    # A tanh is bounded, but the head that is linear in it is not.
    optimiser = Optimiser(steps=6, learning_rate=1e30, clip_norm=1.0)
    _, losses = train(seeded(cell), some_data(), optimiser, (0, 0))
    assert np.isfinite(losses[0])
    assert not np.isfinite(losses[-1])


# As a forecaster


def test_a_spec_forecasts_with_the_cell_it_names():
    panel = random_panel("CAB", 100)
    spec = ForecastSpec(units=4, steps=2, lookback=10, horizon=3, train_size=40)
    values = {}
    for cell in GATES:
        result = walk_forward(panel, replace(spec, cell=cell))
        values[cell] = result.values[~np.isnan(result.values)]
        assert values[cell].size > 0
    assert not np.allclose(values["gru"], values["lstm"])
    assert not np.allclose(values["rnn"], values["lstm"])
    assert not np.allclose(values["rnn"], values["gru"])
