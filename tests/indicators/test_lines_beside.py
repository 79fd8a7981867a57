"""Lines and feeds beside bars: one answer in every mode, joined by date."""

from __future__ import annotations

import datetime as dt
import hashlib

import backtrader as bt
import numpy as np
import pytest
from fakes import random_panel, without
from modes import each_mode

from bt_lstm_rotation import Context, ForecastSpec, Input, LSTMForecast, MomentumSpec
from bt_lstm_rotation.errors import DataError, FeatureError, SpecError, StrategyError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import Training, walk_forward
from bt_lstm_rotation.forecasting.beside import ContextRule
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside

SPEC = ForecastSpec(lookback=10, train_size=60, horizon=3, units=4)
SECTORS = ("A", "B", "C")


def panel(n=260):
    """Three sectors, of which one is listed late, and a series that misses days."""
    bars = random_panel("ABCV", n)
    bars = without(bars, "C", slice(0, 40))
    return without(bars, "V", [50, 51, 120, 200])


class Reading(bt.Strategy):
    params = (("inputs", None), ("context", None), ("spec", SPEC))

    def __init__(self):
        feeds = [self.getdatabyname(name) for name in SECTORS]
        made = {} if self.p.inputs is None else self.p.inputs(feeds)
        context = [] if self.p.context is None else self.p.context(self)
        self.forecasts = LSTMForecast.pooled(
            feeds,
            spec=self.p.spec,
            training=Training(),
            inputs=made,
            context=context,
        )
        self.shown = {}

    def prenext(self):
        self.next()

    def next(self):
        day = self.datetime.date()
        row = [
            forecast.forecast[0]
            if len(feed) and feed.datetime.date() == day
            else np.nan
            for feed, forecast in self.forecasts.items()
        ]
        self.shown[day] = row

    @property
    def pool(self):
        return next(iter(self.forecasts.values())).pool


def run(bars=None, modes=None, **params):
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, panel() if bars is None else bars)
    cerebro.addstrategy(Reading, **params)
    return cerebro.run(**(modes or {}))[0]


def some_inputs(feeds):
    return {
        "range": {d: bt.ind.SMA(d.high - d.low, period=5) / d.close for d in feeds},
        "mom": Input({d: bt.ind.ROC(d, period=10) for d in feeds}, missing="zero"),
        "macd": Input(
            {d: bt.ind.MACDHisto(d, period_me1=2, period_me2=4).histo for d in feeds},
            missing="carry",
            at_most=3,
        ),
    }


def some_context(strategy):
    return [Context(strategy.getdatabyname("V"), max_age=4)]


def digest(strategy):
    values = np.array(list(strategy.shown.values()))
    assert np.isfinite(values).sum() > 100
    return hashlib.sha256(np.nan_to_num(values, nan=9.0).tobytes()).hexdigest()


@each_mode
def test_one_hash_in_every_mode(modes):
    ahead = run(inputs=some_inputs, context=some_context)
    found = run(modes=modes, inputs=some_inputs, context=some_context)
    assert digest(found) == digest(ahead)
    assert found.pool.beside.usage == ahead.pool.beside.usage


def test_context_is_joined_as_without_backtrader():
    bars = panel()
    found = run(bars, context=some_context)
    spec = SPEC.reading(context=[ContextRule(name="V", max_age=4)])
    expected = walk_forward(
        bars.select(SECTORS), spec, beside=Beside(context=bars.select(["V"]))
    )
    shown = np.array([found.shown[day] for day in expected.sessions.astype(object)])
    np.testing.assert_array_equal(shown, expected.values)


def test_what_is_read_is_part_of_the_forecast():
    plain = run()
    assert digest(plain) != digest(run(context=some_context))
    assert digest(plain) != digest(run(inputs=some_inputs))


def test_an_input_on_one_feed_may_be_a_line_alone():
    class Alone(bt.Strategy):
        def __init__(self):
            self.forecast = LSTMForecast(
                self.data,
                spec=ForecastSpec(
                    target="plain",
                    features=("log_return",),
                    lookback=10,
                    train_size=60,
                    horizon=3,
                    units=4,
                ),
                training=Training(),
                inputs={"gap": self.data.open - self.data.close(-1)},
            )

        def next(self):
            self.last = self.forecast.forecast[0]

    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, panel())
    cerebro.addstrategy(Alone)
    assert np.isfinite(cerebro.run()[0].last)


