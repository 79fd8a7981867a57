"""The network's rivals as lines, in every way that Cerebro can run."""

from __future__ import annotations

import backtrader as bt
import pytest
from fakes import random_panel, without
from forecast_reader import Reader, pooled, walked
from modes import each_mode

from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import ArimaSpec, OracleSpec, TreeSpec
from bt_lstm_rotation.prices.simulated import SimulatedMarket

SMALL = {"lookback": 12, "horizon": 3, "train_size": 30, "retrain": "monthly"}
SPECS = {
    "tree": TreeSpec(
        trees=4, leaf_size=5, features=("relative_return", "rank"), **SMALL
    ),
    "arima": ArimaSpec(order=(1, 1, 0), **SMALL),
}


def noted(panel, spec, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    for symbol in panel.symbols:
        add_feeds(cerebro, panel.select([symbol]))
    cerebro.addstrategy(Reader, make=pooled(spec))
    return cerebro.run()[0].noted


@each_mode
@pytest.mark.parametrize("name", SPECS)
def test_every_mode_notes_the_walk_of_the_panel(name, modes):
    panel = without(random_panel("ABC", 110), "B", [3, 80, 81])
    panel = without(panel, "C", slice(0, 25))
    expected = walked(panel, SPECS[name])
    assert sum(value != "nan" for value in expected.values()) > 40
    assert noted(panel, SPECS[name], **modes) == expected


@each_mode
def test_the_oracle_is_the_same_in_every_mode(modes):
    market = SimulatedMarket(seed=2, n_sectors=3, n_sessions=80)
    panel, spec = market.panel(), OracleSpec(market=market, horizon=5)
    expected = walked(panel, spec)
    assert sum(value != "nan" for value in expected.values()) > 100
    assert noted(panel, spec, **modes) == expected
