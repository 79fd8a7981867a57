"""A bank of filters: it believes what foresees, and knows no bar to come."""

from __future__ import annotations

import numpy as np
import pytest
from daily_laws import HORIZON, N_BARS, echoing, noise, none, wandering

from bt_lstm_rotation.forecasting.filters.autoregression import ahead, gain
from bt_lstm_rotation.forecasting.filters.bank import PRIORS, FilterBank
from bt_lstm_rotation.prices.simulated.filters import chain, hamilton, kalman

LOOKBACK = 126


def fitted(returns, telling=None, known=None):
    telling = none(n_bars=returns.shape[1]) if telling is None else telling
    known = returns.shape[1] if known is None else known
    return FilterBank.fitted(returns, telling, known, LOOKBACK)


def jumping(low=0.1, phi=0.93, deviation=0.005):
    leave = (1 - phi) * (1 - low), (1 - phi) * low
    levels = np.array([-np.sqrt((1 - low) / low), np.sqrt(low / (1 - low))]) * deviation
    uniform = np.random.default_rng(3).random((N_BARS, 9))
    returns = levels[chain(uniform, leave)].T + noise()
    high = hamilton(returns.T, tuple(levels), 0.01, leave).T
    return returns, levels[0] + high * (levels[1] - levels[0])


def correlation(one, other):
    return np.corrcoef(one[:, LOOKBACK:].ravel(), other[:, LOOKBACK:].ravel())[0, 1]


def test_an_expectation_that_wanders_is_filtered_as_by_one_who_knows_its_law():
    returns = wandering() + noise()
    exact, _ = kalman(returns.T, np.full((N_BARS, 9), 0.01**2), 0.95, 0.003**2)
    bank, means = fitted(returns)
    assert bank.beliefs[1] > 0.9
    assert bank.phi == pytest.approx(0.95, abs=0.015)
    assert correlation(means, exact.T) > 0.99
    assert means.std() == pytest.approx(exact.std(), rel=0.1)


@pytest.mark.parametrize("low", [0.1, 0.5, 0.9])
def test_one_that_jumps_is_filtered_as_by_one_who_knows_its_law(low):
    returns, exact = jumping(low)
    bank, means = fitted(returns)
    assert bank.beliefs[2:].argmax() == [0.1, 0.5, 0.9].index(low)
    assert bank.beliefs[2:].max() > 0.9
    assert correlation(means, exact) > 0.985


def test_what_comes_back_is_expected_when_it_is_due():
    bank, means = fitted(echoing(42, 0.2))
    assert np.flatnonzero(np.abs(bank.echo) > 0.05) + 1 == [42]
    assert bank.echo[41] == pytest.approx(0.2, abs=0.02)
    returns = echoing(42, 0.2, seed=7)
    found = bank.over(np.zeros_like(means), returns, HORIZON)
    # The sum of the returns that will be 42 bars old on each of the bars ahead.
    window = np.lib.stride_tricks.sliding_window_view(returns, HORIZON, axis=1)
    expected = bank.echo[41] * window[:, : -(42 - HORIZON)].sum(axis=-1)
    # Echoes that are chance, of a hundredth, are all that is between the two.
    assert correlation(found[:, 41:], expected) > 0.97


def test_of_noise_nothing_is_expected():
    for seed in range(5):
        bank, means = fitted(noise(seed, 777))
        assert means.std() < 0.0015
        made = bank.over(means, noise(seed, 777), HORIZON)
        assert made.std() < 0.01  # and the returns over the horizon are of 0.046


def test_a_bar_that_is_said_to_be_noisy_counts_less():
    wild = np.random.default_rng(2).random((9, N_BARS)) < 0.5
    returns = wandering() + noise() * np.where(wild, 5.0, 1.0)
    told = (2.0 * wild - 1.0)[..., None]
    _, with_it = fitted(returns, told)
    _, without = fitted(returns)
    truth = wandering()
    assert correlation(with_it, truth) > correlation(without, truth) + 0.1


def test_fat_tails_alone_make_no_chain():
    rng = np.random.default_rng(5)
    returns = wandering() + 0.006 * rng.standard_t(3, (9, N_BARS))
    bank, _ = fitted(returns)
    assert bank.beliefs[1] > 0.5


def test_what_is_expected_knows_no_bar_to_come():
    returns, telling = wandering() + noise(), noise(4)[..., None] * 100
    bank, means = fitted(returns, telling, 1_000)
    later = returns.copy()
    later[:, 2_000:] += 0.05
    same, others = fitted(later, telling, 1_000)
    np.testing.assert_array_equal(same.to_array(), bank.to_array())
    np.testing.assert_array_equal(others[:, :2_000], means[:, :2_000])
    one, other = (bank.over(means, shown, HORIZON) for shown in (returns, later))
    np.testing.assert_array_equal(one[:, :2_000], other[:, :2_000])


@pytest.mark.parametrize(
    "returns", [wandering() + noise(), jumping()[0], echoing(42, 0.2)]
)
def test_one_window_alone_is_forecast_as_among_many(returns):
    telling = noise(4)[..., None] * 100
    bank, means = fitted(returns, telling)
    ends = np.arange(LOOKBACK, 700, 5)
    rows = ends[:, None] + np.arange(-LOOKBACK, 0)
    many = returns[:, rows], telling[:, rows]
    found = bank.last(*many, HORIZON)
    for symbol, end in ((0, 0), (4, 60), (8, len(ends) - 1)):
        alone = bank.last(many[0][symbol, end], many[1][symbol, end], HORIZON)
        assert alone == found[symbol, end]
    # And as in its window, but that a bar there may see some that are older.
    near = bank.over(means, returns, HORIZON)[:, ends - 1]
    assert np.corrcoef(found.ravel(), near.ravel())[0, 1] > 0.98


