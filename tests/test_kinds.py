"""What is handed in from Python: of any kind, a typed error at the door."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel

from bt_lstm_rotation import (
    Broker,
    Forecast,
    ForecastSpec,
    ForecastStore,
    MomentumSpec,
    PeriodicRebalance,
    PricePanel,
    Rebalancer,
    RunReport,
    SectorRotation,
    Training,
    Workers,
    load_prices,
    run_backtest,
)
from bt_lstm_rotation.errors import DataError, RotationError, SpecError, StrategyError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.forecasting import walk_forward
from bt_lstm_rotation.prices.yahoo import YahooPrices
from bt_lstm_rotation.selection import Selection
from bt_lstm_rotation.sweep import parse_grid, run_sweep

PANEL = random_panel("ABC", 50)
SPEC = MomentumSpec(lookback=5, skip=0, horizon=2)


class Silent:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


VALUES = {
    "None": None,
    "a truth": True,
    "400 digits": 10**400,
    "5,000 digits": 10**5000,
    "NaN": math.nan,
    "infinite": math.inf,
    "half a letter": "\udc80",
    "bytes": b"x",
    "a list": [1],
    "a dict": {1: 2},
    "no text": Silent(),
    "a class": Silent,
    "NaT": pd.NaT,
    "NA": pd.NA,
    "a moment": pd.Timestamp("2019-02-01", tz="UTC"),
    "the first day": dt.date(1, 1, 1),
    "NumPy's date": np.datetime64("2019-02-01"),
    "no axis": np.array(3),
    "an axis": np.array([1, 2]),
    "a series": pd.Series([1.0]),
}


def script(strategy, **params):
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, PANEL)
    cerebro.addstrategy(strategy, **params)
    return cerebro


class Equal(PeriodicRebalance):
    def __init__(self):
        super().__init__()

    def weights(self):
        return {"A": 0.5}


class Holds(bt.Strategy):
    params = (("settings", {}), ("weight", 0.5))

    def __init__(self):
        self.rebalancer = Rebalancer(self, **self.p.settings)

    def next(self):
        self.rebalancer.target({self.data: self.p.weight})


class Watches(bt.Strategy):
    params = (("settings", {}),)

    def __init__(self):
        given = {"spec": SPEC, "training": Training()} | self.p.settings
        self.forecast = Forecast(self.data, **given)


def reported(**params):
    cerebro = script(bt.Strategy)
    cerebro.addanalyzer(RunReport, **params)
    cerebro.run()


def swept(tmp_path, **given):
    usual = {
        "panel": PANEL,
        "strategy": "momentum_12_1",
        "grid": {"top": [1], "lookback": [5], "skip": [0]},
        "file": tmp_path / "t.csv",
        "workers": Workers(jobs=1),
    }
    return run_sweep(**{**usual, **given})


def doors(tmp_path):
    """Name of the argument -> what is called with a value for it."""

    def each(name, call, arguments):
        for argument in arguments:
            yield (
                f"{name}({argument})",
                lambda value, argument=argument: call(**{argument: value}),
            )

    def backtest(**given):
        run_backtest(PANEL, **{"params": {"spec": SPEC, "top": 1}, **given})

    def rotation(**given):
        given = {"spec": SPEC, "training": Training()} | given
        script(SectorRotation, **given).run()

    def panel(**given):
        PricePanel(
            **{
                **{f: getattr(PANEL, f) for f in ("sessions", "symbols", "bars")},
                **given,
            }
        )

    def yahoo(**given):
        usual = {"folder": tmp_path, "fetch": lambda *_: {}, "sleep": lambda _: None}
        YahooPrices(**{**usual, **given}).load(["XLK"])

    for kind in (ForecastSpec, MomentumSpec, Broker, Workers, Training, Selection):
        fields = [field.name for field in dataclasses.fields(kind)]
        yield from each(kind.__name__, kind, fields)
    yield from each(
        "run_backtest",
        backtest,
        [
            "params",
            "benchmark",
            "start",
            "end",
            "broker",
            "sizer",
            "training",
            "periods_a_year",
            "clock",
        ],
    )
    yield "run_backtest(panel)", run_backtest
    yield "run_backtest(strategy)", lambda value: run_backtest(PANEL, value)
    yield from each("SectorRotation", rotation, SectorRotation.params._getkeys())
    yield from each(
        "PeriodicRebalance",
        lambda **given: script(Equal, **given).run(),
        PeriodicRebalance.params._getkeys(),
    )
    yield from each(
        "Rebalancer",
        lambda **given: script(Holds, settings=given).run(),
        [
            "max_attempts",
            "ignore",
            "lot",
            "min_trade",
            "band",
            "delisted",
            "delisted_after",
            "shorts",
        ],
    )
    yield "Rebalancer.target", lambda value: script(Holds, weight=value).run()
    yield from each(
        "Forecast",
        lambda **given: script(Watches, settings=given).run(),
        Forecast.params._getkeys(),
    )
    yield from each(
        "RunReport",
        reported,
        ["benchmark", "since", "periods_a_year", "panel", "clock"],
    )
    yield from each(
        "load_prices",
        lambda **given: load_prices(**{"data": PANEL.frames(), **given}),
        ["data", "symbols", "benchmark", "end", "adjust", "today"],
    )
    yield from each(
        "walk_forward",
        lambda **given: walk_forward(**{"panel": PANEL, "spec": SPEC, **given}),
        ["panel", "spec", "start", "training"],
    )
    yield from each(
        "run_sweep",
        lambda **given: swept(tmp_path, **given),
        [
            "panel",
            "strategy",
            "grid",
            "benchmark",
            "start",
            "end",
            "broker",
            "sizer",
            "seed",
            "workers",
            "store",
            "periods_a_year",
        ],
    )
    yield from each("PricePanel", panel, ["sessions", "symbols", "bars"])
    yield "PricePanel.select", PANEL.select
    yield "PricePanel.between", PANEL.between
    yield from each("YahooPrices", yahoo, ["fetch", "today", "sleep", "rng"])
    yield "ForecastStore", lambda value: ForecastStore(value) and None
    yield "parse_grid", parse_grid


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_whatever_is_handed_in_is_taken_or_refused_by_a_typed_error(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    untyped, said = [], []
    for name, door in doors(tmp_path):
        for text, value in VALUES.items():
            # A class can be called, and what it gives is its own matter.
            if name == "YahooPrices(fetch)" and text == "a class":
                continue
            try:
                door(value)
            except RotationError as refused:
                said.append(str(refused))
            except Exception as error:
                untyped.append(f"{name} of {text}: {type(error).__name__}: {error}")
    assert untyped == []
    assert len(said) > 1_000
    assert max(map(len, said)) < 1_000


def test_numpys_numbers_are_the_numbers_that_they_are(tmp_path):
    plain = {"lookback": 5, "skip": 0, "horizon": 2, "retrain": 7}
    numpys = {name: np.int64(value) for name, value in plain.items()}
    one, two = MomentumSpec(**plain), MomentumSpec(**numpys)
    assert repr(one) == repr(two)
    assert ForecastStore.key("fit", one) == ForecastStore.key("fit", two)
    half = ForecastSpec(learning_rate=np.float32(0.5), units=np.uint8(7))
    assert repr(half) == repr(ForecastSpec(learning_rate=0.5, units=7))
    summaries = []
    for spec, top, band in ((one, 2, 0.5), (two, np.int32(2), np.float64(0.5))):
        params = {"spec": spec, "top": top, "band": band}
        broker = Broker(cash=type(top)(5_000), slippage=type(band)(0.0))
        result = run_backtest(PANEL, params=params, broker=broker)
        told = {n: result.summary[n] for n in ("spec", "strategy", "broker", "metrics")}
        summaries.append(json.dumps(told))
    assert summaries[0] == summaries[1]


def test_a_grid_of_numpys_numbers_is_the_same_sweep(tmp_path):
    grid = {"top": [1, 2], "lookback": [5], "skip": [0]}
    first = swept(tmp_path, grid=grid)
    again = swept(
        tmp_path,
        grid={
            "top": np.arange(1, 3),
            "lookback": np.int64([5]),
            "skip": (np.uint8(0),),
        },
    )
    assert list(first["trial"]) == list(again["trial"])
    assert list(again["status"]) == ["ok", "ok"]


def test_every_setting_has_an_upper_bound_that_is_named():
    for kind in (ForecastSpec, MomentumSpec):
        for field in dataclasses.fields(kind):
            value = getattr(kind(), field.name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                for much in (10**400, 1e308):
                    with pytest.raises(SpecError, match=field.name):
                        kind(**{field.name: much})
    with pytest.raises(SpecError, match=r"units must be .* at most 1,024 \(got 10000"):
        ForecastSpec(units=10**9)
    with pytest.raises(SpecError, match=r"learning_rate .* at most 10 \(got 1e\+308"):
        ForecastSpec(learning_rate=1e308)
    with pytest.raises(SpecError, match=r"at most 100 \(got a whole number of 16,610"):
        ForecastSpec(members=10**5000)


@pytest.mark.parametrize("name", ["\udc80", "XLK\udfff"])
def test_a_name_that_no_file_can_hold_is_refused_at_the_door(name, tmp_path):
    with pytest.raises(DataError, match="a name that no file can hold"):
        load_prices({name: PANEL.frame("A")})
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=PANEL.frame("A")), name=name)
    cerebro.addstrategy(bt.Strategy)
    cerebro.addanalyzer(RunReport, folder=tmp_path / "run")
    with pytest.raises(StrategyError, match="a name that no file can hold"):
        cerebro.run()
    assert not Path(tmp_path / "run").exists()
