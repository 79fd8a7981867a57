"""Series that are dated too early are refused before any fit, and others are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.forecasting import ForecastSpec, walk_forward
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside
from bt_lstm_rotation.forecasting.walkforward.leading import correlation, lead_of

SPEC = ForecastSpec(lookback=10, train_size=80, horizon=3, units=4)


def correlated(share: float, n=400, seed=0):
    """Return a series that shares so much of its variance with another."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    own = rng.normal(size=n)
    return common, np.sqrt(share) * common + np.sqrt(1 - share) * own


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_a_lead_is_found_with_its_bars(ahead):
    market, series = correlated(0.8)
    early = np.append(series[ahead:], np.zeros(ahead))
    found = lead_of(early, [market])
    assert found is not None
    assert found.bars == ahead
    assert found.correlation == pytest.approx(np.sqrt(0.8), abs=0.06)
    assert abs(found.same_day) < 0.2
    assert lead_of(series, [market]) is None
    assert lead_of(np.append(np.zeros(ahead), series[:-ahead]), [market]) is None


def test_what_forecasts_reach_is_no_lead():
    market, series = correlated(0.3)  # another time zone: 0.55
    assert lead_of(np.append(series[1:], 0.0), [market]) is None


def test_too_little_tells_nothing():
    market, series = correlated(0.9, n=40)
    assert lead_of(np.append(series[1:], 0.0), [market]) is None
    assert correlation(market, series) == 0.0
    assert correlation(np.ones(200), np.arange(200.0)) == 0.0


def test_context_is_checked_before_a_fit():
    panel = random_panel("ABC", 220)
    mean = panel.bars[:4].mean(axis=2, keepdims=True)
    series = np.concatenate([mean, panel.bars[4:, :, :1]])
    early = series.copy()
    early[:, :-1] = series[:, 1:]
    spec = SPEC.reading(context=[ContextRule(name="M")])
    known = replace(panel, symbols=("M",), bars=series)
    walk_forward(panel, spec, beside=Beside(context=known))
    with pytest.raises(DataError, match="context M: is dated 1 bar early"):
        walk_forward(panel, spec, beside=Beside(context=replace(known, bars=early)))


@pytest.mark.parametrize("ahead", [1, 5, 21])
def test_an_input_that_knows_returns_to_come_is_refused(ahead):
    panel = random_panel("ABC", 220)
    close = panel.close
    coming = np.zeros_like(close)
    coming[:-ahead] = close[ahead:] / close[:-ahead] - 1.0
    spec = SPEC.reading([InputRule(name="x")])
    with pytest.raises(
        DataError, match=f"input x: knows the return of the next {ahead}"
    ):
        walk_forward(panel, spec, beside=Beside({"x": coming}))
    past = np.zeros_like(close)
    past[ahead:] = close[ahead:] / close[:-ahead] - 1.0
    walk_forward(panel, spec, beside=Beside({"x": past}))
