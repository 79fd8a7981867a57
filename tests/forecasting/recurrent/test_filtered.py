"""What filters add to a network's forecast, and when there are any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import (
    BarHistory,
    ForecastSpec,
    Window,
    walk_forward,
)
from bt_lstm_rotation.prices.simulated import MARKET, simulated_market

SMALL = ForecastSpec(lookback=20, horizon=5, train_size=120, units=4)


def fitted(spec, seed=0):
    panel = random_panel("ABCD", spec.fit_bars + 10, seed=seed)
    history = BarHistory.from_panel(panel)
    stack = history.window("ABCD", panel.sessions[-1:], spec.fit_bars)
    window = Window(stack.symbols, stack.dates[0], stack.bars[:, 0])
    shown = history.window("ABCD", panel.sessions[-8:], spec.forecast_bars)
    return spec.forecaster().fit(window, panel.sessions[-1]), shown


@pytest.mark.parametrize(
    ("settings", "column"),
    [
        ({}, 0),
        ({"features": ("volume", "relative_return")}, 1),
        ({"features": ("volume", "log_return"), "target": "plain"}, 1),
        # Not the return that is learned.
        ({"features": ("volume", "log_return")}, None),
        ({"features": ("rank", "volume")}, None),
        ({"filters": False}, None),
        ({"initial_weights": "random"}, None),
        ({"initial_weights": "random", "filters": True}, 0),
    ],
)
def test_filters_read_the_daily_return_of_what_is_learned(settings, column):
    assert ForecastSpec(**settings).filtered_column == column


@pytest.mark.parametrize("value", [1, "yes", 0.0])
def test_whether_there_are_any_is_true_or_false(value):
    with pytest.raises(SpecError, match="filters must be"):
        ForecastSpec(filters=value)


def test_filters_without_what_they_read_are_refused():
    with pytest.raises(SpecError, match="'relative_return' is not among the features"):
        ForecastSpec(filters=True, features=("rank", "volume"))


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("members", [1, 2])
def test_a_forecast_is_the_filters_and_what_the_network_adds(pooled, members):
    spec = replace(SMALL, pooled=pooled, members=members)
    fit, shown = fitted(spec)
    model = fit.model
    bare = replace(
        model, parts=tuple(replace(part, filters=None) for part in model.parts)
    )
    features, _ = model.read(shown)
    found, network = model.forecast(shown), bare.forecast(shown)
    assert found.shape == (members, 8, 4)
    for row in range(4):
        part = model.parts[0 if pooled else row]
        inputs = part.scaler.inputs(features[:, row])
        added = part.filters.outputs(features[:, row], inputs)
        np.testing.assert_allclose(
            found[:, :, row] - network[:, :, row],
            np.broadcast_to(added * part.scaler.target_scale, (members, 8)),
            atol=1e-9,
        )


def test_a_network_that_learns_nothing_leaves_the_filters_forecast(monkeypatch):
    from bt_lstm_rotation.forecasting.recurrent import posterior

    monkeypatch.setattr(posterior, "PENALTIES", np.array([1e30]))
    fit, shown = fitted(SMALL)
    model = fit.model
    (part,) = model.parts
    features, _ = model.read(shown)
    added = part.filters.outputs(features, part.scaler.inputs(features))
    np.testing.assert_allclose(
        model.forecast(shown)[0], part.scaler.returns(added), atol=1e-12
    )


@pytest.mark.parametrize("period", [2, 5, 23])
@pytest.mark.parametrize("target", ["relative", "plain"])
def test_prices_that_repeat_are_forecast_to_do_what_they_do(period, target):
    turns = 2 * np.pi * np.arange(330)[:, None] / period
    close = 100.0 + [5.0, 10.0, 15.0] * np.cos(turns)
    panel = random_panel("ABC", 330)
    panel = replace(panel, bars=np.stack([*[close] * 4, panel.bars[4]]))
    daily = "relative_return" if target == "relative" else "log_return"
    spec = ForecastSpec(lookback=60, train_size=252, units=4, target=target)
    made = walk_forward(panel, replace(spec, features=(daily, "volume")))
    longest = close.max(axis=0) / close.min(axis=0) - 1
    assert np.isfinite(made.values).any()
    assert np.nanmax(np.abs(made.values)) < longest.max()


@pytest.mark.parametrize("world", ["regimes", "volatility", "delayed"])
def test_a_network_beyond_filters_finds_most_of_each_world(world):
    market = simulated_market(world, seed=7, n_sessions=1_400)
    panel = market.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    spec = ForecastSpec(retrain="quarterly")
    made = walk_forward(sectors, spec).values
    plain = walk_forward(sectors, replace(spec, filters=False)).values
    best = market.optimal_forecast(spec.horizon)
    there = np.isfinite(made).all(axis=1)

    def likeness(values):
        pairs = zip(values[there], best[there], strict=True)
        return np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs])

    assert likeness(made) > 0.8
    assert likeness(made) > likeness(plain)
