"""Scripts of all kinds, each with the one line, against accounts kept by hand."""

from __future__ import annotations

import json
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel

from bt_lstm_rotation import RunReport

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABC", 260)
FILES = {
    *("summary.json", "equity.csv", "weights.csv", "orders.csv", "forecasts.csv"),
    *("positions.csv", "bars.npz", "retrains.csv", "events.csv", "report.html"),
}


def cerebro_of(panel=PANEL, cash=100_000.0, **modes) -> bt.Cerebro:
    cerebro = bt.Cerebro(**modes)
    for name in panel.symbols:
        cerebro.adddata(bt.feeds.PandasData(dataname=panel.frame(name)), name=name)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=0.001)
    return cerebro


def reported(cerebro, folder: Path, **settings):
    """Run with the one line, and check the files against an account kept by hand."""
    cerebro.addanalyzer(RunReport, folder=folder, **settings)
    ran = cerebro.run()[0]
    result = ran.analyzers.runreport.result()
    assert {file.name for file in folder.iterdir()} == FILES
    equity = pd.read_csv(folder / "equity.csv", index_col="session", parse_dates=True)
    orders = pd.read_csv(folder / "orders.csv", parse_dates=["submitted", "executed"])
    sign = np.where(orders["side"] == "buy", 1.0, -1.0)
    orders["signed"] = sign * orders["filled"]
    fills = orders[orders["filled"] > 0]
    closes = closes_of(ran)
    # What was paid, and what is held at the last close: an account of any kind.
    paid = (fills["signed"] * fills["price"] * fills["multiplier"]).sum()
    held = fills.groupby("symbol")["signed"].sum()
    unit = fills.groupby("symbol")["multiplier"].last()
    worth = sum(held[n] * unit[n] * closes[n].iloc[-1] for n in held.index)
    by_hand = cerebro.broker.startingcash - paid + worth - fills["commission"].sum()
    assert equity["equity"].iloc[-1] == pytest.approx(by_hand, rel=1e-9)
    assert equity["equity"].iloc[-1] == pytest.approx(cerebro.broker.getvalue())
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    growth = equity["equity"].iloc[-1] / equity["equity"].iloc[0] - 1
    assert summary["metrics"]["total_return"] == pytest.approx(growth, rel=1e-9)
    days = pd.DatetimeIndex(equity.index)
    assert days.is_monotonic_increasing
    assert days.is_unique
    assert (fills["executed"] >= fills["submitted"]).all()
    # The page finds nothing wrong in the run's own files.
    page = (folder / "report.html").read_text("utf-8")
    assert "7 of 7 checks hold" in page, page.partition("Book check")[2][:3000]
    return result, orders


def closes_of(ran) -> dict[str, pd.Series]:
    """Each feed's closes as Backtrader has them at the end, by name."""
    closes = {}
    for number, feed in enumerate(ran.datas):
        values = feed.close.get(size=min(len(feed), len(feed.close.array)))
        closes[feed._name or f"data{number}"] = pd.Series(list(values))
    return closes


class Crossing(bt.Strategy):
    params = (("period", 10), ("share", 0.3))

    def __init__(self):
        self.averages = {d: bt.ind.SMA(d, period=self.p.period) for d in self.datas}

    def next(self):
        for data, average in self.averages.items():
            target = self.p.share if data.close[0] > average[0] else 0.0
            if bool(target) != bool(self.getposition(data).size):
                self.order_target_percent(data, target)


def test_several_feeds(tmp_path):
    result, orders = reported(cerebro_of(), tmp_path / "run", benchmark="A")
    assert set(orders["symbol"]) == set()  # Cerebro's default strategy does nothing
    cerebro = cerebro_of()
    cerebro.addstrategy(Crossing)
    result, orders = reported(cerebro, tmp_path / "more", benchmark="A")
    assert set(orders["symbol"]) == {"A", "B", "C"}
    assert result.weights.sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert result.summary["strategy"]["params"] == {"period": 10, "share": 0.3}
    worth = PANEL.close[:, 0] / PANEL.close[0, 0] * 100_000
    assert result.account["benchmark"].to_numpy() == pytest.approx(worth, rel=1e-12)
    assert result.summary["benchmark"]["traded"]


