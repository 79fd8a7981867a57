"""run_backtest: where it begins and ends, what it hands over, what it refuses."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, random_panel, shocked, without
from hand_made import FREE, drop_in, fills, panel_of

from bt_lstm_rotation import (
    Broker,
    MomentumSpec,
    PricePanel,
    SectorRotation,
    run_backtest,
)
from bt_lstm_rotation.errors import DataError, HistoryError, SpecError, StrategyError
from bt_lstm_rotation.forecasting import Training

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

# Weekdays from 2019-01-02 on: row 21 is January 31, the first close with a fit.
PANEL = random_panel()
FRAMES = ("account", "weights", "orders", "forecasts", "retrains", "events")


def rotate(panel=PANEL, **how):
    return run_backtest(panel, params={"spec": FakeSpec(), "top": 2}, **how)


def first_and_last(result):
    sessions = result.account.index
    return f"{sessions[0]:%m-%d}", f"{sessions[-1]:%m-%d}"


def assert_same(one, other):
    """Equal in every frame, but for how long fits took."""
    for name in FRAMES:
        left, right = (
            getattr(result, name).drop(columns="seconds", errors="ignore")
            for result in (one, other)
        )
        pd.testing.assert_frame_equal(left, right, check_exact=True)


class Buyer(bt.Strategy):
    """Anybody's: one share of every feed at every close."""

    def __init__(self):
        self.names = [data._name for data in self.datas]

    def next(self):
        for data in self.datas:
            self.buy(data, size=1)


def test_without_a_start_it_begins_at_the_first_forecast():
    result = rotate()
    assert first_and_last(result) == ("01-31", "04-23")
    assert str(result.orders["submitted"][0]) == "2019-01-31"
    assert str(result.retrains["session"][0].date()) == "2019-01-31"


@pytest.mark.parametrize("start", [dt.date(2019, 2, 11), dt.date(2019, 2, 9)])
def test_the_first_decision_is_made_at_the_close_before_the_start(start):
    result = rotate(start=start)
    assert first_and_last(result)[0] == "02-08"
    assert str(result.orders["submitted"][0]) == "2019-02-08"
    assert str(result.orders["executed"][0]) == "2019-02-11"
    assert result.account["equity"].iloc[0] == 100_000
    assert result.forecasts["session"].min() == pd.Timestamp("2019-02-08")


def test_pandas_timestamps_are_dates():
    result = rotate(start=pd.Timestamp("2019-02-11"), end=pd.Timestamp("2019-03-01"))
    assert first_and_last(result) == ("02-08", "03-01")


def test_no_bar_after_the_end_is_used_not_even_to_measure():
    row = 50
    end = PANEL.sessions[row].astype(object)
    whole = rotate(end=end)
    assert_same(whole, rotate(PANEL.rows(0, row + 1)))
    assert_same(whole, rotate(shocked(PANEL, row), end=end))
    unripe = whole.forecasts["session"] > pd.Timestamp(PANEL.sessions[row - 2])
    assert whole.forecasts["realised"].isna().equals(unripe)


def test_the_same_run_twice_gives_the_same_frames():
    assert_same(rotate(benchmark="C"), rotate(benchmark="C"))


def test_a_start_too_early_says_what_is_needed_and_the_earliest_one():
    with pytest.raises(
        HistoryError, match="earliest possible start is 2019-02-01"
    ) as e:
        rotate(start=dt.date(2019, 1, 20))
    # January 2 to 18 are 13 sessions; the first fit is made at the 22nd.
    assert (e.value.needed, e.value.available) == (22, 13)
    assert first_and_last(rotate(start=dt.date(2019, 2, 1)))[0] == "01-31"


def test_a_start_before_the_only_possible_decision_has_no_earliest_one():
    with pytest.raises(HistoryError, match="the earliest possible start is none"):
        rotate(PANEL.rows(0, 22), start=dt.date(2019, 1, 31))


def test_a_panel_too_short_for_any_fit_is_refused_with_or_without_a_start():
    for start in (None, dt.date(2019, 1, 15)):
        with pytest.raises(HistoryError, match="not enough history for a fit"):
            rotate(PANEL.rows(0, 20), start=start)


def test_without_a_forecaster_it_begins_where_the_bars_do():
    assert first_and_last(run_backtest(PANEL, Buyer))[0] == "01-02"
    early = run_backtest(PANEL, Buyer, start=dt.date(1990, 1, 1))
    assert first_and_last(early)[0] == "01-02"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"start": dt.date(2019, 5, 1)}, "start is after the last session"),
        (
            {"start": dt.date(2019, 3, 4), "end": dt.date(2019, 3, 1)},
            "start is after the last session",
        ),
        ({"end": dt.date(2018, 12, 31)}, "no session in the range asked for"),
        ({"benchmark": "D"}, "unknown symbol .got 'D'.; known: A, B, C"),
    ],
)
def test_what_the_bars_cannot_give_is_said_with_what_they_have(how, message):
    with pytest.raises(DataError, match=message):
        rotate(**how)


