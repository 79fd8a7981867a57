r"""The filter of an expectation that wanders, through noise that changes.

With the steady gain K of a bar of mean precision (`autoregression.gain`), it learns
more of a bar on which there is less noise [1]_,

.. math::

    m_t = \phi m_{t-1} + K_t (r_t - \phi m_{t-1}), \qquad
    K_t = \frac{K \pi_t}{1 - K + K \pi_t}.

References
----------
.. [1] A. C. Harvey, "Forecasting, structural time series models and the Kalman filter",
   1989, section 3.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["wandering"]

Array = NDArray[np.float64]


def wandering(returns: Array, precision: Array, phi: float, gain: float) -> Array:
    """Return what is expected of a daily return after each bar.

    Parameters
    ----------
    returns, precision : (n_bars, ...) float64
    phi, gain : float
        The expectation's coefficient, and the share of news that is learned of a bar
        of a precision of 1.

    Returns
    -------
    (n_bars, ...) float64
    """
    learned = gain * precision / (1.0 - gain + gain * precision)
    kept, means = phi * (1.0 - learned), learned * returns
    carried = np.empty_like(means[0])
    for bar in range(1, len(means)):
        means[bar] += np.multiply(kept[bar], means[bar - 1], out=carried)
    return means
