"""What is stored of a forecast with inputs is found by what it was made from alone."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest
from fakes import random_panel, same_bytes, without
from modes import each_mode

from bt_lstm_rotation import ForecastSpec, ForecastStore, LSTMForecast, Training
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import walk_forward
from bt_lstm_rotation.forecasting.beside import InputRule
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside

SPEC = ForecastSpec(lookback=5, train_size=40, horizon=2, units=3, steps=1)
PANEL = without(random_panel("ABC", 160), "C", [20, 70, 71])


class Reading(bt.Strategy):
    params = (("training", None),)

    def __init__(self):
        means = {data: data.close / bt.ind.SMA(data, period=7) for data in self.datas}
        self.forecasts = LSTMForecast.pooled(
            self.datas, spec=SPEC, training=self.p.training, inputs={"mean": means}
        )

    @property
    def fits(self):
        return next(iter(self.forecasts.values())).pool.fits


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A store that a run ahead has filled."""
    training = Training(store=ForecastStore(tmp_path_factory.mktemp("store")))
    assert {fit.origin for fit in run(PANEL, training).fits} == {"trained"}
    return training


def run(panel, training, **modes):
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, panel)
    cerebro.addstrategy(Reading, training=training)
    return cerebro.run(**modes)[0]


@each_mode
def test_every_mode_finds_what_one_has_stored(stored, modes):
    fits = run(PANEL, stored, **modes).fits
    assert len(fits) > 3
    assert {fit.origin for fit in fits} == {"stored"}


def test_earlier_and_later_bars_do_not_keep_a_fit_from_being_found(stored):
    fits = run(PANEL.rows(33, 150), stored).fits
    assert len(fits) == 2
    assert {fit.origin for fit in fits} == {"stored"}


def test_what_read_an_input_that_changes_is_made_again(tmp_path):
    training = Training(store=ForecastStore(tmp_path))
    rule = InputRule(name="rsi")
    spec = SPEC.reading(inputs=[rule])
    values = np.random.default_rng(4).normal(size=PANEL.traded.shape)

    def made(values):
        return walk_forward(
            PANEL, spec, training=training, beside=Beside({"rsi": values})
        )

    first = made(values)
    again = made(values)
    assert {fit.origin for fit in first.fits} == {"trained"}
    assert {fit.origin for fit in again.fits} == {"stored"}
    assert same_bytes(again.values, first.values)

    changed = values.copy()
    changed[120, 1] += 1e-9
    other = made(changed)
    day = PANEL.sessions[120]
    assert {fit.origin for fit in other.fits if fit.session < day} == {"stored"}
    assert {fit.origin for fit in other.fits if fit.session >= day} == {"trained"}
    alone = walk_forward(PANEL, spec, beside=Beside({"rsi": changed}))
    assert same_bytes(other.values, alone.values)
