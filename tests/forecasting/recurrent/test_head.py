"""A head that is solved for: against formulas worked out another way."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.recurrent import head, posterior
from bt_lstm_rotation.forecasting.recurrent.head import solved_head

N_SYMBOLS, N_BARS, HORIZON = 4, 600, 10


def autoregressive(keep, seed=0, units=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N_SYMBOLS, N_BARS, units))
    for t in range(1, N_BARS):
        x[:, t] += keep * x[:, t - 1]
    return x


def solved(states, targets, weights=None, *, odd=True):
    weights = np.ones(targets.shape) if weights is None else weights
    return solved_head(states, targets, weights, HORIZON, odd=odd)


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.9, 0.98])
def test_the_overlap_is_that_of_a_known_autocorrelation(keep):
    x = autoregressive(keep, units=3)
    share = np.full(x.shape[:2], 1.0 / (N_SYMBOLS * N_BARS))
    found = posterior._overlap(x, share, np.eye(3), (x**2).mean(axis=(0, 1)), HORIZON)
    lags = np.arange(1, HORIZON)
    expected = 1 + 2 * ((1 - lags / HORIZON) * keep**lags).sum()
    np.testing.assert_allclose(found, expected, rtol=0.15)


def test_with_one_penalty_a_unit_has_the_weight_of_the_formula(monkeypatch):
    monkeypatch.setattr(posterior, "PENALTIES", np.array([0.3]))
    x = autoregressive(0.8)
    y = 0.5 * x[..., 0] + np.random.default_rng(1).normal(size=x.shape[:2])
    found, offset = solved(x, y)
    scale = np.sqrt((x**2).mean())
    z = x[..., 0] / scale
    sums = np.apply_along_axis(np.convolve, 1, z, np.ones(HORIZON), "valid")
    kappa = (sums**2).mean() / HORIZON
    assert found[0] == pytest.approx((z * y).mean() / (1 + kappa * 0.3) / scale)
    assert offset == 0.0


def test_it_finds_what_there_is_and_says_little_where_there_is_nothing():
    x = autoregressive(0.5, units=5)
    noise = np.random.default_rng(2).normal(size=x.shape[:2])
    wanted = np.array([1.0, 0.0, -2.0, 0.0, 0.0])
    found, _ = solved(x, x @ wanted + 0.1 * noise)
    np.testing.assert_allclose(found, wanted, atol=0.02)
    nothing, _ = solved(x, noise)
    assert np.std(x @ nothing) < 0.05


def test_an_offset_is_found_unless_states_are_odd():
    x = autoregressive(0.5)
    found, offset = solved(x + 3.0, 2.0 * x[..., 0] + 7.0, odd=False)
    # The least penalty takes a little of what is sure.
    assert found[0] == pytest.approx(2.0, rel=5e-3)
    assert offset == pytest.approx(7.0 - 3.0 * 2.0, rel=2e-2)


def test_a_target_of_weight_0_does_not_count():
    x = autoregressive(0.5, units=3)
    y = x[..., 0] + np.random.default_rng(3).normal(size=x.shape[:2])
    weights = np.ones(y.shape)
    weights[:, :100] = 0.0
    changed = np.where(weights > 0, y, 1e6)
    np.testing.assert_array_equal(
        solved(x, y, weights)[0], solved(x, changed, weights)[0]
    )


def test_it_hangs_on_no_last_digit():
    x = autoregressive(0.9, units=12)
    x[..., 6:] = x[..., :6] + 1e-3 * autoregressive(0.3, seed=7, units=6)
    y = x[..., 0] + np.random.default_rng(4).normal(size=x.shape[:2])
    moved = x * (1 + 1e-7 * np.random.default_rng(5).normal(size=x.shape))
    one, other = (shown @ solved(shown, y)[0] for shown in (x, moved))
    assert np.abs(one - other).max() < 1e-4 * np.std(one)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_units_that_say_nothing_have_no_weight(value):
    x = np.concatenate(
        [autoregressive(0.5), np.full((N_SYMBOLS, N_BARS, 1), value)], -1
    )
    found, offset = solved(x, x[..., 0], odd=value == 0.0)
    assert found[0] == pytest.approx(1.0, rel=5e-3)
    assert found[1] == 0.0
    assert np.isfinite(offset)


def test_targets_that_are_all_alike_are_forecast_as_they_are():
    x = autoregressive(0.5, units=2)
    found, offset = solved(x, np.zeros(x.shape[:2]))
    assert (found == 0.0).all()
    assert offset == 0.0
    found, offset = solved(x, np.full(x.shape[:2], 2.5), odd=False)
    np.testing.assert_allclose(x @ found + offset, 2.5, atol=1e-9)


def test_a_penalty_is_as_likely_as_the_normal_density_says(monkeypatch):
    penalties = [0.02, 0.7]
    monkeypatch.setattr(posterior, "PENALTIES", np.array(penalties))
    x = autoregressive(0.7, units=3)
    y = x[..., 0] + np.random.default_rng(9).normal(size=x.shape[:2])
    axes = head._own_axes(x, np.ones(y.shape), HORIZON, odd=True)
    found = axes.posterior(y)
    along = x.reshape(-1, 3) @ axes.axes
    e, count = (along**2).mean(axis=0), y.size
    # Axes of states that are scaled to a deviation of one, and turned.
    np.testing.assert_allclose(e, axes.variances, rtol=1e-9)
    assert e.sum() == pytest.approx(3.0)
    fit = (along * y.reshape(-1, 1)).mean(axis=0) / e
    densities = []
    for penalty in penalties:
        variance = (y**2).mean() * (axes.overlap / e + 1 / penalty) / count
        densities.append(-0.5 * (np.log(variance) + fit**2 / variance).sum())
    np.testing.assert_allclose(
        found.likelihood - found.likelihood[0],
        np.array(densities) - densities[0],
        rtol=1e-9,
    )


@pytest.mark.parametrize("horizon", [1, 10, 50])
def test_the_overlap_is_that_of_sums_that_are_added_up_anew(horizon):
    rng = np.random.default_rng(1)
    along, share = rng.normal(size=(4, 50, 3)), rng.random(size=(4, 50))
    expected = np.zeros(3)
    for symbol in range(4):
        for bar in range(horizon - 1, 50):
            total = along[symbol, bar - horizon + 1 : bar + 1].sum(axis=0)
            expected += share[symbol, bar] * total**2
    expected /= share[:, horizon - 1 :].sum() * horizon
    found = posterior._overlap(along, share, np.eye(3), np.ones(3), horizon)
    np.testing.assert_allclose(found, np.clip(expected, 1.0, horizon), rtol=1e-12)


@pytest.mark.parametrize("n_counting", [HORIZON - 1, HORIZON])
def test_targets_that_all_overlap_are_worth_one(n_counting):
    x = autoregressive(0.0)
    share = np.zeros(x.shape[:2])
    share[:, :n_counting] = 1.0 / (N_SYMBOLS * n_counting)
    found = posterior._overlap(x, share, np.eye(1), (x**2).mean(axis=(0, 1)), HORIZON)
    assert found <= HORIZON
    assert (found == HORIZON) == (n_counting < HORIZON)
