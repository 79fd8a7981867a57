"""The forecasters that an LSTM must beat, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fakes import random_panel, same_bytes, shocked

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting import MomentumSpec, walk_forward
from bt_lstm_rotation.forecasting.forecaster import Spec


def test_momentum_is_the_past_pace_over_the_horizon():
    panel = random_panel("AB", 60)
    spec = MomentumSpec(lookback=12, skip=2, horizon=5, retrain="weekly")
    result = walk_forward(panel, spec)
    row = 40
    for column in range(2):
        past = panel.close[row - 2, column] / panel.close[row - 12, column]
        expected = past ** (5 / 10) - 1.0
        assert math.isclose(result.values[row, column], expected, rel_tol=1e-12)


def test_momentum_of_12_1_asks_for_a_year_and_a_day():
    spec = MomentumSpec()
    assert (spec.lookback, spec.skip, spec.horizon) == (252, 21, 21)
    assert spec.forecast_bars == spec.fit_bars == 253
    assert spec.min_symbols == 1
    assert isinstance(spec, Spec)


def test_momentum_does_not_look_ahead_and_is_not_fitted_late():
    panel = random_panel("AB", 80)
    spec = MomentumSpec(lookback=10, skip=0, horizon=1)
    whole = walk_forward(panel, spec)
    for row in (30, 60, 78):
        other = walk_forward(shocked(panel, row), spec)
        assert same_bytes(other.values[: row + 1], whole.values[: row + 1])
    late = walk_forward(panel, spec, start=panel.sessions[50])
    assert same_bytes(late.values[50:], whole.values[50:])
    assert np.isnan([fit.first_loss for fit in whole.fits]).all()


@pytest.mark.parametrize(
    ("field", "value", "valid"),
    [
        ("lookback", 0, "at least 1"),
        ("lookback", 252.0, "whole number"),
        ("lookback", True, "whole number"),
        ("skip", -1, "at least 0"),
        ("skip", "21", "whole number"),
        ("horizon", 0, "at least 1"),
        ("horizon", None, "whole number"),
        ("retrain", "daily", "monthly"),
    ],
)
def test_an_impossible_setting_is_refused(field, value, valid):
    with pytest.raises(SpecError, match=f"MomentumSpec: {field} .*{valid}"):
        MomentumSpec(**{field: value})


@pytest.mark.parametrize(("lookback", "skip"), [(21, 21), (5, 21)])
def test_a_lookback_within_the_skip_is_refused(lookback, skip):
    with pytest.raises(SpecError, match="more than skip, which is 21"):
        MomentumSpec(lookback=lookback, skip=skip)
