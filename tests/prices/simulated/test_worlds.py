"""What every simulated world promises, whatever there is to find in it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import (
    MARKET,
    WORLDS,
    DelayedMarket,
    KnownMarket,
    ProductMarket,
    RegimeMarket,
    SimulatedMarket,
    VolatilityMarket,
    simulated_market,
)

TODAY = dt.date(2300, 1, 1)
HORIZON = 21

EACH_WORLD = pytest.mark.parametrize("world", WORLDS)


def own_returns(market: KnownMarket) -> np.ndarray:
    """Take the returns y out of the bars, knowing the betas alone."""
    returns = np.diff(np.log(market.panel().close), axis=0, prepend=math.log(100))
    return returns[:, :-1] - market.path.betas * returns[:, -1:]


# --- names ----------------------------------------------------------------------------


def test_there_are_seven_worlds_and_the_linear_one_is_the_default():
    assert list(WORLDS) == [
        "linear",
        "regimes",
        "volatility",
        "delayed",
        "product",
        "context",
        "none",
    ]
    assert simulated_market() == simulated_market("linear") == SimulatedMarket()
    assert simulated_market("none", seed=4) == SimulatedMarket(seed=4, signal=0.0)


def test_worlds_of_equal_settings_are_equal_and_can_be_looked_up():
    worlds = {
        simulated_market(name, seed=seed) for name in WORLDS for seed in (0, 0, 1)
    }
    assert len(worlds) == 2 * len(WORLDS)


@pytest.mark.parametrize("name", ["regime", "", "Linear", None, 3, ("linear",)])
def test_another_world_is_refused_and_the_closest_named(name: object):
    with pytest.raises(SpecError, match="name must be") as caught:
        simulated_market(name)
    assert caught.value.owner == "simulated_market"
    assert caught.value.value is name
    if name == "regime":
        assert "did you mean 'regimes'" in str(caught.value)


@EACH_WORLD
def test_a_setting_that_no_world_has_is_refused(world: str):
    with pytest.raises(TypeError, match="unexpected"):
        simulated_market(world, sectors=9)


# --- the same settings, the same bars -------------------------------------------------


@EACH_WORLD
@pytest.mark.parametrize("longer", [302, 850])
def test_more_sessions_leave_earlier_bars_and_forecasts_as_they_were(
    world: str, longer: int
):
    short = simulated_market(world, seed=3, n_sessions=301)
    long = simulated_market(world, seed=3, n_sessions=longer)
    assert long.panel().rows(0, 301).content_hash == short.panel().content_hash
    early = long.optimal_forecast(HORIZON)[:301]
    assert early.tobytes() == short.optimal_forecast(HORIZON).tobytes()


@EACH_WORLD
def test_more_sectors_leave_the_first_ones_as_they_were(world: str):
    narrow = simulated_market(world, seed=3, n_sectors=1, n_sessions=300)
    wide = simulated_market(world, seed=3, n_sectors=12, n_sessions=300)
    kept = wide.panel().bars[:, :, [0, -1]]
    assert kept.tobytes() == narrow.panel().bars.tobytes()
    forecast = wide.optimal_forecast(HORIZON)[:, :1]
    assert forecast.tobytes() == narrow.optimal_forecast(HORIZON).tobytes()


@EACH_WORLD
def test_seeds_and_worlds_make_other_bars(world: str):
    hashes = {
        simulated_market(name, seed=seed, n_sessions=60).panel().content_hash
        for name in WORLDS
        for seed in (1, 2**64 - 1)
    }
    assert len(hashes) == 2 * len(WORLDS)


@EACH_WORLD
def test_a_changed_copy_behaves_like_new(world: str):
    market = simulated_market(world, n_sessions=60)
    market.path  # noqa: B018  (fills the cache that a copy must not inherit)
    changed = dataclasses.replace(market, seed=9)
    fresh = simulated_market(world, n_sessions=60, seed=9)
    assert changed.panel().content_hash == fresh.panel().content_hash
    for values in market.path:
        with pytest.raises(ValueError, match="read-only"):
            values[...] = 0.0


# --- bars that every other part can use -----------------------------------------------


def checked(market: KnownMarket) -> PricePanel:
    """Pass a market's bars through the check that every source passes."""
    panel = market.panel()
    frames = {symbol: panel.frame(symbol) for symbol in panel.symbols}
    found = PricePanel.from_frames(frames, today=TODAY)
    assert found.content_hash == panel.content_hash
    # That check forgives a vendor's rounding; a simulation needs no forgiving.
    assert (panel.high >= np.maximum(panel.open, panel.close)).all()
    assert (panel.low <= np.minimum(panel.open, panel.close)).all()
    assert (panel.volume > 0).all()
    assert (panel.volume == np.floor(panel.volume)).all()
    return found