def test_the_first_bars_of_an_input_do_not_count_until_it_forgets_where_they_began():
    # So the same forecasts come out where the history began later.
    inputs = {"inputs": lambda feeds: {"ema": {d: distance(d) for d in feeds}}}
    bars = random_panel("ABCV", 400)
    whole = run(bars, **inputs)
    late = run(bars.rows(60, 400), **inputs)
    rule = late.pool.spec.inputs[0]
    assert 30 < rule.warmup < 200
    days = [day for day in late.shown if np.isfinite(late.shown[day]).all()]
    first = days[0] + dt.timedelta(days=60)  # both have begun a period by then
    shared = [day for day in days if day > first]
    assert len(shared) > 60
    np.testing.assert_allclose(
        [late.shown[day] for day in shared],
        [whole.shown[day] for day in shared],
        rtol=0,
        atol=1e-7,
    )


def distance(feed):
    return feed.close / bt.ind.EMA(feed, period=8) - 1.0


@pytest.mark.parametrize("modes", [{}, {"preload": False}], ids=str)
def test_a_leak_is_refused_before_any_fit(modes):
    def leaky(feeds):
        return {"tomorrow": {d: d.close(1) for d in feeds}}

    with pytest.raises(FeatureError, match="'tomorrow' looks 1 bar ahead"):
        run(modes=modes, inputs=leaky)


@pytest.mark.parametrize("modes", [{}, {"preload": False}], ids=str)
def test_context_that_is_dated_a_day_early_is_refused(modes):
    bars = random_panel("ABCV", 260)
    mean = np.exp(np.log(bars.bars[:4, :, :3]).mean(axis=2))
    bars.bars[:4, :-1, 3] = mean[:, 1:]
    with pytest.raises(DataError, match="context V: is dated 1 bar early"):
        run(bars, modes, context=lambda s: [s.getdatabyname("V")])
    bars.bars[:4, :, 3] = mean
    run(bars, modes, context=lambda s: [s.getdatabyname("V")])


@pytest.mark.parametrize("modes", [{}, {"preload": False}], ids=str)
def test_a_monthly_figure_says_when_it_is_published(modes):
    bars = random_panel("ABCV", 400)
    kept = np.arange(0, 400, 21)
    bars = without(bars, "V", np.setdiff1d(np.arange(400), kept))
    with pytest.raises(SpecError, match="published_after must be said"):
        run(bars, modes, context=lambda s: [s.getdatabyname("V")])
    told = run(
        bars,
        modes,
        context=lambda s: [
            Context(s.getdatabyname("V"), max_age=80, published_after=45)
        ],
    )
    assert np.isfinite(list(told.shown.values())[-1]).all()


@pytest.mark.parametrize(
    ("inputs", "error", "match"),
    [
        (lambda feeds: {"x": {feeds[0]: feeds[0].close}}, SpecError, "B has none"),
        (lambda feeds: {"x": feeds[0].close}, SpecError, "{feed: line}"),
        (lambda feeds: {"x": dict.fromkeys(feeds, 3)}, SpecError, "a line of Back"),
        (
            lambda feeds: {"x": dict.fromkeys(feeds, feeds[0].close)},
            StrategyError,
            "goes by the bars of A",
        ),
        (lambda feeds: {"": {d: d.close for d in feeds}}, SpecError, "name"),
        (lambda feeds: {"volume": {d: d.close for d in feeds}}, SpecError, "its own"),
        (lambda feeds: [1], SpecError, "a dict of name"),
        (
            lambda feeds: {"x": Input({d: bt.ind.RSI(d) for d in feeds}, warmup=14)},
            SpecError,
            "or more: so long",
        ),
    ],
)
def test_what_is_no_input_is_refused(inputs, error, match):
    with pytest.raises(error, match=match):
        run(inputs=inputs)


@pytest.mark.parametrize(
    ("context", "match"),
    [
        (lambda s: [s.getdatabyname("A")], "not forecast"),
        (lambda s: ["V"], "a list of feeds"),
        (lambda s: s.getdatabyname("V"), "a list of feeds"),
        (lambda s: [s.getdatabyname("V")] * 2, "once"),
        (lambda s: [Context(s.getdatabyname("V"), max_age=-1)], "max_age"),
    ],
)
def test_what_is_no_context_is_refused(context, match):
    with pytest.raises(SpecError, match=match):
        run(context=context)


def test_a_forecaster_that_reads_bars_alone_is_refused():
    with pytest.raises(SpecError, match="reads more than bars"):
        run(context=some_context, spec=MomentumSpec(lookback=40, horizon=3))
