"""Gradient descent on sequences, as one graph.

A whole fit is one function, traced once for every window of a backtest: weights go in
and come out as arguments, so nothing leaks from one fit to the next. There is a target
at every step of a sequence, so each bar passes the network once a step. TensorFlow is
an argument, so that importing this costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.recurrent.forward import Cell
from bt_lstm_rotation.forecasting.recurrent.layers import LayerFunction

__all__ = [
    "Course",
    "Optimiser",
    "Sequences",
    "fit_function",
    "signature",
    "squared_error",
    "weighted_mean",
]

Array = NDArray[np.float32]

# Adam's decay rates and epsilon as in the paper (Kingma and Ba, 2015); epsilon stands
# where the end of its section 2 puts it, as in Keras: beside the uncorrected root.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

# Sequences in a block. Nine sectors, three years and sequences of 126 make 54.
BLOCK = 256


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
        Gradient steps of Adam, each over all sequences.
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

    @property
    def kind(self) -> tuple[bool, bool]:
        """What the graph has to have in it: dropout, and early stopping."""
        return self.dropout > 0.0, self.patience is not None


@dataclass(frozen=True, eq=False)
class Course:
    """How a training went, step by step.

    Parameters
    ----------
    losses : (n_steps_taken,) float64
        Weighted mean squared error before each step.
    held_out : (n_steps_taken or 0,) float64
        The same of what is held out; empty if nothing is.
    norms : (n_steps_taken,) float64
        Of the gradient, before it was clipped.
    """

    losses: NDArray[np.float64]
    held_out: NDArray[np.float64]
    norms: NDArray[np.float64]


def signature(tf: Any, cell: Cell, n_layers: int) -> list[Any]:
    """Return what `fit_function` takes, with shapes left open."""
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


def fit_function(
    tf: Any, layers: Sequence[LayerFunction], with_dropout: bool, stops: bool
) -> Any:
    """Return a whole fit as a function to be traced, with one of `LAYERS` a layer.

    `with_dropout` and `stops` (early) say what the graph has to have in it.
    """

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
        losses, missing, norms = (
            tf.TensorArray(tf.float32, size=steps) for _ in range(3)
        )
        total = tf.reduce_sum(weights)
        best, least, waited = arrays, tf.constant(float("inf")), 0
        taken = 0
        for step in tf.range(steps):
            keep = []
            if with_dropout:
                keep = _dropout_masks(tf, arrays, inputs, dropout, seed, step)
            # All sequences at once would not fit into a processor's cache: so block by
            # block, whose gradients add up.
            loss, missed = 0.0, 0.0
            gradient = [tf.zeros_like(array) for array in arrays]
            for begin in tf.range(0, tf.shape(inputs)[1], BLOCK):
                block = slice(begin, begin + BLOCK)
                shown, wanted = inputs[:, block], targets[:, block]
                masks = [mask[:, block] for mask in keep]
                with tf.GradientTape() as tape:
                    tape.watch(arrays)
                    error = squared_error(tf, layers, arrays, shown, wanted, masks)
                    part = tf.reduce_sum(weights[:, block] * error) / total
                loss += part
                gradient = [
                    so_far + slope
                    for so_far, slope in zip(
                        gradient, tape.gradient(part, arrays), strict=True
                    )
                ]
                if stops:
                    if with_dropout:
                        error = squared_error(tf, layers, arrays, shown, wanted, [])
                    missed += tf.reduce_sum(held_out[:, block] * error)
            norm = tf.linalg.global_norm(gradient)
            losses = losses.write(step, loss)
            missing = missing.write(step, missed)
            norms = norms.write(step, norm)
            taken = step + 1
            if stops:
                better = missed < least
                best = [
                    tf.where(better, array, kept)
                    for array, kept in zip(arrays, best, strict=True)
                ]
                least = tf.minimum(missed, least)
                waited = tf.where(better, 0, waited + 1)
                if waited >= patience:
                    break
            gradient, _ = tf.clip_by_global_norm(gradient, clip_norm, use_norm=norm)
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
        curves = [curve.stack()[:taken] for curve in (losses, missing, norms)]
        return (best if stops else arrays), curves

    return fit


def squared_error(
    tf: Any,
    layers: Sequence[LayerFunction],
    arrays: Any,
    inputs: Any,
    targets: Any,
    keep: Any,
) -> Any:
    """Squared error at every step of every sequence."""
    *weights, head, offset = arrays
    outputs = inputs
    for number, layer in enumerate(layers):
        outputs = layer(tf, outputs, *weights[3 * number : 3 * number + 3])
        if keep:
            outputs *= keep[number]
    forecast = tf.linalg.matvec(outputs, head[:, 0]) + offset
    return tf.square(forecast - targets)


def weighted_mean(tf: Any, error: Any, weights: Any) -> Any:
    """Weighted mean of the errors."""
    return tf.reduce_sum(weights * error) / tf.reduce_sum(weights)


def _dropout_masks(
    tf: Any, arrays: Any, inputs: Any, dropout: Any, seed: Any, step: Any
) -> list[Any]:
    """One mask a layer: 0 or 1 / (1 - dropout), the same at all steps of a sequence."""
    masks = []
    for number, recurrent in enumerate(arrays[1:-2:3]):
        shape = [1, tf.shape(inputs)[1], tf.shape(recurrent)[0]]
        place = seed + tf.stack([step * 64 + number, 0])
        chance = tf.random.stateless_uniform(shape, seed=place)
        masks.append(tf.cast(chance >= dropout, tf.float32) / (1.0 - dropout))
    return masks
