"""Each optimum against brute force on a case that is small enough for it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from bt_lstm_rotation.prices.simulated import (
    WORLDS,
    DelayedMarket,
    ProductMarket,
    RegimeMarket,
    VolatilityMarket,
    simulated_market,
)
from bt_lstm_rotation.prices.simulated.filters import hamilton

# Nothing moves but the sectors' own returns.
ALONE = {"market_volatility": 0.0, "market_drift": 0.0}


def path_probability(states: tuple[int, ...], leave: tuple[float, float]) -> float:
    """Multiply up the probability of one path of a chain of two states."""
    second = leave[0] / (leave[0] + leave[1])
    found = second if states[0] else 1 - second
    for before, after in itertools.pairwise(states):
        found *= leave[before] if before != after else 1 - leave[before]
    return found


def test_the_hamilton_filter_is_bayes_rule_over_all_paths():
    rng = np.random.default_rng(0)
    levels, noise, leave = (-1.2, 0.4), 0.9, (0.3, 0.05)
    observed = rng.normal(size=(9, 1))
    found = hamilton(observed, levels, noise, leave)[:, 0]
    for t in range(9):
        total = high = 0.0
        for states in itertools.product((0, 1), repeat=t + 1):
            errors = observed[: t + 1, 0] - np.array(levels)[list(states)]
            weight = path_probability(states, leave)
            weight *= math.exp(-0.5 * float(errors @ errors) / noise**2)
            total += weight
            high += weight * states[-1]
        assert found[t] == pytest.approx(high / total, abs=1e-13)


def test_the_hamilton_filter_bears_evidence_beyond_all_doubt():
    observed = np.array([[1e6], [-1e6], [0.0]])
    found = hamilton(observed, (-1.0, 1.0), 0.001, (0.1, 0.1))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:2, 0], [1.0, 0.0])


@pytest.mark.parametrize("horizon", [1, 4])
def test_regimes_are_forecast_as_all_paths_together_are(horizon: int):
    market = RegimeMarket(
        seed=2, n_sectors=2, n_sessions=7, low=3, high=5, signal=3, **ALONE
    )
    y, levels = market.path.returns, np.array(market.levels)
    total, grown = np.zeros(2), np.zeros(2)
    for states in itertools.product((0, 1), repeat=7 + horizon):
        mu = levels[list(states)]
        errors = y - mu[:7, np.newaxis]
        weight = path_probability(states, market.leave)
        weight = weight * np.exp(-0.5 * (errors**2).sum(axis=0) / 0.01**2)
        total += weight
        grown += weight * math.exp(mu[7:].sum())
    expected = grown / total * math.exp(horizon * 0.01**2 / 2) - 1
    found = market.optimal_forecast(horizon)[-1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize("t", [0, 1, 29])
def test_calm_and_wild_days_are_weighed_as_the_joint_normal_weighs_them(
    horizon: int, t: int
):
    market = VolatilityMarket(
        seed=6, n_sectors=3, n_sessions=30, calm=3, wild=4, noise=0.05, **ALONE
    )
    squares = market.path.volatility[:, :-1] ** 2
    steps = np.arange(t + 1 + horizon)
    drift = 0.002**2 * 0.95 ** np.abs(steps[:, None] - steps)
    known, ahead = slice(0, t + 1), slice(t + 1, None)
    for k in range(3):
        noise = np.diag(0.05**2 * squares[: t + 1, k])
        weights = np.linalg.solve(
            drift[known, known] + noise, drift[known, ahead].sum(axis=1)
        )
        mean = weights @ market.path.returns[: t + 1, k]
        variance = drift[ahead, ahead].sum() - weights @ drift[known, ahead].sum(axis=1)
        state = int(squares[t, k] > 1)
        growth = 0.0
        for states in itertools.product((0, 1), repeat=horizon):
            chance = 1.0
            for before, after in itertools.pairwise((state, *states)):
                leaving = market.leave[before]
                chance *= leaving if before != after else 1 - leaving
            volatile = sum(market.squares[s] for s in states)
            growth += chance * math.exp(0.05**2 * volatile / 2)
        expected = math.exp(mean + variance / 2) * growth - 1
        found = market.optimal_forecast(horizon)[t, k]
        assert found == pytest.approx(expected, rel=0, abs=1e-13)


@pytest.mark.parametrize("horizon", [1, 5, 6, 13])
@pytest.mark.parametrize("t", [0, 3, 4, 24])
def test_echoes_are_those_of_the_joint_normal(horizon: int, t: int):
    market = DelayedMarket(
        seed=1, n_sectors=2, n_sessions=25, lag=5, signal=2, noise=0.05, **ALONE
    )
    size = t + 1 + horizon
    # y = e + theta (y of five sessions ago): e is noise, y is e times an inverse.
    lagged = np.eye(size) - 0.4 * np.eye(size, k=-5)
    made = np.linalg.inv(lagged)
    covariance = 0.05**2 * made @ made.T
    known, ahead = slice(0, t + 1), slice(t + 1, None)
    weights = np.linalg.solve(
        covariance[known, known], covariance[known, ahead].sum(axis=1)
    )
    variance = covariance[ahead, ahead].sum()
    variance -= weights @ covariance[known, ahead].sum(axis=1)
    expected = np.exp(weights @ market.path.returns[: t + 1] + variance / 2) - 1
    found = market.optimal_forecast(horizon)[t]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_products_are_forecast_as_an_integral_over_what_may_come(horizon: int):
    market = ProductMarket(
        seed=5, n_sectors=2, n_sessions=40, noise=0.1, signal=2, **ALONE
    )
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    chances = np.outer(weights, weights)[..., np.newaxis] / weights.sum() ** 2
    e, z = nodes[:, np.newaxis, np.newaxis], nodes[np.newaxis, :, np.newaxis]
    kappa, c = market.kappa, market.threshold
    for k in range(2):
        # mu of the next session, by the recursion over the bars.
        volume = np.log(market.panel().volume[:, k] / 5e6) / 0.3
        mu = 0.0
        for seen, busy in zip(market.path.returns[:, k], volume, strict=True):
            mu = 0.9 * mu + kappa * (seen - mu) / 0.1 * (busy - c)
        growth, expected, chance = np.ones(1), np.array([mu]), np.ones(1)
        for _ in range(horizon):
            chance = (chance * chances).ravel()
            growth = np.broadcast_to(
                growth * np.exp(expected + 0.1 * e), (12, 12, len(growth))
            ).ravel()
            expected = (0.9 * expected + kappa * e * (z - c)).ravel()
        found = market.optimal_forecast(horizon)[-1, k]
        # Volumes are whole shares, half of one in 1.5 million: z is off by 1e-6, and mu
        # by kappa = 0.01 times as much, for some sessions.
        assert found == pytest.approx(float(chance @ growth) - 1, rel=0, abs=2e-7)


@pytest.mark.parametrize("world", [name for name in WORLDS if name != "none"])
def test_the_market_adds_its_drift_and_half_its_variance(world: str):
    market = simulated_market(world, n_sessions=100)
    with_market = np.log1p(market.optimal_forecast(21))
    still = np.log1p(
        simulated_market(world, n_sessions=100, **ALONE).optimal_forecast(21)
    )
    betas = market.path.betas
    added = 21 * (betas * 0.06 / 252 + (0.01 * betas) ** 2 / 2)
    np.testing.assert_allclose(
        with_market - still, np.tile(added, (100, 1)), atol=1e-12
    )
