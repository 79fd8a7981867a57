from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import math
import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

TODAY = dt.date(2300, 1, 1)
HORIZON = 21

# The closed forms below hold where nothing moves but mu and noise.
PLAIN = {"market_volatility": 0.0, "market_drift": 0.0, "clustering": 0.0}


def log_returns(panel: PricePanel) -> np.ndarray:
    return np.diff(np.log(panel.close), axis=0, prepend=math.log(100))


def mean_ic(forecast: np.ndarray, realised: np.ndarray) -> float:
    """Mean over sessions of the correlation across sectors."""
    x, y = (side - side.mean(axis=1, keepdims=True) for side in (forecast, realised))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return float(np.nanmean((x * y).sum(axis=1) / scale))


def sector_closes(market: SimulatedMarket) -> np.ndarray:
    return market.panel().close[:, :-1]


def realised(close: np.ndarray) -> np.ndarray:
    return close[HORIZON:] / close[:-HORIZON] - 1


def momentum(close: np.ndarray, lookback: int) -> np.ndarray:
    past = np.full_like(close, np.nan)
    past[lookback:] = close[lookback:] / close[:-lookback] - 1
    return past[:-HORIZON]


# --- the same settings, the same bars -------------------------------------------------


def content_hash_in_a_new_process(**environment: str) -> str:
    code = (
        "from bt_lstm_rotation.prices.simulated import SimulatedMarket as S;"
        "print(S(seed=5, n_sessions=700).panel().content_hash)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


def test_another_process_makes_the_same_bars():
    here = SimulatedMarket(seed=5, n_sessions=700).panel().content_hash
    assert content_hash_in_a_new_process(PYTHONHASHSEED="77") == here


@pytest.mark.skipif(
    not {"X86_V3", "X86_V4"} <= set(np._core._multiarray_umath.__cpu_dispatch__),
    reason="this numpy has no vector instructions that go by these names",
)
def test_a_processor_without_wide_vectors_makes_the_same_bars():
    here = SimulatedMarket(seed=5, n_sessions=700).panel().content_hash
    narrow = content_hash_in_a_new_process(NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4")
    assert narrow == here


def test_bars_are_those_of_the_time_when_this_was_the_only_world():
    # Paper accounts live on them, and every figure of the benchmarks was measured so.
    before = "90b091a83375b3f5503568def33ef53f6f2c1bbf3f199745d1751be2d9a1caf2"
    assert SimulatedMarket(seed=5, n_sessions=700).panel().content_hash == before


def test_every_call_makes_the_same_bars_and_owns_them():
    market = SimulatedMarket(n_sessions=50)
    first = market.panel()
    before = first.content_hash
    first.bars[:] = 1.0
    assert market.panel().content_hash == before


def test_the_hidden_path_cannot_be_bent():
    path = SimulatedMarket(n_sessions=50).path
    for values in path:
        with pytest.raises(ValueError, match="read-only"):
            values[...] = 0.0


def test_another_seed_makes_another_market():
    hashes = {
        SimulatedMarket(seed=seed, n_sessions=50).panel().content_hash
        for seed in (0, 1, 2**32, 2**32 + 1, 2**64 - 1)
    }
    assert len(hashes) == 5


def test_a_changed_copy_and_a_pickled_one_behave_like_new():
    market = SimulatedMarket(n_sessions=60)
    market.path  # noqa: B018  (fills the cache that a copy must not inherit)
    changed = dataclasses.replace(market, seed=9)
    assert changed.path.returns[0, 0] != market.path.returns[0, 0]
    travelled = pickle.loads(pickle.dumps(market))
    assert travelled == market
    assert travelled.panel().content_hash == market.panel().content_hash


# --- longer and wider markets agree with shorter and narrower ones --------------------


@pytest.mark.parametrize("longer", [778, 1001, 3000])
def test_more_sessions_leave_earlier_bars_as_they_were_byte_for_byte(longer: int):
    short = SimulatedMarket(seed=3, n_sessions=777).panel()
    long = SimulatedMarket(seed=3, n_sessions=longer).panel()
    assert long.rows(0, 777).content_hash == short.content_hash


@pytest.mark.parametrize("wider", [2, 9, 20])
def test_more_sectors_leave_the_first_ones_as_they_were_byte_for_byte(wider: int):
    narrow = SimulatedMarket(seed=3, n_sectors=1, n_sessions=500)
    wide = SimulatedMarket(seed=3, n_sectors=wider, n_sessions=500)
    kept = wide.panel().bars[:, :, [0, -1]]
    assert kept.tobytes() == narrow.panel().bars.tobytes()
    forecast = wide.optimal_forecast(HORIZON)[:, :1]
    assert forecast.tobytes() == narrow.optimal_forecast(HORIZON).tobytes()


def test_the_optimum_at_a_session_knows_nothing_of_later_bars():
    short = SimulatedMarket(seed=8, n_sessions=301).optimal_forecast(HORIZON)
    long = SimulatedMarket(seed=8, n_sessions=900).optimal_forecast(HORIZON)
    assert long[:301].tobytes() == short.tobytes()


# --- bars that every other part can use -----------------------------------------------


@pytest.mark.parametrize(
    "market",
    [
        SimulatedMarket(),
        SimulatedMarket(n_sectors=1, n_sessions=2),
        SimulatedMarket(n_sectors=30, n_sessions=600, clustering=2, signal=4),
        SimulatedMarket(n_sessions=600, **PLAIN),
    ],
    ids=["default", "smallest", "wild", "plain"],
)
def test_bars_pass_the_check_that_every_source_passes(market: SimulatedMarket):
    panel = market.panel()
    frames = {symbol: panel.frame(symbol) for symbol in panel.symbols}
    checked = PricePanel.from_frames(frames, today=TODAY)
    assert checked.content_hash == panel.content_hash
    # That check forgives a vendor's rounding; a simulation needs no forgiving.
    assert (panel.high >= np.maximum(panel.open, panel.close)).all()
    assert (panel.low <= np.minimum(panel.open, panel.close)).all()
    assert (panel.volume > 0).all()
    assert (panel.volume == np.floor(panel.volume)).all()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**64 - 1),
    n_sectors=st.integers(1, 4),
    n_sessions=st.integers(2, 120),
    start=st.dates(dt.date(1678, 1, 1), dt.date(2255, 1, 1)),
    signal=st.floats(0, 4),
    persistence=st.floats(0, 0.999),
    noise=st.floats(0.0001, 0.1),
    market_volatility=st.floats(0, 0.1),
    market_drift=st.floats(-1, 1),
    clustering=st.floats(0, 2),
    horizon=st.integers(1, 2520),
)
def test_every_market_that_can_be_asked_for_has_valid_bars(
    horizon: int, **asked: object
):
    market = SimulatedMarket(**asked)
    panel = market.panel()
    frames = {symbol: panel.frame(symbol) for symbol in panel.symbols}
    checked = PricePanel.from_frames(frames, today=TODAY)
    assert checked.content_hash == panel.content_hash
    assert np.isfinite(market.optimal_forecast(horizon)).all()