def test_the_week_decides_and_the_day_trades(tmp_path):
    class Weekly(bt.Strategy):
        def __init__(self):
            self.average = bt.ind.SMA(self.data1, period=4)

        def next(self):
            if self.data1.close[0] > self.average[0]:
                self.order_target_percent(self.data0, 0.5)
            else:
                self.close(self.data0)

    cerebro = bt.Cerebro()
    daily = bt.feeds.PandasData(dataname=PANEL.frame("A"))
    cerebro.adddata(daily, name="A")
    cerebro.resampledata(daily, timeframe=bt.TimeFrame.Weeks, name="week")
    cerebro.addstrategy(Weekly)
    result, orders = reported(cerebro, tmp_path / "run")
    assert set(orders["symbol"]) == {"A"}
    assert len(result.account) == len(PANEL)
    assert result.summary["metrics"]["periods_a_year"] == 252


def test_feeds_without_names_are_told_apart(tmp_path):
    cerebro = bt.Cerebro()
    for name in PANEL.symbols:
        cerebro.adddata(bt.feeds.PandasData(dataname=PANEL.frame(name)))
    cerebro.addstrategy(Crossing)
    result, orders = reported(cerebro, tmp_path / "run", benchmark="data2")
    assert set(orders["symbol"]) == {"data0", "data1", "data2"}
    assert result.weights.sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_signals(tmp_path):
    class Above(bt.Indicator):
        lines = ("signal",)

        def __init__(self):
            self.l.signal = self.data.close - bt.ind.SMA(self.data, period=10)

    cerebro = cerebro_of(PANEL.select(["A"]))
    cerebro.add_signal(bt.SIGNAL_LONGSHORT, Above)
    cerebro.addsizer(bt.sizers.FixedSize, stake=100)
    result, orders = reported(cerebro, tmp_path / "run")
    assert (orders["side"] == "sell").any()
    assert result.summary["strategy"]["name"] == "SignalStrategy"


def test_timers(tmp_path):
    class Monthly(bt.Strategy):
        def __init__(self):
            self.add_timer(when=bt.Timer.SESSION_START, monthdays=[1])

        def notify_timer(self, timer, when, *args, **kwargs):
            if len(self):
                self.order_target_percent(self.datas[len(self) % 3], 0.2)

    cerebro = cerebro_of()
    cerebro.addstrategy(Monthly)
    _, orders = reported(cerebro, tmp_path / "run")
    assert len(orders) >= 8


def test_brackets(tmp_path):
    class Bracket(bt.Strategy):
        def __init__(self):
            self.open = []

        def notify_order(self, order):
            if not order.alive():
                self.open = [one for one in self.open if one.alive()]

        def next(self):
            price = self.data.close[0]
            if not self.position and not self.open:
                prices = {"stopprice": 0.98 * price, "limitprice": 1.02 * price}
                self.open = self.buy_bracket(size=50, price=price, **prices)

    cerebro = cerebro_of()
    cerebro.addstrategy(Bracket)
    result, orders = reported(cerebro, tmp_path / "run")
    assert set(orders["status"]) >= {"Completed", "Canceled"}
    counts = result.summary["orders"]
    assert counts["canceled"] == (orders["status"] == "Canceled").sum()


def test_shorts(tmp_path):
    class Short(Crossing):
        def next(self):
            if len(self) == 20:
                self.sell(self.data0, size=300)
                self.order_target_percent(self.data1, -0.4)

    cerebro = cerebro_of()
    cerebro.addstrategy(Short)
    result, _ = reported(cerebro, tmp_path / "run")
    assert (result.weights[["A", "B"]].iloc[-1] < 0).all()
    assert result.weights.sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_pairs(tmp_path):
    class Pair(bt.Strategy):
        def __init__(self):
            self.spread = bt.ind.SMA(self.data0.close / self.data1.close, period=20)

        def next(self):
            cheap = self.data0.close[0] / self.data1.close[0] < self.spread[0]
            side = 1 if cheap else -1
            self.order_target_percent(self.data0, 0.3 * side)
            self.order_target_percent(self.data1, -0.3 * side)

    cerebro = cerebro_of()
    cerebro.addstrategy(Pair)
    result, _ = reported(cerebro, tmp_path / "run", benchmark="C")
    assert (result.weights["A"] * result.weights["B"]).iloc[50:].max() < 0


