"""Universes and prices at the edges of what there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeSpec, random_panel
from hand_made import drop_in, fills

from bt_lstm_rotation import ForecastSpec, MomentumSpec, SectorRotation
from bt_lstm_rotation.analyzers import AccountHistory, ForecastHistory

TINY = ForecastSpec(lookback=10, horizon=3, train_size=40, units=4, steps=2)
ALONE = replace(TINY, target="plain", features=("log_return",))


def constant(symbols, n_sessions=110):
    panel = random_panel(symbols, n_sessions)
    bars = panel.bars.copy()
    bars[:4], bars[4] = 50.0, 1000.0
    return replace(panel, bars=bars)


def ran(panel, spec, **params):
    analyzers = (AccountHistory, ForecastHistory)
    return drop_in(panel, SectorRotation, spec=spec, analyzers=analyzers, **params)


def equity(run):
    history = run.analyzers.AccountHistory.get_analysis().values()
    return np.array([value for value, _, _ in history])


@pytest.mark.parametrize("spec", [TINY, MomentumSpec(lookback=20, skip=0)], ids=repr)
@pytest.mark.parametrize("weighting", ["equal", "inverse_volatility", "forecast"])
def test_constant_prices_are_a_forecast_of_nothing(spec, weighting):
    run = ran(constant("ABCD"), spec, top=2, weighting=weighting)
    forecasts = run.analyzers.ForecastHistory.get_analysis()["forecasts"].values()
    values = [value for row in forecasts for value in row.values()]
    assert len(values) > 50
    # No return to learn from and none ahead: 0, and no division by a deviation of 0.
    np.testing.assert_allclose(values, 0.0, atol=1e-12)
    assert (equity(run) == 10_000.0).all()
    # Equal forecasts: the first two by name; in proportion to 0, nothing.
    bought = {symbol for _, symbol, _, _ in fills(run)}
    assert bought == (set() if weighting == "forecast" else {"A", "B"})


def test_constant_prices_of_one_sector_leave_the_others_as_they_are():
    panel = random_panel("ABCD", 150)
    bars = panel.bars.copy()
    bars[:4, :, 0], bars[4, :, 0] = 50.0, 1000.0
    run = ran(replace(panel, bars=bars), TINY, top=4, weighting="inverse_volatility")
    assert np.isfinite(equity(run)).all()
    assert {symbol for _, symbol, _, _ in fills(run)} == set("ABCD")


@pytest.mark.parametrize("spec", [ALONE, FakeSpec(), MomentumSpec(lookback=20, skip=0)])
def test_a_single_feed_is_held(spec):
    run = ran(random_panel("A", 110), spec, top=3)
    assert {symbol for _, symbol, _, _ in fills(run)} == {"A"}
    last = list(run.analyzers.AccountHistory.get_analysis().values())[-1]
    assert last[2]["A"][0] > 0


def test_fifty_feeds_and_more_places_than_there_are_feeds():
    names = [f"S{number:02}" for number in range(50)]
    run = ran(random_panel(names, 110), TINY, top=60, lot=0.001)
    assert {symbol for _, symbol, _, _ in fills(run)} == set(names)
    last = list(run.analyzers.AccountHistory.get_analysis().values())[-1]
    assert len(last[2]) == 50
    assert last[1] > 0


def test_the_best_tenth_of_fifty_feeds_is_five():
    names = [f"S{number:02}" for number in range(50)]
    run = ran(random_panel(names, 110), FakeSpec(), quantile=0.1)
    last = list(run.analyzers.AccountHistory.get_analysis().values())[-1]
    assert len(last[2]) == 5
