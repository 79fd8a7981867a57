"""Training a recurrent network; the only file that imports TensorFlow, and lazily.

A whole fit, all its steps, is one `tf.function` that is traced once and serves every
window of a backtest: weights go in and come out as arguments, so nothing is retraced
and nothing leaks from one fit to the next. There is a target at every step of a
sequence, so that no bar is pushed through the network more than once a step. The layers
are in `bt_lstm_rotation.forecasting.cells`.
"""

from __future__ import annotations

import functools
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.cells import LAYERS
from bt_lstm_rotation.forecasting.network import Cell, Network

__all__ = ["Optimiser", "Sequences", "loss_and_gradient", "prepare", "train"]

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

# Adam's decay rates and epsilon as in the paper (Kingma and Ba, 2015); epsilon stands
# where the end of its section 2 puts it, as in Keras: beside the uncorrected root.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

_TRACING = threading.Lock()


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
    held_out : (n_steps, n_sequences) float32, optional
        The same for the loss that says when to stop; needed for, and only for, that.
    """

    inputs: Array
    targets: Array
    weights: Array
    held_out: Array | None = None


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
    patience : int, optional
        Steps without a lesser held-out loss after which training stops, and the
        weights that had the least are kept. By default all steps are taken.
    """

    steps: int
    learning_rate: float
    clip_norm: float
    dropout: float = 0.0
    patience: int | None = None


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
    (n_steps_taken,) float64
        The loss before each step. If one is not finite, the network is worthless.
    """
    tf = tensorflow()
    stops = optimiser.patience is not None
    fit = prepare(network.cell, len(network.layers), optimiser)
    arrays, losses = fit(
        [tf.constant(array) for array in network.keras_weights()],
        tf.constant(data.inputs),
        tf.constant(data.targets),
        tf.constant(data.weights),
        tf.constant(data.held_out if stops else np.zeros((0, 0), np.float32)),
        tf.constant(optimiser.steps, tf.int32),
        tf.constant(optimiser.learning_rate, tf.float32),
        tf.constant(optimiser.clip_norm, tf.float32),
        tf.constant(optimiser.dropout, tf.float32),
        tf.constant(optimiser.patience or 0, tf.int32),
        tf.constant(seed, tf.int32),
    )
    trained = Network.from_keras([array.numpy() for array in arrays], network.cell)
    return trained, losses.numpy().astype(np.float64)


def prepare(cell: Cell, n_layers: int, optimiser: Optimiser) -> Any:
    """Import TensorFlow and trace the function that fits, unless that has been done.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
    n_layers : int
    optimiser : Optimiser

    Returns
    -------
    tf.function
        One for all windows, shapes and rates.
    """
    with _TRACING:  # two threads that come at once must not trace twice
        drops, stops = optimiser.dropout > 0.0, optimiser.patience is not None
        return _traced(cell, n_layers, drops, stops)


def loss_and_gradient(network: Network, data: Sequences) -> tuple[float, Network]:
    """Return the loss and its gradient, the latter in the shape of a network.

    For comparing the layers of `bt_lstm_rotation.forecasting.cells` with Keras'.
    """
    tf = tensorflow()
    cell, arrays = network.cell, [tf.constant(a) for a in network.keras_weights()]
    with tf.GradientTape() as tape:
        tape.watch(arrays)
        error = _squared_error(cell, arrays, data.inputs, data.targets, keep=[])
        loss = _mean(error, data.weights)
    gradient = [part.numpy() for part in tape.gradient(loss, arrays)]
    return float(loss), Network.from_keras(gradient, cell)


@functools.cache
def tensorflow() -> Any:
    """Import TensorFlow, quiet and set up for many small networks."""
    # Small matrices gain nothing from being split among threads, and how they are split
    # shows in the last bit of a sum. oneDNN's kernels differ from one CPU to the next.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    with _native_chatter():
        import tensorflow as tf

        # Looks for a GPU, which without one is as talkative as the import.
        tf.config.list_physical_devices()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        logger.warning(
            "TensorFlow was already running in this process, so its threads stay as "
            "they are: forecasts may differ in the last bit from those of a process "
            "of their own"
        )
    return tf


@contextmanager
def _native_chatter() -> Iterator[None]:
    """Take what native code writes to standard error into the log.

    Before it has read its own settings, TensorFlow writes several lines about drivers
    that are not there, whatever level it is set to.
    """
    try:
        kept = os.dup(2)
    except OSError:  # no standard error, as in a window of its own on Windows
        yield
        return
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            chatter.seek(0)
            for line in chatter.read().decode(errors="replace").splitlines():
                logger.info("TensorFlow: %s", line)


@functools.cache
def _traced(cell: Cell, n_layers: int, with_dropout: bool, stops: bool) -> Any:
    """Trace a whole fit; shapes are left open, so it serves every window and spec."""
    tf = tensorflow()
    fit = _fit_function(cell, with_dropout, stops)
    traced = tf.function(fit, input_signature=_signature(cell, n_layers))
    traced.get_concrete_function()
    return traced


def _signature(cell: Cell, n_layers: int) -> list[Any]:
    tf = tensorflow()
    spec = functools.partial(tf.TensorSpec, dtype=tf.float32)
    whole = functools.partial(tf.TensorSpec, dtype=tf.int32)
    bias = spec([2, None] if cell == "gru" else [None])
    layer = [spec([None, None]), spec([None, None]), bias]
    return [
        [*layer * n_layers, spec([None, 1]), spec([1])],
        spec([None, None, None]),  # inputs
        *(spec([None, None]) for _ in ("targets", "weights", "held_out")),
        whole([]),  # steps
        *(spec([]) for _ in ("rate", "clip_norm", "dropout")),
        whole([]),  # patience
        whole([2]),  # seed
    ]


def _fit_function(cell: Cell, with_dropout: bool, stops: bool) -> Any:
    tf = tensorflow()

    def fit(  # type: ignore[no-untyped-def]
        arrays,
        inputs,
        targets,
        weights,
        held_out,
        steps,
        rate,
        clip_norm,
        dropout,
        patience,
        seed,
    ):
        first = [tf.zeros_like(array) for array in arrays]
        second = [tf.zeros_like(array) for array in arrays]
        losses = tf.TensorArray(tf.float32, size=steps)
        best, least, waited = arrays, tf.constant(float("inf")), 0
        taken = 0
        for step in tf.range(steps):
            keep = []
            if with_dropout:
                keep = _dropout_masks(arrays, inputs, dropout, seed, step)
            with tf.GradientTape() as tape:
                tape.watch(arrays)
                error = _squared_error(cell, arrays, inputs, targets, keep)
                loss = _mean(error, weights)
            losses = losses.write(step, loss)
            taken = step + 1
            if stops:
                if with_dropout:
                    error = _squared_error(cell, arrays, inputs, targets, [])
                missed = _mean(error, held_out)
                better = missed < least
                best = [
                    tf.where(better, array, kept)
                    for array, kept in zip(arrays, best, strict=True)
                ]
                least = tf.minimum(missed, least)
                waited = tf.where(better, 0, waited + 1)
                if waited >= patience:
                    break
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
        return (best if stops else arrays), losses.stack()[:taken]

    return fit


def _squared_error(
    cell: Cell, arrays: Any, inputs: Any, targets: Any, keep: Any
) -> Any:
    """Squared error at every step of every sequence."""
    tf = tensorflow()
    *layers, head, offset = arrays
    outputs = inputs
    for number in range(len(layers) // 3):
        outputs = LAYERS[cell](tf, outputs, *layers[3 * number : 3 * number + 3])
        if keep:
            outputs *= keep[number]
    forecast = tf.linalg.matvec(outputs, head[:, 0]) + offset
    return tf.square(forecast - targets)


def _mean(error: Any, weights: Any) -> Any:
    tf = tensorflow()
    return tf.reduce_sum(weights * error) / tf.reduce_sum(weights)


def _dropout_masks(
    arrays: Any, inputs: Any, dropout: Any, seed: Any, step: Any
) -> list[Any]:
    """One mask a layer: 0 or 1 / (1 - dropout), the same at all steps of a sequence."""
    tf = tensorflow()
    masks = []
    for number, recurrent in enumerate(arrays[1:-2:3]):
        shape = [1, tf.shape(inputs)[1], tf.shape(recurrent)[0]]
        place = seed + tf.stack([step * 64 + number, 0])
        chance = tf.random.stateless_uniform(shape, seed=place)
        masks.append(tf.cast(chance >= dropout, tf.float32) / (1.0 - dropout))
    return masks
