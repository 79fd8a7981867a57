"""Weighted autocovariances, against their formula and against chance."""

from __future__ import annotations

import numpy as np
import pytest

from bt_lstm_rotation.forecasting.filters.autocovariances import autocovariances


def test_they_are_the_sums_of_their_formula():
    rng = np.random.default_rng(3)
    returns, weights = rng.normal(size=(2, 40)), rng.random((2, 40)) + 0.5
    mean = (weights * returns).sum(axis=1) / weights.sum(axis=1)
    found, errors = autocovariances(returns, weights)
    assert len(found) == len(errors) == 20
    z = weights * (returns - mean[:, None])
    for lag in (1, 7, 20):
        products = z[:, lag:] * z[:, :-lag]
        total = (weights[:, lag:] * weights[:, :-lag]).sum()
        assert found[lag - 1] == pytest.approx(products.sum() / total)
        assert errors[lag - 1] == pytest.approx(
            np.sqrt((products**2).sum()) / total, rel=1e-9
        )


def test_errors_are_those_of_chance_where_wild_days_follow_each_other():
    rng = np.random.default_rng(4)
    wild = 1.0 + 3.0 * (np.arange(2_000) // 100 % 2)
    found, errors = [], []
    for _ in range(200):
        returns = rng.normal(size=(3, 2_000)) * wild
        one, error = autocovariances(returns, np.ones_like(returns))
        found.append(one[:5])
        errors.append(error[:5])
    np.testing.assert_allclose(
        np.mean(errors, axis=0), np.std(found, axis=0), rtol=0.15
    )


@pytest.mark.parametrize("n_bars", [2, 3, 5])
def test_short_windows_have_few_lags(n_bars):
    found, errors = autocovariances(np.ones((1, n_bars)), np.ones((1, n_bars)))
    assert len(found) == len(errors) == n_bars // 2
    np.testing.assert_allclose(found, 0.0, atol=1e-15)
