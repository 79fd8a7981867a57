"""Training a recurrent network; the only file that imports TensorFlow, and lazily.

A whole fit, all its steps, is one `tf.function` that is traced once and serves every
window of a backtest: weights go in and come out as arguments, so nothing is retraced
and nothing leaks from one fit to the next. The sequence is one fused op instead of a
graph loop, and there is a target at every step of it, so that no bar is pushed through
the network more than once a step.
"""

from __future__ import annotations

import functools
import logging
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.network import Layer, Network

__all__ = ["Optimiser", "Sequences", "loss_and_gradient", "train"]

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

# Adam's decay rates and epsilon as in the paper (Kingma and Ba, 2015); epsilon stands
# where the end of its section 2 puts it, as in Keras: beside the uncorrected root.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True, eq=False)
class Sequences:
    """What a network is trained on, time first.

    Parameters
    ----------
    inputs : (n_steps, n_sequences, n_features) float32
        Scaled features.
    targets : (n_steps, n_sequences) float32
        Scaled targets.
    weights : (n_steps, n_sequences) float32
        Weight of each squared error; 0 where there is no target.
    """

    inputs: Array
    targets: Array
    weights: Array


@dataclass(frozen=True)
class Optimiser:
    """How a network is trained.

    Parameters
    ----------
    steps : int
        Gradient steps, each over all sequences.
    learning_rate : float
        Adam's.
    clip_norm : float
        Greatest global norm of the gradient.
    dropout : float
        Share of each layer's outputs that is left out.
    """

    steps: int
    learning_rate: float
    clip_norm: float
    dropout: float = 0.0


def train(
    network: Network, data: Sequences, optimiser: Optimiser, seed: tuple[int, int]
) -> tuple[Network, NDArray[np.float64]]:
    """Train a network by truncated back-propagation through time.

    Parameters
    ----------
    network : Network
        Where it begins.
    data : Sequences
        Each sequence starts from a zero state; its length is the truncation.
    optimiser : Optimiser
        Steps of Adam on the weighted mean squared error.
    seed : tuple of two int
        For dropout; nothing else here is random.

    Returns
    -------
    Network
        The trained one.
    (steps,) float64
        The loss before each step. If one is not finite, the network is worthless.
    """
    tf = tensorflow()
    fit = _traced(len(network.layers), optimiser.dropout > 0.0)
    arrays, losses = fit(
        [tf.constant(array) for array in _fused(network)],
        tf.constant(data.inputs),
        tf.constant(data.targets),
        tf.constant(data.weights),
        tf.constant(optimiser.steps, tf.int32),
        tf.constant(optimiser.learning_rate, tf.float32),
        tf.constant(optimiser.clip_norm, tf.float32),
        tf.constant(optimiser.dropout, tf.float32),
        tf.constant(seed, tf.int32),
    )
    trained = _unfused([array.numpy() for array in arrays])
    return trained, losses.numpy().astype(np.float64)


def loss_and_gradient(network: Network, data: Sequences) -> tuple[float, Network]:
    """Return the loss and its gradient, the latter in the shape of a network.

    For comparing the fused path with ``keras.layers.LSTM``.
    """
    tf = tensorflow()
    arrays = [tf.constant(array) for array in _fused(network)]
    with tf.GradientTape() as tape:
        tape.watch(arrays)
        loss = _loss(arrays, data.inputs, data.targets, data.weights, keep=[])
    gradient = [part.numpy() for part in tape.gradient(loss, arrays)]
    return float(loss), _unfused(gradient)


@functools.cache
def tensorflow() -> Any:
    """Import TensorFlow, quiet and set up for many small networks."""
    # Small matrices gain nothing from being split among threads, and how they are split
    # shows in the last bit of a sum. oneDNN's kernels differ from one CPU to the next.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        logger.warning(
            "TensorFlow was already running in this process, so its threads stay as "
            "they are: forecasts may differ in the last bit from those of a process "
            "of their own"
        )
    return tf


