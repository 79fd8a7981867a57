"""What a filter expects, against the filter it is a case of, and worlds it is for."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward
from bt_lstm_rotation.forecasting.autoregression import ahead, autoregression, gain
from bt_lstm_rotation.forecasting.recurrent import filtered as room
from bt_lstm_rotation.forecasting.recurrent.filtered import filtered
from bt_lstm_rotation.prices.simulated import MARKET, simulated_market

N_SYMBOLS, N_BARS, HORIZON = 9, 3_000, 21


def wandering(phi=0.95, deviation=0.003, seed=0):
    rng = np.random.default_rng(seed)
    pushes = rng.normal(0, deviation * np.sqrt(1 - phi**2), (N_SYMBOLS, N_BARS))
    mean = np.zeros((N_SYMBOLS, N_BARS))
    for bar in range(1, N_BARS):
        mean[:, bar] = phi * mean[:, bar - 1] + pushes[:, bar]
    return mean


def noise(seed=1):
    return np.random.default_rng(seed).normal(0, 0.01, (N_SYMBOLS, N_BARS))


def none(count=0):
    return np.zeros((N_SYMBOLS, N_BARS, count))


def test_where_nothing_tells_the_noise_it_is_the_kalman_filter():
    returns = wandering() + noise()
    phi, signal, total = autoregression(returns)
    learned, mean = gain(phi, signal, total - signal), np.zeros(N_SYMBOLS)
    expected = np.empty_like(returns)
    for bar in range(N_BARS):
        mean = phi * mean + learned * (returns[:, bar] - phi * mean)
        expected[:, bar] = mean * ahead(phi, HORIZON)
    for telling in (none(), none(2)):
        found = filtered(returns, telling, N_BARS, HORIZON)
        # Two ways to estimate, and a memory between those of the list.
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.998
        assert found.std() == pytest.approx(expected.std(), rel=0.05)


def test_a_day_that_is_said_to_be_noisy_counts_less():
    wild = np.random.default_rng(2).random((N_SYMBOLS, N_BARS)) < 0.5
    returns = wandering() + noise() * np.where(wild, 5.0, 1.0)
    told = (2.0 * wild - 1.0)[..., None]
    truth = wandering().ravel()

    def found(telling):
        made = filtered(returns, telling, N_BARS, HORIZON)
        return np.corrcoef(made.ravel(), truth)[0, 1]

    assert found(told) > found(none()) + 0.1
    precision = room._precision(returns, told, N_BARS)
    ratio = precision[~wild].mean() / precision[wild].mean()
    # Variances are 25 times as large, but for what the expectation adds to both.
    assert ratio == pytest.approx(25.0, rel=0.25)
    assert precision.mean() == pytest.approx(1.0)


def test_weighted_covariances_are_the_sums_of_their_formula():
    rng = np.random.default_rng(3)
    returns, weights = rng.normal(size=(2, 40)), rng.random((2, 40)) + 0.5
    mean = (weights * returns).sum(axis=1) / weights.sum(axis=1)
    found = room._covariances(returns, weights)
    assert len(found) == 20
    z = weights * (returns - mean[:, None])
    for lag in (1, 7, 20):
        products = (z[:, lag:] * z[:, :-lag]).sum()
        total = (weights[:, lag:] * weights[:, :-lag]).sum()
        assert found[lag - 1] == pytest.approx(products / total)


def test_the_memory_does_not_jump_from_one_of_the_list_to_the_next():
    lags = np.arange(1, 127)
    memories = np.linspace(20.0, 40.0, 2_001)
    found = np.array([room._fitted(0.5 ** (lags / one))[0] for one in memories])
    fitted = -np.log(2.0) / np.log(found)
    np.testing.assert_allclose(fitted, memories, rtol=0.01)
    assert (np.abs(np.diff(np.log(fitted))) < 0.003).all()  # the list's own is 0.08


@pytest.mark.parametrize("sign", [0.0, -1.0])
def test_without_a_positive_autocovariance_nothing_is_expected(sign):
    returns = sign * noise()
    returns[:, 1:] += 0.9 * sign * -noise()[:, :-1]  # what rose falls
    found = filtered(returns, none(1), N_BARS, HORIZON)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 0.01


def test_it_is_odd_in_returns_and_knows_none_to_come():
    returns = wandering() + noise()
    telling = noise(4)[..., None] * 100
    found = filtered(returns, telling, 1_000, HORIZON)
    np.testing.assert_array_equal(filtered(-returns, telling, 1_000, HORIZON), -found)
    later = returns.copy()
    later[:, 2_000:] += 0.05
    same = filtered(later, telling, 1_000, HORIZON)
    np.testing.assert_array_equal(same[:, :2_000], found[:, :2_000])


@pytest.mark.parametrize("n_bars", [3, 4, 30])
def test_short_windows_are_filtered_as_well(n_bars):
    returns, telling = noise()[:1, :n_bars], noise(5)[:1, :n_bars, None]
    assert np.isfinite(filtered(returns, telling, n_bars, 1)).all()


def test_the_default_network_finds_what_the_filter_finds():
    market = simulated_market("volatility", seed=7, n_sessions=1_150)
    panel = market.panel()
    sectors = panel.select([name for name in panel.symbols if name != MARKET])
    made = walk_forward(sectors, ForecastSpec(retrain="quarterly")).values
    best = market.optimal_forecast(HORIZON)
    there = np.isfinite(made).all(axis=1)
    pairs = zip(made[there], best[there], strict=True)
    assert np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs]) > 0.75