def test_symbols_are_numbered_sectors_and_then_the_benchmark():
    few = SimulatedMarket(n_sectors=2, n_sessions=2).panel().symbols
    assert few == ("S1", "S2", "MARKET")
    many = SimulatedMarket(n_sectors=11, n_sessions=2).panel().symbols
    assert many[0] == "S01"
    assert many[-2:] == ("S11", MARKET)
    assert list(many[:-1]) == sorted(many[:-1])


def test_the_source_is_named_by_its_seed_and_signal():
    assert SimulatedMarket(seed=4).panel().source == "simulated(seed=4, signal=1)"
    weak = SimulatedMarket(n_sessions=2, signal=0.25)
    assert weak.panel().source == "simulated(seed=0, signal=0.25)"


def test_sessions_are_the_weekdays_that_pandas_counts():
    panel = SimulatedMarket(n_sessions=1500, start=dt.date(2001, 6, 13)).panel()
    weekdays = pd.bdate_range("2001-06-13", periods=1500)
    assert (panel.sessions == weekdays.to_numpy().astype("datetime64[D]")).all()
    assert panel.sessions.dtype == np.dtype("datetime64[D]")


def test_a_start_on_a_weekend_waits_for_monday():
    for day in (1, 2, 3):
        panel = SimulatedMarket(n_sessions=2, start=dt.date(2000, 1, day)).panel()
        assert str(panel.sessions[0]) == "2000-01-03"


