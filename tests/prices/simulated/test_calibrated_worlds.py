"""What is left when the optimum is taken away has nothing to do with what was seen.

An expectation f of r leaves E g (r - f) = 0 for whatever g could be known at the time:
for f itself, so that the slope of r on f is 1, and for anything that the bars show.
Sessions overlap, but seeds are independent: errors are those of means over seeds.
"""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.measures.skill import returns_ahead
from bt_lstm_rotation.prices.simulated import WORLDS, simulated_market

HORIZON = 21
SEEDS = range(40)
FIRST, SESSIONS = 63, 900


def relative(values: np.ndarray) -> np.ndarray:
    """Take away what all sectors share, most of it the market's noise."""
    return values - values.mean(axis=1, keepdims=True)


def lagged(log_close: np.ndarray, begin: int, end: int) -> np.ndarray:
    rows = np.arange(FIRST, SESSIONS - HORIZON)
    return log_close[rows - end] - log_close[rows - begin]


def products(world: str, seed: int) -> dict[str, float]:
    """Return the mean product of the optimum's error and of what was seen before."""
    market = simulated_market(world, seed=seed, n_sessions=SESSIONS)
    panel = market.panel()
    close, volume = panel.close[:, :-1], panel.volume[:, :-1]
    rows = slice(FIRST, SESSIONS - HORIZON)
    forecast = relative(market.optimal_forecast(HORIZON)[rows])
    error = relative(returns_ahead(close, HORIZON)[rows]) - forecast
    log_close, busy = np.log(close), np.log(volume[rows] / 5e6)
    last = lagged(log_close, 1, 0)
    seen = {
        "forecast": forecast,
        "last return": last,
        "month": lagged(log_close, 21, 0),
        "quarter": lagged(log_close, 63, 0),
        "a month, a month ago": lagged(log_close, 42, 21),
        "size": np.abs(last),
        "volume": busy,
        "return times volume": last * busy,
        "return over volume": last * np.exp(-busy),
    }
    found = {name: float(np.mean(error * relative(g))) for name, g in seen.items()}
    return {**found, "size of forecast": float(np.mean(forecast**2))}


@pytest.mark.parametrize("world", WORLDS)
def test_the_optimum_is_calibrated_and_leaves_nothing(world: str):
    found = [products(world, seed) for seed in SEEDS]
    table = {name: np.array([one[name] for one in found]) for name in found[0]}
    size = table.pop("size of forecast").mean()
    scores = {}
    for name, values in table.items():
        error = values.std(ddof=1) / np.sqrt(len(values))
        scores[name] = values.mean() / error
        if name == "forecast" and world != "none":
            # The slope's standard error: 1 can be told from 0.8.
            assert error / size < 0.08
    assert abs(scores["forecast"]) < 2
    # Of 54 independent normal draws, the largest is above 3.3 once in twenty times.
    assert max(map(abs, scores.values())) < 3.3, scores
