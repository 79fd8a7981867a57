r"""A recurrent network as arrays: seeded weights and the forward pass.

Running a trained network takes NumPy and nothing else, so that a stored one is served
without TensorFlow. The LSTM is that of Hochreiter and Schmidhuber with the forget gate
of Gers et al. and no peepholes, as in Keras:

.. math::

    i_t &= \sigma(x_t W_i + h_{t-1} U_i + b_i) \\
    f_t &= \sigma(x_t W_f + h_{t-1} U_f + b_f) \\
    g_t &= \tanh (x_t W_g + h_{t-1} U_g + b_g) \\
    o_t &= \sigma(x_t W_o + h_{t-1} U_o + b_o) \\
    c_t &= f_t c_{t-1} + i_t g_t, \qquad h_t = o_t \tanh(c_t)

and the forecast is linear in the last :math:`h_t`. Weights are kept in Keras' layout,
gates in the order i f g o, and convert both ways (`keras_weights`, `from_keras`).

References
----------
S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8),
1997. F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual
prediction with LSTM", Neural Computation 12(10), 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layer", "Network"]

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Layer:
    """One recurrent layer, gates in the order i f g o.

    Parameters
    ----------
    kernel : (n_inputs, 4 * units) float32
    recurrent : (units, 4 * units) float32
    bias : (4 * units,) float32
    """

    kernel: Array
    recurrent: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Network:
    """Stacked recurrent layers and a linear head with one output.

    Parameters
    ----------
    layers : tuple of Layer
    head : (units,) float32
    offset : () float32
    """

    layers: tuple[Layer, ...]
    head: Array
    offset: Array

    @classmethod
    def seeded(
        cls, rng: np.random.Generator, n_features: int, units: int, layers: int
    ) -> Network:
        """Draw initial weights as Keras does, but for the head.

        Glorot-uniform kernels, orthogonal recurrent kernels, zero biases but for the
        forget gate's, which is 1 (R. Jozefowicz et al., ICML 2015). The head is zero:
        training begins at the forecast of somebody who knows nothing, and what it does
        not move stays there, where a random head would leave its noise.
        """
        stack = []
        for number in range(layers):
            bias = np.zeros(4 * units, dtype=np.float32)
            bias[units : 2 * units] = 1.0
            inputs = units if number else n_features
            kernel = _glorot(rng, inputs, 4 * units)
            stack.append(Layer(kernel, _orthogonal(rng, units, 4 * units), bias))
        head = np.zeros(units, dtype=np.float32)
        return cls(tuple(stack), head, np.zeros((), dtype=np.float32))

    @classmethod
    def from_keras(cls, weights: Sequence[Array]) -> Network:
        """Take the weights of ``keras.Sequential([LSTM(...), ..., Dense(1)])``."""
        *recurrent, head, offset = (np.asarray(part, np.float32) for part in weights)
        triples = zip(*[iter(recurrent)] * 3, strict=True)
        return cls(tuple(Layer(*triple) for triple in triples), head[:, 0], offset[0])

    def keras_weights(self) -> list[Array]:
        """Return what ``set_weights`` of the same Keras model takes."""
        arrays = [
            part
            for layer in self.layers
            for part in (layer.kernel, layer.recurrent, layer.bias)
        ]
        return [*arrays, self.head[:, None], self.offset[None]]

    def run(self, inputs: Array) -> Array:
        """Run over sequences from a zero state; return the last step's output.

        Parameters
        ----------
        inputs : (..., n_sequences, n_steps, n_features) float32

        Returns
        -------
        (..., n_sequences) float32
            Entries of the leading axes do not depend on each other to the last bit:
            NumPy multiplies stacked matrices one by one.
        """
        outputs = inputs
        for layer in self.layers:
            outputs = _run_layer(layer, outputs)
        # einsum without optimisation is a plain loop: no BLAS call of another shape.
        last = np.einsum("...u,u->...", outputs[..., -1, :], self.head)
        result: Array = last + self.offset
        return result


def _run_layer(layer: Layer, inputs: Array) -> Array:
    units = len(layer.recurrent)
    # sigmoid(x) = (1 + tanh(x / 2)) / 2: halved weights make one tanh do for all gates.
    half = np.full(4 * units, 0.5, dtype=np.float32)
    half[2 * units : 3 * units] = 1.0
    recurrent = layer.recurrent * half
    driven = (inputs @ layer.kernel + layer.bias) * half
    state = np.zeros((*inputs.shape[:-2], units), dtype=np.float32)
    hidden = np.zeros_like(state)
    outputs = np.empty((*inputs.shape[:-1], units), dtype=np.float32)
    for step in range(inputs.shape[-2]):
        gates = np.tanh(driven[..., step, :] + hidden @ recurrent)
        write, keep, candidate, show = np.split(gates, 4, axis=-1)
        state = 0.5 * ((1 + keep) * state + (1 + write) * candidate)
        hidden = 0.5 * (1 + show) * np.tanh(state)
        outputs[..., step, :] = hidden
    return outputs


def _glorot(rng: np.random.Generator, rows: int, columns: int) -> Array:
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def _orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    square, upper = np.linalg.qr(rng.normal(size=(columns, rows)))
    return (square * np.sign(np.diag(upper))).T.astype(np.float32)
