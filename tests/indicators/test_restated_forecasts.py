"""Forecasts after a split or a dividend are those of restated bars."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import random_panel, same_bytes, without
from scripted import DIVIDEND, REVERSE, SPLIT, Scripted, in_old_units, run

from bt_lstm_rotation import Forecast, ForecastSpec, LSTMForecast, MomentumSpec
from bt_lstm_rotation.forecasting import BarHistory, Training
from bt_lstm_rotation.prices.corporate_actions import CorporateAction

MOMENTUM = MomentumSpec(lookback=20, skip=3, horizon=5)
LSTM = ForecastSpec(
    lookback=8,
    horizon=3,
    train_size=40,
    units=4,
    steps=4,
    features=("log_return", "relative_return", "rank"),
)
ACTIONS = {
    100: {"A": SPLIT, "C": DIVIDEND},
    115: {"A": DIVIDEND},
    130: {"B": REVERSE, "C": CorporateAction(0.485, 2.0, 3.0)},
}
BAR_BY_BAR = {"runonce": False}


class Forecasts(Scripted):
    """A forecast for each feed, from one pool."""

    params = (("spec", MOMENTUM), ("training", None))

    def __init__(self):
        super().__init__()
        training = self.p.training or Training(store=None)
        self.made = Forecast.pooled(self.datas, spec=self.p.spec, training=training)
        self.seen: list[list[float]] = []

    def next(self):
        super().next()
        self.seen.append([float(self.made[feed].forecast[0]) for feed in self.datas])


def forecasts(panel, actions=None, *, strategy=Forecasts, **params):
    ran = run(
        panel.frames(), None, actions, strategy=strategy, mode=BAR_BY_BAR, **params
    )
    return np.array(ran.seen)


def panel_of(n=160):
    return random_panel("ABCD", n, first="2020-01-01")


@pytest.mark.parametrize("spec", [MOMENTUM, LSTM], ids=["momentum", "lstm"])
def test_they_are_those_of_restated_bars(spec):
    whole = panel_of()
    seen = in_old_units(whole, ACTIONS)
    found = forecasts(seen, ACTIONS, spec=spec)
    expected = forecasts(whole, spec=spec)
    assert np.isfinite(expected[100:]).all()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    # Without the actions they are not.
    other = forecasts(seen, spec=spec)
    assert np.abs(other[101:120] - expected[101:120]).max() > 1e-3


def test_what_was_forecast_before_is_the_same_to_the_bit():
    seen = in_old_units(panel_of(), ACTIONS)
    found, before = forecasts(seen, ACTIONS, spec=LSTM), forecasts(seen, spec=LSTM)
    assert same_bytes(found[:100], before[:100])


def test_a_feed_that_misses_the_session_and_one_forecast_alone():
    whole = without(panel_of(), "A", [100, 101, 115])
    # Its two next bars bring the new units.
    seen = in_old_units(whole, ACTIONS)

    class Alone(Scripted):
        def __init__(self):
            super().__init__()
            training = Training(store=None)
            spec = ForecastSpec(
                lookback=8,
                horizon=3,
                train_size=40,
                units=4,
                steps=4,
                target="plain",
                features=("log_return",),
            )
            self.alone = LSTMForecast(self.data, spec=spec, training=training)
            self.seen = []

        def next(self):
            super().next()
            self.seen.append(float(self.alone.forecast[0]))

    for strategy in (Alone, Forecasts):
        found = forecasts(seen, ACTIONS, strategy=strategy)
        expected = forecasts(whole, strategy=strategy)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_only_bars_before_the_session_are_restated():
    whole = panel_of(80)
    history = BarHistory.from_panel(whole)
    history.restate("B", SPLIT, whole.sessions[70])
    window = history.window(["A", "B"], whole.sessions[-1:], 80)
    assert window.bars[:, 0, 0].tobytes() == whole.bars[:, :, 0].copy().tobytes()
    expected = whole.bars[:, :, 1].copy()
    expected[:4, :70] *= 0.5
    expected[4, :70] *= 2.0
    assert window.bars[:, 0, 1].tobytes() == expected.tobytes()
