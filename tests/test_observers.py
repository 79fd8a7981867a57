"""Observers show, session by session, what the analyzers record."""

from __future__ import annotations

import math

import backtrader as bt
import numpy as np
import pytest
from fakes import FakeSpec, random_panel, without
from hand_made import panel_of
from matplotlib.figure import Figure
from modes import each_mode

from bt_lstm_rotation import Broker, SectorRotation, save_plot
from bt_lstm_rotation.analyzers import EquityCurve, ForecastHistory, Weights
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.observers import (
    EquityAgainstBenchmark,
    ForecastsObserver,
    WeightsObserver,
)

# Names that are those of lines, of Backtrader's attributes, and of mathematics.
NAMES = ["SPY", "datetime", "lines", "$A$_{"]


def market():
    panel = random_panel(NAMES, 120)
    panel = without(panel, "lines", slice(0, 40))
    return without(panel, "$A$_{", np.arange(30, 110, 7))


class Watched(SectorRotation):
    """A rotation that notes what its observers show, a session later."""

    def __init__(self):
        super().__init__()
        self.noted = {"equity": [], "benchmark": [], "weights": [], "forecasts": []}

    def next(self):
        super().next()
        self.note()

    def stop(self):
        super().stop()
        self.note()

    def note(self):
        shown = self.stats
        if len(shown.equityagainstbenchmark):
            curve = shown.equityagainstbenchmark.lines
            self.noted["equity"].append(curve.equity[0])
            self.noted["benchmark"].append(curve.benchmark[0])
            for key in ("weights", "forecasts"):
                observer = getattr(shown, f"{key}observer")
                row = {name: observer.line_of(name)[0] for name in NAMES}
                if key == "weights":
                    row["cash"] = observer.lines.cash[0]
                self.noted[key].append(row)


def watched(panel=None, strategy=Watched, **modes):
    cerebro = bt.Cerebro(**({"stdstats": False} | modes))
    add_feeds(cerebro, market() if panel is None else panel)
    Broker(cash=100_000).set_up(cerebro)
    for observer, params in (
        (EquityAgainstBenchmark, {"benchmark": "SPY"}),
        (WeightsObserver, {}),
        (ForecastsObserver, {}),
    ):
        cerebro.addobserver(observer, **params)
    cerebro.addanalyzer(EquityCurve, _name="curve", benchmark="SPY")
    cerebro.addanalyzer(Weights, _name="weights")
    cerebro.addanalyzer(ForecastHistory, _name="forecasts")
    params = {"spec": FakeSpec(fit_bars=12), "top": 2, "benchmark": "SPY"}
    cerebro.addstrategy(strategy, **(params if strategy is Watched else {}))
    return cerebro


@each_mode
def test_lines_are_what_the_analyzers_have_recorded(modes):
    (ran,) = watched(**modes).run()
    curve = ran.analyzers.curve.get_analysis()
    assert ran.noted["equity"] == list(curve["equity"].values())
    assert ran.noted["benchmark"] == list(curve["benchmark"].values())
    for shown, recorded in (
        ("weights", ran.analyzers.weights.get_analysis()),
        ("forecasts", ran.analyzers.forecasts.get_analysis()["forecasts"]),
    ):
        rows = list(recorded.values())
        assert len(ran.noted[shown]) == len(rows) == 120
        for noted, row in zip(ran.noted[shown], rows, strict=True):
            known = {name: v for name, v in noted.items() if v == v}
            missing = {} if shown == "forecasts" else dict.fromkeys(noted, 0.0)
            assert known == missing | row
    held = [name for row in ran.noted["weights"] for name, w in row.items() if w]
    assert set(held) == {"datetime", "lines", "$A$_{", "cash"}
    forecast = {n for row in ran.noted["forecasts"] for n, v in row.items() if v == v}
    assert forecast == {"datetime", "lines", "$A$_{"}


class Idle(bt.Strategy):
    def __init__(self):
        pass