@pytest.mark.parametrize("day", ["2019-02-01", 20190201, 5.0])
def test_a_date_has_to_be_one(day):
    with pytest.raises(SpecError, match=r"start must be a datetime\.date"):
        rotate(start=day)
    with pytest.raises(SpecError, match=r"end must be a datetime\.date"):
        rotate(end=day)


def test_a_benchmark_that_begins_after_the_start_is_refused():
    late = without(PANEL, "C", slice(0, 30))
    with pytest.raises(DataError, match="C: the benchmark has no bar at the start"):
        rotate(late, benchmark="C")
    # Row 30 is February 13, so the 14th can be the first session of trading.
    result = rotate(late, benchmark="C", start=dt.date(2019, 2, 14))
    assert result.account["benchmark"].iloc[0] == 100_000


def test_the_benchmark_comes_first_and_is_told_to_a_strategy_that_asks():
    class Asks(Buyer):
        params = (("benchmark", None),)

        def __init__(self):
            super().__init__()
            told.append((self.names, self.p.benchmark))

    told = []
    run_backtest(PANEL, Asks, benchmark="B")
    run_backtest(PANEL, Asks)
    assert told == [(["B", "A", "C"], "B"), (["A", "B", "C"], None)]


def test_the_benchmark_is_not_traded_nor_forecast():
    result = rotate(benchmark="B")
    assert set(result.orders["symbol"]) == {"A", "C"}
    assert set(result.forecasts["symbol"]) == {"A", "C"}
    assert list(result.weights) == ["A", "C", "cash"]


def test_a_strategy_without_a_start_is_held_back_until_the_close_before():
    result = run_backtest(PANEL, Buyer, start=dt.date(2019, 3, 1))
    assert str(result.orders["submitted"].min()) == "2019-02-28"
    assert str(result.orders["executed"].min()) == "2019-03-01"
    assert result.summary["strategy"]["name"] == "Buyer"


def test_a_strategy_of_ours_is_given_the_start():
    class Given(SectorRotation):
        def __init__(self):
            super().__init__()
            given.append(self.p.start)

    given = []
    start = dt.date(2019, 3, 1)
    run_backtest(PANEL, Given, {"spec": FakeSpec()}, start=start)
    assert given == [start]


@pytest.mark.parametrize("start", [None, dt.date(2019, 2, 9), dt.date(2019, 3, 1)])
def test_a_script_and_a_backtest_with_one_start_trade_alike(start):
    rows = slice(35, 40)  # February 20 to 26
    panel = without(PANEL, "B", rows)
    params = {"spec": FakeSpec(), "top": 2}
    result = run_backtest(panel, params=params, broker=FREE, start=start)
    ran = drop_in(panel, SectorRotation, start=start, **params)
    orders = result.orders[result.orders["status"] == "Completed"]
    assert len(orders) > 3
    assert fills(ran) == [
        (str(o.executed), o.symbol, o.filled * {"buy": 1, "sell": -1}[o.side], o.price)
        for o in orders.itertuples()
    ]
    assert result.account["equity"].iloc[-1] == ran.broker.getvalue()


def test_a_session_of_the_benchmark_alone_decides_nothing():
    # Saturday, February 9: only the benchmark has a bar.
    saturday = np.datetime64("2019-02-09")
    row = int(np.searchsorted(PANEL.sessions, saturday))
    bars = np.insert(PANEL.bars, row, np.nan, axis=1)
    bars[:, row, 2] = bars[:, row - 1, 2]
    panel = PricePanel(np.insert(PANEL.sessions, row, saturday), PANEL.symbols, bars)
    result = rotate(panel, benchmark="C", start=dt.date(2019, 2, 10))
    assert first_and_last(result)[0] == "02-08"
    assert str(result.orders["submitted"][0]) == "2019-02-08"
    assert str(result.orders["executed"][0]) == "2019-02-11"


def test_parameters_of_somebody_elses_keep_their_meaning():
    class Own(Buyer):
        params = (("start", 20), ("benchmark", 0.02), ("training", "slow"))

        def __init__(self):
            super().__init__()
            seen.append((self.p.start, self.p.benchmark, self.p.training))

    seen = []
    how = {"start": dt.date(2019, 3, 1), "benchmark": "A", "training": Training()}
    result = run_backtest(PANEL, Own, **how)
    run_backtest(PANEL, Own, {"start": 5, "benchmark": 0.5}, **how)
    assert seen == [(20, 0.02, "slow"), (5, 0.5, "slow")]
    # It is held back all the same.
    assert str(result.orders["submitted"].min()) == "2019-02-28"


