"""The last digits of prices decide nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import random_panel
from real_bars import needs_real_bars, real_panel

from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

TESTS = Path(__file__).parents[2]


def moved(panel, size=1e-7, seed=0):
    """The same bars, each bar's prices off by as much relative noise."""
    rng = np.random.default_rng(seed)
    bars = panel.bars.copy()
    bars[:4] *= 1.0 + size * rng.normal(size=panel.bars.shape[1:])
    return replace(panel, bars=bars)


def shifts(panel, spec):
    """By how much forecasts move, as shares of their session's spread: by fit."""
    one, other = walk_forward(panel, spec), walk_forward(moved(panel), spec)
    there = np.isfinite(one.values).all(axis=1)
    shift = np.abs(one.values - other.values)[there].max(axis=1)
    shift /= one.values[there].std(axis=1)
    sessions = panel.sessions[there]
    fits = np.searchsorted([fit.session for fit in one.fits], sessions, side="right")
    return np.array([shift[fits == fit].max() for fit in np.unique(fits)])


@pytest.mark.parametrize("shrinkage", ["common", "adaptive"])
def test_noise_in_the_last_digits_moves_no_forecast_of_a_simulated_market(shrinkage):
    panel = SimulatedMarket(seed=5, n_sessions=1100).panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    found = shifts(sectors, ForecastSpec(shrinkage=shrinkage))
    assert len(found) >= 12
    assert found.max() < 0.01
    assert np.median(found) < 1e-4


@needs_real_bars
def test_noise_in_the_last_digits_moves_no_forecast_of_real_bars():
    found = shifts(real_panel(), ForecastSpec())
    assert len(found) >= 200
    assert found.max() < 0.01
    assert np.median(found) < 1e-4


@pytest.mark.parametrize("volume", [1.0, 7.0, 1_000_003.0])
def test_a_volume_that_is_always_the_same_says_as_much_as_none(volume):
    spec = ForecastSpec(lookback=10, train_size=60, horizon=2, units=4)
    made = []
    for always in (0.0, volume):
        panel = random_panel("ABC", 160)
        ulps = np.random.default_rng(0).integers(-2, 3, panel.bars.shape[1:])
        panel.bars[4] = always * (1.0 + ulps * np.finfo(float).eps)
        made.append(walk_forward(panel, spec).values)
    assert np.isfinite(made[0]).any()
    np.testing.assert_allclose(made[1], made[0], rtol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_fit_without_steps_imports_no_tensorflow(cell):
    code = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from fakes import random_panel
from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward
spec = ForecastSpec(cell={cell!r}, lookback=10, train_size=40, horizon=2, units=3)
made = walk_forward(random_panel("ABC", 130), spec)
assert {{fit.status for fit in made.fits}} == {{"ok"}}
assert "tensorflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("settings", [{}, {"layers": 2}, {"pooled": False}])
def test_members_differ_and_a_seed_is_the_same_again(cell, settings):
    spec = ForecastSpec(
        cell=cell, lookback=10, train_size=60, horizon=2, units=4, members=3, **settings
    )
    panel = random_panel("ABC", 160)
    made, again = walk_forward(panel, spec), walk_forward(panel, spec)
    np.testing.assert_array_equal(made.values, again.values)
    there = np.isfinite(made.dispersion)
    assert there.any()
    assert (made.dispersion[there] > 0).mean() > 0.95
    other = walk_forward(panel, replace(spec, seed=1))
    assert not np.array_equal(made.values, other.values, equal_nan=True)
