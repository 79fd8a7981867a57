"""The oracle: what a simulated market expects, and of no other bars anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import random_panel, same_bytes, shocked

from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.forecasting import OracleSpec, Training, Workers, walk_forward
from bt_lstm_rotation.forecasting.forecaster import Spec
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

WORLD = SimulatedMarket(seed=4, n_sectors=4, n_sessions=300, signal=0.5)
PANEL = WORLD.panel()


def test_it_says_what_the_market_expects():
    made = walk_forward(PANEL, OracleSpec(market=WORLD, horizon=5))
    first = int(np.flatnonzero(np.isfinite(made.values[:, 0]))[0])
    assert first < 30
    column = list(made.symbols).index
    expected = WORLD.optimal_forecast(5)
    for number in range(4):
        own = made.values[first:, column(f"S{number + 1}")]
        assert same_bytes(own, expected[first:, number])
    # Of its index the market says nothing.
    assert np.isnan(made.values[:, column(MARKET)]).all()


def test_without_a_market_it_is_that_of_the_command_line():
    market = SimulatedMarket(seed=7)
    some = market.panel().select(["S3", "S1"]).rows(1000, 1100)
    made = walk_forward(some, OracleSpec(seed=7, horizon=10))
    expected = market.optimal_forecast(10)[1000:1100]
    known = np.isfinite(made.values[:, 0])
    assert known.sum() > 70
    for name in made.symbols:
        own = made.values[known, list(made.symbols).index(name)]
        assert same_bytes(own, expected[known, int(name[1:]) - 1])


@pytest.mark.parametrize("row", [120, 200, 280])
def test_what_comes_after_a_session_changes_nothing(row):
    """The one law: a longer market of the same seed has the same bars until then."""
    spec = OracleSpec(market=WORLD, horizon=5)
    whole = walk_forward(PANEL, spec).values
    short = replace(WORLD, n_sessions=row)
    assert same_bytes(short.panel().close, PANEL.close[:row])
    made = walk_forward(short.panel(), OracleSpec(market=short, horizon=5)).values
    assert same_bytes(made, whole[:row])
    assert same_bytes(walk_forward(PANEL.rows(0, row), spec).values, whole[:row])


def test_bars_that_are_not_the_markets_are_refused_where_they_begin():
    spec = OracleSpec(market=WORLD, horizon=5)
    with pytest.raises(DataError, match=r"MARKET 2000-\d\d-\d\d: the oracle does"):
        walk_forward(shocked(PANEL, 200), spec)
    with pytest.raises(
        DataError, match=r"it knows simulated.* alone: give it the bars' world and seed"
    ) as raised:
        walk_forward(random_panel("AB", 60), spec)
    assert raised.value.symbol == "A"
    other = replace(WORLD, seed=5).panel()
    with pytest.raises(DataError, match="the oracle does not know this bar"):
        walk_forward(other, spec)
    later = replace(PANEL, sessions=PANEL.sessions + np.timedelta64(7, "D"))
    with pytest.raises(DataError, match="the oracle does not know this bar"):
        walk_forward(later, spec)


def test_it_works_in_processes():
    workers = Workers(jobs=2, backend="processes")
    spec = OracleSpec(market=WORLD, horizon=5)
    made = walk_forward(PANEL, spec, training=Training(workers=workers))
    assert same_bytes(made.values, walk_forward(PANEL, spec).values)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("seed", -1, "seed must be"),
        ("seed", 2**64, "seed must be"),
        ("horizon", 0, "horizon must be"),
        ("horizon", 2521, "horizon must be"),
        ("retrain", "daily", "retrain must be"),
        ("market", "simulated", "market must be a SimulatedMarket"),
        ("market", 3, "market must be a SimulatedMarket"),
        ("market", SimulatedMarket, "market must be a SimulatedMarket"),
    ],
)
def test_impossible_settings_are_refused(field, value, problem):
    with pytest.raises(SpecError, match=f"OracleSpec: {problem}"):
        OracleSpec(**{field: value})


def test_it_is_a_spec():
    assert isinstance(OracleSpec(), Spec)
    assert hash(OracleSpec(market=WORLD)) == hash(OracleSpec(market=replace(WORLD)))