@EACH_WORLD
def test_bars_pass_the_check_that_every_source_passes_and_nothing_is_odd(world: str):
    for seed in range(5):
        found = checked(simulated_market(world, seed=seed))
        assert found.findings == ()
        assert found.symbols[0] == "S1"
        assert found.symbols[-1] == MARKET


ANY = {
    "seed": st.integers(0, 2**64 - 1),
    "n_sectors": st.integers(1, 3),
    "n_sessions": st.integers(2, 120),
    "signal": st.floats(0, 2),
    "noise": st.floats(0.0001, 0.1),
    "market_volatility": st.floats(0, 0.1),
    "market_drift": st.floats(-1, 1),
}
SPELL = st.floats(2, 1000)
OWN = {
    "regimes": {"low": SPELL, "high": SPELL},
    "volatility": {"persistence": st.floats(0, 0.999), "calm": SPELL, "wild": SPELL},
    "delayed": {"lag": st.integers(5, 100)},
    "product": {"persistence": st.floats(0.1, 0.99)},
}


@pytest.mark.parametrize("world", OWN)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data(), horizon=st.integers(1, 2520))
def test_every_market_that_can_be_asked_for_has_valid_bars_and_an_optimum(
    world: str, data: st.DataObject, horizon: int
):
    asked = data.draw(st.fixed_dictionaries({**ANY, **OWN[world]}))
    market = simulated_market(world, **asked)
    checked(market)
    forecast = market.optimal_forecast(horizon)
    assert np.isfinite(forecast).all()
    assert (forecast > -1).all()


@EACH_WORLD
def test_the_source_is_named_by_world_seed_and_signal(world: str):
    source = simulated_market(world, seed=4, n_sessions=2).panel().source
    name = "simulated" if world in ("linear", "none") else f"simulated:{world}"
    assert source == f"{name}(seed=4, signal={0 if world == 'none' else 1})"


@pytest.mark.parametrize("world", ["regimes", "volatility", "delayed", "product"])
def test_the_optimum_needs_bars_and_betas_alone(world: str):
    market = simulated_market(world, seed=1, n_sessions=1500)
    hidden = market.path.returns - market.path.betas * market.path.market[:, None]
    exact = market._ahead(hidden, HORIZON)
    seen = market._ahead(own_returns(market), HORIZON)
    # A 32-bit price is off by 6e-8 of itself, and a day's return is 1e-2.
    assert np.abs(seen - exact).max() < 2e-4 * exact.std()


# --- the processes are those that are documented --------------------------------------


@EACH_WORLD
def test_without_a_signal_the_forecast_is_that_of_betas_and_variance(world: str):
    market = simulated_market(world, signal=0.0, n_sessions=200)
    assert (market.path.expected == 0).all()
    forecast = market.optimal_forecast(HORIZON)
    betas = market.path.betas
    variance = 0.01**2 + (0.01 * betas) ** 2
    expected = np.exp(21 * (betas * 0.06 / 252 + variance / 2)) - 1
    # Volatility that clusters is forecast in one world: the variance's half alone.
    loose = 21 * 0.01**2 if world == "volatility" else 1e-12
    np.testing.assert_allclose(forecast, np.tile(expected, (200, 1)), atol=loose)


def test_levels_of_regimes_have_mean_0_and_the_deviation_asked_for():
    market = RegimeMarket(n_sectors=60, n_sessions=20_000, low=10, high=40, signal=2)
    low, high = market.levels
    assert 0.2 * low + 0.8 * high == pytest.approx(0, abs=1e-15)
    assert 0.2 * low**2 + 0.8 * high**2 == pytest.approx(0.01**2)
    found = market.path.expected
    is_low = found == low
    assert (is_low | (found == high)).all()
    # 1.2 million sessions in spells of 50: 24,000 spells, so 1% on each of these.
    assert is_low.mean() == pytest.approx(0.2, abs=0.005)
    assert is_low[0].mean() == pytest.approx(0.2, abs=4 * 0.4 / math.sqrt(60))
    ends = (is_low[:-1] & ~is_low[1:]).sum() / is_low[:-1].sum()
    begins = (~is_low[:-1] & is_low[1:]).sum() / (~is_low[:-1]).sum()
    assert ends == pytest.approx(1 / 10, rel=0.04)
    assert begins == pytest.approx(1 / 40, rel=0.04)