@pytest.mark.parametrize("feeds", [1, 2, 25])
def test_there_is_a_line_for_each_feed(feeds):
    names = [f"S{number}" for number in range(feeds)]
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, random_panel(names, 5))
    for observer in (EquityAgainstBenchmark, WeightsObserver, ForecastsObserver):
        cerebro.addobserver(observer)
    cerebro.addstrategy(Idle)
    (ran,) = cerebro.run()
    weights, forecasts = ran.stats.weightsobserver, ran.stats.forecastsobserver
    assert (weights.size(), forecasts.size()) == (feeds + 1, feeds)
    assert isinstance(weights, WeightsObserver)
    assert weights.lines.cash[0] == 1.0
    assert [weights.line_of(name)[0] for name in names] == [0.0] * feeds
    assert math.isnan(forecasts.line_of("S0")[0])
    assert math.isnan(ran.stats.equityagainstbenchmark.lines.benchmark[0])
    with pytest.raises(StrategyError, match=r"no feed is called 'S99'; .*S0"):
        weights.line_of("S99")


def test_an_account_that_is_empty_has_no_weights():
    class Empties(bt.Strategy):
        def __init__(self):
            pass

        def next(self):
            if len(self) == 2:
                self.broker.set_cash(0)

    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, panel_of("2019-01-07", A=[10, 10, 10]))
    cerebro.addobserver(WeightsObserver)
    cerebro.addstrategy(Empties)
    (ran,) = cerebro.run()
    lines = ran.stats.weightsobserver.lines
    assert lines.cash[-2] == 1.0
    assert all(math.isnan(line[ago]) for line in lines for ago in (-1, 0))


@pytest.mark.parametrize(
    ("observer", "params", "error", "match"),
    [
        (EquityAgainstBenchmark, {"benchmark": "SPX"}, StrategyError, "'SPX'"),
        (EquityAgainstBenchmark, {"benchmarc": "SPY"}, TypeError, "benchmarc"),
        (WeightsObserver, {"benchmark": "SPY"}, TypeError, "benchmark"),
        (ForecastsObserver, {"horizon": 1}, TypeError, "horizon"),
    ],
)
def test_parameters_that_are_none_are_refused(observer, params, error, match):
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, market())
    cerebro.addobserver(observer, **params)
    cerebro.addstrategy(Idle)
    with pytest.raises(error, match=match):
        cerebro.run()


def test_observers_change_neither_orders_nor_equity():
    (seen,) = watched().run()
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, market())
    Broker(cash=100_000).set_up(cerebro)
    cerebro.addstrategy(
        SectorRotation, spec=FakeSpec(fit_bars=12), top=2, benchmark="SPY"
    )
    cerebro.run()
    assert seen.broker.getvalue() == cerebro.broker.getvalue() != 100_000


def test_a_plot_shows_each_line_under_its_feeds_name(tmp_path, monkeypatch):
    saved = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda f, *a, **k: (saved.append(f), save(f, *a, **k))
    )
    cerebro = watched()
    (ran,) = cerebro.run()
    save_plot(cerebro, tmp_path)
    panels = {
        labels[0].split("\n")[0]: (axes, labels)
        for axes in saved[0].axes
        if axes.get_legend() is not None
        and (labels := [t.get_text() for t in axes.get_legend().get_texts()])
    }
    equity, labels = panels["Equity (against SPY)"]
    assert [label.split()[0] for label in labels[1:]] == ["Benchmark"]
    shown = [line for line in equity.lines if line.get_visible()]
    recorded = ran.analyzers.curve.get_analysis()
    assert list(shown[0].get_ydata()) == list(recorded["equity"].values())
    assert list(shown[1].get_ydata()) == list(recorded["benchmark"].values())
    _, labels = panels["Weights"]
    weights = [label.replace("Weights\n", "").rsplit(" ", 1)[0] for label in labels]
    assert weights == ["cash", *NAMES]
    # SPY has no forecast, and no place in the legend.
    _, labels = panels["Forecasts"]
    assert [label.replace("Forecasts\n", "") for label in labels] == NAMES[1:]
