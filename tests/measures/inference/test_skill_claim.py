"""The claim: when it is made, and what stands beside it when it is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.inference.mean_test import mean_test
from bt_lstm_rotation.measures.inference.skill_claim import claim_of_skill, is_learned


def claimed(mean, n=2_520, horizon=21, seed=0, **settings):
    rng = np.random.default_rng(seed)
    shocks = rng.normal(0, 0.35 / horizon, n + horizon)
    values = np.convolve(shocks, np.ones(horizon), "valid")[:n]
    values += mean - values.mean()
    return claim_of_skill(values, horizon, periods_a_year=252, **settings)


def test_outcomes_follow_the_mean():
    detectable = claimed(0.0).detectable
    assert claimed(2 * detectable).outcome == "skill"
    assert claimed(0.3 * detectable).outcome == "none"
    assert claimed(-2 * detectable).outcome == "opposite"


def test_the_smallest_skill_found_stands_beside_every_outcome():
    found = [claimed(mean) for mean in (-0.1, 0.0, 0.001, 0.1)]
    # A skill that is measured has a part in the error, which is taken off.
    assert found[0].detectable == pytest.approx(found[1].detectable, rel=1e-9)
    assert 1 > found[3].detectable / found[0].detectable > 0.8
    assert found[0].needed == found[1].needed == math.inf
    assert found[2].needed > 10 > found[3].needed
    assert all(one.years == 10 for one in found)


def test_years_needed_are_those_of_the_smallest_skill():
    smallest = 0.0
    for _ in range(20):  # of itself, which makes it a little smaller
        smallest = claimed(smallest).detectable
    whole = claimed(smallest)
    assert whole.needed == pytest.approx(whole.years)
    assert claimed(smallest / 2).needed > 3 * whole.years


def test_nothing_is_claimed_where_nothing_differs():
    assert claim_of_skill(np.zeros(3), 21, periods_a_year=252).outcome == "untested"
    found = claim_of_skill(np.full(900, np.nan), 21, periods_a_year=None)
    assert found.outcome == "untested"
    assert math.isnan(found.detectable)


def test_the_best_of_many_is_asked_for_more():
    alone = claimed(0.0)
    mean = 1.2 * alone.detectable
    assert claimed(mean).outcome == "skill"
    many = claimed(mean, trials=1e6)
    assert many.outcome == "none"
    assert many.detectable > 2 * alone.detectable
    # The chance that one of 20 is claimed is what it was of one.
    twenty = claimed(0.0, trials=20)
    assert 1 - (1 - twenty.size) ** 20 == pytest.approx(alone.size)


def test_without_skill_it_is_claimed_in_less_than_five_per_cent():
    rng, claims = np.random.default_rng(1), 0
    for _ in range(1_000):
        forecast = rng.normal(size=(1_300, 9)).cumsum(axis=0)  # it persists
        daily = rng.normal(size=(1_320, 9))
        ahead = daily.cumsum(axis=0)
        realised = ahead[20:] - ahead[:-20]
        f = forecast - forecast.mean(axis=1, keepdims=True)
        r = realised - realised.mean(axis=1, keepdims=True)
        ic = (f * r).sum(1) / np.sqrt((f**2).sum(1) * (r**2).sum(1))
        claims += claim_of_skill(ic, 20, periods_a_year=252).outcome == "skill"
    # 25 are expected, with a deviation of 5.
    assert claims <= 42


def test_it_is_the_mean_test():
    ic = np.random.default_rng(2).normal(size=400)
    assert claim_of_skill(ic, 5, periods_a_year=52).test == mean_test(ic, 5)


def test_what_learns_has_to_be_better_to_be_found_as_surely():
    learned, rule = claimed(0.0), claimed(0.0, learned=False)
    assert learned.outcome == rule.outcome
    assert learned.test == rule.test
    # The less, the smaller the error: skill that can be seen has no room to vary.
    year = {"n": 252}
    shorter = claimed(0.0, **year).detectable
    longer_share = learned.detectable / rule.detectable
    assert shorter / claimed(0.0, learned=False, **year).detectable > longer_share > 1


@pytest.mark.parametrize(
    ("spec", "learns"),
    [
        ({"forecaster": "ForecastSpec"}, True),
        ({"forecaster": "MomentumSpec"}, False),
        ({"forecaster": "ReversalSpec"}, False),
        ({"forecaster": "Mine"}, True),
        ({}, True),
        (None, True),
    ],
)
def test_whatever_is_not_known_as_a_rule_is_taken_as_learned(spec, learns):
    assert is_learned(spec) is learns


def test_impossible_arguments_are_refused():
    with pytest.raises(SpecError, match="trials"):
        claim_of_skill(np.zeros(9), 1, periods_a_year=252, trials=0)
    with pytest.raises(SpecError, match="learned"):
        claim_of_skill(np.zeros(9), 1, periods_a_year=252, learned="no")
    with pytest.raises(SpecError, match="horizon"):
        claim_of_skill(np.zeros(9), 0, periods_a_year=252)
    with pytest.raises(DataError, match="values"):
        claim_of_skill("no", 1, periods_a_year=252)
