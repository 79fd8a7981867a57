"""What is known of a hidden state, given what was seen of it: two exact filters.

`kalman` is for a state that is an AR(1), in normal noise of a variance that may change
but is known [1]_; `hamilton` for a chain of two states [2]_.

References
----------
.. [1] B. D. O. Anderson and J. B. Moore (1979), Optimal Filtering, Prentice-Hall,
   section 3.1.
.. [2] J. D. Hamilton (1994), Time Series Analysis, Princeton University Press, section
   22.4, formulas 22.4.5 and 22.4.6.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "autoregression",
    "chain",
    "chain_growth",
    "hamilton",
    "kalman",
    "log_growth",
]

Floats = NDArray[np.float64]


def autoregression(shocks: Floats, persistence: float) -> Floats:
    """AR(1) paths down the rows, of variance 1 from the first row on."""
    path = shocks.copy()
    scale = math.sqrt(1 - persistence**2)
    for t in range(1, len(path)):
        path[t] = persistence * path[t - 1] + scale * shocks[t]
    return path


def kalman(
    observed: Floats, noise: Floats, persistence: float, stationary: float
) -> tuple[Floats, Floats]:
    """Filter an AR(1) out of noise.

    Parameters
    ----------
    observed : (n_sessions, n_series) float64
        The state plus noise.
    noise : (n_sessions, n_series) float64
        The variance of that noise, above 0.
    persistence, stationary : float
        The state's coefficient phi and its variance.

    Returns
    -------
    mean, variance : (n_sessions, n_series) float64
        Of the state at t, given what was observed up to t.
    """
    means, variances = np.empty_like(observed), np.empty_like(observed)
    mean = np.zeros(observed.shape[1])
    variance = np.full(observed.shape[1], stationary)
    shock = stationary * (1 - persistence**2)
    for t in range(len(observed)):
        gain = variance / (variance + noise[t])
        means[t] = mean = mean + gain * (observed[t] - mean)
        variances[t] = variance = (1 - gain) * variance
        mean, variance = persistence * mean, persistence**2 * variance + shock
    return means, variances


def log_growth(
    mean: Floats, variance: Floats, persistence: float, stationary: float, horizon: int
) -> Floats:
    """Return the log of E exp(sum of the next `horizon` states) of an AR(1) phi.

    `mean` and `variance` are what is known of its state now. The sum is normal, of mean
    ``mean phi (1 - phi^h) / (1 - phi)``.
    """
    # To the sum ahead the state brings `carried`, each later shock one of `echoes`.
    echoes = np.cumsum(persistence ** np.arange(horizon))
    carried = persistence * echoes[-1]
    shock = stationary * (1 - persistence**2)
    unforeseen = shock * np.sum(echoes**2)
    growth: Floats = carried * mean + (carried**2 * variance + unforeseen) / 2
    return growth


def chain(uniform: Floats, leave: tuple[float, float]) -> NDArray[np.int64]:
    """Paths of a chain of the states 0 and 1 down the rows, stationary from the first.

    Parameters
    ----------
    uniform : (n_sessions, n_series) float64
        Draws from 0 to 1.
    leave : pair of float
        The probabilities of leaving state 0 and state 1, from one session to the next.
    """
    states = np.empty(uniform.shape, dtype=np.int64)
    states[0] = uniform[0] < leave[0] / (leave[0] + leave[1])
    leaving = uniform < np.array(leave)[:, np.newaxis, np.newaxis]
    for t in range(1, len(uniform)):
        before = states[t - 1]
        states[t] = before ^ np.where(before, leaving[1, t], leaving[0, t])
    return states


def hamilton(
    observed: Floats,
    levels: tuple[float, float],
    noise: float,
    leave: tuple[float, float],
) -> Floats:
    """Filter a chain of two states, each with a level of its own, out of noise.

    Parameters
    ----------
    observed : (n_sessions, n_series) float64
        The state's level plus normal noise.
    levels : pair of float
        Of state 0 and of state 1.
    noise : float
        The deviation of that noise, above 0.
    leave : pair of float
        As for `chain`.

    Returns
    -------
    (n_sessions, n_series) float64
        The probability of state 1 at t, given what was observed up to t.
    """
    # The log of the ratio of the two densities, which is all that Bayes' rule takes.
    low, high = levels
    evidence = (high - low) * (observed - (low + high) / 2) / noise**2
    found = np.empty_like(observed)
    prior = np.full(observed.shape[1], leave[0] / (leave[0] + leave[1]))
    for t in range(len(observed)):
        odds = np.log(prior) - np.log1p(-prior) + evidence[t]
        found[t] = probability = (1 + np.tanh(odds / 2)) / 2
        prior = probability * (1 - leave[1]) + (1 - probability) * leave[0]
    return found


def chain_growth(
    logs: tuple[float, float], leave: tuple[float, float], horizon: int
) -> Floats:
    """Return E exp(sum of `logs` over the next `horizon` states), from each state now.

    Parameters
    ----------
    logs : pair of float
        What state 0 and state 1 add to the sum.
    leave : pair of float
        As for `chain`.
    """
    step = np.array([[1 - leave[0], leave[0]], [leave[1], 1 - leave[1]]])
    growth: Floats = np.ones(2)
    for _ in range(horizon):
        growth = step @ (np.exp(logs) * growth)
    return growth
