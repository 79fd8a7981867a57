r"""How long a network's units remember, and what its head makes of each.

A unit that keeps a share *f* of its state from one bar to the next has a time constant
of :math:`1/(1 - f)` bars. The share is an LSTM's forget gate and a GRU's update gate,
at the window's mean bar and a state at rest; a vanilla RNN has no gate, and its shares
are the moduli of the eigenvalues of its recurrent matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.inside.unrolled import unroll
from bt_lstm_rotation.forecasting.recurrent.network import Network

__all__ = ["Memories", "half_life", "memories"]

Array = NDArray[np.float64]

# Bars of a state at rest, and a time constant that is as good as for ever.
SETTLED: Final = 500
LONGEST: Final = 1e6

KEEPS = {"lstm": "forget_gate", "gru": "update_gate"}


@dataclass(frozen=True, eq=False)
class Memories:
    """What the head reads: the last layer's units, or an RNN's eigenvectors.

    Parameters
    ----------
    bars : (units,) float64
        Time constants, ascending.
    weights : (units,) float64
        What the head gives each, times its deviation over some states: the deviation
        of the scaled forecast that it alone would make.
    """

    bars: Array
    weights: Array


def memories(network: Network, states: NDArray[np.floating]) -> Memories:
    """Measure the last layer's time constants, and the head's weight on each.

    Parameters
    ----------
    states : (..., units)
        Hidden states of the last layer, whose deviation scales the weights.
    """
    flat = np.asarray(states, np.float64).reshape(-1, len(network.head))
    head = network.head.astype(np.float64)
    if network.cell == "rnn":
        across = network.layers[-1].recurrent.astype(np.float64)
        shares, axes = np.linalg.eig(across.T)
        shares = np.abs(shares)
        along = flat @ np.linalg.pinv(axes).T
        weights = np.abs(head @ axes) * along.std(axis=0)
    else:
        still = np.zeros((SETTLED, len(network.layers[0].kernel)))
        shares = unroll(network, still)[-1].values[KEEPS[network.cell]][-1]
        weights = np.abs(head) * flat.std(axis=0)
    bars = np.minimum(1 / np.maximum(1 - shares, 1 / LONGEST), LONGEST)
    order = np.argsort(bars, kind="stable")
    return Memories(bars[order], weights[order])


def half_life(slopes: Array) -> int:
    """Count the latest bars that half of a forecast's gradient belongs to.

    Parameters
    ----------
    slopes : (n_steps,) float64
        Gradient by bar, oldest first. 0 if there is none.
    """
    sizes = np.abs(np.asarray(slopes, np.float64))[::-1]
    total = sizes.sum()
    if not total:
        return 0
    return int(np.searchsorted(np.cumsum(sizes), total / 2) + 1)
