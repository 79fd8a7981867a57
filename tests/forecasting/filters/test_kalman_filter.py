"""The filter of an expectation that wanders, against one that is exact."""

from __future__ import annotations

import numpy as np
from daily_laws import noise
from daily_laws import wandering as expectation

from bt_lstm_rotation.forecasting.filters.autoregression import gain
from bt_lstm_rotation.forecasting.filters.kalman import wandering
from bt_lstm_rotation.prices.simulated.filters import kalman


def test_once_at_rest_it_is_the_exact_filter_of_a_simulated_market():
    returns = (expectation() + noise()).T
    exact, _ = kalman(returns, np.full_like(returns, 0.01**2), 0.95, 0.003**2)
    steady = gain(0.95, 0.003**2, 0.01**2)
    found = wandering(returns, np.ones_like(returns), 0.95, steady)
    np.testing.assert_allclose(found[300:], exact[300:], atol=1e-9)


def test_a_bar_of_no_precision_says_nothing_and_of_a_lot_everything():
    returns, exact = np.array([0.01, 0.05, -0.02]), np.array([1.0, 0.0, 1e12])
    first, second, third = wandering(returns, exact, 0.9, 0.25)
    assert first == 0.0025
    assert second == 0.9 * first
    np.testing.assert_allclose(third, -0.02, rtol=1e-9)
