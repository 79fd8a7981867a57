"""What tells how much noise a bar has."""

from __future__ import annotations

import numpy as np
import pytest
from daily_laws import noise, none

from bt_lstm_rotation.forecasting.filters.precision import FARTHEST, Precision


def test_a_bar_of_more_noise_has_less_precision():
    wild = np.random.default_rng(2).random(noise().shape) < 0.5
    returns = noise() * np.where(wild, 5.0, 1.0)
    told = (2.0 * wild - 1.0)[..., None]
    found = Precision.fitted(returns, told).of(told)
    # Variances are 25 times as large; what is added to squares takes a little of it.
    assert found[~wild].mean() / found[wild].mean() == pytest.approx(25.0, rel=0.25)
    assert found.mean() == pytest.approx(1.0)


def test_where_nothing_tells_the_noise_all_bars_are_alike():
    assert (Precision.fitted(noise(), none()).of(none()) == 1.0).all()
    told = none(2)
    np.testing.assert_allclose(Precision.fitted(noise(), told).of(told), 1.0)
    still = Precision.fitted(np.zeros_like(noise()), none(1))
    assert (still.of(none(1)) == 1.0).all()


def test_a_column_says_no_more_beyond_some_deviations():
    made = Precision(np.array([0.5, -0.25]), 2.0)
    far = made.of(np.array([[1e9, 1e9], [-1e9, 1e9], [0.0, 0.0]]))
    steps = FARTHEST * np.array([-0.5 + 0.25, 0.5 + 0.25, 0.0])
    np.testing.assert_allclose(far, np.exp(steps) / 2.0)
