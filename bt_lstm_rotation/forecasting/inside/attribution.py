r"""Integrated gradients: a forecast shared out among features and lags.

.. math::

    A_{tj} = (x_{tj} - x'_{tj}) \int_0^1
    \frac{\partial \hat y}{\partial x_{tj}} \big(x' + s (x - x')\big) \, ds

The shares add up to the forecast less that of the baseline :math:`x'`, whatever the
network (Sundararajan et al. 2017). The baseline is the window's mean bar at every step,
a scaled feature's 0: somebody who has seen nothing of note.

Two traps are avoided. A network begins at a zero state, which is no resting place: what
its state does in the first steps is done for the baseline too, and is no merit of the
first bar; so shares are of inputs along a path of inputs, and not of changes of the
state. And a layer is used at every step: gradients go through all of its uses
(`backward`), and not through the last alone.

The forecast is smooth along the path, so that Gauss-Legendre nodes find the integral
with few of them; their number is doubled until the sum is right.

References
----------
M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML
2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.inside.readout import Readout

__all__ = ["Attribution", "integrated_gradients"]

Array = NDArray[np.float64]

# Of the difference between forecast and baseline; with it, nodes on the path.
TOLERANCE: Final = 1e-6
FEWEST, MOST = 8, 256


@dataclass(frozen=True, eq=False)
class Attribution:
    """A forecast shared out.

    Parameters
    ----------
    shares : (n_steps, n_features) float64
        Decimal return that each feature of each bar adds, oldest bar first.
    baseline, forecast : float
        Forecasts, decimal, of the mean bar throughout, and of the bars there were.
    """

    shares: Array
    baseline: float
    forecast: float

    @property
    def gap(self) -> float:
        """How far the shares are from adding up, as a decimal return."""
        return float(self.shares.sum()) - (self.forecast - self.baseline)


def integrated_gradients(readout: Readout, inputs: Array) -> Attribution:
    """Share a forecast out among inputs of (n_steps, n_features)."""
    baseline = float(readout.forecast(np.zeros_like(inputs)))
    forecast = float(readout.forecast(inputs))
    nodes = FEWEST
    while True:
        places, weights = np.polynomial.legendre.leggauss(nodes)
        along = (places[:, None, None] + 1) / 2 * inputs
        slopes = readout.gradient(along)
        shares = inputs * np.einsum("n,ntf->tf", weights / 2, slopes)
        found = Attribution(shares, baseline, forecast)
        near = abs(found.gap) <= TOLERANCE * max(abs(forecast - baseline), 1e-9)
        if near or nodes >= MOST:
            return found
        nodes *= 2
