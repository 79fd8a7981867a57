"""One answer in every way that Backtrader can run: the real bars, and one hash.

One sector begins in 2008, one ends in 2009, and three others miss forty sessions each.
Forecasts (of a small real network), orders, fills, equity, cash and positions are
hashed to the last bit.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import without
from live_bars import add_live_feeds
from real_bars import needs_real_bars, real_panel

from bt_lstm_rotation import (
    Broker,
    ForecastSpec,
    LSTMForecast,
    LSTMGates,
    SectorRotation,
)
from bt_lstm_rotation.analyzers import AccountHistory, ForecastHistory, OrderHistory
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.prices import PricePanel

pytestmark = [needs_real_bars, pytest.mark.slow]

SPEC = ForecastSpec(lookback=20, horizon=21, train_size=252, units=4, steps=3)
ALONE = replace(SPEC, target="plain", features=("log_return",))
PARAMS = {"spec": SPEC, "benchmark": "SPY", "top": 3}
SECTORS = ("XLB", "XLE", "XLF", "XLI", "XLK", "XLP", "XLU", "XLV", "XLY")

MODES = {
    f"preload {preload}, runonce {runonce}, exactbars {exactbars}": {
        "preload": preload,
        "runonce": runonce,
        "exactbars": exactbars,
    }
    for preload, runonce, exactbars in product(
        (True, False), (True, False), (False, 1, -1, -2)
    )
}
FAST, BAR_BY_BAR, LEAN = {}, {"preload": False, "runonce": False}, {"exactbars": 1}


def gappy_panel() -> PricePanel:
    """Four years of nine sectors and SPY, with a listing, a delisting and holes."""
    panel = real_panel("SPY").between(
        pd.Timestamp("2006-06-01").date(), pd.Timestamp("2010-05-27").date()
    )
    sessions = panel.sessions
    panel = without(panel, "XLU", slice(0, np.searchsorted(sessions, D("2008-01-02"))))
    panel = without(
        panel, "XLB", slice(np.searchsorted(sessions, D("2009-09-16")), None)
    )
    rng = np.random.default_rng(2008)
    for symbol in ("XLE", "XLK", "XLV"):
        rows = rng.choice(len(sessions), 40, replace=False)
        panel = without(panel, symbol, np.sort(rows))
    return panel


def D(day: str) -> np.datetime64:  # noqa: N802
    return np.datetime64(day, "D")


def prepared(modes, *, feeds=add_feeds, panel=None, **options) -> bt.Cerebro:
    """A Cerebro with the bars, a broker and our analyzers."""
    cerebro = bt.Cerebro(**({"stdstats": False} | modes | options))
    feeds(cerebro, gappy_panel() if panel is None else panel)
    Broker(cash=1e6).set_up(cerebro)
    for analyzer in (AccountHistory, ForecastHistory, OrderHistory):
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    return cerebro


def digest(ran, before: str = "9999-12-31") -> str:
    """Hash what a run left; feeds may have been noted in any order."""
    end = dt.date.fromisoformat(before)
    account = ran.analyzers.AccountHistory.get_analysis().items()
    forecasts = ran.analyzers.ForecastHistory.get_analysis()["forecasts"].items()
    orders = ran.analyzers.OrderHistory.get_analysis()
    found = [
        [
            (day, equity, cash, sorted(held.items()))
            for day, (equity, cash, held) in account
            if day < end
        ],
        [(day, sorted(row.items())) for day, row in forecasts if day < end],
        [order for order in orders if (order.executed or order.submitted) < end],
    ]
    # repr() writes a float so that it reads back to the same bits.
    return hashlib.sha256(repr(found).encode()).hexdigest()


def one_run(modes, **options) -> str:
    cerebro = prepared(modes, **options)
    cerebro.addstrategy(SectorRotation, **PARAMS)
    return digest(cerebro.run()[0])


@pytest.fixture(scope="module")
def expected() -> str:
    cerebro = prepared(FAST)
    cerebro.addstrategy(SectorRotation, **PARAMS)
    (ran,) = cerebro.run()
    orders = ran.analyzers.OrderHistory.get_analysis()
    forecasts = ran.analyzers.ForecastHistory.get_analysis()["forecasts"]
    # That there is something to hash: every sector is forecast, and nine are traded.
    assert {name for row in forecasts.values() for name in row} == set(SECTORS)
    assert {order.symbol for order in orders} == set(SECTORS)
    assert len(orders) > 80
    assert len(ran.analyzers.ForecastHistory.get_analysis()["fits"]) > 30
    return digest(ran)


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
def test_preloading_running_ahead_and_saving_memory(modes, expected):
    assert one_run(modes) == expected


@pytest.mark.parametrize("hesitates", [False, True], ids=["at once", "not yet"])
def test_bars_that_arrive_live(hesitates, expected):
    def feeds(cerebro, panel):
        add_live_feeds(cerebro, panel, hesitates=hesitates)

    assert one_run(FAST, feeds=feeds) == expected


@pytest.mark.parametrize("modes", [FAST, BAR_BY_BAR, LEAN], ids=repr)
@pytest.mark.parametrize("seed", [1, 2])
def test_feeds_added_in_any_order(modes, seed, expected):
    def feeds(cerebro, panel):
        order = np.random.default_rng(seed).permutation(list(panel.symbols))
        for symbol in order:
            add_feeds(cerebro, panel.select([str(symbol)]))

    assert one_run(modes, feeds=feeds) == expected


class Onlooker(bt.Strategy):
    """Somebody else's strategy in the same Cerebro, with indicators and a network."""

    def __init__(self):
        self.averages = [bt.ind.SMA(data, period=50) for data in self.datas]
        self.crossed = bt.ind.CrossOver(self.datas[0], self.averages[0])
        self.forecast = LSTMForecast(self.getdatabyname("SPY"), spec=ALONE)
        self.gates = LSTMGates(self.forecast)

    def next(self):
        pass


