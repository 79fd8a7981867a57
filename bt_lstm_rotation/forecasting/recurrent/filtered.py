r"""What a filter of few parameters expects: where the head's weights begin.

The return of a bar is :math:`r_t = \mu_t + e_t`, its expectation :math:`\mu_t = \phi
\mu_{t-1} + w_t` (`forecasting.autoregression`), and how much noise a bar has is told by
what keeps its sign when rises and falls change places, such as volume. With
:math:`z_t` these columns, scaled, and at most `FARTHEST` from their means [1]_,

.. math:: \mathrm{var}(e_t) = R / \pi_t, \qquad \pi_t \propto e^{-b^\top z_t},

with a mean :math:`\pi` of 1 and :math:`b` from the regression of :math:`\log r_t^2` on
:math:`z_t`. Weighted by it, autocovariances keep their form, and forget the noise of
days that have more of it:

.. math::

    q \phi^k = \mathrm{E}\, \frac{\sum_t \pi_t \pi_{t-k} \, r_t r_{t-k}}
    {\sum_t \pi_t \pi_{t-k}}.

With the steady gain K of a day of mean precision the filter learns more of a day on
which there is less noise [2]_,

.. math::

    m_t = \phi m_{t-1} + K_t (r_t - \phi m_{t-1}), \qquad
    K_t = \frac{K \pi_t}{1 - K + K \pi_t},

and expects :math:`m_t (\phi + \dots + \phi^h)` over the horizon. Where nothing tells
the noise, all of this is the two-parameter Kalman filter.

The memory is that of the least misfit, by a parabola through it and its neighbours: the
best of a list would jump from one to the next with the last digit of a price.

References
----------
.. [1] A. C. Harvey, "Estimating regression models with multiplicative
   heteroscedasticity", Econometrica 44(3), 1976.
.. [2] A. C. Harvey, "Forecasting, structural time series models and the Kalman filter",
   1989, section 3.2.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.autoregression import (
    LAGS,
    MEMORIES,
    ahead,
    gain,
    misfits,
)

__all__ = ["filtered"]

Array = NDArray[np.float64]

# Deviations from its mean beyond which a column says no more about noise.
FARTHEST: Final = 3.0

# Share of the mean square return that is added to each: a bar without a move would say
# that there is no noise at all.
STILL: Final = 1e-3

# Penalty of the regression on columns of a deviation of one.
PENALTY: Final = 1e-3


def filtered(returns: Array, telling: Array, known: int, horizon: int) -> Array:
    """Return what the filter expects after each bar.

    Parameters
    ----------
    returns : (n_symbols, n_bars) float64
        Daily, in the units of the targets.
    telling : (n_symbols, n_bars, n_columns) float64
        Scaled columns that may tell how much noise a bar has.
    known : int
        Bars, the oldest ones, that the parameters are fitted to; at least 3.
    horizon : int
        Bars ahead that are forecast.

    Returns
    -------
    (n_symbols, n_bars) float64
        Over the horizon.
    """
    precision = _precision(returns, telling, known)
    past, weights = returns[:, :known], precision[:, :known]
    phi, signal = _fitted(_covariances(past, weights))
    noise = float((weights * past**2).mean()) - signal
    steady = gain(phi, signal, max(noise, 0.0))
    if not steady:
        return np.zeros_like(returns)
    learned = steady * precision / (1.0 - steady + steady * precision)
    kept, added = (phi * (1.0 - learned)).T, np.ascontiguousarray((learned * returns).T)
    mean = np.zeros(len(returns))
    for new, share in zip(added, kept, strict=True):
        new += share * mean
        mean = new
    return ahead(phi, horizon) * added.T


def _precision(returns: Array, telling: Array, known: int) -> Array:
    """Return one over the variance of each bar's noise, 1 on average over `known`."""
    columns = np.clip(telling, -FARTHEST, FARTHEST)
    square = returns[:, :known] ** 2
    mean = float(square.mean())
    if not mean or not columns.shape[-1]:
        return np.ones_like(returns)
    log = np.log(square / mean + STILL)
    x = columns[:, :known].reshape(-1, columns.shape[-1])
    x, y = x - x.mean(axis=0), log.ravel() - log.mean()
    shrunk = x.T @ x / len(x) + PENALTY * np.eye(x.shape[1])
    slopes = np.linalg.solve(shrunk, x.T @ y / len(x))
    precision = np.exp(-(columns @ slopes))
    scaled: Array = precision / precision[:, :known].mean()
    return scaled


def _covariances(returns: Array, weights: Array) -> Array:
    """Return weighted autocovariances from a lag of 1 on, pooled over symbols."""
    mean = (weights * returns).sum(axis=1) / weights.sum(axis=1)
    n = returns.shape[1]
    lags = slice(1, min(LAGS, n // 2) + 1)

    def sums(values: Array) -> Array:
        # Of products with what was so many bars ago, by the spectrum.
        spectrum = np.fft.rfft(values, 2 * n, axis=1)
        total = (np.abs(spectrum) ** 2).sum(axis=0)
        return np.asarray(np.fft.irfft(total, 2 * n)[lags])

    return sums(weights * (returns - mean[:, None])) / sums(weights)


def _fitted(covariances: Array) -> tuple[float, float]:
    """Return phi and var(mu), between the memories of the list."""
    errors, signals = misfits(covariances)
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
