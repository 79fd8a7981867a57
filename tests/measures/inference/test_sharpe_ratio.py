"""Sharpe ratios that allow for luck: the examples printed in the papers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.inference.sharpe_ratio import (
    Moments,
    best_by_luck,
    effective_trials,
    moments,
    probabilistic_sharpe,
)


def test_the_deflated_example_of_bailey_and_lopez_de_prado_2014():
    # "A numerical example": an annual ratio of 2.5 over 5 years of 250 days, skewness
    # -3, kurtosis 10; 100 trials whose annual ratios have a variance of 1/2.
    luck = best_by_luck(100, 0.5 / 250)
    assert luck == pytest.approx(0.1132, abs=5e-5)
    found = Moments(2.5 / math.sqrt(250), -3.0, 10.0, 1250)
    assert probabilistic_sharpe(found, luck) == pytest.approx(0.9004, abs=5e-5)
    # With 46 trials, and with a normal law of 88, it would have been 0.95.
    luck = best_by_luck(46, 0.5 / 250)
    assert probabilistic_sharpe(found, luck) == pytest.approx(0.9505, abs=5e-5)
    normal = Moments(2.5 / math.sqrt(250), 0.0, 3.0, 1250)
    luck = best_by_luck(88, 0.5 / 250)
    assert probabilistic_sharpe(normal, luck) == pytest.approx(0.9505, abs=5e-5)


def test_the_probabilistic_example_of_bailey_and_lopez_de_prado_2012():
    # 24 monthly returns with a ratio of 0.458, skewness -2.448 and kurtosis 10.164:
    # 0.982 if they were normal, 0.913 as they are.
    normal = Moments(0.458, 0.0, 3.0, 24)
    assert probabilistic_sharpe(normal) == pytest.approx(0.982, abs=5e-4)
    found = Moments(0.458, -2.448, 10.164, 24)
    assert probabilistic_sharpe(found) == pytest.approx(0.913, abs=5e-4)


def test_the_best_of_many_is_what_sampling_finds():
    rng = np.random.default_rng(0)
    best = rng.normal(0, 0.3, (20_000, 50)).max(axis=1).mean()
    assert best_by_luck(50, 0.09) == pytest.approx(best, rel=0.02)
    assert best_by_luck(1, 0.09) == 0.0
    assert best_by_luck(10, 0.0) == 0.0


def test_trials_that_are_alike_count_as_one():
    assert effective_trials(100, 1.0) == 1.0
    assert effective_trials(100, 0.0) == 100.0
    assert effective_trials(100, 0.5) == 50.5
    assert effective_trials(100, -0.5) == 100.0


def test_moments_are_scipys():
    stats = pytest.importorskip("scipy.stats", reason="scipy is the oracle")
    returns = np.random.default_rng(1).standard_t(5, 500) * 0.01 + 0.001
    found = moments(np.append(returns, np.nan))
    assert found.n == 500
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert found.skewness == pytest.approx(stats.skew(returns))
    assert found.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))


def test_it_is_the_chance_that_sampling_finds():
    # Under a ratio of 0, PSR(0) is uniform.
    rng = np.random.default_rng(2)
    found = [probabilistic_sharpe(moments(rng.normal(0, 1, 250))) for _ in range(2_000)]
    assert np.mean(np.array(found) > 0.95) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("returns", [[], [0.1, 0.1], [0.01] * 100, [np.nan] * 9])
def test_of_nothing_there_is_none(returns):
    assert math.isnan(probabilistic_sharpe(moments(np.array(returns))))


def test_impossible_values_are_refused():
    with pytest.raises(SpecError, match="trials"):
        best_by_luck(0.5, 1.0)
    with pytest.raises(SpecError, match="variance"):
        best_by_luck(5, -1.0)
    with pytest.raises(SpecError, match="correlation"):
        effective_trials(5, 1.5)
    with pytest.raises(SpecError, match="trials"):
        effective_trials(0, 0.5)
    with pytest.raises(DataError, match="returns"):
        moments([[0.1]])
