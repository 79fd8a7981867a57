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

The GRU is that of Cho et al., with the reset gate after the matrix product, as cuDNN
has it and Keras by default. It has two biases, `b` and `d`, one on either side:

.. math::

    z_t &= \sigma(x_t W_z + b_z + h_{t-1} U_z + d_z) \\
    r_t &= \sigma(x_t W_r + b_r + h_{t-1} U_r + d_r) \\
    q_t &= h_{t-1} U_g + d_g, \qquad g_t = \tanh(x_t W_g + b_g + r_t q_t) \\
    h_t &= z_t h_{t-1} + (1 - z_t) g_t

The vanilla RNN is Elman's, :math:`h_t = \tanh(x_t W + h_{t-1} U + b)`. The forecast is
linear in the last :math:`h_t`. Weights are kept in Keras' layout, gates in the orders
i f g o and z r g, and convert both ways (`keras_weights`, `from_keras`).

References
----------
S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8),
1997. F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual
prediction with LSTM", Neural Computation 12(10), 2000. K. Cho et al., "Learning phrase
representations using RNN encoder-decoder for statistical machine translation", EMNLP
2014. J. L. Elman, "Finding structure in time", Cognitive Science 14(2), 1990.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.recurrent.forward import (
    GATES,
    RUN,
    Cell,
    Layer,
    by_gate,
    last_of_open,
)

__all__ = ["Cell", "Layer", "Network", "weight_shapes"]

Array = NDArray[np.float32]

# What Keras calls the layer.
KERAS: dict[Cell, str] = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}

# Sequences multiplied together. With many more, the states of all steps would not fit
# into a processor's cache, and BLAS would split the product among threads.
ROWS = 32


@dataclass(frozen=True, eq=False)
class Network:
    """Stacked recurrent layers, and a linear head with one output.

    Parameters
    ----------
    layers : tuple of Layer
    head : (units,) float32
    offset : () float32
    cell : {"lstm", "gru", "rnn"}
    """

    layers: tuple[Layer, ...]
    head: Array
    offset: Array
    cell: Cell = "lstm"

    @classmethod
    def seeded(
        cls,
        rng: np.random.Generator,
        n_features: int,
        units: int,
        layers: int,
        cell: Cell = "lstm",
    ) -> Network:
        """Draw initial weights as Keras does, but for the head.

        Glorot-uniform kernels, orthogonal recurrent kernels, zero biases but for an
        LSTM's forget gate's, which is 1 (R. Jozefowicz et al., ICML 2015). The head is
        zero: what training does not move forecasts nothing, where a random head would
        leave its noise.
        """
        width = GATES[cell] * units
        stack = []
        for number in range(layers):
            bias = np.zeros((2, width) if cell == "gru" else width, dtype=np.float32)
            if cell == "lstm":
                bias[units : 2 * units] = 1.0
            inputs = units if number else n_features
            kernel = _glorot(rng, inputs, width)
            stack.append(Layer(kernel, _orthogonal(rng, units, width), bias))
        head = np.zeros(units, dtype=np.float32)
        return cls(tuple(stack), head, np.zeros((), dtype=np.float32), cell)

    @classmethod
    def from_keras(cls, weights: Sequence[Array], cell: Cell = "lstm") -> Network:
        """Take the weights of ``keras.Sequential([LSTM(...), ..., Dense(1)])``.

        Parameters
        ----------
        weights : sequence of arrays
            What ``get_weights`` returns.
        cell : {"lstm", "gru", "rnn"}
            ``LSTM``, ``GRU`` with ``reset_after=True``, or ``SimpleRNN``, with Keras'
            default activations.

        Raises
        ------
        SpecError
            If the cell is unknown, or the shapes are not those of such a model.
        """
        if cell not in (cells := get_args(Cell)):
            valid = "one of " + ", ".join(repr(known) for known in cells)
            raise SpecError("Network", "cell", cell, valid)
        arrays = [np.asarray(part, np.float32) for part in weights]
        _check_shapes([part.shape for part in arrays], cell)
        *recurrent, head, offset = arrays
        triples = zip(*[iter(recurrent)] * 3, strict=True)
        layers = tuple(Layer(*triple) for triple in triples)
        return cls(layers, head[:, 0], offset[0], cell)

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
        return self._forecast(self.last_states(inputs))

    def last_states(self, inputs: Array) -> Array:
        """Run as `run` does; return what the head reads at the last step.

        Returns
        -------
        (..., n_sequences, units) float32
        """
        if len(self.layers) == 1:
            last = last_of_open(self.layers[0], self.cell, inputs)
            if last is not None:
                return last
        groups = np.array_split(inputs, -(-inputs.shape[-3] // ROWS) or 1, axis=-3)
        parts = [self.states(group)[..., -1, :] for group in groups]
        return np.concatenate(parts, axis=-2)

    def states(self, inputs: Array) -> Array:
        """Run as `run` does; return what the head reads at every step.

        Returns
        -------
        (..., n_sequences, n_steps, units) float32
        """
        outputs = inputs
        for layer in self.layers:
            outputs = RUN[self.cell](layer, outputs)
        return outputs

    def is_odd(self, signs: NDArray[np.float64]) -> bool:
        """Whether the states change their sign, and no more, with some features.

        `signs`, (n_features,), are -1 for these. What is written has to be odd in them,
        and no gate may look at them.
        """
        odd = np.asarray(signs) < 0
        for layer in self.layers:
            *gates, (kernel, _, bias) = by_gate(layer, self.cell)
            seen = any(part[odd].any() or across.any() for part, across, _ in gates)
            if seen or kernel[~odd].any() or bias.any():
                return False
            odd = np.ones(len(layer.recurrent), dtype=bool)
        return True

    def _forecast(self, last: Array) -> Array:
        # einsum without optimisation is a plain loop: no BLAS call of another shape.
        result: Array = np.einsum("...u,u->...", last, self.head) + self.offset
        return result


def weight_shapes(
    cell: Cell, n_features: int, units: Sequence[int]
) -> list[tuple[int, ...]]:
    """Shapes of `Network.keras_weights`, for layers of so many units."""
    shapes: list[tuple[int, ...]] = []
    rows = n_features
    for width in units:
        gates = GATES[cell] * width
        bias = (2, gates) if cell == "gru" else (gates,)
        shapes += [(rows, gates), (width, gates), bias]
        rows = width
    return [*shapes, (rows, 1), (1,)]


def _check_shapes(shapes: list[tuple[int, ...]], cell: Cell) -> None:
    inputs = shapes[0][0] if shapes and shapes[0] else 0
    units = [recurrent[0] if recurrent else 0 for recurrent in shapes[1:-2:3]]
    expected = weight_shapes(cell, inputs, units)
    if shapes != expected or len(shapes) < 5:
        model = f"keras.Sequential([{KERAS[cell]}(units), ..., Dense(1)])"
        raise SpecError("Network", "weights", shapes, f"in shape those of {model}")


def _glorot(rng: np.random.Generator, rows: int, columns: int) -> Array:
    limit = np.sqrt(6.0 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def _orthogonal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    square, upper = np.linalg.qr(rng.normal(size=(columns, rows)))
    return (square * np.sign(np.diag(upper))).T.astype(np.float32)