def test_a_parameter_that_waits_for_the_benchmark_is_given_it():
    class Waits(Buyer):
        params = (("benchmark", None),)

        def __init__(self):
            super().__init__()
            seen.append(self.p.benchmark)

    seen = []
    run_backtest(PANEL, Waits, benchmark="A")
    assert seen == ["A"]
    with pytest.raises(SpecError, match=r"left to run_backtest.benchmark=\.\.\.."):
        run_backtest(PANEL, Waits, {"benchmark": "B"})


@pytest.mark.parametrize(
    "periods", [0, -252, 0.05, 367, math.nan, math.inf, "252", True]
)
def test_an_impossible_number_of_periods_a_year_is_refused(periods):
    with pytest.raises(
        SpecError, match="run_backtest: periods_a_year must be a number"
    ):
        run_backtest(PANEL, Buyer, periods_a_year=periods)


def test_a_benchmark_that_ends_before_the_start_is_refused():
    panel = without(PANEL, "A", slice(10, None))
    with pytest.raises(DataError, match="A: the benchmark ends before the start"):
        run_backtest(panel, Buyer, benchmark="A", start=dt.date(2019, 3, 1))


@pytest.mark.parametrize("strategy", ["SectorRotation", None, bt.Indicator, Buyer.next])
def test_what_is_no_strategy_is_refused(strategy):
    with pytest.raises(StrategyError, match=r"a bt\.Strategy class is needed"):
        run_backtest(PANEL, strategy)


@pytest.mark.parametrize("panel", [None, {}, PANEL.frame("A"), PANEL.close])
def test_what_is_no_panel_is_refused_with_how_to_make_one(panel):
    with pytest.raises(DataError, match=r"not a PricePanel.*load_prices"):
        run_backtest(panel)


def test_a_benchmark_alone_is_nothing_to_trade():
    with pytest.raises(
        StrategyError, match="nothing to trade besides the benchmark 'A'"
    ):
        rotate(random_panel("A"), benchmark="A")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"topp": 2}, "parameter must be known .did you mean 'top'"),
        ({7: 2}, "parameter must be known .known: "),
        ({"benchmark": "A"}, r"left to run_backtest.benchmark=\.\.\.."),
        ({"start": None}, r"left to run_backtest.start=\.\.\.."),
        ({"spec": FakeSpec(), "top": 0}, "top must be a whole number"),
        ({"spec": "lstm"}, "spec must be"),
    ],
)
def test_parameters_that_cannot_be_are_named(params, message):
    with pytest.raises(SpecError, match=message):
        run_backtest(PANEL, SectorRotation, params)


def test_a_misspelled_parameter_of_a_strategy_without_init_is_not_swallowed():
    class Bare(bt.Strategy):
        params = (("period", 5),)

    with pytest.raises(
        SpecError, match=r"Bare: parameter must be known \(did you mean"
    ):
        run_backtest(PANEL, Bare, {"perod": 3})


@pytest.mark.parametrize("name", ["cash", "commission", "slippage"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "5", None, True])
def test_a_broker_with_an_impossible_value_is_refused(name, value):
    with pytest.raises(SpecError, match=f"Broker: {name} must be a number from"):
        Broker(**{name: value})


@pytest.mark.parametrize("values", [{"cash": 0}, {"commission": 0.6}, {"slippage": 1}])
def test_a_broker_just_beyond_its_range_is_refused(values):
    with pytest.raises(SpecError):
        Broker(**values)


def test_money_comes_from_the_broker_that_is_given():
    panel = panel_of("2019-01-07", A=[10, 10, (10, 11)], B=[5, 5, 5])
    result = run_backtest(panel, Buyer, broker=FREE)
    # Two shares of A, bought at 10, gain 1 each on the third day.
    assert result.account["equity"].tolist() == [10_000, 10_000, 10_002]
    assert result.account["cash"].tolist() == [10_000, 9_985, 9_970]
    dear = Broker(cash=10_000, commission=0.01, slippage=0.1)
    # Each bought at a tenth above its open, with 1% of that on top: 16.5 + 0.165.
    spent = run_backtest(panel, Buyer, broker=dear).account["cash"]
    assert spent.tolist() == pytest.approx([10_000, 9_983.335, 9_966.67])


def test_progress_is_called_with_fits_done_and_planned():
    calls = []
    rotate(training=Training(progress=lambda *call: calls.append(call)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_seconds_come_from_the_clock_that_is_given():
    ticks = itertools.count(100.0, 2.5)
    assert rotate(clock=lambda: next(ticks)).summary["timing"]["seconds"] == 2.5


def test_anybodys_error_comes_through_as_it_is():
    class Broken(bt.Strategy):
        def next(self):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        run_backtest(PANEL, Broken)


def test_a_market_of_one_sector_can_be_rotated_into():
    spec = MomentumSpec(lookback=1, skip=0, horizon=1)
    result = run_backtest(random_panel("A"), params={"spec": spec}, broker=FREE)
    assert set(result.orders["symbol"]) == {"A"}
