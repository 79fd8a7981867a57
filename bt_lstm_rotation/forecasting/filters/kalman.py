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

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["wandering"]

Array = NDArray[np.float64]


def wandering(
    returns: Array, precision: Array, phi: float, gain: float
) -> Iterator[Array]:
    """Yield what is expected of a daily return after each bar, (...).

    Parameters
    ----------
    returns, precision : (n_bars, ...) float64
    phi, gain : float
        The expectation's coefficient, and the share of news that is learned of a bar
        of a precision of 1.
    """
    learned = gain * precision / (1.0 - gain + gain * precision)
    kept = phi * (1.0 - learned)
    mean = np.zeros(returns.shape[1:])
    for share, news in zip(kept, learned * returns, strict=True):
        mean = share * mean + news
        yield mean