@functools.cache
def _traced(n_layers: int, with_dropout: bool) -> Any:
    """Trace a whole fit; shapes are left open, so it serves every window and spec."""
    tf = tensorflow()
    spec = functools.partial(tf.TensorSpec, dtype=tf.float32)
    layer = [spec([None, None]), spec([None])]
    signature = [
        [*layer * n_layers, spec([None]), spec([])],
        spec([None, None, None]),
        spec([None, None]),
        spec([None, None]),
        tf.TensorSpec([], tf.int32),
        spec([]),
        spec([]),
        spec([]),
        tf.TensorSpec([2], tf.int32),
    ]

    def fit(  # type: ignore[no-untyped-def]
        arrays, inputs, targets, weights, steps, rate, clip_norm, dropout, seed
    ):
        first = [tf.zeros_like(array) for array in arrays]
        second = [tf.zeros_like(array) for array in arrays]
        losses = tf.TensorArray(tf.float32, size=steps)
        for step in tf.range(steps):
            keep = []
            if with_dropout:
                keep = _dropout_masks(arrays, inputs, dropout, seed, step)
            with tf.GradientTape() as tape:
                tape.watch(arrays)
                loss = _loss(arrays, inputs, targets, weights, keep)
            losses = losses.write(step, loss)
            gradient = tape.gradient(loss, arrays)
            gradient, _ = tf.clip_by_global_norm(gradient, clip_norm)
            count = tf.cast(step + 1, tf.float32)
            size = rate * tf.sqrt(1.0 - BETA2**count) / (1.0 - BETA1**count)
            # Whole new lists: a list that is changed in place is no state of the loop,
            # and each step would find the moments as they were before the first.
            first = [
                BETA1 * mean + (1.0 - BETA1) * slope
                for mean, slope in zip(first, gradient, strict=True)
            ]
            second = [
                BETA2 * square + (1.0 - BETA2) * slope**2
                for square, slope in zip(second, gradient, strict=True)
            ]
            arrays = [
                array - size * mean / (tf.sqrt(square) + EPSILON)
                for array, mean, square in zip(arrays, first, second, strict=True)
            ]
        return arrays, losses.stack()

    return tf.function(fit, input_signature=signature)


def _loss(arrays: Any, inputs: Any, targets: Any, weights: Any, keep: Any) -> Any:
    """Weighted mean squared error over all steps of all sequences."""
    tf = tensorflow()
    *layers, head, offset = arrays
    outputs = inputs
    for number in range(len(layers) // 2):
        outputs = _fused_lstm(outputs, layers[2 * number], layers[2 * number + 1])
        if keep:
            outputs *= keep[number]
    forecast = tf.linalg.matvec(outputs, head) + offset
    error = weights * tf.square(forecast - targets)
    return tf.reduce_sum(error) / tf.reduce_sum(weights)


def _fused_lstm(inputs: Any, kernel: Any, bias: Any) -> Any:
    """Run one LSTM layer over whole sequences, from a zero state.

    BlockLSTM and not BlockLSTMV2: the gradient that TensorFlow registers for V2 takes
    the gates in V1's order and is silently wrong. A test compares value and gradient
    with ``keras.layers.LSTM``.
    """
    tf = tensorflow()
    units = tf.shape(bias)[0] // 4
    state = tf.zeros([tf.shape(inputs)[1], units])
    unused = tf.zeros([units])
    return tf.raw_ops.BlockLSTM(
        seq_len_max=tf.cast(tf.shape(inputs)[0], tf.int64),
        x=inputs,
        cs_prev=state,
        h_prev=state,
        w=kernel,
        wci=unused,
        wcf=unused,
        wco=unused,
        b=bias,
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=False,
    ).h


def _dropout_masks(
    arrays: Any, inputs: Any, dropout: Any, seed: Any, step: Any
) -> list[Any]:
    """One mask a layer: 0 or 1 / (1 - dropout), the same at all steps of a sequence."""
    tf = tensorflow()
    masks = []
    for number in range((len(arrays) - 2) // 2):
        shape = [1, tf.shape(inputs)[1], tf.shape(arrays[2 * number + 1])[0] // 4]
        place = seed + tf.stack([step * 64 + number, 0])
        chance = tf.random.stateless_uniform(shape, seed=place)
        masks.append(tf.cast(chance >= dropout, tf.float32) / (1.0 - dropout))
    return masks


def _fused(network: Network) -> list[Array]:
    """Lay weights out for BlockLSTM: inputs over state, gates in the order i g f o."""
    arrays: list[Array] = []
    for layer in network.layers:
        arrays.append(_swap(np.concatenate([layer.kernel, layer.recurrent])))
        arrays.append(_swap(layer.bias))
    return [*arrays, network.head, network.offset]


def _unfused(arrays: list[Array]) -> Network:
    *flat, head, offset = arrays
    layers = []
    for kernel, bias in zip(flat[::2], flat[1::2], strict=True):
        inputs = len(kernel) - len(bias) // 4
        joint = _swap(kernel)
        layers.append(Layer(joint[:inputs], joint[inputs:], _swap(bias)))
    return Network(tuple(layers), head, offset)


def _swap(array: Array) -> Array:
    """Swap the two gates in the middle: i f g o <-> i g f o."""
    i, second, third, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, third, second, o], axis=-1)
