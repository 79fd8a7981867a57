"""A rotation over bars as they were seen is the one over restated bars."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import random_panel, without
from scripted import in_old_units, run

from bt_lstm_rotation import ForecastSpec, MomentumSpec, SectorRotation
from bt_lstm_rotation.analyzers import AccountHistory, ForecastHistory, OrderHistory
from bt_lstm_rotation.forecasting import Training
from bt_lstm_rotation.prices.corporate_actions import CorporateAction, classified

MOMENTUM = MomentumSpec(lookback=20, skip=3, horizon=5, retrain="weekly")
LSTM = ForecastSpec(
    lookback=8,
    horizon=3,
    train_size=40,
    units=4,
    steps=4,
    retrain="monthly",
    # Not volume, of which log(1 + v) says a little less in other units.
    features=("relative_return",),
)
# A misses the session of its second split.
WHOLE = without(random_panel("ABCDE", 150, first="2020-01-01"), "A", [98])
N_SESSIONS = len(WHOLE.sessions)
SPLITS = {
    80: {"A": CorporateAction(0.5, 2.0, 0.0), "B": CorporateAction(10.0, 0.1, 0.0)},
    98: {"A": CorporateAction(0.25, 4.0, 0.0), "C": CorporateAction(0.2, 5.0, 0.0)},
    112: {name: CorporateAction(0.5, 2.0, 0.0) for name in "ABCDE"},
}
# A lot is worth next to nothing in any units.
SETTINGS = {
    "top": 2,
    "rebalance": "weekly",
    "lot": 1e-6,
    "weighting": "inverse_volatility",
    "rank_buffer": 1,
}


def rotated(panel, actions, spec):
    ran = run(
        panel.frames(),
        None,
        actions,
        strategy=SectorRotation,
        analyzers=[AccountHistory, ForecastHistory, OrderHistory],
        broker_lot=1e-6,
        cash=1e5,
        mode={"runonce": False},
        spec=spec,
        training=Training(store=None),
        **SETTINGS,
    )
    return ran.analyzers


def equity(found):
    return np.array([row[0] for row in found.AccountHistory.get_analysis().values()])


def forecast_rows(found):
    rows = found.ForecastHistory.get_analysis()["forecasts"].values()
    return [[row.get(name, np.nan) for name in "ABCDE"] for row in rows]


def traded(found):
    return [
        (order.symbol, order.side, order.executed, order.status)
        for order in found.OrderHistory.get_analysis()
    ]


@pytest.mark.parametrize("spec", [MOMENTUM, LSTM], ids=["momentum", "lstm"])
def test_splits_change_nothing_but_the_number_of_shares(spec):
    seen = in_old_units(WHOLE, SPLITS)
    found, expected = rotated(seen, SPLITS, spec), rotated(WHOLE, None, spec)
    np.testing.assert_allclose(
        forecast_rows(found), forecast_rows(expected), rtol=0, atol=1e-9
    )
    assert traded(found) == traded(expected)
    assert len(traded(found)) > 20
    np.testing.assert_allclose(equity(found), equity(expected), rtol=1e-7)
    assert found.AccountHistory.flows == {}


def test_what_happened_before_is_the_same_to_the_bit():
    seen = in_old_units(WHOLE, SPLITS)
    found, without_any = rotated(seen, SPLITS, LSTM), rotated(seen, None, LSTM)
    cut = {}
    for name, one in (("found", found), ("without", without_any)):
        first = WHOLE.sessions[80].astype(object)
        cut[name] = repr(
            (
                list(one.AccountHistory.get_analysis().items())[:80],
                forecast_rows(one)[:80],
                [
                    order
                    for order in one.OrderHistory.get_analysis()
                    if order.executed and order.executed < first
                ],
            )
        )
    assert cut["found"] == cut["without"]


def test_a_dividend_is_held_in_cash_until_the_next_rebalance():
    # Restated bars reinvest it: the two accounts part by what a few hundredths of a
    # percent of cash miss in a week.
    last = dict(zip(WHOLE.symbols, WHOLE.close[89], strict=True))
    paid = {90: {name: classified(0.994, last[name] / 0.994) for name in "ABCDE"}}
    seen = in_old_units(WHOLE, paid)
    found, expected = rotated(seen, paid, MOMENTUM), rotated(WHOLE, None, MOMENTUM)
    np.testing.assert_allclose(
        forecast_rows(found), forecast_rows(expected), rtol=0, atol=1e-9
    )
    assert len(traded(found)) == len(traded(expected))
    np.testing.assert_allclose(equity(found), equity(expected), rtol=5e-4)
    # Up to the session itself they do not part at all.
    np.testing.assert_allclose(equity(found)[:90], equity(expected)[:90], rtol=1e-7)
    cash = [row[1] for row in found.AccountHistory.get_analysis().values()]
    other = [row[1] for row in expected.AccountHistory.get_analysis().values()]
    assert cash[90] - other[90] == pytest.approx(0.006 * 0.98 * 1e5, rel=0.1)
