"""Skill by hand and against pandas and scipy; missing pairs, ties, constant sides."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hand_made import panel_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.measures.skill import (
    realised_returns,
    returns_ahead,
    session_ic,
    skill,
)
from bt_lstm_rotation.prices.panel import PricePanel

NAN = np.nan
KEYS = ["ic", "rank_ic", "hit_ratio", "mse_ratio", "sessions", "observations"]

# Both sides of four sessions of six symbols: multiples of a thousandth, so that ties
# are common, as in a market that is closed; one byte in ten is missing.
TIED = np.array([*(whole / 1000 for whole in range(-4, 5)), NAN])
tied = st.binary(min_size=48, max_size=48).map(
    lambda drawn: TIED[np.frombuffer(drawn, "u1") % 10].reshape(2, 4, 6)
)


def panel(**closes: list[float]) -> PricePanel:
    known = {s: [None if c != c else c for c in row] for s, row in closes.items()}
    return panel_of("2019-01-02", **known)


def draws(seed: int, n_sessions: int, n_symbols: int):
    """Forecasts that know a little, and a tenth of the pairs missing."""
    rng = np.random.default_rng(seed)
    realised = 0.05 * rng.standard_normal((n_sessions, n_symbols))
    forecast = 0.2 * realised + 0.02 * rng.standard_normal(realised.shape)
    forecast[rng.random(realised.shape) < 0.05] = NAN
    realised[rng.random(realised.shape) < 0.05] = NAN
    return forecast, realised


def test_returns_run_from_a_close_to_the_close_two_bars_later():
    realised = realised_returns(panel(A=[100, 110, 121, 99]), 2)
    np.testing.assert_allclose(realised, [[0.21], [-0.1], [NAN], [NAN]])


def test_a_symbol_counts_its_own_bars_only():
    market = panel(A=[100, 110, 121, 133.1], B=[50, NAN, 60, 90])
    np.testing.assert_allclose(
        realised_returns(market, 1),
        [[0.1, 0.2], [0.1, NAN], [0.1, 0.5], [NAN, NAN]],
    )


def test_a_late_listing_has_no_return_before_its_first_bar():
    market = panel(A=[100, 110, 121], B=[NAN, 50, 60])
    np.testing.assert_allclose(
        realised_returns(market, 1), [[0.1, NAN], [0.1, 0.2], [NAN, NAN]]
    )


@pytest.mark.parametrize("horizon", [3, 4, 10**9])
def test_nothing_matures_over_a_horizon_as_long_as_the_history(horizon):
    assert np.isnan(realised_returns(panel(A=[100, 110, 121]), horizon)).all()


@pytest.mark.parametrize("horizon", [0, -1, 1.0, True, "21", None, 10**30])
def test_an_impossible_horizon_is_refused(horizon):
    with pytest.raises(SpecError, match="horizon must be a whole number"):
        realised_returns(panel(A=[100, 110]), horizon)


def test_pandas_agrees_with_realised_returns():
    rng = np.random.default_rng(7)
    closes = {name: 100 * np.exp(rng.normal(0, 0.01, 80).cumsum()) for name in "AB"}
    closes["B"][rng.random(80) < 0.3] = NAN
    market = panel(**{name: list(close) for name, close in closes.items()})
    own = pd.DataFrame(closes)["B"].dropna()
    expected = (own.shift(-5) / own - 1).reindex(range(80))
    np.testing.assert_allclose(realised_returns(market, 5)[:, 1], expected)


def test_two_sessions_by_hand():
    forecast = np.array([[0.01, 0.02, 0.03], [0.01, 0.02, 0.03]])
    realised = np.array([[0.01, 0.03, 0.02], [-0.01, -0.02, -0.03]])
    figures = skill(forecast, realised)

    assert list(figures) == KEYS
    # Deviations (-1, 0, 1) and (-1, 1, 0): 1 / sqrt(2 * 2) = 0.5; the second is -1.
    assert figures["ic"] == pytest.approx(-0.25)
    assert figures["rank_ic"] == pytest.approx(-0.25)
    assert figures["hit_ratio"] == 0.5
    # Errors 0, -1, 1 and 2, 4, 6 over returns 1, 3, 2 and -1, -2, -3: 58 / 28.
    assert figures["mse_ratio"] == pytest.approx(58 / 28)
    assert (figures["sessions"], figures["observations"]) == (2, 6)


def test_a_perfect_forecast_cannot_be_beaten():
    _, realised = draws(1, 50, 9)
    figures = skill(realised, realised)
    assert figures["ic"] == pytest.approx(1)
    assert figures["rank_ic"] == pytest.approx(1)
    assert (figures["hit_ratio"], figures["mse_ratio"]) == (1.0, 0.0)


def test_a_forecast_of_zero_has_an_error_ratio_of_one_and_no_correlation():
    _, realised = draws(2, 50, 9)
    figures = skill(np.zeros(realised.shape), realised)
    assert figures["mse_ratio"] == 1.0
    assert (figures["ic"], figures["rank_ic"], figures["sessions"]) == (None, None, 0)
    assert figures["hit_ratio"] == 0.0


def test_pandas_and_scipy_agree():
    stats = pytest.importorskip("scipy.stats", reason="scipy is an oracle only")
    forecast, realised = draws(3, 200, 9)
    f, r = pd.DataFrame(forecast), pd.DataFrame(realised)
    pairs = f.notna() & r.notna()
    figures = skill(forecast, realised)

    assert figures["ic"] == pytest.approx(f.corrwith(r, axis=1).mean())
    spearman = [
        stats.spearmanr(forecast[row, both], realised[row, both]).statistic
        for row, both in enumerate(pairs.to_numpy())
    ]
    assert figures["rank_ic"] == pytest.approx(np.mean(spearman))
    said, came = forecast[pairs], realised[pairs]
    assert figures["mse_ratio"] == pytest.approx(
        ((said - came) ** 2).mean() / (came**2).mean()
    )
    assert figures["hit_ratio"] == pytest.approx((said * came > 0).mean())
    assert figures["observations"] == pairs.to_numpy().sum()


@settings(derandomize=True, max_examples=200)
@given(tied)
def test_ties_and_gaps_agree_with_numpy_and_ranks_of_pandas(sides):
    forecast, realised = sides
    both = np.isfinite(forecast) & np.isfinite(realised)
    f, r = (pd.DataFrame(np.where(both, side, NAN)) for side in (forecast, realised))
    ranks = f.rank(axis=1).to_numpy(), r.rank(axis=1).to_numpy()
    plain, ranked = [], []
    for row, pairs in enumerate(both):
        x, y = forecast[row, pairs], realised[row, pairs]
        if len(x) >= 3 and len(set(x)) > 1 and len(set(y)) > 1:
            plain.append(np.corrcoef(x, y)[0, 1])
            ranked.append(np.corrcoef(*(side[row, pairs] for side in ranks))[0, 1])
    figures = skill(forecast, realised)

    assert figures["sessions"] == len(plain)
    if plain:
        assert figures["ic"] == pytest.approx(np.mean(plain), abs=1e-9)
        assert figures["rank_ic"] == pytest.approx(np.mean(ranked), abs=1e-9)
    else:
        assert (figures["ic"], figures["rank_ic"]) == (None, None)


def test_sessions_of_two_pairs_or_of_a_constant_side_are_left_out_of_the_means():
    # 0.1 three times has a mean that is not 0.1: only equality tells that it is flat.
    forecast = np.array([[1, 2, NAN], [0.1, 0.1, 0.1], [1, 2, 3], [1, 2, 3]]) / 10
    realised = np.array([[3, 2, 1], [3, 2, 1], [5, 5, 5], [3, 2, 1]]) / 10
    figures = skill(forecast, realised)
    assert figures["ic"] == pytest.approx(-1)
    assert figures["rank_ic"] == pytest.approx(-1)
    assert (figures["sessions"], figures["observations"]) == (1, 11)


@pytest.mark.parametrize("scale", [1e-290, 1e-30, 1e30, 1e290])
def test_a_correlation_does_not_depend_on_the_scale(scale):
    forecast, realised = draws(4, 30, 5)
    expected, scaled = skill(forecast, realised), skill(scale * forecast, realised)
    for name in ("ic", "rank_ic", "hit_ratio"):
        assert scaled[name] == pytest.approx(expected[name])
    both = skill(scale * forecast, scale * realised)
    assert both["mse_ratio"] == pytest.approx(expected["mse_ratio"])


@pytest.mark.parametrize("scale", [5e-324, 4e307])
def test_the_smallest_and_largest_floats_there_are_correlate_like_others(scale):
    # Deviations (-4, -1, 5) and (-1, 0, 1) of 1, 2, 4 and 1, 2, 3: 9 / sqrt(42 * 2). A
    # third of the smallest float is none, and three of the largest are infinite.
    figures = skill(np.array([[1.0, 2.0, 4.0]]) * scale, np.array([[1.0, 2.0, 3.0]]))
    assert figures["ic"] == pytest.approx(9 / 84**0.5)
    assert figures["rank_ic"] == pytest.approx(1)


@pytest.mark.parametrize("seed", range(8))
def test_no_rounding_takes_a_correlation_beyond_one(seed):
    # With seeds 2, 5 and 7 the quotient is 1.0000000000000002.
    realised = np.random.default_rng(seed).normal(size=(1, 9))
    assert 1 - 1e-15 < skill(realised, realised)["ic"] <= 1
    assert -1 <= skill(-realised, realised)["ic"] < -1 + 1e-15


def test_an_infinite_side_is_no_pair():
    forecast = np.array([[1.0, 2.0, 3.0, np.inf]])
    realised = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert skill(forecast, realised)["observations"] == 3


def test_an_absurd_forecast_has_no_error_ratio_that_json_could_hold():
    figures = skill(np.array([[1e300, 2.0, 3.0]]), np.array([[0.1, 0.2, 0.3]]))
    assert figures["mse_ratio"] is None
    assert figures["ic"] == pytest.approx(-(3**0.5) / 2)


@pytest.mark.parametrize("shape", [(0, 0), (0, 9), (5, 0), (5, 9)])
def test_without_a_pair_nothing_is_measured(shape):
    figures = skill(np.full(shape, NAN), np.zeros(shape))
    assert figures == dict.fromkeys(KEYS[:4]) | {"sessions": 0, "observations": 0}


def test_a_market_that_never_moved_has_no_error_ratio():
    figures = skill(np.ones((2, 3)), np.zeros((2, 3)))
    assert figures["mse_ratio"] is None
    assert figures["hit_ratio"] == 0.0


@pytest.mark.parametrize(
    ("forecast", "realised"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(3), np.zeros(3)),
        (np.zeros((1, 2, 3)), np.zeros((1, 2, 3))),
        ([["a"]], [["b"]]),
        (None, None),
    ],
)
def test_what_are_not_two_tables_of_one_shape_is_refused(forecast, realised):
    with pytest.raises(DataError, match=r"two float arrays of one shape"):
        skill(forecast, realised)


def test_the_inputs_are_left_as_they_were():
    forecast, realised = draws(5, 20, 4)
    before = forecast.copy(), realised.copy()
    skill(forecast, realised)
    np.testing.assert_array_equal(forecast, before[0])
    np.testing.assert_array_equal(realised, before[1])


@pytest.mark.parametrize("module", ["performance", "skill"])
def test_measures_do_not_bring_in_backtrader_or_tensorflow(module):
    code = (
        f"import sys, bt_lstm_rotation.measures.{module}; "
        "print(*({'backtrader', 'tensorflow', 'scipy'} & set(sys.modules)))"
    )
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_ic_is_the_mean_of_those_of_sessions():
    forecast, realised = draws(5, 60, 6)
    forecast[3], realised[4] = 0.01, NAN
    found = session_ic(forecast, realised)
    x, y = pd.DataFrame(forecast), pd.DataFrame(realised)
    expected = x.where(y.notna()).corrwith(y.where(x.notna()), axis=1)
    pairs = (x.notna() & y.notna()).sum(axis=1)
    expected = expected.where((pairs >= 3) & (x.index != 3))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert {3, 4} <= set(np.flatnonzero(np.isnan(found)))
    assert skill(forecast, realised)["ic"] == pytest.approx(np.nanmean(found))
    assert session_ic(forecast[:, :2], realised[:, :2]).shape == (60,)
    assert np.isnan(session_ic(forecast[:, :2], realised[:, :2])).all()
    assert session_ic(np.empty((0, 3)), np.empty((0, 3))).shape == (0,)
    with pytest.raises(DataError, match="not of one shape"):
        session_ic(forecast, realised[:5])


def test_returns_ahead_take_a_missing_close_for_no_bar():
    close = np.array([[100.0, NAN], [NAN, 50], [110, NAN], [121, 60]])
    np.testing.assert_allclose(
        returns_ahead(close, 1), [[0.1, NAN], [NAN, 0.2], [0.1, NAN], [NAN, NAN]]
    )
    assert np.isnan(returns_ahead(close, 9)).all()
