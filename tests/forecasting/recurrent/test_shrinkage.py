"""One penalty for all that a head reads, or one for each direction of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward
from bt_lstm_rotation.forecasting.recurrent import posterior
from bt_lstm_rotation.forecasting.recurrent.head import jointly_solved, solved_head
from bt_lstm_rotation.prices.simulated import MARKET, simulated_market

FOUR = ("relative_return", "volume", "overnight_return", "volatility")
SMALL = {"lookback": 20, "train_size": 80, "horizon": 5, "units": 6}


def states(seed, units=40):
    return np.random.default_rng(seed).normal(size=(4, 400, units))


def factors(seed, count=12):
    """Return factors, and states of which 2, 3, ... each show one: their axes."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(4, 400, count))
    shown = np.repeat(found, np.arange(2, count + 2), axis=-1)
    return found, shown + 0.05 * rng.normal(size=shown.shape)


def solved(x, y, *, adaptive):
    return solved_head(x, y, np.ones(y.shape), 1, odd=True, adaptive=adaptive)[0]


def missed(wanted, seed):
    """Return how far common and adaptive shrinkage are from what is to be found."""
    known, x = factors(seed)
    expected = known @ wanted
    y = expected + np.random.default_rng(seed + 100).normal(size=expected.shape)
    heads = [solved(x, y, adaptive=which) for which in (False, True)]
    return [np.square(x @ head - expected).mean() for head in heads]


def test_one_that_matters_is_found_among_many_that_do_not():
    wanted = np.zeros(12)
    wanted[4] = 0.12
    common, adaptive = np.mean([missed(wanted, seed) for seed in range(8)], axis=0)
    assert adaptive < 0.6 * common


@pytest.mark.parametrize(
    ("wanted", "most"),
    [
        (np.full(12, 0.06), 1.35),
        (np.random.default_rng(0).normal(0.0, 0.06, size=12), 1.1),
    ],
)
def test_where_all_matter_little_is_lost(wanted, most):
    common, adaptive = np.mean([missed(wanted, seed) for seed in range(8)], axis=0)
    assert adaptive < most * common


def test_beliefs_are_those_of_expectation_and_maximisation():
    of_axes = np.random.default_rng(0).normal(0.0, 3.0, size=(5, 7))
    shares = [1 / 5] * 5
    for _ in range(posterior.ROUNDS + 1):
        believed = []
        for axis in range(7):
            likely = [
                p * math.exp(x) for p, x in zip(shares, of_axes[:, axis], strict=True)
            ]
            believed.append([one / math.fsum(likely) for one in likely])
        shares = [(math.fsum(one[p] for one in believed) + 1 / 5) / 8 for p in range(5)]
    found = posterior._adapted(of_axes)
    np.testing.assert_allclose(found.T, believed, rtol=1e-12)


def test_one_penalty_for_all_is_the_same_either_way(monkeypatch):
    monkeypatch.setattr(posterior, "PENALTIES", np.array([0.3]))
    x = states(1, units=6)
    y = x[..., 0] + np.random.default_rng(2).normal(size=x.shape[:2])
    np.testing.assert_allclose(
        solved(x, y, adaptive=True), solved(x, y, adaptive=False), rtol=1e-12
    )


def test_a_head_is_odd_in_its_targets_and_nothing_of_nothing():
    x = states(3, units=8)
    y = np.random.default_rng(4).normal(size=x.shape[:2])
    up, down = solved(x, y, adaptive=True), solved(x, -y, adaptive=True)
    np.testing.assert_array_equal(up, -down)
    assert not solved(x, np.zeros_like(y), adaptive=True).any()


def test_beside_series_the_own_head_is_shrunk_so_too():
    x = states(5)
    y = 0.15 * x[..., 0] + np.random.default_rng(6).normal(size=x.shape[:2])
    shared = np.zeros((4, 400, 2))
    ones = np.ones(y.shape)
    head, *_ = jointly_solved(x, shared, y, ones, 1, odd=True, adaptive=True)
    np.testing.assert_allclose(head, solved(x, y, adaptive=True), rtol=1e-9)


@pytest.mark.parametrize(
    ("features", "adaptive"),
    [(("relative_return", "volume"), False), (FOUR[:3], False), (FOUR, True)],
)
def test_by_default_it_goes_by_how_many_columns_are_read(features, adaptive):
    assert ForecastSpec(features=features).shrinks_adaptively is adaptive
    for value in ("common", "adaptive"):
        spec = ForecastSpec(features=features, shrinkage=value)
        assert spec.shrinks_adaptively is (value == "adaptive")


@pytest.mark.parametrize("value", ["own", "", 1, True, [], ("common",)])
def test_another_shrinkage_is_refused(value):
    with pytest.raises(SpecError, match="shrinkage must be one of 'common', 'adapti"):
        ForecastSpec(shrinkage=value)


def test_a_head_that_is_not_solved_has_no_shrinkage():
    with pytest.raises(SpecError, match="left out with random initial weights"):
        ForecastSpec(shrinkage="common", initial_weights="random")


def test_forecasts_depend_on_no_bar_after_them():
    panel = random_panel("ABCD", 260)
    spec = ForecastSpec(features=FOUR, **SMALL)
    whole = walk_forward(panel, spec).values
    assert np.isfinite(whole[-1]).all()
    for stop in (150, 203):
        cut = walk_forward(panel.rows(0, stop), spec).values
        np.testing.assert_array_equal(cut, whole[:stop])
    other = walk_forward(panel, replace(spec, shrinkage="common")).values
    assert not np.array_equal(other, whole, equal_nan=True)


def test_products_are_found_among_eight_features():
    market = simulated_market("product", seed=710)
    panel = market.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    more = ("intraday_return", "garman_klass", "amihud", "drawdown")
    best = market.optimal_forecast(21)
    found = {}
    for shrinkage in ("common", "adaptive"):
        spec = ForecastSpec(
            features=(*FOUR, *more), shrinkage=shrinkage, retrain="quarterly"
        )
        made = walk_forward(sectors, spec).values
        known = np.isfinite(made) & np.isfinite(best)
        found[shrinkage] = np.corrcoef(made[known], best[known])[0, 1]
    assert found["adaptive"] > found["common"] + 0.1
