"""Forecasts of filters and a network as one function, shared out among its bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from moved_inputs import check_gradient
from networks import SMALL, window_of

from bt_lstm_rotation.forecasting.inside.attribution import integrated_gradients
from bt_lstm_rotation.forecasting.inside.differences import AT_ONCE, differences
from bt_lstm_rotation.forecasting.inside.readout import readout
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

SPEC = replace(SMALL, lookback=20, train_size=400)
WAYS = {
    "default": {},
    "not mirrored": {"mirrored": False},
    "members": {"members": 2},
    "one each": {"pooled": False},
    "more that tells": {"features": ("volatility", "relative_return", "volume")},
    "plain": {"target": "plain", "features": ("volume", "log_return")},
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def fitted(way):
    """A model of a market in which filters find something, and what it reads next."""
    spec = replace(SPEC, **way)
    market = SimulatedMarket(n_sessions=700, n_sectors=4, signal=4.0, seed=2).panel()
    panel = market.select([name for name in market.symbols if name != MARKET])
    window = window_of(panel, spec.fit_bars)
    model = spec.forecaster().fit(window, panel.sessions[-1]).model
    assert all(part.filters.bank.beliefs[0] < 0.5 for part in model.parts)
    return model, window_of(panel, spec.forecast_bars)


@each_way
def test_the_function_is_the_models_forecast(way):
    model, window = fitted(way)
    one = replace(window, dates=window.dates[None], bars=window.bars[:, None])
    expected = model.forecast(one).mean(axis=0)[0]
    alone = replace(
        model, parts=tuple(replace(part, filters=None) for part in model.parts)
    )
    for row, symbol in enumerate(window.symbols):
        function, inputs = readout(model, window, symbol)
        assert abs(function.forecast(inputs) - expected[row]) < 1e-7
        network = float(readout(alone, window, symbol)[0].forecast(inputs))
        assert function.filtered(inputs) == pytest.approx(expected[row] - network)
        assert abs(function.filtered(inputs)) > 1e-4


@each_way
def test_its_gradient_is_that_of_moves_of_each_bar(way):
    model, window = fitted(way)
    function, inputs = readout(model, window, "S2")
    assert function.gradient(inputs).any(axis=0).all()
    check_gradient(function, inputs)


@each_way
def test_shares_add_up_to_the_forecast_less_the_baseline(way):
    model, window = fitted(way)
    found = integrated_gradients(*readout(model, window, "S1"))
    whole = found.forecast - found.baseline
    assert abs(found.gap) <= 1e-6 * abs(whole)


def test_differences_are_exact_of_what_is_of_second_order():
    rng = np.random.default_rng(4)
    inputs, weights = rng.normal(size=(2, 5, 3)), rng.normal(size=(5, 3))

    def function(x):
        return (weights * x**2).sum(axis=(-1, -2))

    found = differences(function, inputs, [0, 2])
    np.testing.assert_allclose(found[..., [0, 2]], (2 * weights * inputs)[..., [0, 2]])
    assert not found[..., 1].any()


def test_differences_need_no_more_room_for_a_longer_lookback():
    inputs = np.random.default_rng(5).normal(size=(3, 700, 2))
    sizes = []

    def function(x):
        sizes.append(x.size)
        return (x**2).sum(axis=(-1, -2))

    found = differences(function, inputs, [0, 1])
    np.testing.assert_allclose(found, 2 * inputs, atol=1e-7)
    assert max(sizes) <= AT_ONCE
