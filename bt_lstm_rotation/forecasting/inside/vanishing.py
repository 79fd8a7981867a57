r"""How a gradient fades on its way back through the bars.

What is measured is :math:`\lVert \partial h_T / \partial x_{T-k} \rVert_F`, all of the
last state against each bar, so that neither a head nor a target has a say: it is there
before any training. In a vanilla RNN it is a product of *k* matrices, which vanishes or
explodes (Bengio et al. 1994, Pascanu et al. 2013); in an LSTM also of forget gates,
which are as near to one as they have learnt to be.

References
----------
Y. Bengio, P. Simard and P. Frasconi, "Learning long-term dependencies with gradient
descent is difficult", IEEE Transactions on Neural Networks 5(2), 1994. R. Pascanu, T.
Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML
2013.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.inside.backward import back_propagate
from bt_lstm_rotation.forecasting.inside.unrolled import unroll
from bt_lstm_rotation.forecasting.recurrent.network import Network

__all__ = ["fading", "gradient_norms"]

Array = NDArray[np.float64]

# Below, a norm is rounding, and says nothing of a slope.
LEAST: Final = 1e-12


def gradient_norms(network: Network, inputs: NDArray[np.floating]) -> Array:
    """Return the norm of the last state's gradient by lag, the latest bar first.

    Parameters
    ----------
    inputs : (n_sequences, n_steps, n_features)
        Scaled features; norms are averaged over sequences.

    Returns
    -------
    (n_steps,) float64
    """
    layers = unroll(network, inputs)
    total = np.zeros(layers[-1].hidden.shape[:-1])
    for direction in np.eye(len(network.head)):
        slopes = back_propagate(network, layers, direction).inputs
        total += (slopes**2).sum(axis=-1)
    norms: Array = np.sqrt(total).mean(axis=0)[::-1]
    return norms


def fading(norms: Array, *, after: int = 5) -> float:
    """Return the factor by which norms change from bar to bar, by least squares.

    Parameters
    ----------
    norms : (n_lags,) float64
    after : int
        Lags left out, in which gates have their say: what is asked is how it ends.

    Returns
    -------
    float
        1 where nothing fades, 0.9 where a tenth goes with every bar; NaN where fewer
        than two norms are above rounding.
    """
    known = np.flatnonzero(norms > LEAST * norms.max(initial=0.0))
    lags = known[known >= after]
    if len(lags) < 2:
        return float("nan")
    slope = np.polyfit(lags, np.log(norms[lags]), 1)[0]
    return float(np.exp(slope))
