"""The coefficient by horizon, against the slow way of each horizon alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.decay import ic_by_horizon
from bt_lstm_rotation.measures.newey_west import means_with_errors
from bt_lstm_rotation.measures.skill import returns_ahead, session_ic

NAN = float("nan")
VALUES = np.array([1.0, 1.1, 1.2, 0.1, NAN, 1e-200, 3e7])


def market(seed, n=120, k=5):
    """One symbol is late, one ends, one has holes; some forecasts are all alike."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(rng.normal(0, 0.01, (n, k)).cumsum(axis=0))
    close[:40, 0] = close[90:, 1] = close[10:80:7, 2] = NAN
    forecast = rng.normal(0, 0.01, (n, k))
    forecast[rng.random((n, k)) < 0.05] = NAN
    forecast[::9] = 0.1
    return forecast, close


def slowly(forecast, close, horizon, *, ranks=False):
    ic = session_ic(forecast, returns_ahead(close, horizon), ranks=ranks)
    return means_with_errors(ic, horizon - 1)


@pytest.mark.parametrize("ranks", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_each_horizon_is_that_of_its_returns(seed, ranks):
    forecast, close = market(seed)
    found = ic_by_horizon(forecast, close, (1, 2, 21, 63), ranks=ranks)
    assert found.index.tolist() == [1, 2, 21, 63]
    assert found.columns.tolist() == ["ic", "error", "sessions"]
    for horizon, row in found.iterrows():
        mean, error, count = slowly(forecast, close, horizon, ranks=ranks)
        assert row["ic"] == pytest.approx(float(mean), rel=1e-9, abs=1e-12)
        assert row["error"] == pytest.approx(float(error), rel=1e-9)
        assert row["sessions"] == count


def test_a_forecast_of_three_bars_is_best_over_three():
    rng = np.random.default_rng(9)
    close = 100 * np.exp(rng.normal(0, 0.01, (400, 9)).cumsum(axis=0))
    forecast = np.nan_to_num(returns_ahead(close, 3))
    found = ic_by_horizon(forecast, close)
    assert found.index.tolist() == list(range(1, 64))
    assert found["ic"].idxmax() == 3
    assert found.loc[3, "ic"] == pytest.approx(1)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.binary(min_size=60, max_size=60))
def test_ties_gaps_and_odd_sizes_agree_with_the_slow_way(drawn):
    sides = VALUES[np.frombuffer(drawn, "u1") % len(VALUES)].reshape(2, 6, 5)
    for horizon, row in ic_by_horizon(*sides, (1, 2)).iterrows():
        mean, _, count = slowly(*sides, horizon)
        assert row["sessions"] == count
        np.testing.assert_allclose(row["ic"], float(mean), atol=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e200, 1e300])
def test_the_scale_of_forecasts_does_not_matter(scale):
    forecast, close = market(1)
    expected = ic_by_horizon(forecast, close, (5,))
    found = ic_by_horizon(scale * forecast, close, (5,))
    np.testing.assert_allclose(found, expected)


def test_a_little_on_top_of_a_lot_is_a_forecast():
    forecast, close = market(1)
    expected = ic_by_horizon(forecast, close, (5,))
    np.testing.assert_allclose(
        ic_by_horizon(1e3 + forecast, close, (5,)), expected, rtol=1e-7
    )


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 9), (9, 2)])
def test_without_a_correlation_there_is_none(shape):
    found = ic_by_horizon(np.ones(shape), np.ones(shape), (1, 100))
    assert found["sessions"].tolist() == [0, 0]
    assert found[["ic", "error"]].isna().all().all()


def test_without_a_horizon_there_is_no_row():
    found = ic_by_horizon(*market(1), ())
    assert found.empty
    assert found.columns.tolist() == ["ic", "error", "sessions"]


def test_what_is_impossible_is_refused():
    forecast, close = market(1)
    with pytest.raises(SpecError, match="horizon must be"):
        ic_by_horizon(forecast, close, (0,))
    with pytest.raises(DataError, match="not of one shape"):
        ic_by_horizon(forecast, close[:5])
