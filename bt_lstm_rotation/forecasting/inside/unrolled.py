r"""A network step by step: every gate and state of every bar, in double precision.

`forward` runs a network as fast as it can, and keeps nothing. Here each equation is a
line of its own, and what it gives is kept:

.. math::

    i_t &= \sigma(x_t W_i + h_{t-1} U_i + b_i) \\
    f_t &= \sigma(x_t W_f + h_{t-1} U_f + b_f) \\
    o_t &= \sigma(x_t W_o + h_{t-1} U_o + b_o) \\
    g_t &= \tanh (x_t W_g + h_{t-1} U_g + b_g) \\
    c_t &= f_t c_{t-1} + i_t g_t, \qquad h_t = o_t \tanh(c_t)

References
----------
S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8),
1997. F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual
prediction with LSTM", Neural Computation 12(10), 2000.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.recurrent.forward import (
    Cell,
    Layer,
    by_gate,
    last_state_of_open,
)
from bt_lstm_rotation.forecasting.recurrent.network import Network

__all__ = ["LSTM_LINES", "Unrolled", "last_step", "unroll"]

Array = NDArray[np.float64]
Step = Mapping[str, Array]
Parts = list[tuple[Array, Array, Array]]

# What an LSTM has at each step, besides its candidate.
LSTM_LINES: Final = ("cell", "hidden", "input_gate", "forget_gate", "output_gate")


@dataclass(frozen=True, eq=False)
class Unrolled:
    """One layer at all steps of some sequences.

    Parameters
    ----------
    inputs : (..., n_steps, n_inputs) float64
        What the layer read.
    values : mapping of str to (..., n_steps, units) float64
        ``hidden``, and of an LSTM ``cell``, ``input_gate``, ``forget_gate``,
        ``output_gate`` and ``candidate``; of a GRU ``update_gate``, ``reset_gate``,
        ``candidate`` and ``inner`` (what the reset gate multiplies).
    """

    inputs: Array
    values: Mapping[str, Array]

    @property
    def hidden(self) -> Array:
        """What the layer above, or the head, reads: (..., n_steps, units)."""
        return self.values["hidden"]


def unroll(network: Network, inputs: NDArray[np.floating]) -> tuple[Unrolled, ...]:
    """Run over sequences from a zero state; keep all of it, layer by layer.

    Parameters
    ----------
    inputs : (..., n_steps, n_features)
        Scaled features.
    """
    seen, layers = np.asarray(inputs, np.float64), []
    for layer in network.layers:
        steps = list(_steps(layer, network.cell, seen))
        values = {
            name: np.stack([step[name] for step in steps], axis=-2) for name in steps[0]
        }
        layers.append(Unrolled(seen, values))
        seen = values["hidden"]
    return tuple(layers)


def last_step(network: Network, inputs: NDArray[np.floating]) -> Step:
    """Run as `unroll` does; return what the last layer has at the last step.

    Each of the values is (..., units). Entries of all leading axes but the last do not
    depend on each other, to the last bit. An LSTM whose gates do not look at its state
    is run as it forecasts, in single precision and at once: that is much faster.
    """
    *below, last = network.layers
    if network.cell == "lstm" and not below:
        single = np.asarray(inputs, np.float32)
        found = last_state_of_open(last, network.cell, single)
        if found is not None:
            return _at_cell(last, single[..., -1, :], found[0])
    seen = np.asarray(inputs, np.float64)
    for layer in below:
        hidden = [step["hidden"] for step in _steps(layer, network.cell, seen)]
        seen = np.stack(hidden, axis=-2)
    now: Step = {}
    for step in _steps(last, network.cell, seen):
        now = step
    return now


def _at_cell(layer: Layer, x: NDArray[np.float32], cell: NDArray[np.float32]) -> Step:
    """Return a step of an LSTM whose state is known, and whose gates read `x` alone."""
    state = cell.astype(np.float64)
    nothing = {"hidden": np.zeros_like(state), "cell": np.zeros_like(state)}
    step = _lstm(_parts(layer, "lstm"), x.astype(np.float64), nothing)
    return {**step, "cell": state, "hidden": step["output_gate"] * np.tanh(state)}


def _parts(layer: Layer, cell: Cell) -> Parts:
    return [
        tuple(np.asarray(array, np.float64) for array in part)  # type: ignore[misc]
        for part in by_gate(layer, cell)
    ]


def _steps(layer: Layer, cell: Cell, inputs: Array) -> Iterator[Step]:
    parts = _parts(layer, cell)
    zero = np.zeros((*inputs.shape[:-2], len(layer.recurrent)))
    now: Step = {"hidden": zero, "cell": zero}
    for step in range(inputs.shape[-2]):
        now = STEP[cell](parts, inputs[..., step, :], now)
        yield now


def _lstm(parts: Parts, x: Array, before: Step) -> Step:
    h, c = before["hidden"], before["cell"]
    (w_i, u_i, b_i), (w_f, u_f, b_f), (w_o, u_o, b_o), (w_g, u_g, b_g) = parts
    i = sigmoid(x @ w_i + h @ u_i + b_i)
    f = sigmoid(x @ w_f + h @ u_f + b_f)
    o = sigmoid(x @ w_o + h @ u_o + b_o)
    g = np.tanh(x @ w_g + h @ u_g + b_g)
    c = f * c + i * g
    h = o * np.tanh(c)
    return {
        "cell": c,
        "hidden": h,
        "input_gate": i,
        "forget_gate": f,
        "output_gate": o,
        "candidate": g,
    }


def _gru(parts: Parts, x: Array, before: Step) -> Step:
    h = before["hidden"]
    (w_z, u_z, b_z), (w_r, u_r, b_r), (w_g, u_g, b_g) = parts
    z = sigmoid(x @ w_z + b_z[0] + h @ u_z + b_z[1])
    r = sigmoid(x @ w_r + b_r[0] + h @ u_r + b_r[1])
    q = h @ u_g + b_g[1]
    g = np.tanh(x @ w_g + b_g[0] + r * q)
    h = z * h + (1 - z) * g
    return {"hidden": h, "update_gate": z, "reset_gate": r, "candidate": g, "inner": q}


def _rnn(parts: Parts, x: Array, before: Step) -> Step:
    ((w, u, b),) = parts
    return {"hidden": np.tanh(x @ w + before["hidden"] @ u + b)}


STEP = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}


def sigmoid(values: Array) -> Array:
    """Return the logistic function, which overflows nowhere in this form."""
    opened: Array = 0.5 + 0.5 * np.tanh(0.5 * values)
    return opened
