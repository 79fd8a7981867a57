"""Scores of what anybody could have said, counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.naive import own_means_so_far, scores_beside_naive
from bt_lstm_rotation.measures.skill import skill

NAN = float("nan")
ROWS = ["forecast", "nothing", "always up", "session's mean", "own mean so far"]
SCORES = ["hit_ratio", "mse_ratio", "ic", "rank_ic", "observations"]


def test_by_hand():
    forecast = np.array([[0.03, -0.01, 0.01], [-0.02, 0.01, NAN], [0.5, 0.5, 0.5]])
    realised = np.array([[0.02, 0.01, -0.03], [-0.01, 0.03, 0.5], [NAN, NAN, NAN]])
    found = scores_beside_naive(forecast, realised, horizon=1)
    assert found.index.tolist() == ROWS
    assert found.columns.tolist() == SCORES
    # Of five pairs, 0.03, -0.02 and 0.01 of the second session have the right sign.
    assert found["hit_ratio"].tolist()[:1] == [3 / 5]
    squares = 4 + 1 + 9 + 1 + 9
    assert found.loc["forecast", "mse_ratio"] == pytest.approx(
        (1 + 4 + 16 + 1 + 4) / squares
    )
    assert found.loc["nothing", "mse_ratio"] == 1
    assert np.isnan(found.loc["nothing", "hit_ratio"])
    # Three of five went up.
    assert found.loc["always up", "hit_ratio"] == 3 / 5
    # The means are 0.01 and -0.005.
    assert found.loc["session's mean", "hit_ratio"] == 3 / 5
    assert found.loc["session's mean", "mse_ratio"] == pytest.approx(
        (1 + 0 + 16 + 0.25 + 12.25) / squares
    )
    # 0.02 before -0.01, and 0.01 before 0.03.
    assert found.loc["own mean so far", "observations"] == 2
    assert found.loc["own mean so far", "hit_ratio"] == 1 / 2
    assert found.loc["own mean so far", "mse_ratio"] == pytest.approx((9 + 4) / 10)
    assert found.iloc[1:4][["ic", "rank_ic"]].isna().all().all()


def test_the_first_row_is_the_skill():
    rng = np.random.default_rng(0)
    realised = rng.normal(0, 0.02, (60, 5))
    forecast = realised + rng.normal(0, 0.05, (60, 5))
    forecast[rng.random((60, 5)) < 0.2] = NAN
    found = scores_beside_naive(forecast, realised, horizon=3)
    expected = skill(forecast, realised)
    for name in SCORES:
        assert found.loc["forecast", name] == expected[name]
    assert (found["observations"][:4] == expected["observations"]).all()


@pytest.mark.parametrize("horizon", [1, 4, 100])
def test_own_means_know_only_what_has_matured(horizon):
    rng = np.random.default_rng(horizon)
    realised = rng.normal(0, 0.02, (60, 3))
    realised[rng.random((60, 3)) < 0.3] = NAN
    found = own_means_so_far(realised, horizon)
    for column in range(3):
        own = pd.Series(realised[:, column]).dropna()
        expected = own.expanding().mean().shift(horizon).reindex(range(60))
        np.testing.assert_allclose(found[:, column], expected)
    # What is realised from the 30th session on is not known within the horizon.
    other = realised.copy()
    other[30:] *= 5
    np.testing.assert_array_equal(
        own_means_so_far(other, horizon)[: 30 + horizon], found[: 30 + horizon]
    )


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (4, 0), (4, 3)])
def test_without_a_pair_nothing_is_scored(shape):
    found = scores_beside_naive(np.full(shape, NAN), np.zeros(shape), horizon=2)
    assert found.index.tolist() == ROWS
    assert (found["observations"] == 0).all()
    assert found.drop(columns="observations").isna().all().all()


def test_what_is_impossible_is_refused():
    with pytest.raises(SpecError, match="horizon must be"):
        scores_beside_naive(np.ones((2, 3)), np.ones((2, 3)), horizon=0)
    with pytest.raises(DataError, match="not of one shape"):
        scores_beside_naive(np.ones((2, 3)), np.ones((3, 2)), horizon=1)