def test_futures_on_margin(tmp_path):
    class Future(bt.Strategy):
        def __init__(self):
            self.average = bt.ind.SMA(self.data, period=10)

        def next(self):
            self.order_target_size(target=2 if self.data > self.average else -1)

    cerebro = cerebro_of()
    cerebro.broker.setcommission(commission=2.0, margin=2_000.0, mult=50.0, name="A")
    cerebro.addstrategy(Future)
    result, orders = reported(cerebro, tmp_path / "run")
    assert set(orders["multiplier"]) == {50.0}
    commission = result.summary["broker"]["commission"]
    assert commission["default"] == 0.001
    assert commission["A"]["mult"] == 50.0
    last = result.weights["A"].iloc[-1] * result.account["equity"].iloc[-1]
    held = orders["signed"].sum()
    assert last == pytest.approx(held * 50 * PANEL.close[-1, 0])


def test_a_strategy_that_never_trades(tmp_path):
    class Idle(bt.Strategy):
        def __init__(self):
            pass

    cerebro = cerebro_of()
    cerebro.addstrategy(Idle)
    result, orders = reported(cerebro, tmp_path / "run", benchmark="B")
    assert orders.empty
    assert result.summary["metrics"]["total_return"] == 0
    assert result.summary["metrics"]["sharpe"] is None
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "<h2>Forecasts</h2>" not in page
    assert "<h2>Training</h2>" not in page


def hourly(days: int = 60) -> pd.DataFrame:
    """Seven bars a weekday, from 10:00 to 16:00."""
    rng = np.random.default_rng(3)
    weekdays = pd.bdate_range("2023-01-02", periods=days)
    stamps = [day + pd.Timedelta(hours=h) for day in weekdays for h in range(10, 17)]
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.003, len(stamps))))
    opened = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    bars = {"Open": opened, "High": high, "Low": low, "Close": close, "Volume": 1e3}
    return pd.DataFrame(bars, index=pd.DatetimeIndex(stamps))


def test_bars_of_an_hour(tmp_path):
    frame = hourly()
    cerebro = bt.Cerebro()
    feed = bt.feeds.PandasData(
        dataname=frame, timeframe=bt.TimeFrame.Minutes, compression=60
    )
    cerebro.adddata(feed, name="A")
    cerebro.addstrategy(Crossing, share=0.5)
    result, _ = reported(cerebro, tmp_path / "run", benchmark="A")
    assert len(result.account) == 60
    assert result.summary["metrics"]["periods_a_year"] == 252
    close = frame["Close"].groupby(frame.index.date).last()
    worth = result.account["benchmark"] / result.account["benchmark"].iloc[0]
    assert worth.to_numpy() == pytest.approx((close / close.iloc[0]).to_numpy())


def test_an_optimisation_has_a_folder_for_each_trial(tmp_path):
    cerebro = cerebro_of()
    cerebro.optstrategy(Crossing, period=(5, 10), share=(0.1, 0.3))
    cerebro.addanalyzer(RunReport, folder=tmp_path, benchmark="A")
    runs = cerebro.run(maxcpus=2)
    found = {}
    for (trial,) in runs:
        report = trial.analyzers.runreport
        period, share = trial.p.period, trial.p.share
        folder = Path(report.get_analysis()["folder"])
        written = json.loads((folder / "summary.json").read_text("utf-8"))
        assert written["strategy"]["params"] == {"period": period, "share": share}
        assert written["metrics"] == report.result().summary["metrics"]
        found[period, share] = written["metrics"]["total_return"]
    assert len({path.name for path in tmp_path.iterdir()}) == len(found) == 4
    for (period, share), total in found.items():
        alone = cerebro_of()
        alone.addstrategy(Crossing, period=period, share=share)
        alone.addanalyzer(RunReport)
        (ran,) = alone.run()
        assert ran.analyzers.runreport.get_analysis()["total_return"] == total


def test_saving_memory_changes_nothing(tmp_path):
    results = []
    for modes in ({}, {"exactbars": 1, "stdstats": False}):
        cerebro = cerebro_of(**modes)
        cerebro.addstrategy(Crossing)
        result, _ = reported(cerebro, tmp_path / str(len(results)), benchmark="B")
        results.append(result)
    once, saving = results
    assert once.account.equals(saving.account)
    assert once.orders.equals(saving.orders)
    assert once.summary["data"] == saving.summary["data"]
