"""Daily returns of known laws, for the tests beside."""

from __future__ import annotations

import numpy as np

N_SYMBOLS, N_BARS, HORIZON = 9, 3_000, 21


def wandering(phi=0.95, deviation=0.003, seed=0, n_bars=N_BARS):
    rng = np.random.default_rng(seed)
    pushes = rng.normal(0, deviation * np.sqrt(1 - phi**2), (N_SYMBOLS, n_bars))
    mean = np.zeros((N_SYMBOLS, n_bars))
    for bar in range(1, n_bars):
        mean[:, bar] = phi * mean[:, bar - 1] + pushes[:, bar]
    return mean


def noise(seed=1, n_bars=N_BARS):
    return np.random.default_rng(seed).normal(0, 0.01, (N_SYMBOLS, n_bars))


def none(count=0, n_bars=N_BARS):
    return np.zeros((N_SYMBOLS, n_bars, count))


def echoing(lag, share, seed=1, n_bars=N_BARS):
    returns = noise(seed, n_bars)
    for bar in range(lag, n_bars):
        returns[:, bar] += share * returns[:, bar - lag]
    return returns
