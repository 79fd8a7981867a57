r"""Back-propagation through time: what the last state owes to each bar before it.

With :math:`\delta_t` the gradient of a number made of the last hidden state with
respect to :math:`h_t`, and :math:`\epsilon_t` that to :math:`c_t`, an LSTM has

.. math::

    \epsilon_t &= \epsilon_{t+1} f_{t+1} + \delta_t o_t (1 - \tanh^2 c_t) \\
    \partial a_i &= \epsilon_t g_t i_t (1 - i_t), \quad
    \partial a_f = \epsilon_t c_{t-1} f_t (1 - f_t), \\
    \partial a_g &= \epsilon_t i_t (1 - g_t^2), \quad
    \partial a_o = \delta_t \tanh(c_t) o_t (1 - o_t) \\
    \delta_{t-1} &\mathrel{+}= [\partial a_i, \partial a_f, \partial a_g, \partial a_o]
    \, U^\top, \qquad
    \partial x_t = [\partial a_i, \partial a_f, \partial a_g, \partial a_o] \, W^\top

where *a* is what a gate takes in. The first line is the constant error carousel of
Hochreiter and Schmidhuber: along it a gradient is multiplied by the forget gate, and
by no matrix. A vanilla RNN multiplies by :math:`(1 - h_t^2) U^\top` at every step.

The weights are the same at all steps: their gradient is the sum over these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.inside.unrolled import Unrolled
from bt_lstm_rotation.forecasting.recurrent.forward import Cell, Layer, by_gate
from bt_lstm_rotation.forecasting.recurrent.network import Network

__all__ = ["Gradient", "WeightGradient", "back_propagate"]

Array = NDArray[np.float64]
Slopes = dict[str, Array]


@dataclass(frozen=True, eq=False)
class WeightGradient:
    """Gradient with respect to one layer's weights, in the layout of `Layer`.

    Parameters
    ----------
    kernel, recurrent, bias : float64
        Summed over steps and sequences.
    """

    kernel: Array
    recurrent: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Gradient:
    """Gradient of a number made of the last hidden state.

    Parameters
    ----------
    inputs : (..., n_steps, n_features) float64
        With respect to what the network reads.
    hidden : tuple of (..., n_steps, units) float64
        With respect to each layer's hidden state, by all ways in which it counts.
    weights : tuple of WeightGradient
        Of each layer.
    """

    inputs: Array
    hidden: tuple[Array, ...]
    weights: tuple[WeightGradient, ...]


def back_propagate(
    network: Network, layers: Sequence[Unrolled], upstream: Array
) -> Gradient:
    """Go back from the last step to the first.

    Parameters
    ----------
    network : Network
    layers : sequence of Unrolled
        What `unroll` gave.
    upstream : (..., units) float64
        Gradient with respect to the last layer's last hidden state; the network's head
        gives that of its output. Leading axes broadcast with those of the sequences.
    """
    shape = np.broadcast_shapes(layers[-1].hidden[..., -1, :].shape, upstream.shape)
    above = np.zeros((*shape[:-1], layers[-1].hidden.shape[-2], shape[-1]))
    above[..., -1, :] = upstream
    hidden, weights = [], []
    for layer, trace in zip(reversed(network.layers), reversed(layers), strict=True):
        above, slopes, of_weights = _through(layer, network.cell, trace, above)
        hidden.append(slopes)
        weights.append(of_weights)
    return Gradient(above, tuple(reversed(hidden)), tuple(reversed(weights)))


def _through(
    layer: Layer, cell: Cell, trace: Unrolled, above: Array
) -> tuple[Array, Array, WeightGradient]:
    parts = by_gate(layer, cell)
    kernel = np.concatenate([part[0] for part in parts], axis=-1).astype(np.float64)
    across = np.concatenate([part[1] for part in parts], axis=-1).astype(np.float64)
    before = {
        name: np.concatenate(
            [np.zeros_like(array[..., :1, :]), array[..., :-1, :]], axis=-2
        )
        for name, array in trace.values.items()
    }
    n_steps, units = above.shape[-2:]
    width = kernel.shape[-1]
    driven = np.empty((*above.shape[:-1], width))
    # In a GRU the state's side of the candidate is scaled by the reset gate.
    inside = driven if cell != "gru" else np.empty_like(driven)
    slopes = np.empty_like(above)
    later = {"hidden": np.zeros((*above.shape[:-2], units)), "cell": np.zeros(units)}
    for step in range(n_steps - 1, -1, -1):
        slope = slopes[..., step, :] = above[..., step, :] + later["hidden"]
        now = {name: array[..., step, :] for name, array in trace.values.items()}
        was = {name: array[..., step, :] for name, array in before.items()}
        outer, inner, later = BACK[cell](slope, later, now, was)
        driven[..., step, :] = outer
        inside[..., step, :] = inner
        later["hidden"] = later["hidden"] + inner @ across.T
    of_weights = _of_weights(cell, trace.inputs, before["hidden"], driven, inside)
    return driven @ kernel.T, slopes, of_weights


def _back_lstm(
    slope: Array, later: Slopes, now: Slopes, was: Slopes
) -> tuple[Array, Array, Slopes]:
    i, f, o = now["input_gate"], now["forget_gate"], now["output_gate"]
    g, bent = now["candidate"], np.tanh(now["cell"])
    carried = later["cell"] + slope * o * (1 - bent**2)
    gates = [
        carried * g * i * (1 - i),
        carried * was["cell"] * f * (1 - f),
        slope * bent * o * (1 - o),
        carried * i * (1 - g**2),
    ]
    joined = np.concatenate(gates, axis=-1)
    return joined, joined, {"hidden": np.zeros_like(slope), "cell": carried * f}


def _back_gru(
    slope: Array, later: Slopes, now: Slopes, was: Slopes
) -> tuple[Array, Array, Slopes]:
    z, r = now["update_gate"], now["reset_gate"]
    g, q = now["candidate"], now["inner"]
    of_z = slope * (was["hidden"] - g) * z * (1 - z)
    of_g = slope * (1 - z) * (1 - g**2)
    of_r = of_g * q * r * (1 - r)
    outer = np.concatenate([of_z, of_r, of_g], axis=-1)
    inner = np.concatenate([of_z, of_r, of_g * r], axis=-1)
    return outer, inner, {"hidden": slope * z, "cell": later["cell"]}


def _back_rnn(
    slope: Array, later: Slopes, now: Slopes, was: Slopes
) -> tuple[Array, Array, Slopes]:
    driven = slope * (1 - now["hidden"] ** 2)
    return driven, driven, {"hidden": np.zeros_like(slope), "cell": later["cell"]}


BACK = {"lstm": _back_lstm, "gru": _back_gru, "rnn": _back_rnn}


def _of_weights(
    cell: Cell, inputs: Array, before: Array, driven: Array, inside: Array
) -> WeightGradient:
    """Sum over steps: each of them used the same weights."""
    outer, inner = _flat(driven), _flat(inside)
    bias = outer.sum(axis=0)
    if cell == "gru":
        bias = np.stack([bias, inner.sum(axis=0)])
    shape = driven.shape[:-1]
    kernel = _flat(np.broadcast_to(inputs, (*shape, inputs.shape[-1]))).T @ outer
    across = _flat(np.broadcast_to(before, (*shape, before.shape[-1]))).T @ inner
    found = (_as_kept(array, cell) for array in (kernel, across, bias))
    return WeightGradient(*found)


def _as_kept(array: Array, cell: Cell) -> Array:
    """Put an LSTM's gates i f o g into the order i f g o of its weights."""
    if cell != "lstm":
        return array
    i, f, o, g = np.split(array, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def _flat(array: Array) -> Array:
    return array.reshape(-1, array.shape[-1])
