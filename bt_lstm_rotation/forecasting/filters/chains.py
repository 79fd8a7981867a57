r"""The filter of an expectation that jumps between two levels, a hidden Markov chain.

A chain that spends the share s of its time in the low state, and keeps :math:`\phi` of
what is known of it from bar to bar, leaves the low state with probability :math:`a =
(1 - \phi)(1 - s)` and the high one with :math:`b = (1 - \phi) s`. With the variance q
its levels are :math:`-\sqrt{q (1 - s) / s}` and :math:`\sqrt{q s / (1 - s)}`: their
mean is 0. So it has the autocovariances of an expectation that wanders
(`autoregression`), and one number more. The probability of the high state [1]_ is

.. math::

    p_t = \frac{x_t}{x_t + (1 - x_t) \ell_t}, \qquad x_t = a + \phi p_{t-1}, \qquad
    \ell_t = \exp \left( - \frac{\pi_t}{R} (\mu_1 - \mu_0)
    \left( r_t - \frac{\mu_0 + \mu_1}{2} \right) \right).

References
----------
.. [1] J. D. Hamilton, "Time Series Analysis", 1994, formulas 22.4.5 and 22.4.6.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SHARES", "jumping"]

Array = NDArray[np.float64]

# Of its time that a chain is low.
SHARES: Final = np.array([0.1, 0.5, 0.9])

# Of a log likelihood ratio: beyond it a state is known for sure.
SURE: Final = 500.0


def jumping(
    returns: Array,
    precision: Array,
    shares: Array,
    phi: float,
    signal: float,
    noise: float,
) -> Array:
    """Return what chains expect of a daily return after each bar.

    Parameters
    ----------
    returns, precision : (n_bars, ...) float64
    shares : (n_chains,) float64
        Of its time that a chain is low, between 0 and 1.
    phi : float
        What is kept from bar to bar.
    signal, noise : float
        Variance of the expectation, and of the noise of a bar of a precision of 1.

    Returns
    -------
    (n_bars, n_chains, ...) float64
    """
    shares = shares.reshape(-1, *[1] * (returns.ndim - 1))
    low = -np.sqrt(signal * (1.0 - shares) / shares)
    step = np.sqrt(signal * shares / (1.0 - shares)) - low
    entered = (1.0 - phi) * (1.0 - shares)
    distance = (returns[:, None] - (low + step / 2.0)) * precision[:, None]
    ratio = np.exp(np.clip(distance * (-step / noise), -SURE, SURE))
    # x + (1 - x) l as l + x (1 - l): what does not depend on x is made at once.
    rest, high = 1.0 - ratio, np.empty_like(ratio)
    before = np.broadcast_to(1.0 - shares, high.shape[1:]).copy()
    for total, added, now in zip(rest, ratio, high, strict=True):
        total *= before
        total += added
        np.divide(before, total, out=now)
        np.multiply(now, phi, out=before)
        before += entered
    made: Array = low + step * high
    return made
