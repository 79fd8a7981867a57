"""Training a recurrent network; the only file that imports TensorFlow, and lazily.

What is trained is in `optimisation`, and the cells' layers are in `layers`.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import TrainingError
from bt_lstm_rotation.forecasting.recurrent.forward import Cell
from bt_lstm_rotation.forecasting.recurrent.layers import LAYERS, keras_layer
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.optimisation import (
    Course,
    Optimiser,
    Sequences,
    fit_function,
    signature,
    squared_error,
    weighted_mean,
)
from bt_lstm_rotation.machine import (
    ONEDNN,
    onednn_is_on,
    room_of_the_shell,
    what_is_lacking,
)
from bt_lstm_rotation.wording import in_words

__all__ = [
    "Course",
    "Optimiser",
    "Sequences",
    "loss_and_gradient",
    "prepare",
    "train",
    "train_watched",
]

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

_TRACING = threading.Lock()

# Bytes of address space, as measured: with less, it ends the process where it likes.
LEAST_ROOM: Final = 2_500_000_000
# Which Keras `tf.keras` is to be: read at the import, and again when it is first used.
LEGACY_KERAS: Final = "TF_USE_LEGACY_KERAS"


def train(
    network: Network,
    data: Sequences,
    optimiser: Optimiser,
    seed: tuple[int, int],
    *,
    layers: Literal["fused", "keras"] | None = None,
) -> tuple[Network, NDArray[np.float64]]:
    """Train as `train_watched` does; return the losses alone of how it went."""
    trained, course = train_watched(network, data, optimiser, seed, layers=layers)
    return trained, course.losses


def train_watched(
    network: Network,
    data: Sequences,
    optimiser: Optimiser,
    seed: tuple[int, int],
    *,
    layers: Literal["fused", "keras"] | None = None,
) -> tuple[Network, Course]:
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
    layers : {"fused", "keras"}, optional
        Ours, the fastest on a CPU, or Keras' own, which cuDNN runs on a GPU; by default
        whichever suits the machine. They agree to rounding.

    Returns
    -------
    Network
    Course
        If a loss is not finite, the network is worthless.
    """
    tf = tensorflow()
    stops = optimiser.patience is not None
    by_keras = _has_gpu() if layers is None else layers == "keras"
    if by_keras:
        fit = _traced_for_keras(network.cell, _shapes(network), optimiser.kind)
    else:
        fit = prepare(network.cell, len(network.layers), optimiser)
    arrays, curves = fit(
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
    losses, missed, norms = (curve.numpy().astype(np.float64) for curve in curves)
    held_out = missed[:0]
    if stops and data.held_out is not None:
        held_out = missed / data.held_out.sum(dtype=np.float64)
    return trained, Course(losses, held_out, norms)


def prepare(cell: Cell, n_layers: int, optimiser: Optimiser) -> Any:
    """Import TensorFlow and trace the function that fits, once for all windows."""
    with _TRACING:  # two threads that come at once must not trace twice
        return _traced(cell, n_layers, *optimiser.kind)


def loss_and_gradient(network: Network, data: Sequences) -> tuple[float, Network]:
    """Return the loss and its gradient, the latter in the shape of a network.

    For comparing our own `layers` with Keras'.
    """
    tf = tensorflow()
    cell, arrays = network.cell, [tf.constant(a) for a in network.keras_weights()]
    with tf.GradientTape() as tape:
        tape.watch(arrays)
        layers = [LAYERS[cell]] * len(network.layers)
        error = squared_error(tf, layers, arrays, data.inputs, data.targets, [])
        loss = weighted_mean(tf, error, data.weights)
    gradient = [part.numpy() for part in tape.gradient(loss, arrays)]
    return float(loss), Network.from_keras(gradient, cell)


def tensorflow() -> Any:
    """Return TensorFlow, quiet and set up for many small networks.

    Raises
    ------
    TrainingError
        If this process was forked from one that had imported it, or it cannot be
        imported.
    """
    tf, process = _imported()
    if process != os.getpid():
        # Its threads did not come along, and the first operation would wait for them.
        raise TrainingError(
            "no network can be trained in a process forked from one that has used "
            "TensorFlow (as optstrategy does with maxcpus above 1); use maxcpus=1, or "
            "call multiprocessing.set_start_method('spawn') before, or train in a "
            "fresh script"
        )
    return tf


@functools.cache
def _imported() -> tuple[Any, int]:
    """Import TensorFlow; return it, and the process that did."""
    # Small matrices gain nothing from being split among threads, and how they are split
    # shows in the last bit of a sum. oneDNN's kernels differ from one CPU to the next.
    room = room_of_the_shell()
    if room is not None and room < LEAST_ROOM:
        raise TrainingError(
            f"TensorFlow, which trains networks, needs {LEAST_ROOM / 1e9:.1f} GB of "
            f"address space, and the shell leaves {room / 1e9:.1f} GB (ulimit -v)"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "tensorflow" not in sys.modules:
        os.environ.setdefault(ONEDNN, "0")
    if onednn_is_on():
        logger.warning(
            "TensorFlow computes with oneDNN, whose kernels differ from one processor "
            "to the next: what is trained may differ by a few thousandths of its "
            "spread; set %s=0 before TensorFlow is imported",
            ONEDNN,
        )
    try:
        with _native_chatter(), _keras_when_asked_for():
            import tensorflow as tf

            # Looks for a GPU, which without one is as talkative as the import.
            tf.config.list_physical_devices()
    except (ImportError, MemoryError) as error:
        raise TrainingError(
            "TensorFlow, which trains networks, cannot be imported: "
            f"{what_is_lacking(error) or in_words(error)}"
        ) from error
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        logger.warning(
            "TensorFlow was already running in this process, so its threads stay as "
            "they are: forecasts may differ in the last bit from those of a process "
            "of their own"
        )
    return tf, os.getpid()


@contextmanager
def _keras_when_asked_for() -> Iterator[None]:
    """Have TensorFlow import Keras at its first use, and not at once.

    Keras takes half of the time of the import and a quarter of its memory, as it
    imports scikit-learn, Matplotlib and IPython where they are there; fitting needs
    none of them. TensorFlow passes over a Keras 2 that is not installed.
    """
    if LEGACY_KERAS in os.environ or importlib.util.find_spec("tf_keras") is not None:
        yield
        return
    os.environ[LEGACY_KERAS] = "1"
    try:
        yield
    finally:
        del os.environ[LEGACY_KERAS]


@contextmanager
def _native_chatter() -> Iterator[None]:
    """Take what native code writes to standard error into the log.

    TensorFlow writes about missing drivers before it has read its own settings.
    """
    try:
        kept = os.dup(2)
    except OSError:  # no standard error, as in a window of its own on Windows
        yield
        return
    with ExitStack() as opened:
        try:
            chatter: IO[bytes] = opened.enter_context(tempfile.TemporaryFile())
        except OSError:  # it is worth no temporary file where none can be
            chatter = opened.enter_context(open(os.devnull, "w+b"))
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
    fit = fit_function(tf, [LAYERS[cell]] * n_layers, with_dropout, stops)
    traced = tf.function(fit, input_signature=signature(tf, cell, n_layers))
    traced.get_concrete_function()
    return traced


@functools.cache
def _traced_for_keras(
    cell: Cell, shapes: tuple[tuple[int, int], ...], kind: tuple[bool, bool]
) -> Any:
    """Make a fit of Keras' layers, which have to know their shapes."""
    tf = tensorflow()
    layers = [keras_layer(tf, cell, inputs, units) for inputs, units in shapes]
    return tf.function(fit_function(tf, layers, *kind))


def _shapes(network: Network) -> tuple[tuple[int, int], ...]:
    return tuple((len(layer.kernel), len(layer.recurrent)) for layer in network.layers)


def _has_gpu() -> bool:
    return bool(tensorflow().config.list_physical_devices("GPU"))