def test_closes_are_the_hidden_returns_cumulated_from_100():
    market = SimulatedMarket(seed=2, n_sessions=400)
    hidden = np.column_stack([market.path.returns, market.path.market])
    closes = 100 * np.exp(hidden.cumsum(axis=0))
    # A 32-bit price is within 6e-8 of the one that it stands for.
    np.testing.assert_allclose(market.panel().close, closes, rtol=1e-7)


# --- the process is the one that is documented ----------------------------------------


@functools.cache
def driftless(seed: int) -> tuple[SimulatedMarket, np.ndarray]:
    """Make eighty years of a market, and the log returns of its closes."""
    market = SimulatedMarket(seed=seed, n_sessions=20_000, market_drift=0.0)
    return market, log_returns(market.panel())


def autocorrelation(series: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(series[lag:], series[:-lag])[0, 1])


def test_deviations_of_returns_are_those_asked_for():
    variances = np.mean([driftless(seed)[1].var(axis=0) for seed in range(5)], axis=0)
    # s² has mean 1 and deviation 0.87, and remembers about 99 sessions: over 100,000
    # of them its mean deviates by 3%.
    assert variances[-1] == pytest.approx(0.01**2, rel=0.1)
    # Betas are uniform in 0.9..1.1, so their mean square is 1 + 0.1²/3.
    sector = 0.01**2 * (1 + 0.1**2 / 3) + 0.01**2 + 0.0025**2
    assert variances[:-1].mean() == pytest.approx(sector, rel=0.1)


def test_the_market_drifts_as_asked():
    quiet = SimulatedMarket(market_volatility=0, market_drift=0.06, n_sessions=252)
    assert quiet.panel().close[-1, -1] == pytest.approx(100 * math.exp(0.06))


def test_regression_on_the_market_recovers_the_betas():
    market = SimulatedMarket(seed=1, n_sessions=20_000)
    returns = log_returns(market.panel())
    slopes = np.cov(returns.T)[-1, :-1] / returns[:, -1].var(ddof=1)
    # One slope deviates by 0.0103 / (0.01 sqrt(20,000)) = 0.0073, times about 1.5
    # because the squares of both factors move together.
    np.testing.assert_allclose(slopes, market.path.betas, atol=0.035)
    assert ((market.path.betas > 0.9) & (market.path.betas < 1.1)).all()
    assert np.ptp(market.path.betas) > 0.05


def test_autocovariance_of_returns_is_that_of_the_hidden_drift():
    market = SimulatedMarket(n_sectors=60, n_sessions=6000, signal=2.0, **PLAIN)
    returns = log_returns(market.panel())[:, :-1]
    for lag in (1, 10, 30):
        measured = np.mean(returns[lag:] * returns[:-lag])
        # 360,000 values that remember 50 sessions: deviates by 2% at lag 1.
        assert measured == pytest.approx(0.005**2 * 0.98**lag, rel=0.1)
    measured = np.corrcoef(market.path.expected[1:, 0], market.path.expected[:-1, 0])
    assert measured[0, 1] == pytest.approx(0.98, abs=0.01)


