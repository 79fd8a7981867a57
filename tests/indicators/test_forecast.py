"""Forecast lines in every way that Cerebro can run, against the walk on the panel."""

from __future__ import annotations

import math
from dataclasses import replace

import backtrader as bt
import numpy as np
import pytest
from fakes import FakeSpec, date, days, random_panel, without
from forecast_reader import Reader, pooled, walked
from modes import each_mode

from bt_lstm_rotation.errors import SpecError, StrategyError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import ForecastSpec, MomentumSpec
from bt_lstm_rotation.indicators import Forecast, LSTMForecast

TINY = ForecastSpec(
    units=4,
    steps=2,
    lookback=10,
    horizon=3,
    train_size=40,
    features=("relative_return",),
)


def run(panel, make, *, order=None, **modes):
    cerebro = bt.Cerebro(stdstats=False, **modes)
    for symbol in order or panel.symbols:
        add_feeds(cerebro, panel.select([symbol]))
    cerebro.addstrategy(Reader, make=make)
    return cerebro.run()[0]


def gappy():
    """A is whole, B misses days, C is listed late, D is gone early."""
    panel = without(random_panel("ABCD", 90), "B", [3, 41, 60, 61])
    panel = without(panel, "C", slice(0, 30))
    return without(panel, "D", slice(70, 90))


@each_mode
def test_every_mode_notes_the_walk_of_the_panel(modes):
    panel = gappy()
    expected = walked(panel, FakeSpec())
    assert sum(value != "nan" for value in expected.values()) > 150
    assert run(panel, pooled(FakeSpec()), **modes).noted == expected


def test_a_network_under_exactbars_1_notes_the_walk_too():
    panel = without(random_panel("ABC", 80), "C", slice(0, 30))
    assert run(panel, pooled(TINY), exactbars=1).noted == walked(panel, TINY)


@each_mode
@pytest.mark.parametrize("order", ["DCBA", "CADB", "BDAC"])
def test_feeds_may_be_added_in_any_order(modes, order):
    panel = gappy()
    strategy = run(panel, pooled(FakeSpec()), order=order, **modes)
    assert strategy.noted == walked(panel, FakeSpec())


@each_mode
def test_a_network_of_ones_own_notes_the_walk_too(modes):
    panel = without(random_panel("ABC", 75), "B", [3, 70])
    assert run(panel, pooled(TINY), **modes).noted == walked(panel, TINY)


@each_mode
def test_feeds_and_indicators_beside_the_pool_change_nothing(modes):
    panel = gappy()

    def make(strategy):
        strategy.averages = [bt.ind.SMA(data, period=9) for data in strategy.datas]
        sectors = [data for data in strategy.datas if data._name != "A"]
        forecasts = LSTMForecast.pooled(sectors, spec=FakeSpec())
        strategy.smooth = bt.ind.SMA(forecasts[sectors[0]], period=3)
        return forecasts

    strategy = run(panel, make, **modes)
    assert strategy.noted == walked(panel.select(["B", "C", "D"]), FakeSpec())


@each_mode
def test_each_feed_may_have_a_forecaster_of_its_own(modes):
    panel = gappy()

    def make(strategy):
        return {d: LSTMForecast(d, spec=FakeSpec()) for d in strategy.datas}

    expected = {}
    for symbol in panel.symbols:
        expected |= walked(panel.select([symbol]), FakeSpec())
    assert run(panel, make, **modes).noted == expected


@each_mode
def test_a_start_spares_fits_and_changes_no_forecast(modes):
    panel = gappy()
    start = np.datetime64("2019-04-03")
    strategy = run(panel, pooled(FakeSpec(), start=date(start)), **modes)
    assert strategy.noted == walked(panel, FakeSpec(), start)
    (pool,) = {id(f.pool): f.pool for f in strategy.forecasts.values()}.values()
    assert [f.session for f in pool.fits] == days(["2019-03-29", "2019-04-30"])


@each_mode
def test_the_first_feed_is_the_default_and_a_name_is_not_needed(modes):
    panel = random_panel("A", 75)
    cerebro = bt.Cerebro(stdstats=False, **modes)
    cerebro.adddata(bt.feeds.PandasData(dataname=panel.frame("A")))

    def make(strategy):
        return {strategy.data: LSTMForecast(spec=replace(TINY, target="plain",
            features=("log_return",)))}  # fmt: skip

    cerebro.addstrategy(Reader, make=make)
    noted = cerebro.run()[0].noted
    spec = replace(TINY, target="plain", features=("log_return",))
    expected = walked(panel, spec)
    assert [*noted.values()] == [*expected.values()]


