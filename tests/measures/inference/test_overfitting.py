"""The probability of overfitting: by hand, written out, and at both ends."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.inference.overfitting import overfitting


def test_two_blocks_by_hand():
    # The first wins the first half and loses the second; the second the other way: the
    # winner is always the worse of two elsewhere, of which the logit is log(1/2).
    returns = np.array([[3.0, 1.0], [4.0, 2.0], [1.0, 3.0], [2.0, 4.0]])
    found = overfitting(returns, 2)
    assert found.probability == 1.0
    np.testing.assert_allclose(found.logits, np.log([0.5, 0.5]))


def test_a_steady_winner_by_hand():
    # It is the better of two everywhere: rank 2 of 2, whose logit is log(2).
    returns = np.array([[3.0, 1.0], [4.0, 2.0], [3.0, 1.0], [4.0, 2.0]])
    found = overfitting(returns, 2)
    assert found.probability == 0.0
    np.testing.assert_allclose(found.logits, np.log([2.0, 2.0]))


def written_out(returns, blocks):
    """Follow the steps of Bailey, Borwein, López de Prado and Zhu, one by one."""
    parts = np.array_split(returns, blocks)
    logits = []
    for half in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[b] for b in half])
        outside = np.concatenate([parts[b] for b in range(blocks) if b not in half])
        best = (inside.mean(0) / inside.std(0)).argmax()
        performance = outside.mean(0) / outside.std(0)
        rank = performance.argsort().argsort()[best] + 1
        share = rank / (returns.shape[1] + 1)
        logits.append(np.log(share / (1 - share)))
    return np.array(logits)


def test_it_is_the_papers_algorithm():
    returns = np.random.default_rng(0).normal(0.0005, 0.01, (480, 7))
    np.testing.assert_allclose(overfitting(returns, 8).logits, written_out(returns, 8))


def test_of_noise_it_is_about_a_half_and_of_skill_it_is_none():
    rng = np.random.default_rng(1)
    found = [overfitting(rng.normal(0, 0.01, (1_000, 24))) for _ in range(12)]
    mean = np.mean([one.probability for one in found])
    assert 0.35 <= mean <= 0.65
    better = rng.normal(0, 0.01, (1_000, 24))
    better[:, 5] += 0.003
    assert overfitting(better).probability < 0.1


def test_sessions_that_do_not_fill_the_blocks_are_left_out_at_the_beginning():
    returns = np.random.default_rng(2).normal(size=(50, 3))
    whole = overfitting(returns[2:], 8)
    np.testing.assert_array_equal(overfitting(returns, 8).logits, whole.logits)


def test_returns_that_do_not_vary_are_no_wonder():
    returns = np.random.default_rng(3).normal(0.5, 1, (64, 3))
    returns[:, 1] = 0.1
    assert 0 <= overfitting(returns, 4).probability <= 1


@pytest.mark.parametrize("blocks", [3, 0, 22, 2.0, True])
def test_impossible_blocks_are_refused(blocks):
    with pytest.raises(SpecError, match="blocks"):
        overfitting(np.zeros((100, 2)), blocks)


@pytest.mark.parametrize(
    "returns",
    [np.zeros(50), np.zeros((50, 1)), np.zeros((7, 2)), np.full((50, 2), np.nan), "a"],
)
def test_what_is_no_table_is_refused(returns):
    with pytest.raises(DataError):
        overfitting(returns, 4)
