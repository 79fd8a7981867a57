"""Portfolios drawn at random: their arithmetic, their turnover, and their place."""

from __future__ import annotations

import time

import numpy as np
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.inference.random_portfolios import (
    RandomPortfolios,
    _drawn,
    random_portfolios,
)


def market(n=1_260, k=9, seed=0, drift=0.0):
    rng = np.random.default_rng(seed)
    returns = rng.normal(drift, 0.01, (n, k))
    return 100 * np.exp(returns.cumsum(axis=0)), returns


def monthly(n=1_260):
    return np.arange(21, n, 21)


def held_at_random(count, k=9, names=3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.random((count, k)).argsort(axis=1).argsort(axis=1) < names


def traded(close, held, rows, **settings):
    bought = close[rows - 1]
    invested = held.any(axis=1).astype(float)
    settings = {"cost": 0.0007} | settings
    return random_portfolios(close, bought, held, invested, rows, **settings)


def test_draws_keep_and_exchange_as_many_names_as_the_strategy():
    held = held_at_random(60)
    held[10] = False
    held[20, :8] = True
    drawn = _drawn(held, np.ones(held.shape, bool), 200, 0)
    assert (drawn.sum(axis=2) == held.sum(axis=1)[:, None]).all()
    kept = (held[1:] & held[:-1]).sum(axis=1)
    assert ((drawn[1:] & drawn[:-1]).sum(axis=2) == kept[:, None]).all()
    # Every name is drawn as often as any other.
    assert drawn[30:].mean(axis=(0, 1)) == pytest.approx(held[30:].mean(), rel=0.1)


def test_a_symbol_that_cannot_be_traded_is_not_drawn():
    held, can = held_at_random(30), np.ones((30, 9), bool)
    can[:, 4] = False
    held[:, 4] = False
    assert not _drawn(held, can, 100, 0)[..., 4].any()


def test_the_strategys_sharpe_ratio_by_hand():
    # One symbol, bought at the close before the first session with half of 1, no
    # costs: worth 1, 1.05, 1.1, 1.05.
    close = np.array([[10.0], [11.0], [12.0], [11.0]])
    found = random_portfolios(
        close,
        np.array([[10.0]]),
        np.array([[True]]),
        np.array([0.5]),
        np.array([1]),
        cost=0.0,
        draws=100,
    )
    worth = np.array([1.0, 1.05, 1.1, 1.05])
    returns = worth[1:] / worth[:-1] - 1
    assert found.strategy == pytest.approx(returns.mean() / returns.std(ddof=1))
    np.testing.assert_allclose(found.draws, found.strategy)
    assert found.place == 0.5


def test_costs_are_a_share_of_what_is_traded():
    close = np.full((40, 2), 10.0)
    close[:, 0] += np.linspace(0, 1e-9, 40)
    held = np.array([[True, False], [False, True]])
    found = random_portfolios(
        close, close[[1, 20]], held, np.ones(2), np.array([1, 20]), cost=0.01
    )
    # All in at the first, and out of one and into the other at the second: 1 and 2.
    assert found.turnover == pytest.approx((1 / 0.99 + 2 / 0.98) / 2, rel=1e-3)


def test_a_strategy_without_skill_is_nowhere_in_particular():
    places = []
    for seed in range(40):
        close, _ = market(seed=seed)
        rows = monthly()
        held = held_at_random(len(rows), seed=seed + 100)
        places.append(traded(close, held, rows, draws=200).place)
    # Of 40 uniform ones the mean has a deviation of 0.046.
    assert np.mean(places) == pytest.approx(0.5, abs=0.14)
    assert np.std(places) == pytest.approx(12**-0.5, abs=0.1)


def test_a_strategy_that_knows_is_above_all():
    close, returns = market()
    rows = monthly()
    ahead = [returns[row : row + 21].sum(axis=0) for row in rows]
    held = np.array([a.argsort().argsort() >= 6 for a in ahead])
    found = traded(close, held, rows)
    assert found.place == 1.0
    assert found.p_value == 1 / 1_001


def test_costs_take_from_all_alike():
    close, _ = market()
    rows = monthly()
    held = held_at_random(len(rows))
    cheap, dear = (traded(close, held, rows, cost=c) for c in (0.0, 0.01))
    assert dear.strategy < cheap.strategy
    assert dear.draws.mean() < cheap.draws.mean() - 0.02


def test_late_listings_and_holes():
    close, _ = market()
    close[:300, 2] = np.nan
    close[500:510, 5] = np.nan
    rows = monthly()
    held = held_at_random(len(rows))
    held[rows <= 300, 2] = False
    found = traded(close, held, rows, draws=200)
    assert np.isfinite(found.draws).all()
    assert len(found.draws) == 200


def test_a_thousand_take_seconds():
    close, _ = market(2_520)
    rows = monthly(2_520)
    begin = time.process_time()
    found = traded(close, held_at_random(len(rows)), rows, draws=1_000)
    assert time.process_time() - begin < 20
    assert len(found.draws) == 1_000


def test_the_same_seed_gives_the_same_draws():
    close, _ = market(300)
    rows = monthly(300)
    held = held_at_random(len(rows))
    one, again, other = (traded(close, held, rows, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.draws, again.draws)
    assert not np.array_equal(one.draws, other.draws)


def test_a_strategy_that_holds_nothing_has_no_place():
    close, _ = market(300)
    rows = monthly(300)
    found = traded(close, np.zeros((len(rows), 9), bool), rows)
    assert np.isnan(found.place)
    assert np.isnan(found.p_value)


def test_ties_count_half():
    assert RandomPortfolios(1.0, np.array([0.0, 1.0, 1.0, 2.0]), 0.0).place == 0.5


def test_what_does_not_fit_is_refused():
    close, _ = market(300)
    rows = monthly(300)
    held = held_at_random(len(rows))
    with pytest.raises(DataError, match="fit"):
        traded(close, held[:-1], rows)
    with pytest.raises(DataError, match="ascend"):
        traded(close, held, rows[::-1])
    with pytest.raises(SpecError, match="cost"):
        traded(close, held, rows, cost=-1.0)
    with pytest.raises(SpecError, match="draws"):
        traded(close, held, rows, draws=3)
