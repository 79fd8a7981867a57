"""What could have been found: against the noncentral law and against many samples."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.measures.inference.detectable import (
    smallest_detectable,
    years_needed,
)
from bt_lstm_rotation.measures.inference.mean_test import MeanTest, mean_test
from bt_lstm_rotation.measures.inference.student import t_quantile


def made(error=0.02, degrees=30):
    return MeanTest(0.0, error, degrees, 2_520, 0.0, 0.5, 0.5)


@pytest.mark.parametrize(("degrees", "off"), [(5, 0.05), (10, 0.01), (30, 0.002)])
def test_it_has_the_power_by_the_noncentral_law(degrees, off):
    stats = pytest.importorskip("scipy.stats", reason="scipy is the oracle")
    found = smallest_detectable(made(1.0, degrees))
    power = stats.nct.sf(t_quantile(0.975, degrees), degrees, found)
    assert power == pytest.approx(0.8, abs=off)


def test_a_mean_of_that_size_is_found_in_eighty_per_cent():
    rng, found = np.random.default_rng(0), 0
    null = (mean_test(rng.normal(size=400), 2) for _ in range(200))
    stated = [smallest_detectable(test) for test in null]
    effect = np.mean(stated)
    for _ in range(1_000):
        found += mean_test(rng.normal(effect, 1, 400), 2).p_above <= 0.025
    assert 760 <= found <= 840


def test_the_normal_law_gives_the_textbooks_2_80():
    assert smallest_detectable(made(1.0, 10**6)) == pytest.approx(2.8016, abs=1e-3)


def test_years_grow_with_the_square():
    assert years_needed(0.02, 0.04, 10) == pytest.approx(40)
    assert years_needed(0.04, 0.04, 10) == pytest.approx(10)
    assert years_needed(0.0, 0.04, 10) == math.inf
    assert years_needed(-0.1, 0.04, 10) == math.inf
    assert math.isnan(years_needed(math.nan, 0.04, 10))


def test_an_effect_that_comes_and_goes_has_to_be_larger():
    # 0.05 reach, with a growth of 3: the root of x² = 0.0196 (1 + 3 x).
    reach = smallest_detectable(made(1.0, 10**6))
    found = smallest_detectable(made(0.05, 10**6), growth=3.0)
    assert found**2 == pytest.approx((0.05 * reach) ** 2 * (1 + 3 * found))
    assert found > 0.05 * reach
    assert smallest_detectable(made(0.05)) == smallest_detectable(
        made(0.05), growth=0.0
    )


def test_what_was_found_does_not_change_what_is_smallest():
    # An error that has grown by half of what an effect of 0.1 adds: 1 + 0.5 * 4 * 0.1.
    settings = {"growth": 4.0, "seen": 0.5}
    without = smallest_detectable(made(0.05), **settings)
    grown = replace(made(0.05 * 1.2**0.5), mean=0.1)
    assert smallest_detectable(grown, **settings) == pytest.approx(without)
    # What is more than the smallest adds no more, and what is below 0 nothing.
    large, larger = (replace(made(0.05), mean=mean) for mean in (1.0, 2.0))
    smallest = smallest_detectable(large, **settings)
    assert smallest == smallest_detectable(larger, **settings)
    reach = smallest_detectable(made(1.0))
    grown_by = (1 + 4.0 * smallest) / (1 + 0.5 * 4.0 * smallest)
    assert smallest**2 == pytest.approx((0.05 * reach) ** 2 * grown_by)
    below = replace(made(0.05), mean=-0.1)
    assert smallest_detectable(below, **settings) == without


def test_the_smallest_effect_needs_the_years_there_are():
    found = smallest_detectable(made(0.05), growth=3.0)
    assert years_needed(found, found, 10, growth=3.0) == pytest.approx(10)
    # Twice the years divide the error's square by two.
    later = smallest_detectable(made(0.05 / 2**0.5), growth=3.0)
    assert years_needed(later, found, 10, growth=3.0) == pytest.approx(20)


def test_nothing_is_said_of_what_was_not_made():
    assert math.isnan(smallest_detectable(mean_test(np.zeros(3), 1)))


@pytest.mark.parametrize(
    "bad", [{"size": 0}, {"size": 0.6}, {"power": 1}, {"growth": -1}, {"seen": 1.1}]
)
def test_impossible_settings_are_refused(bad):
    with pytest.raises(SpecError, match=next(iter(bad))):
        smallest_detectable(made(), **bad)