def test_volatility_clusters_as_log_normal_stochastic_volatility_does():
    lag_1, lag_20, absolute = [], [], []
    for seed in range(6):
        market, returns = driftless(seed)
        # The hidden returns: a 32-bit price may stand still, and has no logarithm then.
        squares = np.log(market.path.market**2)
        lag_1.append(autocorrelation(squares, 1))
        lag_20.append(autocorrelation(squares, 20))
        absolute += [autocorrelation(column, 1) for column in np.abs(returns.T)]
    # log r² = log s² + log e², and the variance of log e² is pi²/2 (Taylor 1986).
    share = 0.75**2 / (0.75**2 + math.pi**2 / 2)
    assert np.mean(lag_1) == pytest.approx(share * 0.98, abs=0.01)
    assert np.mean(lag_20) == pytest.approx(share * 0.98**20, abs=0.01)
    # Independent returns would stay within 4 / sqrt(20,000) = 0.028 of nothing.
    assert min(absolute) > 0.1


def test_volatility_is_mostly_shared_and_constant_when_not_asked_for():
    log_s = np.log(SimulatedMarket(n_sectors=40, n_sessions=20_000).path.volatility)
    between = np.corrcoef(log_s.T)[np.triu_indices(41, 1)]
    assert between.mean() == pytest.approx(0.8, abs=0.05)
    assert (SimulatedMarket(n_sessions=9, clustering=0).path.volatility == 1).all()


def test_days_are_brownian_from_close_to_close():
    calm = {"clustering": 0.0, "market_drift": 0.0, "signal": 0.0}
    market = SimulatedMarket(n_sectors=1, n_sessions=40_000, **calm)
    panel = market.panel()
    opened, high, low, close = np.log(panel.bars[:4])
    night = opened - (close - log_returns(panel))
    day = close - opened
    beta = market.path.betas[0]
    for column, variance in ((0, 0.01**2 * (1 + beta**2)), (1, 0.01**2)):
        # A fifth of the variance by the open, and increments that are independent.
        assert night[:, column].var() == pytest.approx(0.2 * variance, rel=0.03)
        assert day[:, column].var() == pytest.approx(0.8 * variance, rel=0.03)
        assert abs(np.corrcoef(night[:, column], day[:, column])[0, 1]) < 0.02
        # Rogers and Satchell (1991): each of these estimates half the variance.
        above = (high - opened) * (high - close)
        below = (low - opened) * (low - close)
        assert above[:, column].mean() == pytest.approx(0.4 * variance, rel=0.03)
        assert below[:, column].mean() == pytest.approx(0.4 * variance, rel=0.03)
        assert abs(np.corrcoef(above[:, column], below[:, column])[0, 1]) < 0.02
    # The sector opens with the market, not at random.
    assert np.corrcoef(night.T)[0, 1] > 0.6


def test_volume_rises_with_volatility_and_is_log_normal_without():
    market = SimulatedMarket(n_sessions=3000)
    together = np.corrcoef(
        np.log(market.panel().volume[:, 0]), np.log(market.path.volatility[:, 0])
    )
    # The deviation of log s is 0.375 and that of the rest 0.3.
    assert together[0, 1] == pytest.approx(0.375 / math.hypot(0.375, 0.3), abs=0.1)
    calm = np.log(SimulatedMarket(n_sessions=20_000, clustering=0).panel().volume)
    np.testing.assert_allclose(calm.mean(axis=0), math.log(5e6), atol=0.02)
    np.testing.assert_allclose(calm.std(axis=0), 0.3, atol=0.02)


# --- the optimum is the optimum -------------------------------------------------------


@pytest.mark.parametrize("horizon", [1, 5, 21])
@pytest.mark.parametrize("t", [0, 1, 39])
def test_the_optimum_is_the_conditional_expectation_of_the_joint_normal(
    horizon: int, t: int
):
    market = SimulatedMarket(seed=6, n_sectors=3, n_sessions=40, persistence=0.9)
    path = market.path
    observed = (path.returns - path.betas * path.market[:, None])[: t + 1]
    steps = np.arange(t + 1 + horizon)
    drift = 0.0025**2 * 0.9 ** np.abs(steps[:, None] - steps)
    known, ahead = slice(0, t + 1), slice(t + 1, None)
    for k in range(3):
        noise = np.diag((0.01 * path.volatility[: t + 1, k]) ** 2)
        weights = np.linalg.solve(
            drift[known, known] + noise, drift[known, ahead].sum(axis=1)
        )
        mean = weights @ observed[:, k] + path.betas[k] * 0.06 / 252 * horizon
        variance = drift[ahead, ahead].sum() - weights @ drift[known, ahead].sum(axis=1)
        variance += horizon * (0.01**2 + (path.betas[k] * 0.01) ** 2)
        expected = math.exp(mean + variance / 2) - 1
        forecast = market.optimal_forecast(horizon)[t, k]
        assert forecast == pytest.approx(expected, rel=0, abs=1e-10)


