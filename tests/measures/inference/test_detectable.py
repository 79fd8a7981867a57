"""What could have been found: against the noncentral law and against many samples."""

from __future__ import annotations

import math

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


def test_nothing_is_said_of_what_was_not_made():
    assert math.isnan(smallest_detectable(mean_test(np.zeros(3), 1)))


@pytest.mark.parametrize("bad", [{"size": 0}, {"size": 0.6}, {"power": 1}])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(SpecError, match=next(iter(bad))):
        smallest_detectable(made(), **bad)
