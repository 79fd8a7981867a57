"""Forecasts that read inputs and context, opened: all that is read is in it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import backtrader as bt
import numpy as np
import pytest
from fakes import random_panel

import bt_lstm_rotation
from bt_lstm_rotation import (
    ForecastSpec,
    Input,
    LSTMForecast,
    MomentumSpec,
    SectorRotation,
    Training,
    cli,
    explain,
    explain_forecast,
    run_backtest,
)
from bt_lstm_rotation.errors import DataError, SpecError
from bt_lstm_rotation.forecasting import ForecastStore, walk_forward
from bt_lstm_rotation.forecasting.beside import ContextRule, InputRule
from bt_lstm_rotation.forecasting.walkforward.beside_panel import Beside
from bt_lstm_rotation.indicators import Forecast
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.simulated import MARKET, WORLDS, ContextMarket

SPEC = ForecastSpec(units=6, lookback=12, horizon=3, train_size=60)
PLAIN = Training()
N = 150
PANEL = random_panel("ABC", N, seed=5)
RNG = np.random.default_rng(6)
VALUES = RNG.normal(size=PANEL.traded.shape)
HOLES = np.where(RNG.random(VALUES.shape) < 0.2, np.nan, VALUES)
SERIES = random_panel("VW", N, seed=50)
BESIDE = Beside({"rsi": VALUES, "gap": HOLES}, SERIES)
DAY = PANEL.sessions[-7]

RSI = InputRule(name="rsi")
GAP = InputRule(name="gap", missing="zero", odd=False)
V, W = ContextRule(name="V"), ContextRule(name="W")
READ = {
    "an input": {"inputs": [RSI]},
    "one that may be missing": {"inputs": [GAP]},
    "context": {"context": [V]},
    "all": {"inputs": [RSI, GAP], "context": [V, W]},
}
each_read = pytest.mark.parametrize("read", READ.values(), ids=READ)
WAYS = {
    "default": {},
    "gru": {"cell": "gru"},
    "rnn": {"cell": "rnn", "mirrored": False},
    "one each": {"pooled": False},
    "members": {"members": 2},
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def made(spec, panel=PANEL, beside=BESIDE, **more):
    day = DAY.astype(object)
    return explain(panel, "B", day, spec=spec, beside=beside, training=PLAIN, **more)


@each_read
@each_way
def test_it_explains_the_forecast_of_a_walk_forward_with_the_same(way, read):
    spec = replace(SPEC, **way).reading(**read)
    walked = walk_forward(PANEL, spec, beside=BESIDE)
    found = made(spec)
    row = list(PANEL.sessions).index(DAY)
    assert found.forecast == pytest.approx(walked.values[row, 1], abs=1e-6)
    whole = found.forecast - found.attribution.baseline
    shares = found.attribution.shares
    assert shares.shape == (12, len(found.features))
    assert shares.sum() == pytest.approx(whole, abs=1e-4 * abs(whole) + 1e-12)
    assert list(found.kinds) == list(found.features)
    assert bool(found.context_gates) == ("context" in read)
    assert len(found.situations) == 12


def test_each_thing_that_is_read_is_named_with_its_own_values():
    found = made(SPEC.reading(**READ["all"]))
    assert list(found.features) == [
        *("relative_return", "volume"),
        *("rsi", "gap", "gap is missing"),
        *("V", "W"),
    ]
    last = slice(N - 6 - 12, N - 6)
    np.testing.assert_array_equal(found.features["rsi"], VALUES[last, 1])
    np.testing.assert_array_equal(found.features["gap"], HOLES[last, 1])
    absent = np.isnan(HOLES[last, 1])
    assert absent.any()
    np.testing.assert_array_equal(found.features["gap is missing"], absent)
    closes = SERIES.close[N - 6 - 13 : N - 6, 1]
    np.testing.assert_allclose(found.features["W"], np.diff(np.log(closes)))
    page = found.page()
    for name, kind in found.kinds.items():
        row = (
            rf"<th[^>]*>{name}</th>(\s*<td[^>]*>[-+]\S+%</td>){{2}}\s*<td[^>]*>{kind}<"
        )
        assert re.search(row, page)
    assert "The series beside them" in page
    assert "NaN" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_the_lines_say_what_each_kind_of_it_adds():
    found = made(SPEC.reading(**READ["all"]))
    shares = found.attribution.shares
    told = [f"{part.sum():+.3%}" for part in np.split(shares, [2, 5], axis=1)]
    assert (
        f"What the bars add is {told[0]} from features of the bars themselves, "
        f"{told[1]} from inputs beside them and {told[2]} from context."
    ) in str(found)
    alone = made(SPEC.reading(inputs=[RSI]))
    assert "context" not in str(alone)
    assert "from inputs" in str(alone)
    assert "What the bars add" not in str(made(SPEC))


def test_the_lines_say_what_filters_expect_and_the_network_adds():
    with_them, alone = made(SPEC), made(replace(SPEC, filters=False))
    assert alone.filtered is None
    assert "filters" not in str(alone)
    rest = with_them.forecast - with_them.filtered
    assert f"{with_them.filtered:+.3%} is what filters" in str(with_them)
    assert f"{rest:+.3%} what the network adds" in str(with_them)


@each_read
def test_nothing_of_the_future_changes_anything(read):
    spec, row = SPEC.reading(**read), list(PANEL.sessions).index(DAY)
    inputs = {name: values.copy() for name, values in BESIDE.inputs.items()}
    for values in inputs.values():
        values[row + 1 :] = 9.0
    series = SERIES.bars.copy()
    series[:, row + 1 :] *= 1.5
    other = PricePanel(SERIES.sessions, SERIES.symbols, series)
    changed = made(spec, beside=Beside(inputs, other))
    assert changed.page() == made(spec).page()


def test_context_is_found_among_the_prices_and_is_no_sector():
    market = ContextMarket(n_sectors=3, n_sessions=N, seed=2)
    panel, series = market.panel(), market.context()
    priced = PricePanel(
        panel.sessions,
        (*panel.symbols, *series.symbols),
        np.concatenate([panel.bars, series.bars], axis=2),
        source=panel.source,
    )
    spec = SPEC.reading(context=[ContextRule(name="CONTEXT")])
    read = {"spec": spec, "benchmark": MARKET, "training": PLAIN}
    among = explain(priced, "S2", **read)
    beside = explain(panel, "S2", beside=Beside(context=series), **read)
    assert among.page() == beside.page()
    result = run_backtest(
        priced, params={"spec": SPEC, "context": ("CONTEXT",)}, benchmark=MARKET
    )
    rows = result.forecasts
    last = rows[(rows["symbol"] == "S2") & rows["forecast"].notna()].iloc[-1]
    assert last["session"].date() == among.session
    assert last["forecast"] == pytest.approx(among.forecast, abs=1e-6)


def test_a_feature_that_needs_the_benchmark_has_it():
    panel = random_panel("ABCM", 400, seed=5)
    spec = replace(SPEC, features=("relative_return", "residual_return"))
    found = explain(panel, "B", spec=spec, benchmark="M", training=PLAIN)
    walked = walk_forward(
        panel.select([*"ABC"]), spec, beside=Beside(benchmark=panel.select(["M"]))
    )
    assert found.forecast == pytest.approx(walked.values[-1, 1], abs=1e-6)


def test_a_bar_that_was_left_out_has_no_forecast():
    values = VALUES.copy()
    values[-8:-6, 1] = np.nan
    beside = Beside({"rsi": values})
    with pytest.raises(DataError, match=f"nearest is on {PANEL.sessions[-6]}"):
        made(SPEC.reading(**READ["an input"]), beside=beside)


def test_what_is_not_given_is_asked_for():
    for read, told in (
        ({"inputs": [RSI]}, r"beside=Beside\(inputs=.*explain_forecast.*'rsi'"),
        ({"context": [V]}, r"among the prices, or in beside.*'V'"),
    ):
        with pytest.raises(SpecError, match=told):
            made(SPEC.reading(**read), beside=None)
    with pytest.raises(SpecError, match="beside"):
        made(SPEC, beside={"rsi": VALUES})
    with pytest.raises(SpecError, match="benchmark"):
        made(SPEC, benchmark=["A"])
    short = Beside({"rsi": VALUES[1:]})
    with pytest.raises(DataError, match="the panel's bars"):
        made(SPEC.reading(inputs=[RSI]), beside=short)


BARS = random_panel("ABC", 200, seed=1)


class Rotation(SectorRotation):
    """Reads a line of Backtrader, and explains itself when it is over."""

    params = (("told", None),)

    def inputs(self):
        feeds = self.sectors.values()
        return {"rate": {feed: bt.ind.ROC(feed, period=5) for feed in feeds}}

    def stop(self):
        super().stop()
        one = self.forecast_of[self.sectors["B"]]
        self.p.told.append(float(one.l.forecast[0]))
        self.p.told.append(explain_forecast(one, training=PLAIN))


def test_a_line_of_backtrader_is_explained_in_its_run():
    told = []
    run_backtest(BARS, Rotation, params={"spec": SPEC, "told": told})
    line, found = told
    assert found.forecast == pytest.approx(line, abs=1e-6)
    assert found.session == BARS.sessions[-1].astype(object)
    assert found.kinds["rate"] == "input"
    closes = BARS.close[:, 1]
    rate = closes[5:] / closes[:-5] - 1
    np.testing.assert_allclose(found.features["rate"], rate[-12:])


class Kept(Rotation):
    def stop(self):
        one = self.forecast_of[self.sectors["B"]]
        store = self.p.training.store
        before = store.size()[0]
        explain_forecast(one)
        # The run's own fit is found there, and those of the other cells are kept.
        self.p.told += [before, store.size()[0]]


def test_fits_are_kept_where_those_of_the_run_are(tmp_path, monkeypatch):
    def elsewhere():
        raise AssertionError("the usual store was asked")

    monkeypatch.setattr(
        "bt_lstm_rotation.forecasting.walkforward.training.usual_store", elsewhere
    )
    told, heard = [], []
    training = Training(
        store=ForecastStore(tmp_path), served=lambda model, _: heard.append(model)
    )
    run_backtest(BARS, Kept, params={"spec": SPEC, "told": told}, training=training)
    before, after = told
    assert before > 2
    assert after >= before + 2
    assert {model.spec.cell for model in heard} == {"lstm"}


class Watching(bt.Strategy):
    """Explains its forecast now and then, and what it may not."""

    def __init__(self):
        self.forecast = LSTMForecast.pooled(self.datas, spec=SPEC, training=PLAIN)
        self.one = self.forecast[self.datas[1]]
        self.found = []

    def next(self):
        if len(self.data) in (150, 180):
            seen = explain_forecast(self.one, training=PLAIN)
            self.found.append((seen, float(self.one.l.forecast[0])))
        if len(self.data) == 160:
            with pytest.raises(DataError, match="later than the bar"):
                explain_forecast(
                    self.one, BARS.sessions[170].astype(object), training=PLAIN
                )


def watched(strategy, **modes):
    cerebro = bt.Cerebro(**modes)
    for name in BARS.symbols:
        cerebro.adddata(bt.feeds.PandasData(dataname=BARS.frame(name)), name=name)
    cerebro.addstrategy(strategy)
    (ran,) = cerebro.run()
    return ran


def test_within_a_run_it_is_the_forecast_of_now_in_every_mode():
    pages = []
    for modes in ({}, {"runonce": False, "preload": False}):
        ran = watched(Watching, **modes)
        assert [seen.session for seen, _ in ran.found] == [
            BARS.sessions[row].astype(object) for row in (149, 179)
        ]
        for seen, line in ran.found:
            assert seen.forecast == pytest.approx(line, abs=1e-6)
        pages.append([seen.page() for seen, _ in ran.found])
    assert pages[0] == pages[1]
    # And it is what a panel's is, whatever came later.
    day = BARS.sessions[149].astype(object)
    assert explain(BARS, "B", day, spec=SPEC, training=PLAIN).page() == pages[0][0]


class Other(bt.Strategy):
    def __init__(self):
        spec = MomentumSpec(lookback=50)
        self.one = Forecast(self.data, spec=spec, training=PLAIN)


def test_what_is_no_forecast_of_a_network_is_refused():
    with pytest.raises(SpecError, match="an LSTMForecast of a strategy"):
        explain_forecast(PANEL)
    with pytest.raises(SpecError, match="ForecastSpec"):
        explain_forecast(watched(Other).one)
    with pytest.raises(SpecError, match="session"):
        explain_forecast(watched(Watching).one, "2019-03-01")


@pytest.fixture
def market(monkeypatch, tmp_path):
    small = partial(ContextMarket, n_sessions=N, n_sectors=3)
    monkeypatch.setitem(WORLDS, "context", small)
    monkeypatch.chdir(tmp_path)
    return tmp_path


SMALL = ["lookback=12", "horizon=3", "train_size=60", "units=4"]
COMMAND = (
    *("explain", "--symbol", "S2", "--data", "simulated:context", "--no-store"),
    *(word for one in SMALL for word in ("--set", one)),
)


def test_the_command_reads_context(market, capsys):
    assert cli.main([*COMMAND, "--context", "CONTEXT", "--out", "x.html"]) == 0
    assert "% from context." in capsys.readouterr().out
    assert "CONTEXT" in (market / "x.html").read_text(encoding="utf-8")
    assert cli.main([*COMMAND, "--context", "CONTXT"]) == 2
    assert "CONTXT" in capsys.readouterr().err
    assert cli.main([*COMMAND, "--context", "CONTEXT", "--symbol", "CONTEXT"]) == 2
    assert "context, of which there is no forecast" in capsys.readouterr().err


def test_the_names_are_at_the_top_of_the_package():
    assert bt_lstm_rotation.explain_forecast is explain_forecast
    assert Input({}).missing == "leave_out"
