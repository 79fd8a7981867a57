"""Indicators over a forecast: NaN for ever without ``wait``, and numbers with it."""

from __future__ import annotations

import math

import backtrader as bt
import pytest
from fakes import FakeSpec, random_panel, without
from forecast_reader import Reader, walked
from modes import each_mode

from bt_lstm_rotation import LSTMForecast
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.feeds import add_feeds

PERIOD = 5


class Smoothed(Reader):
    """Keeps the averages of what `make` gives, and the bar at which `next` began."""

    def __init__(self):
        super().__init__()
        self.averages = {
            feed._name: bt.ind.EMA(line.l.forecast, period=PERIOD)
            for feed, line in self.forecasts.items()
        }
        self.began = None

    def next(self):
        super().next()

    def nextstart(self):
        self.began = len(self)
        super().nextstart()


def run(panel, make, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    add_feeds(cerebro, panel)
    cerebro.addstrategy(Smoothed, make=make)
    return cerebro.run()[0]


def pooled(**params):
    return lambda strategy: LSTMForecast.pooled(strategy.datas, **params)


def alone(**params):
    return lambda strategy: {
        feed: LSTMForecast(feed, **params) for feed in strategy.datas
    }


def last_average(strategy):
    return {name: average[0] for name, average in strategy.averages.items()}


@each_mode
@pytest.mark.parametrize("make", [pooled, alone])
def test_an_average_of_forecasts_is_a_number_if_it_waits(make, modes):
    panel = without(random_panel("AB", 90), "B", [3, 41, 60])
    spec = FakeSpec()
    waiting = run(panel, make(spec=spec, wait=True), **modes)
    plain = run(panel, make(spec=spec), **modes)
    assert all(math.isfinite(value) for value in last_average(waiting).values())
    assert all(math.isnan(value) for value in last_average(plain).values())


@each_mode
def test_waiting_changes_no_forecast(modes):
    panel = without(random_panel("AB", 90), "B", [3, 41, 60])
    expected = walked(panel, FakeSpec())
    assert run(panel, pooled(spec=FakeSpec(), wait=True), **modes).noted == expected


@pytest.mark.parametrize(("retrain", "days"), [("weekly", 7), ("monthly", 33), (5, 7)])
def test_it_waits_for_the_bars_of_a_fit_and_the_longest_period(retrain, days):
    panel = random_panel("A", 120)
    make = alone(spec=FakeSpec(fit_bars=20, retrain=retrain), wait=True)
    # The average begins with as many of its values.
    assert run(panel, make).began == 20 + days + PERIOD - 1


@pytest.mark.parametrize("first", ["2019-01-02", "2019-01-31", "2019-03-01"])
@pytest.mark.parametrize("retrain", ["weekly", "monthly", 7])
def test_no_forecast_comes_later_than_was_waited_for(first, retrain):
    panel = random_panel("A", 120, first=first)
    ran = run(panel, alone(spec=FakeSpec(retrain=retrain), wait=True))
    known = [value != "nan" for value in ran.noted.values()]
    assert known.index(True) + 1 <= ran.began - PERIOD + 1


@pytest.mark.parametrize("wait", [1, None, "yes", math.nan])
@pytest.mark.parametrize("make", [pooled, alone])
def test_whether_to_wait_is_a_truth_value(make, wait):
    with pytest.raises(SpecError, match="wait must be True or False"):
        run(random_panel("A", 5), make(spec=FakeSpec(), wait=wait))
