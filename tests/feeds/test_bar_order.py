"""Bars newest first, twice or overlapping are refused, by whoever trades on them."""

from __future__ import annotations

import logging

import backtrader as bt
import pandas as pd
import pytest
from fakes import FakeSpec, date, random_panel
from modes import each_mode

from bt_lstm_rotation import PeriodicRebalance, Rebalancer, SectorRotation
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.indicators import LSTMForecast
from bt_lstm_rotation.selection import equal_weights

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABC", 60)
FRAMES = {symbol: PANEL.frame(symbol) for symbol in PANEL.symbols}


class Hold(PeriodicRebalance):
    def __init__(self):
        super().__init__()

    def weights(self):
        return equal_weights(list(self.trading_today()), cash_buffer=0.02)


class Bare(bt.Strategy):
    """Anybody's strategy around a rebalancer alone."""

    def __init__(self):
        self.rebalancer = Rebalancer(self)

    def next(self):
        if len(self) == 5:
            self.rebalancer.target(dict.fromkeys(self.datas, 0.3))
        self.rebalancer.next()

    def notify_order(self, order):
        self.rebalancer.notify_order(order)


class Pool(bt.Strategy):
    def __init__(self):
        LSTMForecast.pooled(self.datas, spec=FakeSpec())


def run(frames, strategy=Hold, modes=None, settings=None):
    cerebro = bt.Cerebro(stdstats=False, **(modes or {}))
    for name, frame in frames.items():
        feed = bt.feeds.PandasData(dataname=frame, name=name, **(settings or {}))
        cerebro.adddata(feed)
    cerebro.broker.setcash(100_000.0)
    cerebro.addstrategy(strategy)
    return cerebro.run()[0]


each_strategy = pytest.mark.parametrize("strategy", [Hold, SectorRotation, Bare, Pool])


@each_strategy
@each_mode
def test_bars_newest_first_are_refused(strategy, modes):
    frames = FRAMES | {"B": FRAMES["B"].iloc[::-1]}
    last, before = PANEL.sessions[-1], PANEL.sessions[-2]
    with pytest.raises(DataError) as caught:
        run(frames, strategy, modes)
    assert str(caught.value) == (
        f"B {before}: a bar that comes after a later one; the next session is after "
        f"{last}: sort them, frame.sort_index()"
    )


@each_strategy
@each_mode
def test_downloads_that_overlap_are_refused(strategy, modes):
    frames = {n: pd.concat([f.iloc[:40], f.iloc[30:]]) for n, f in FRAMES.items()}
    match = f"A {PANEL.sessions[30]}: a bar that .* after {PANEL.sessions[39]}"
    with pytest.raises(DataError, match=match):
        run(frames, strategy, modes)


@each_strategy
@each_mode
def test_a_session_with_two_bars_is_refused(strategy, modes):
    again = FRAMES["C"].iloc[30:31] * 1.01
    frames = FRAMES | {"C": pd.concat([FRAMES["C"], again]).sort_index(kind="stable")}
    match = f"^C {PANEL.sessions[30]}: more than one bar in a session; .*duplicated"
    with pytest.raises(DataError, match=match):
        run(frames, strategy, modes)


@each_mode
def test_exact_copies_are_left_out_with_one_warning(modes, caplog):
    rows = [*range(60), 20, 20, 41]
    frames = FRAMES | {"B": FRAMES["B"].iloc[rows].sort_index(kind="stable")}
    expected = run(FRAMES).broker.getvalue()
    with caplog.at_level(logging.WARNING):
        ran = run(frames, modes=modes)
    assert ran.broker.getvalue() == expected
    (message,) = [m for m in caplog.messages if "copies" in m]
    assert message.startswith(f"B {PANEL.sessions[20]}: ")
    assert ran._filters[ran.datas[1]].repeated == 3
    assert ran._filters[ran.datas[1]].dropped == []


def test_a_copy_of_an_invalid_bar_is_one_invalid_bar():
    frame = FRAMES["B"].copy()
    frame.iloc[20, 3] = float("nan")
    rows = [*range(60), 20]
    frames = FRAMES | {"B": frame.iloc[rows].sort_index(kind="stable")}
    for modes in ({}, {"preload": False}):
        filters = run(frames, modes=modes)._filters
        (found,) = [f for feed, f in filters.items() if feed._name == "B"]
        assert (found.dropped, found.repeated) == ([date(PANEL.sessions[20])], 1)


@pytest.mark.parametrize("modes", [{}, {"preload": False}])
def test_the_source_of_resampled_bars_is_checked_too(modes):
    for strategy in (Hold, Bare):
        cerebro = bt.Cerebro(stdstats=False, **modes)
        feed = bt.feeds.PandasData(dataname=FRAMES["A"].iloc[::-1])
        cerebro.resampledata(feed, name="A", timeframe=bt.TimeFrame.Weeks)
        cerebro.addstrategy(strategy)
        with pytest.raises(DataError, match=f"A {PANEL.sessions[-2]}: a bar that"):
            cerebro.run()


def test_a_bare_rebalancer_goes_on_with_bars_of_hours():
    hours = {
        name: pd.concat(
            frame.set_axis(frame.index + pd.Timedelta(hours=hour)) for hour in (10, 15)
        ).sort_index()
        for name, frame in FRAMES.items()
    }
    ran = run(hours, Bare, settings={"timeframe": bt.TimeFrame.Minutes})
    assert all(ran.getposition(data).size > 0 for data in ran.datas)


def test_a_second_run_of_a_cerebro_checks_its_bars_anew():
    cerebro = bt.Cerebro(stdstats=False)
    for name, frame in FRAMES.items():
        feed = bt.feeds.PandasData(dataname=frame.tz_localize("Europe/Berlin"))
        cerebro.adddata(feed, name=name)
    cerebro.addstrategy(Hold)
    first, second = (cerebro.run()[0].broker.getvalue() for _ in range(2))
    assert first == second != 10_000.0