def test_wild_days_are_wilder_and_volume_shows_each_of_them():
    market = VolatilityMarket(n_sectors=20, n_sessions=20_000, signal=0)
    calm, wild = market.squares
    assert (calm + wild) / 2 == pytest.approx(1)
    assert wild / calm == pytest.approx(25)
    squares = market.path.volatility[:, :-1] ** 2
    is_wild = squares > 1
    assert is_wild.mean() == pytest.approx(0.5, abs=0.01)
    own = own_returns(market)
    for state, square in ((is_wild, wild), (~is_wild, calm)):
        assert own[state].var() == pytest.approx(0.01**2 * square, rel=0.02)
    # No volume lies where the other state's volumes do: the state is no secret.
    volume = market.panel().volume[:, :-1]
    assert volume[~is_wild].max() < 5e6 * math.sqrt(calm * wild) < volume[is_wild].min()


def test_a_return_comes_back_after_the_lag_and_not_before():
    market = DelayedMarket(n_sectors=40, n_sessions=6000, lag=17, signal=2)
    own = own_returns(market)
    for lag in (1, 16, 17, 18, 34):
        found = np.mean(own[lag:] * own[:-lag]) / own.var()
        # 240,000 pairs: deviates by 0.002.
        assert found == pytest.approx({17: 0.4, 34: 0.16}.get(lag, 0), abs=0.009)


def test_products_leave_nothing_to_linear_filters():
    market = ProductMarket(n_sectors=50, n_sessions=8000, seed=1, signal=1.5)
    own = own_returns(market)
    variance = own.var()
    own = own / math.sqrt(variance)
    volume = np.log(market.panel().volume[:, :-1] / 5e6) / 0.3
    product = own * (volume - market.threshold)
    for lag in (1, 2, 5, 20):
        # 400,000 pairs of deviation 1: a mean deviates by 0.0016.
        assert abs(np.mean(own[lag:] * own[:-lag])) < 0.0064
        assert abs(np.mean(own[lag:] * volume[:-lag])) < 0.0064
        told = market.kappa * 0.01 * 0.9 ** (lag - 1) / variance
        assert np.mean(own[lag:] * product[:-lag]) == pytest.approx(told, abs=0.0064)
    # The share of a return's variance that is known: kappa² (1 + c²) / (1 - phi²).
    a = 1.5 / 4
    c = (1 - math.sqrt(1 - 4 * a**2)) / (2 * a)
    assert market.threshold == pytest.approx(c)
    kappa = a * 0.01 * (1 - 0.9**2) / 0.9
    assert market.kappa == pytest.approx(kappa)
    known = kappa**2 * (1 + c**2) / (1 - 0.9**2)
    assert market.path.expected[100:].var() == pytest.approx(known, rel=0.03)


# --- what cannot be had is refused ----------------------------------------------------


@pytest.mark.parametrize(
    ("world", "field", "value"),
    [
        ("regimes", "low", 1.9),
        ("regimes", "high", 1001),
        ("regimes", "high", "long"),
        ("regimes", "signal", 4.1),
        ("volatility", "calm", 0),
        ("volatility", "wild", math.inf),
        ("volatility", "persistence", 1.0),
        ("delayed", "lag", 4),
        ("delayed", "lag", 101),
        ("delayed", "lag", 42.0),
        ("delayed", "lag", True),
        ("product", "signal", 2.1),
        ("product", "persistence", 0.05),
        ("product", "persistence", math.nan),
        ("product", "seed", -1),
        ("none", "seed", None),
        ("delayed", "start", "2000-01-03"),
    ],
)
def test_an_impossible_setting_is_named_with_its_value(
    world: str, field: str, value: object
):
    with pytest.raises(SpecError) as caught:
        simulated_market(world, **{field: value})
    assert caught.value.owner in str(WORLDS[world])
    assert caught.value.field == field
    assert caught.value.value is value


@EACH_WORLD
@pytest.mark.parametrize("horizon", [0, -1, 2.5, True, "21", None, 2521])
def test_an_impossible_horizon_is_refused(world: str, horizon: object):
    with pytest.raises(SpecError, match="horizon must be a whole number from 1 to"):
        simulated_market(world, n_sessions=5).optimal_forecast(horizon)
