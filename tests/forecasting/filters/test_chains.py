"""The filter of an expectation that jumps, against one that is exact."""

from __future__ import annotations

import numpy as np
import pytest
from daily_laws import noise

from bt_lstm_rotation.forecasting.filters.chains import SHARES, jumping
from bt_lstm_rotation.prices.simulated.filters import hamilton


@pytest.mark.parametrize("low", [0.1, 0.5, 0.8])
def test_it_is_the_exact_filter_of_a_simulated_market(low):
    phi, deviation = 0.95, 0.004
    returns = noise().T
    leave = (1 - phi) * (1 - low), (1 - phi) * low
    levels = (
        -deviation * np.sqrt((1 - low) / low),
        deviation * np.sqrt(low / (1 - low)),
    )
    high = hamilton(returns, levels, 0.01, leave)
    exact = levels[0] + high * (levels[1] - levels[0])
    found = jumping(
        returns, np.ones_like(returns), np.array([low]), phi, deviation**2, 0.01**2
    )
    np.testing.assert_allclose(found[:, 0], exact, atol=1e-12)
    # A chain has a mean of 0 and the deviation that it is given.
    shares = np.array([low, 1 - low])
    assert shares @ levels == pytest.approx(0.0, abs=1e-18)
    assert shares @ np.square(levels) == pytest.approx(deviation**2)


def test_a_bar_of_no_precision_says_nothing():
    returns, exact = np.array([[0.05], [9.0]]), np.array([[0.0], [0.0]])
    found = jumping(returns, exact, SHARES, 0.9, 1e-5, 1e-4)
    np.testing.assert_allclose(found, 0.0, atol=1e-15)


def test_absurd_returns_are_sure_and_finite():
    returns = np.array([[1e300], [-1e300], [0.0]])
    found = jumping(returns, np.ones((3, 1)), SHARES, 0.9, 1e-5, 1e-4)
    deviation = np.sqrt(1e-5)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(
        found[0, :, 0], deviation * np.sqrt(SHARES / (1 - SHARES))
    )
    np.testing.assert_allclose(
        found[1, :, 0], -deviation * np.sqrt((1 - SHARES) / SHARES)
    )
