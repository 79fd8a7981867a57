"""The forward pass of each cell, in NumPy; the equations are in `network`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "GATES",
    "RUN",
    "Cell",
    "Layer",
    "by_gate",
    "last_of_open",
    "last_state_of_open",
]

Array = NDArray[np.float32]
Cell = Literal["lstm", "gru", "rnn"]

# How many matrices lie side by side in a kernel.
GATES: dict[Cell, int] = {"lstm": 4, "gru": 3, "rnn": 1}


@dataclass(frozen=True, eq=False)
class Layer:
    """One recurrent layer, gates side by side in Keras' order.

    Parameters
    ----------
    kernel : (n_inputs, n_gates * units) float32
        An LSTM has 4 gates, a GRU 3 and a vanilla RNN 1.
    recurrent : (units, n_gates * units) float32
    bias : (n_gates * units,) float32
        A GRU's is (2, 3 * units): of the inputs' side and of the state's.
    """

    kernel: Array
    recurrent: Array
    bias: Array


def by_gate(layer: Layer, cell: Cell) -> list[tuple[Array, Array, Array]]:
    """Return each gate's kernel, recurrent and bias, the candidate's last."""
    arrays = layer.kernel, layer.recurrent, layer.bias
    parts = [np.split(array, GATES[cell], axis=-1) for array in arrays]
    gates = list(zip(*parts, strict=True))
    if cell == "lstm":  # i f g o
        gates.append(gates.pop(2))
    return gates


def last_of_open(layer: Layer, cell: Cell, inputs: Array) -> Array | None:
    """Run a layer that does not look at its state; return its last output alone.

    Parameters
    ----------
    inputs : (..., n_sequences, n_steps, n_inputs) float32
        Where the last axis but three moves on by one step from sequence to sequence, as
        from session to session, no step's gates are computed twice.

    Returns
    -------
    (..., n_sequences, units) float32
        To the bit what running all of it gives; None of a layer that looks.
    """
    found = last_state_of_open(layer, cell, inputs)
    return None if found is None else _shown(*found, cell)


def last_state_of_open(
    layer: Layer, cell: Cell, inputs: Array
) -> tuple[Array, Array] | None:
    """Run as `last_of_open` does; return the last state, and how much of it is shown.

    Both are (..., n_sequences, units): an LSTM's cell and its output gate.
    """
    if cell not in OPEN or not is_open(layer, cell):
        return None
    n_steps, windows = inputs.shape[-2], _windows_of_one(inputs)
    seen = inputs if windows is None else windows
    count = seen.shape[-2] - n_steps + 1
    gain, keep, show = OPEN[cell](layer, seen)
    keep, show = (np.broadcast_to(gate, gain.shape) for gate in (keep, show))
    state = gain[..., :count, :].copy()
    for step in range(1, n_steps):
        at = slice(step, step + count)
        state *= keep[..., at, :]
        state += gain[..., at, :]
    ends = state, show[..., n_steps - 1 :, :]
    if windows is None:
        return ends[0][..., 0, :], ends[1][..., 0, :]
    first, second = (np.ascontiguousarray(np.moveaxis(end, -2, 0)) for end in ends)
    return first, second


def is_open(layer: Layer, cell: Cell) -> bool:
    """Whether gates do not look at the state, and so are known from inputs alone."""
    inner = layer.bias[1:] if cell == "gru" else layer.bias[:0]
    return not (layer.recurrent.any() or inner.any())


def _windows_of_one(inputs: Array) -> Array | None:
    """Join (n_windows, n_sequences, n_steps, n_inputs) that move on by one step each.

    None if they do not: (n_sequences, n_windows + n_steps - 1, n_inputs) if they do.
    """
    if inputs.ndim != 4 or len(inputs) < 2:
        return None
    if not np.array_equal(inputs[1:, :, :-1], inputs[:-1, :, 1:]):
        return None
    later = np.moveaxis(inputs[1:, :, -1], 0, 1)
    return np.concatenate([inputs[0], later], axis=1)


def _run_open(layer: Layer, inputs: Array, cell: Cell) -> Array:
    """Run a layer that does not look at its state: all at once, but for the sum."""
    outputs, keep, show = OPEN[cell](layer, inputs)
    bars = np.moveaxis(outputs, -2, 0)
    kept = np.moveaxis(np.broadcast_to(keep, outputs.shape), -2, 0)
    carried = np.empty_like(bars[0])
    for before, now, share in zip(bars[:-1], bars[1:], kept[1:], strict=True):
        now += np.multiply(share, before, out=carried)
    return _shown(outputs, show, cell)


def _open_lstm(layer: Layer, inputs: Array) -> tuple[Array, Array, Array]:
    """Return what each step adds, the share of the state that it keeps and shows."""
    *gates, (kernel, _, bias) = by_gate(layer, "lstm")
    write, keep, show = (_sigmoid(_seen(inputs, part, b)) for part, _, b in gates)
    return write * np.tanh(_seen(inputs, kernel, bias)), keep, show


def _open_gru(layer: Layer, inputs: Array) -> tuple[Array, Array, Array]:
    (gate, _, bias), _, (kernel, _, shift) = by_gate(layer, "gru")
    keep = _sigmoid(_seen(inputs, gate, bias[0]))
    added = (1 - keep) * np.tanh(_seen(inputs, kernel, shift[0]))
    return added, keep, np.ones_like(shift[0])


def _shown(states: Array, show: Array, cell: Cell) -> Array:
    return np.asarray(show * np.tanh(states)) if cell == "lstm" else states


OPEN = {"lstm": _open_lstm, "gru": _open_gru}


def _seen(inputs: Array, kernel: Array, bias: Array) -> Array:
    """Return what a gate takes in at every step, or at any where it sees nothing."""
    rows = np.flatnonzero(kernel.any(axis=1)).tolist()
    if not rows:
        return bias
    # Steps along the last axis and arrays that are used again: a third of the time.
    columns = np.ascontiguousarray(inputs.reshape(-1, len(kernel)).T)
    kind = np.result_type(inputs, kernel, bias)
    total = np.empty((kernel.shape[1], columns.shape[1]), dtype=kind)
    added = np.empty_like(total)
    total[:] = bias[:, None]
    for row in rows:
        # Feature by feature: a product of matrices may round otherwise, by shape.
        np.multiply(kernel[row][:, None], columns[row], out=added)
        np.add(total, added, out=total)
    return np.ascontiguousarray(total.T).reshape(*inputs.shape[:-1], -1)


def _sigmoid(values: Array) -> Array:
    half = np.float32(0.5)
    opened: Array = half + half * np.tanh(half * values)
    return opened


def _run_lstm(layer: Layer, inputs: Array) -> Array:
    if is_open(layer, "lstm"):
        return _run_open(layer, inputs, "lstm")
    n_inputs, units = len(layer.kernel), len(layer.recurrent)
    # sigmoid(x) = (1 + tanh(x / 2)) / 2: halved weights make one tanh do for all gates.
    half = np.full(4 * units, 0.5, dtype=np.float32)
    half[2 * units : 3 * units] = 1.0
    # Inputs and state side by side make one product do for both.
    weights = np.concatenate([layer.kernel, layer.recurrent]) * half
    bias = layer.bias * half
    state, outputs = _at_rest(inputs, units)
    seen = np.zeros((*inputs.shape[:-2], n_inputs + units), dtype=np.float32)
    gates = np.empty((*inputs.shape[:-2], 4 * units), dtype=np.float32)
    for step in range(inputs.shape[-2]):
        seen[..., :n_inputs] = inputs[..., step, :]
        np.matmul(seen, weights, out=gates)
        np.tanh(np.add(gates, bias, out=gates), out=gates)
        write, keep, candidate, show = np.split(gates, 4, axis=-1)
        state = 0.5 * ((1 + keep) * state + (1 + write) * candidate)
        hidden = 0.5 * (1 + show) * np.tanh(state)
        seen[..., n_inputs:] = outputs[..., step, :] = hidden
    return outputs


def _run_gru(layer: Layer, inputs: Array) -> Array:
    if is_open(layer, "gru"):
        return _run_open(layer, inputs, "gru")
    units = len(layer.recurrent)
    outer, inner = layer.bias
    # Halved as in the LSTM. The third column is multiplied by the reset gate, which
    # is (1 + tanh) / 2, so that its half is taken here as well.
    half = np.full(3 * units, 0.5, dtype=np.float32)
    half[2 * units :] = 1.0
    kernel, outer = layer.kernel * half, outer * half
    recurrent = layer.recurrent * np.float32(0.5)
    inner = inner * np.float32(0.5)
    hidden, outputs = _at_rest(inputs, units)
    for step in range(inputs.shape[-2]):
        now = inputs[..., step, :] @ kernel + outer
        within = hidden @ recurrent + inner
        gates = np.tanh(now[..., : 2 * units] + within[..., : 2 * units])
        keep, reset = np.split(gates, 2, axis=-1)
        shown = (1 + reset) * within[..., 2 * units :]
        candidate = np.tanh(now[..., 2 * units :] + shown)
        hidden = candidate + 0.5 * (1 + keep) * (hidden - candidate)
        outputs[..., step, :] = hidden
    return outputs


def _run_rnn(layer: Layer, inputs: Array) -> Array:
    hidden, outputs = _at_rest(inputs, len(layer.recurrent))
    for step in range(inputs.shape[-2]):
        now = inputs[..., step, :] @ layer.kernel + layer.bias
        hidden = np.tanh(now + hidden @ layer.recurrent)
        outputs[..., step, :] = hidden
    return outputs


RUN = {"lstm": _run_lstm, "gru": _run_gru, "rnn": _run_rnn}


def _at_rest(inputs: Array, units: int) -> tuple[Array, Array]:
    """Return a state of zeros, and room for the outputs of all steps."""
    state = np.zeros((*inputs.shape[:-2], units), dtype=np.float32)
    return state, np.empty((*inputs.shape[:-1], units), dtype=np.float32)