@pytest.mark.parametrize("modes", [FAST, BAR_BY_BAR, LEAN], ids=repr)
def test_other_feeds_indicators_and_strategies_in_the_same_cerebro(modes, expected):
    panel = gappy_panel()

    def feeds(cerebro, bars):
        # An index of volatility, say: first of all, and with holes.
        rng = np.random.default_rng(3)
        index = bars.frame("SPY").iloc[::3] * rng.uniform(0.1, 0.2)
        cerebro.adddata(bt.feeds.PandasData(dataname=index, name="VIX"), name="VIX")
        add_feeds(cerebro, bars)

    cerebro = prepared(modes, feeds=feeds, panel=panel, stdstats=True)
    cerebro.addstrategy(SectorRotation, **PARAMS, universe=SECTORS)
    cerebro.addstrategy(Onlooker)
    cerebro.addindicator(bt.ind.SMA, period=14)
    assert digest(cerebro.run()[0]) == expected


def optimised(maxcpus: int) -> list[str]:
    cerebro = prepared(FAST, maxcpus=maxcpus)
    cerebro.addanalyzer(bt.analyzers.DrawDown, _name="drawdown")
    cerebro.optstrategy(SectorRotation, **(PARAMS | {"top": (2, 3)}))
    runs = [run for (run,) in cerebro.run()]
    assert all(run.analyzers.drawdown.get_analysis().max.drawdown > 1 for run in runs)
    return [digest(run) for run in runs]


def test_optstrategy_in_one_process(expected):
    two, three = optimised(maxcpus=1)
    assert three == expected
    assert two != expected


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(),
    reason="this system cannot fork processes",
)
def test_optstrategy_in_two_processes(expected):
    # In a process of its own: no network can be trained in a fork of one that has.
    code = f"from {Path(__file__).stem} import optimised; print(*optimised(maxcpus=2))"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert ran.returncode == 0, ran.stderr
    two, three = ran.stdout.split()
    assert three == expected
    assert two != expected


WEEKLY = {
    "spec": ForecastSpec(lookback=10, horizon=4, train_size=60, units=4, steps=3),
    "benchmark": "SPY",
}


# A feed's last week never ends: Backtrader's resampler waits for a bar of the next one.
# It hands the week over when all feeds are through, out of turn, and a market order is
# then filled at the open of the week before (the feed's `tick_open` is not renewed).
LAST_WEEK = "2010-05-21"


def resampled(cerebro, panel) -> None:
    """Daily feeds that Backtrader makes weekly ones of."""
    for symbol in panel.symbols:
        daily = bt.feeds.PandasData(dataname=panel.frame(symbol), name=symbol)
        cerebro.resampledata(daily, name=symbol, timeframe=bt.TimeFrame.Weeks)


def weekly_frames(cerebro, panel) -> None:
    """The same weeks, worked out by pandas."""
    how = {"Open": "first", "High": "max", "Low": "min", "Close": "last"}
    for symbol in panel.symbols:
        daily = panel.frame(symbol)
        daily["day"] = daily.index
        weeks = daily.groupby(daily.index.to_period("W-SUN"))
        bars = weeks.agg(how | {"Volume": "sum", "day": "last"}).set_index("day")
        if symbol == "XLB":
            bars = bars.iloc[:-1]  # see LAST_WEEK
        cerebro.adddata(bt.feeds.PandasData(dataname=bars, name=symbol), name=symbol)


@pytest.fixture(scope="module")
def expected_weekly() -> str:
    cerebro = prepared(FAST, feeds=weekly_frames)
    cerebro.addstrategy(SectorRotation, **WEEKLY)
    (ran,) = cerebro.run()
    assert len(ran.analyzers.OrderHistory.get_analysis()) > 80
    return digest(ran, before=LAST_WEEK)


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
def test_daily_bars_resampled_to_weekly_ones(modes, expected_weekly):
    cerebro = prepared(modes, feeds=resampled)
    cerebro.addstrategy(SectorRotation, **WEEKLY)
    assert digest(cerebro.run()[0], before=LAST_WEEK) == expected_weekly
