"""Training against plain Keras: value, gradient, Adam, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.recurrent import backend, optimisation
from bt_lstm_rotation.forecasting.recurrent.backend import Optimiser, Sequences, train
from bt_lstm_rotation.forecasting.recurrent.network import Network

N_STEPS, N_SEQUENCES, N_FEATURES, UNITS = 7, 5, 3, 4
PLAIN = Optimiser(steps=5, learning_rate=0.02, clip_norm=0.05)


@pytest.fixture(scope="module")
def tf():
    return backend.tensorflow()


def seeded(layers=1, units=UNITS):
    """Weights that are nowhere 0, so that no term of the gradient hides."""
    network = Network.seeded(np.random.default_rng(0), N_FEATURES, units, layers)
    rng = np.random.default_rng(1)
    return Network.from_keras(
        [
            array + rng.normal(0.0, 0.2, array.shape).astype(np.float32)
            for array in network.keras_weights()
        ]
    )


def some_data(n_steps=N_STEPS, n_sequences=N_SEQUENCES, seed=3):
    rng = np.random.default_rng(seed)
    shape = (n_steps, n_sequences)
    weights = np.ones(shape, dtype=np.float32)
    weights[:3, 0], weights[4, 1] = 0.0, 2.5
    return Sequences(
        inputs=rng.normal(size=(*shape, N_FEATURES)).astype(np.float32),
        targets=rng.normal(size=shape).astype(np.float32),
        weights=weights,
    )


def keras_model(network, *, every_step):
    import keras

    depth, units = len(network.layers), len(network.head)
    model = keras.Sequential(
        [
            keras.Input((None, N_FEATURES)),
            *(
                keras.layers.LSTM(units, return_sequences=every_step or n < depth - 1)
                for n in range(depth)
            ),
            keras.layers.Dense(1),
        ]
    )
    model.set_weights(network.keras_weights())
    return model


def keras_loss(tf, model, data):
    batch_first = np.moveaxis(data.inputs, 1, 0)
    output = tf.transpose(model(batch_first)[..., 0])
    error = data.weights * (output - data.targets) ** 2
    return tf.reduce_sum(error) / data.weights.sum()


def keras_adam(tf, network, data, optimiser):
    """Train with Keras' layers, gradients and optimiser, a plain step at a time."""
    import keras

    model = keras_model(network, every_step=True)
    adam = keras.optimizers.Adam(
        learning_rate=optimiser.learning_rate,
        epsilon=1e-8,
        global_clipnorm=optimiser.clip_norm,
    )
    losses = []
    for _ in range(optimiser.steps):
        with tf.GradientTape() as tape:
            loss = keras_loss(tf, model, data)
        losses.append(float(loss))
        variables = model.trainable_variables
        adam.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )
    return model.get_weights(), losses


def test_numpy_runs_the_network_as_keras_does(tf):
    for layers in (1, 2):
        network = seeded(layers)
        model = keras_model(network, every_step=False)
        inputs = np.moveaxis(some_data().inputs, 1, 0)
        expected = np.asarray(model(inputs))[:, 0]
        np.testing.assert_allclose(network.run(inputs), expected, atol=1e-5)


def test_weights_go_from_keras_to_the_network_and_back_unchanged(tf):
    model = keras_model(seeded(2), every_step=True)
    before = model.get_weights()
    after = Network.from_keras(before).keras_weights()
    assert [a.tobytes() for a in after] == [b.tobytes() for b in before]
    model.set_weights(after)


@pytest.mark.parametrize("layers", [1, 2])
def test_loss_and_gradient_are_those_of_keras(tf, layers):
    network, data = seeded(layers), some_data()
    model = keras_model(network, every_step=True)
    with tf.GradientTape() as tape:
        expected = keras_loss(tf, model, data)
    slopes = tape.gradient(expected, model.trainable_variables)
    loss, gradient = backend.loss_and_gradient(network, data)
    np.testing.assert_allclose(loss, float(expected), rtol=1e-5)
    ours = gradient.keras_weights()
    for mine, theirs in zip(ours, slopes, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-4, atol=1e-5)
        assert np.abs(mine).max() > 1e-3


def test_a_target_of_weight_zero_has_no_say(tf):
    data = some_data()
    other = some_data()
    other.targets[data.weights == 0.0] = 1e6
    first, _ = train(seeded(), data, PLAIN, (1, 2))
    second, _ = train(seeded(), other, PLAIN, (1, 2))
    assert _bytes(first) == _bytes(second)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("clip_norm", [0.05, 100.0])
