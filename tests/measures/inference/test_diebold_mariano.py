"""The test of two forecasts' losses, against one written out and by its size."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.inference.diebold_mariano import (
    diebold_mariano,
    session_losses,
)


def test_independent_losses_agree_with_a_regression_on_a_constant():
    linear = pytest.importorskip(
        "statsmodels.regression.linear_model", reason="statsmodels is the oracle"
    )
    rng = np.random.default_rng(0)
    own, other = rng.normal(1, 0.3, 4_000) ** 2, rng.normal(1.02, 0.3, 4_000) ** 2
    found = diebold_mariano(own, other, 1)
    oracle = linear.OLS(other - own, np.ones(4_000)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 5}
    )
    assert found.mean == pytest.approx(oracle.params[0])
    # Two estimates of one error, from 1,000 cosines and from 6 lags.
    assert found.error == pytest.approx(oracle.bse[0], rel=0.1)
    assert found.p_above == pytest.approx(oracle.pvalues[0] / 2, abs=0.02)


def test_the_sign_is_in_favour_of_the_first():
    rng = np.random.default_rng(1)
    small, large = rng.random(200), rng.random(200) + 1
    found = diebold_mariano(small, large, 1)
    assert found.mean == pytest.approx(1, abs=0.1)
    assert found.p_above < 1e-6
    assert diebold_mariano(large, small, 1).p_below == pytest.approx(found.p_above)


def test_two_of_the_same_are_not_tested():
    losses = np.random.default_rng(2).random(300)
    assert not diebold_mariano(losses, losses, 1).is_defined


def test_losses_are_means_over_pairs():
    forecast = np.array([[0.0, 1.0], [np.nan, 2.0], [np.nan, np.nan]])
    realised = np.array([[1.0, 3.0], [5.0, 2.5], [1.0, 1.0]])
    np.testing.assert_allclose(session_losses(forecast, realised), [2.5, 0.25, np.nan])


def test_different_lengths_are_refused():
    with pytest.raises(DataError, match="same sessions"):
        diebold_mariano(np.zeros(5), np.zeros(6), 1)


def test_a_session_that_one_lacks_is_left_out():
    own, other = np.ones(40), np.ones(40) * 2
    other[::2] = np.nan
    assert diebold_mariano(own, other, 1).sessions == 20
    assert math.isnan(diebold_mariano(own, other * np.nan, 1).mean)