def test_a_bank_is_the_same_from_its_array():
    returns, telling = jumping()[0], noise(4)[..., None] * 100
    bank, _ = fitted(returns, telling)
    array = bank.to_array()
    assert len(array) == FilterBank.size(1)
    again = FilterBank.from_array(array)
    window = returns[:, :LOOKBACK], telling[:, :LOOKBACK]
    np.testing.assert_array_equal(
        again.last(*window, HORIZON), bank.last(*window, HORIZON)
    )


@pytest.mark.parametrize("n_bars", [3, 4, 30])
def test_short_windows_are_filtered_as_well(n_bars):
    returns, telling = noise(n_bars=n_bars)[:1], noise(5, n_bars)[:1, :, None]
    bank, means = FilterBank.fitted(returns, telling, n_bars, 2)
    assert np.isfinite(bank.to_array()).all()
    assert np.isfinite(bank.over(means, returns, 1)).all()
    assert np.isfinite(bank.last(returns, telling, 1)).all()


def test_bars_without_a_move_say_nothing():
    bank, means = fitted(np.zeros((9, 300)))
    assert not means.any()
    assert not bank.last(np.zeros((9, 50)), none(n_bars=50), HORIZON).any()


def test_each_filter_counts_by_its_formula_bar_by_bar():
    rng = np.random.default_rng(6)
    returns = wandering(deviation=0.003, n_bars=LOOKBACK)[:2]
    returns = returns + 0.01 * rng.normal(size=returns.shape)
    telling = rng.normal(size=(2, LOOKBACK, 1))
    bank, means = fitted(returns, telling)
    pi, r = bank.precision.of(telling), returns - returns.mean()
    q, noise, phi = bank.signal, bank.noise, bank.phi
    assert bank.mean == pytest.approx(returns.mean())
    assert q + noise == pytest.approx((pi * r**2).mean())
    steady = gain(phi, q, noise)

    def kalman_step(before, value, weight):
        learned = steady * weight / (1 - steady + steady * weight)
        return phi * before + learned * (value - phi * before)

    def hamilton_step(low):
        levels = np.sqrt([q * (1 - low) / low, q * low / (1 - low)]) * [-1, 1]

        def step(before, value, weight):
            high = (before - levels[0]) / (levels[1] - levels[0])
            high = (1 - phi) * (1 - low) + phi * high
            density = np.exp(-weight / (2 * noise) * (value - levels) ** 2)
            joint = density * [1 - high, high]
            return levels @ (joint / joint.sum())

        return step

    steps = [kalman_step, *map(hamilton_step, (0.1, 0.5, 0.9))]
    expected, log = np.zeros((4, *r.shape)), [np.log(1 / 3)]
    log[0] -= (pi * r**2).sum() / (2 * noise)
    for number, (step, prior) in enumerate(zip(steps, [1, *[1 / 3] * 3], strict=True)):
        missed = 0.0
        for symbol in range(2):
            mean = 0.0
            for bar in range(LOOKBACK):
                missed += pi[symbol, bar] * (r[symbol, bar] - phi * mean) ** 2
                mean = step(mean, r[symbol, bar], pi[symbol, bar])
                expected[number, symbol, bar] = mean
        log.append(np.log(prior / 3) - missed / (2 * noise) - 2)
    beliefs = np.exp(log - np.max(log))
    beliefs /= beliefs.sum()
    np.testing.assert_allclose(bank.beliefs, beliefs, rtol=1e-9)
    assert (beliefs > 1e-3).all()  # so that none is left out
    mixed = np.einsum("f,fsb->sb", beliefs[1:], expected)
    np.testing.assert_allclose(means, mixed, atol=1e-12)


@pytest.mark.parametrize("period", [2, 5, 20])
def test_bars_that_repeat_are_expected_to_and_not_to_grow(period):
    returns = 0.01 * np.cos(2 * np.pi * np.arange(N_BARS) / period)
    returns = np.broadcast_to(returns, (9, N_BARS))
    bank, means = fitted(returns)
    found = bank.over(means, returns, 1)[:, LOOKBACK:-1]
    assert correlation(found, returns[:, LOOKBACK + 1 :]) > 0.95
    assert np.abs(bank.over(means, returns, 100)).max() <= 100 * 0.01


def test_returns_of_another_unit_are_the_same_but_for_it():
    returns = wandering() + noise()
    bank, means = fitted(returns)
    hundred, percent = fitted(100.0 * returns)
    np.testing.assert_allclose(percent, 100.0 * means, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(hundred.beliefs, bank.beliefs, atol=1e-9)


def test_an_expectation_fades_over_the_horizon():
    returns = wandering() + noise()
    bank, means = fitted(returns)
    assert not bank.echo.any()
    found = bank.over(means, returns, HORIZON)
    np.testing.assert_allclose(found, ahead(bank.phi, HORIZON) * means)
    assert PRIORS.sum() == pytest.approx(1.0)
