r"""Initial weights with memory: each unit begins as a leaky integrator of the past.

A gate that is open by :math:`\sigma(\log(\tau - 1)) = 1 - 1/\tau` forgets with a time
constant of :math:`\tau` bars (the chrono initialisation of Tallec and Ollivier [1]_).
The units' time constants are spread evenly on a logarithmic scale, from `SHORTEST` bars
to half the lookback, so that what a forecast may need of the past is there before any
training, and a head can be solved for it (`head`).

- An LSTM's candidate reads the features with weights of norm
  :math:`\mathrm{SMALL}/\sqrt\tau`, so that all cells vary alike.
- A GRU writes :math:`1/\tau` of its candidate by itself, whose weights have the norm
  `SMALL`.
- The vanilla RNN has no gate: its time constants are the eigenvalues
  :math:`1 - 1/\tau` of its recurrent matrix, which is diagonal; its weights are the
  LSTM's.

Returns have to be added up as they are: where tanh bends, one bar of three deviations
counts less than three of one, and forecasts become worse. So weights are small, and
what is read is as good as linear; the head makes up for the size.

Features that keep their sign when rises and falls change places, such as volume, say
how much a bar counts: the gate that writes reads them with normal weights. The others
are what is written. A mirrored network is then odd from the start: it needs no second
pass to be mirrored.

References
----------
.. [1] C. Tallec and Y. Ollivier, "Can recurrent neural networks warp time?", ICLR 2018.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.recurrent.forward import GATES, Cell, Layer
from bt_lstm_rotation.forecasting.recurrent.network import Network

__all__ = ["with_memory"]

Array = NDArray[np.float32]

# Bars: what forgets faster hardly remembers.
SHORTEST: Final = 2.0

# Norm of weights whose tanh is as good as linear in a scaled feature.
SMALL: Final = 0.1


def with_memory(
    rng: np.random.Generator,
    signs: NDArray[np.float64],
    units: int,
    layers: int,
    cell: Cell,
    lookback: int,
) -> Network:
    """Draw initial weights with memory; the head is zero.

    Parameters
    ----------
    rng : Generator
        Draws time constants, directions and what the writing gate reads.
    signs : (n_features,) float64
        -1 for features that are written, 1 for those that say how much they count. If
        all are of one kind, they are written.
    units, layers : int
        Of the network.
    lookback : int
        Bars that a forecast reads.
    """
    written = np.asarray(signs) < 0
    if not written.any():
        written = np.ones_like(written)
    # What stands above the first reads integrators, and integrates once more.
    read = [written, *[np.ones(units, dtype=bool)] * (layers - 1)]
    stack = [_layer(rng, inputs, units, cell, lookback) for inputs in read]
    head = np.zeros(units, dtype=np.float32)
    return Network(tuple(stack), head, np.zeros((), dtype=np.float32), cell)


def _layer(
    rng: np.random.Generator,
    written: NDArray[np.bool_],
    units: int,
    cell: Cell,
    lookback: int,
) -> Layer:
    longest = max(lookback / 2, 2 * SHORTEST)
    places = (np.arange(units) + rng.uniform(size=units)) / units
    tau = SHORTEST * (longest / SHORTEST) ** places
    directions = rng.normal(size=(len(written), units)) * written[:, None]
    directions /= np.linalg.norm(directions, axis=0)
    counts = rng.normal(size=(len(written), units)) * ~written[:, None]
    counts /= math.sqrt(max(int((~written).sum()), 1))

    kernel = np.zeros((len(written), GATES[cell], units))
    recurrent = np.zeros((units, GATES[cell] * units))
    bias = np.zeros((GATES[cell], units))
    if cell == "lstm":  # i f g o
        kernel[:, 0], kernel[:, 2] = counts, SMALL * directions / np.sqrt(tau)
        bias[1] = np.log(tau - 1)
    elif cell == "gru":  # z r g
        kernel[:, 0], kernel[:, 2] = counts, SMALL * directions
        bias[0] = np.log(tau - 1)
    else:
        kernel[:, 0] = SMALL * directions / np.sqrt(tau)
        recurrent = np.diag(1 - 1 / tau)
    flat = bias.reshape(-1)
    if cell == "gru":  # the state's side has none
        flat = np.stack([flat, np.zeros_like(flat)])
    width = kernel.shape[0], GATES[cell] * units
    return Layer(
        kernel.reshape(width).astype(np.float32),
        recurrent.astype(np.float32),
        flat.astype(np.float32),
    )