def test_the_optimum_is_unbiased_for_simple_returns():
    biases = []
    for seed in range(8):
        market = SimulatedMarket(
            seed=seed, n_sectors=40, n_sessions=4000, signal=2.0, **PLAIN
        )
        outcome = realised(sector_closes(market))
        error = outcome - market.optimal_forecast(HORIZON)[:-HORIZON]
        biases.append(error.mean())
    # Across seeds the mean of eight deviates by 0.0003. A forecast that left out half
    # the variance would be low by more than 21 * 0.01² / 2 = 0.00105.
    assert abs(np.mean(biases)) < 0.0009


def steady_state_ic(phi: float, deviation: float, noise: float, horizon: int) -> float:
    """Correlate the steady-state Kalman forecast with the log return ahead."""
    shock = deviation**2 * (1 - phi**2)
    # The predicted variance p solves p = phi² p noise² / (p + noise²) + shock.
    b = noise**2 * (1 - phi**2) - shock
    predicted = (-b + math.sqrt(b**2 + 4 * shock * noise**2)) / 2
    filtered = predicted * noise**2 / (predicted + noise**2)
    carried = phi * (1 - phi**horizon) / (1 - phi)
    lags = np.arange(1, horizon)
    wandering = horizon + 2 * np.sum((horizon - lags) * phi**lags)
    total = deviation**2 * wandering + horizon * noise**2
    return carried * math.sqrt(deviation**2 - filtered) / math.sqrt(total)


def test_the_optimum_reaches_the_closed_form_correlation():
    expected = steady_state_ic(0.98, 0.0025, 0.01, HORIZON)
    assert expected == pytest.approx(0.4307, abs=0.0001)
    reached = []
    for seed in range(6):
        market = SimulatedMarket(seed=seed, n_sectors=50, n_sessions=4000, **PLAIN)
        forecast = np.log1p(market.optimal_forecast(HORIZON)[500:-HORIZON])
        outcome = np.log1p(realised(sector_closes(market))[500:])
        reached.append(np.corrcoef(forecast.ravel(), outcome.ravel())[0, 1])
    # Across seeds one correlation deviates by about 0.012: the mean of six by 0.005.
    assert np.mean(reached) == pytest.approx(expected, abs=0.015)


def test_the_default_market_can_be_learned_and_no_momentum_rule_beats_its_optimum():
    for seed in range(3):
        market = SimulatedMarket(seed=seed, n_sessions=4000)
        close = sector_closes(market)
        outcome = realised(close)
        optimum = mean_ic(market.optimal_forecast(HORIZON)[252:-HORIZON], outcome[252:])
        rules = [
            mean_ic(momentum(close, lookback)[252:], outcome[252:])
            for lookback in (5, 21, 63, 126, 252)
        ]
        assert 0.3 < optimum < 0.6
        assert max(rules) < optimum
        assert rules[2] > 0.2


def test_signal_0_has_nothing_to_find():
    markets = [SimulatedMarket(seed=s, n_sessions=3000, signal=0) for s in range(12)]
    closes = [sector_closes(market) for market in markets]
    for forecasts in (
        [market.optimal_forecast(HORIZON)[:-HORIZON] for market in markets],
        [momentum(close, 63) for close in closes],
    ):
        pairs = zip(forecasts, map(realised, closes), strict=True)
        found = [mean_ic(forecast, outcome) for forecast, outcome in pairs]
        error = np.std(found, ddof=1) / math.sqrt(len(found))
        assert error < 0.02
        assert abs(np.mean(found)) < 2 * error