def test_the_default_spec_of_one_feed_compares_with_nothing():
    strategy = run(random_panel("A", 5), lambda s: {s.data: LSTMForecast(s.data)})
    (forecast,) = strategy.forecasts.values()
    assert forecast.pool.spec == ForecastSpec(target="plain", features=("log_return",))
    assert forecast.pool.spec.min_symbols == 1
    several = run(random_panel("AB", 5), lambda s: LSTMForecast.pooled(s.datas))
    assert {f.pool.spec for f in several.forecasts.values()} == {ForecastSpec()}


def test_other_forecasters_are_lines_alike():
    panel = gappy()
    spec = MomentumSpec(lookback=10, skip=2, horizon=3)
    strategy = run(panel, lambda s: Forecast.pooled(s.datas, spec=spec))
    assert strategy.noted == walked(panel, spec)


def refused(make, error, match, symbols="A"):
    with pytest.raises(error, match=match):
        run(random_panel(symbols, 5), make)


def test_a_comparison_on_one_feed_is_refused_with_what_to_do():
    advice = r"target='plain'.*LSTMForecast.pooled\(feeds\)"
    spec = ForecastSpec()
    refused(lambda s: LSTMForecast(s.data, spec=spec), SpecError, advice)
    refused(lambda s: LSTMForecast.pooled([s.data]), SpecError, advice)


@pytest.mark.parametrize("spec", ["lstm", 3, object(), {"horizon": 3}, ForecastSpec])
def test_something_that_is_no_spec_is_refused(spec):
    match = "spec must be a forecaster's spec"
    refused(lambda s: LSTMForecast(s.data, spec=spec), SpecError, match)
    refused(lambda s: LSTMForecast.pooled(s.datas, spec=spec), SpecError, match)


def test_a_forecast_without_a_spec_is_refused():
    refused(lambda s: Forecast(s.data), SpecError, "spec must be")
    refused(lambda s: Forecast.pooled(s.datas), SpecError, "spec must be given")


@pytest.mark.parametrize("start", ["soon", 5, 2019.5, [], math.nan])
def test_a_start_that_is_no_date_is_refused(start):
    match = "start must be a date"
    spec = FakeSpec()
    refused(lambda s: LSTMForecast(s.data, spec=spec, start=start), SpecError, match)
    refused(lambda s: LSTMForecast.pooled(s.datas, spec=spec, start=start),
            SpecError, match)  # fmt: skip


def test_a_misspelled_param_fails():
    refused(lambda s: LSTMForecast(s.data, spek=TINY), TypeError, "spek")
    refused(lambda s: Forecast(s.data, strat=1), TypeError, "strat")
    refused(lambda s: LSTMForecast.pooled(s.datas, horizon=3), TypeError, "horizon")


def test_no_feeds_one_feed_for_a_list_or_a_line_for_a_feed_are_refused():
    refused(lambda s: LSTMForecast.pooled([]), StrategyError, "no feeds")
    refused(lambda s: LSTMForecast.pooled(s.data), StrategyError, "list of feeds")
    refused(lambda s: LSTMForecast(s.data.close), StrategyError, "open high low close")
    refused(
        lambda s: LSTMForecast(bt.ind.SMA(s.data, period=2)),
        StrategyError,
        "open high low close volume",
    )


@pytest.mark.parametrize(("names", "match"), [
    ([None, "B"], "feed 0 has no name"),
    (["A", ""], "feed 1 has no name"),
    (["A", "A"], r"different names \(got A twice\)"),
])  # fmt: skip
def test_names_that_are_missing_or_repeated_are_refused(names, match):
    cerebro = bt.Cerebro(stdstats=False)
    for name in names:
        feed = bt.feeds.PandasData(dataname=random_panel("A", 5).frame("A"))
        cerebro.adddata(feed)
        feed._name = name
    cerebro.addstrategy(Reader, make=pooled(FakeSpec()))
    with pytest.raises(StrategyError, match=match):
        cerebro.run()
