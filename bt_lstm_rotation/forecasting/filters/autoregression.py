r"""An expected return that wanders and comes back, seen through noise: its parameters.

A symbol's daily return is :math:`r_t = \mu_t + e_t`, its expectation :math:`\mu_t =
\phi \mu_{t-1} + w_t`. Then :math:`\mathrm{cov}(r_t, r_{t-k}) = q \phi^k` for
:math:`k \ge 1`, with :math:`q = \mathrm{var}(\mu)`: they are fitted to the
autocovariances at `LAGS` lags, pooled over symbols (method of moments).

With :math:`R = \mathrm{var}(r) - q` and :math:`Q = q (1 - \phi^2)`, the steady variance
P of :math:`\mu` before a bar solves :math:`P = \phi^2 P R / (P + R) + Q`, and a filter
learns :math:`K = P / (P + R)` of what is new in a bar.

Sources: R. E. Kalman, "A new approach to linear filtering and prediction problems",
Journal of Basic Engineering 82(1), 1960; A. C. Harvey, "Forecasting, structural time
series models and the Kalman filter", 1989, section 3.3.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAGS", "ahead", "autoregression", "gain", "interpolated"]

Array = NDArray[np.float64]

LAGS: Final = 126

# Bars after which an expectation has fallen to a half, from a week to two years.
MEMORIES: Final = np.geomspace(5.0, 504.0, 60)


def autoregression(returns: Array) -> tuple[float, float, float]:
    """Fit phi, var(mu) and var(r) to (n_symbols, n) returns, pooled over symbols.

    The variance of mu is 0 where there is no positive autocovariance.
    """
    centred = returns - returns.mean(axis=1, keepdims=True)
    total = float((centred**2).mean())
    lags = np.arange(1, min(LAGS, centred.shape[1] // 2) + 1)
    covariances = np.array(
        [float((centred[:, lag:] * centred[:, :-lag]).mean()) for lag in lags]
    )
    errors, signals = _misfits(covariances)
    best = int(errors.argmin())
    phi = float(0.5 ** (1.0 / MEMORIES[best]))
    return phi, min(float(signals[best]), total), total


def interpolated(covariances: Array) -> tuple[float, float]:
    """Fit phi and var(mu) to autocovariances (n_lags,), between memories of the list.

    The memory is that of the least misfit, by a parabola through it and its neighbours:
    the best of a list would jump from one to the next with the last digit of a price.
    At the ends of the list a jump of half a step, 4% of the memory, is left.
    """
    errors, signals = _misfits(covariances)
    best = int(errors.argmin())
    if not signals[best]:
        return 0.0, 0.0
    place = float(best)
    if 0 < best < len(errors) - 1:
        before, least, after = errors[best - 1 : best + 2]
        bend = before - 2.0 * least + after
        place += 0.5 * float((before - after) / bend) if bend > 0.0 else 0.0
    places = np.arange(len(MEMORIES))
    memory = np.exp(np.interp(place, places, np.log(MEMORIES)))
    phi = float(0.5 ** (1.0 / memory))
    shape = phi ** np.arange(1, len(covariances) + 1)
    signal = float(shape @ covariances) / float(shape @ shape)
    return phi, max(signal, 0.0)


def _misfits(covariances: Array) -> tuple[Array, Array]:
    """Return each memory's squared error, and var(mu), by least squares."""
    lags = np.arange(1, len(covariances) + 1)
    shapes = 0.5 ** (lags / MEMORIES[:, None])
    signals = np.maximum(shapes @ covariances / (shapes**2).sum(axis=1), 0.0)
    errors = ((covariances - signals[:, None] * shapes) ** 2).sum(axis=1)
    return errors, signals


def gain(phi: float, signal: float, noise: float) -> float:
    """Return the filter's steady gain K, from 0 (nothing is learned) to 1."""
    if signal <= 0.0:
        return 0.0
    if noise <= 0.0:
        return 1.0
    # P² + P (R (1 - phi²) - Q) - Q R = 0, of which one root is positive.
    added = signal * (1.0 - phi**2)
    half = (noise * (1.0 - phi**2) - added) / 2.0
    before = -half + (half**2 + added * noise) ** 0.5
    return float(before / (before + noise))


def ahead(phi: float, horizon: int) -> float:
    """Return what an expectation of 1 adds up to over so many bars."""
    return float(sum(phi**day for day in range(1, horizon + 1)))