def test_signal_0_forecasts_the_same_at_every_session():
    market = SimulatedMarket(signal=0, n_sessions=300)
    forecast = market.optimal_forecast(HORIZON)
    assert np.ptp(forecast, axis=0).max() == 0
    # What is left is beta times the market's drift, and half the variance.
    beta = market.path.betas
    log_mean = 21 * (beta * 0.06 / 252 + ((0.01 * beta) ** 2 + 0.01**2) / 2)
    np.testing.assert_allclose(forecast[0], np.exp(log_mean) - 1, rtol=1e-12)
    assert (market.path.expected == 0).all()


# --- what cannot be had is refused ----------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("seed", 2**64),
        ("seed", 1.0),
        ("seed", True),
        ("seed", None),
        ("n_sectors", 0),
        ("n_sectors", 501),
        ("n_sectors", "9"),
        ("n_sessions", 1),
        ("n_sessions", 10**30),
        ("n_sessions", 250.0),
        ("signal", -0.1),
        ("signal", math.nan),
        ("signal", math.inf),
        ("signal", True),
        ("signal", "strong"),
        ("signal", 1j),
        ("persistence", 1.0),
        ("persistence", -0.5),
        ("noise", 0.0),
        ("noise", [0.01]),
        ("market_volatility", -0.01),
        ("market_drift", 6.0),
        ("clustering", 2.1),
        ("start", "2000-01-03"),
        ("start", None),
        ("start", pd.NaT),
        ("start", dt.datetime(2000, 1, 3, 12)),
        ("start", pd.Timestamp("2000-01-03")),
        ("start", dt.date.min),
        ("start", dt.date.max),
        ("start", dt.date(2255, 1, 1)),
    ],
)
def test_an_impossible_setting_is_named_with_its_value(field: str, value: object):
    with pytest.raises(SpecError) as caught:
        SimulatedMarket(**{field: value})
    assert caught.value.owner == "SimulatedMarket"
    assert caught.value.field == field
    assert caught.value.value is value


@pytest.mark.parametrize("horizon", [0, -1, 2.5, True, "21", None, math.nan, 2521])
def test_an_impossible_horizon_is_refused(horizon: object):
    with pytest.raises(SpecError, match="horizon must be a whole number from 1 to"):
        SimulatedMarket(n_sessions=5).optimal_forecast(horizon)


def test_a_refusal_says_what_would_be_valid():
    with pytest.raises(SpecError) as caught:
        SimulatedMarket(n_sessions=1)
    assert str(caught.value) == (
        "SimulatedMarket: n_sessions must be a whole number from 2 to 50,000 (got 1)"
    )


@pytest.mark.parametrize("n_sessions", [2, 4, 5, 50_000])
def test_the_latest_start_that_a_refusal_names_is_one_that_pandas_can_date(
    n_sessions: int,
):
    with pytest.raises(SpecError) as caught:
        SimulatedMarket(n_sessions=n_sessions, start=dt.date(2270, 1, 1))
    latest = dt.date.fromisoformat(caught.value.valid[-10:])
    market = SimulatedMarket(n_sessions=n_sessions, n_sectors=1, start=latest)
    frame = market.panel().frame("S1")
    assert len(frame) == n_sessions
    assert frame.index[-1] > pd.Timestamp("2261-12-20")


def test_settings_by_position_are_refused():
    with pytest.raises(TypeError, match="positional"):
        SimulatedMarket(0)


def test_prices_that_leave_every_range_are_refused():
    market = SimulatedMarket(n_sessions=50_000, n_sectors=1, market_drift=1.0)
    with pytest.raises(SpecError, match="n_sessions must be smaller, or the signal"):
        market.panel()


def test_numbers_from_numpy_are_numbers():
    market = SimulatedMarket(
        seed=np.int64(3), n_sessions=np.int32(20), signal=np.float64(1)
    )
    same = SimulatedMarket(seed=3, n_sessions=20)
    assert market.panel().content_hash == same.panel().content_hash
    assert (market.optimal_forecast(np.int64(5)) == same.optimal_forecast(5)).all()