def test_training_is_adam_on_clipped_gradients(tf, layers, clip_norm):
    network, data = seeded(layers), some_data()
    optimiser = Optimiser(steps=5, learning_rate=0.02, clip_norm=clip_norm)
    weights, losses = keras_adam(tf, network, data, optimiser)
    trained, ours = train(network, data, optimiser, (0, 0))
    np.testing.assert_allclose(ours, losses, atol=1e-5)
    for mine, theirs in zip(trained.keras_weights(), weights, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def _bytes(network):
    return b"".join(array.tobytes() for array in network.keras_weights())


def test_a_fit_repeated_after_others_gives_the_same_bytes(tf):
    optimiser = Optimiser(steps=4, learning_rate=0.02, clip_norm=1.0, dropout=0.3)
    first, losses = train(seeded(), some_data(), optimiser, (5, 6))
    train(seeded(2), some_data(9, 2), PLAIN, (1, 1))
    train(seeded(), some_data(5, 4), optimiser, (9, 9))
    again, same = train(seeded(), some_data(), optimiser, (5, 6))
    assert _bytes(first) == _bytes(again)
    assert losses.tobytes() == same.tobytes()


def test_the_network_that_training_begins_with_is_left_alone(tf):
    network, data = seeded(), some_data()
    before, inputs = _bytes(network), data.inputs.copy()
    trained, _ = train(network, data, PLAIN, (0, 0))
    assert _bytes(network) == before != _bytes(trained)
    assert (data.inputs == inputs).all()


def test_dropout_is_seeded_and_zero_is_none(tf):
    def trained(dropout, seed):
        optimiser = Optimiser(3, 0.02, 1.0, dropout)
        return _bytes(train(seeded(2), some_data(), optimiser, seed)[0])

    assert trained(0.5, (1, 2)) == trained(0.5, (1, 2))
    assert trained(0.5, (1, 2)) != trained(0.5, (1, 3))
    assert trained(0.5, (1, 2)) != trained(0.5, (2, 2))
    assert trained(0.0, (1, 2)) == trained(0.0, (7, 8))
    assert trained(0.5, (1, 2)) != trained(0.0, (1, 2))


def test_dropout_leaves_out_whole_outputs_and_scales_the_rest(tf):
    inputs = tf.zeros([6, 2000, N_FEATURES])
    arrays = [tf.constant(a) for a in seeded(2).keras_weights()]
    masks = optimisation._dropout_masks(
        tf, arrays, inputs, 0.25, tf.constant([3, 4]), tf.constant(0)
    )
    assert [mask.shape for mask in masks] == [(1, 2000, UNITS)] * 2
    values, counts = np.unique(masks[0].numpy(), return_counts=True)
    np.testing.assert_allclose(values, [0.0, 1.0 / 0.75], rtol=1e-6)
    # Of 8,000 draws, five deviations of the share are 0.024.
    assert abs(counts[0] / counts.sum() - 0.25) < 0.025
    assert (masks[0].numpy() != masks[1].numpy()).any()
    (later, _) = optimisation._dropout_masks(
        tf, arrays, inputs, 0.25, tf.constant([3, 4]), tf.constant(1)
    )
    assert (masks[0].numpy() != later.numpy()).any()


def test_one_trace_serves_windows_networks_and_rates_of_any_size(tf):
    train(seeded(), some_data(), PLAIN, (0, 0))
    fit = backend._traced("lstm", 1, False, False)
    before = fit.experimental_get_tracing_count()
    train(seeded(units=9), some_data(11, 3), Optimiser(2, 0.5, 3.0), (4, 4))
    train(seeded(units=2), some_data(5, 8), Optimiser(7, 0.1, 1.0), (4, 5))
    assert fit.experimental_get_tracing_count() == before == 1


def test_training_learns_what_can_be_learned(tf):
    # The target is the sum of the last two inputs' first feature.
    data = some_data(12, 40)
    seen = data.inputs[..., 0]
    data.targets[:] = seen
    data.targets[1:] += seen[:-1]
    optimiser = Optimiser(steps=120, learning_rate=0.03, clip_norm=1.0)
    trained, losses = train(seeded(units=8), data, optimiser, (0, 0))
    assert len(losses) == 120
    assert losses[-1] < 0.15 * losses[0]
    fresh = some_data(12, 40, seed=8).inputs
    truth = fresh[-1, :, 0] + fresh[-2, :, 0]
    forecast = trained.run(np.moveaxis(fresh, 1, 0))
    assert np.corrcoef(forecast, truth)[0, 1] > 0.9


def test_a_fit_that_diverges_says_so_in_its_losses(tf):
    optimiser = Optimiser(steps=6, learning_rate=1e30, clip_norm=1.0)
    _, losses = train(seeded(), some_data(), optimiser, (0, 0))
    assert np.isfinite(losses[0])
    assert not np.isfinite(losses[-1])


@pytest.mark.parametrize("first", ["import tensorflow", "pass"])
def test_tensorflow_imported_before_us_is_warned_of(first):
    script = (
        f"{first}\n"
        "import logging; logging.basicConfig()\n"
        "from bt_lstm_rotation.forecasting.recurrent.backend import tensorflow\n"
        "tensorflow()\n"
    )
    unset = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=unset, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert ("oneDNN, whose kernels differ" in done.stderr) == (first != "pass")


def in_a_fresh_process(script, **settings):
    environment = {k: v for k, v in os.environ.items() if k != backend.LEGACY_KERAS}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, **settings},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


IMPORTED = (
    "import os, sys\n"
    "from bt_lstm_rotation.forecasting.recurrent.backend import tensorflow\n"
    "tf = tensorflow()\n"
    "print('keras' in sys.modules, os.environ.get('TF_USE_LEGACY_KERAS'))\n"
)


def test_keras_is_imported_when_a_script_asks_for_it_and_not_before():
    script = (
        IMPORTED + "import keras\n"
        "from tensorflow.keras import layers\n"
        "print(tf.keras.__version__ == keras.__version__ > '3')\n"
        "print(layers.Dense is tf.keras.layers.Dense is keras.layers.Dense)\n"
        "print(tf.optimizers.Adam is keras.optimizers.Adam)\n"
    )
    assert in_a_fresh_process(script) == ["False", "None", "True", "True", "True"]


def test_a_setting_of_which_keras_is_the_users_own():
    stays = in_a_fresh_process(IMPORTED, TF_USE_LEGACY_KERAS="0")
    assert stays == ["True", "0"]


def test_where_keras_two_is_installed_nothing_is_put_off(tmp_path):
    (tmp_path / "tf_keras.py").write_text("")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    assert in_a_fresh_process(IMPORTED, PYTHONPATH=path) == ["True", "None"]
