"""A run -> frames and a summary, each figure against one worked out by hand."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, date, random_panel, without
from hand_made import FREE, panel_of

from bt_lstm_rotation import (
    Broker,
    Forecast,
    MomentumSpec,
    SectorRotation,
    run_backtest,
)
from bt_lstm_rotation.analyzers import OrderRecord
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.forecasting import FitRecord
from bt_lstm_rotation.periodic import PeriodicRebalance
from bt_lstm_rotation.prices.findings import Finding

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

METRICS = {
    *("total_return", "cagr", "annual_volatility", "sharpe", "sortino"),
    *("max_drawdown", "calmar", "turnover", "costs", "periods_a_year"),
}
COMPARED = {"last_session", "sessions_without_bar", "traded"}
SKILL = {"ic", "rank_ic", "hit_ratio", "mse_ratio", "sessions", "observations"}

# January 7 to 11, 2019 is a Monday to Friday.
WEEK = panel_of(
    "2019-01-07",
    A=[10, (11, 12), (12, 13), (14, 13), 15],
    B=[40, 40, (41, 42), (44, 43), 45],
    M=[200, 210, None, 190, 220],
)


class Half(PeriodicRebalance):
    """Half in A, decided at the first close and then each Friday."""

    def __init__(self):
        super().__init__()

    def weights(self):
        return {"A": 0.5}


class Idle(bt.Strategy):
    """Does nothing."""

    params = (("period", 7), ("spec", None), ("shape", (1, 2)))

    def __init__(self):
        pass


def half(broker=FREE, **how):
    return run_backtest(WEEK, Half, {"rebalance": "weekly"}, broker=broker, **how)


def test_weights_are_values_at_the_close_over_equity():
    result = half(benchmark="M")
    # 5,000 are 500 shares at 10; they are filled at 11, and 4,500 stay in cash.
    equity = [10_000, 4_500 + 500 * 12, *[4_500 + 500 * 13] * 2, 4_500 + 500 * 15]
    assert result.account["equity"].tolist() == equity
    assert result.account["cash"].tolist() == [10_000, *[4_500] * 4]
    assert list(result.weights) == ["A", "B", "cash"]
    assert result.weights["A"].tolist() == [
        *(0, 6_000 / 10_500, 6_500 / 11_000, 6_500 / 11_000, 7_500 / 12_000)
    ]
    assert (result.weights["B"] == 0).all()
    assert result.weights.sum(axis=1).tolist() == pytest.approx([1] * 5)
    assert result.weights.index.equals(result.account.index)


def test_the_benchmark_is_what_the_same_capital_would_be_worth_in_it():
    result = half(benchmark="M")
    # On Wednesday it has no bar: it keeps Tuesday's value.
    assert result.account["benchmark"].tolist() == pytest.approx(
        [10_000, 10_500, 10_500, 9_500, 11_000]
    )
    measured = result.summary["benchmark"]
    assert measured["total_return"] == pytest.approx(0.1)
    assert measured["max_drawdown"] == pytest.approx(9_500 / 10_500 - 1)
    assert measured["turnover"] == measured["costs"] == 0


def test_the_benchmark_begins_with_the_account_and_not_with_its_own_bars():
    result = half(benchmark="M", start=WEEK.sessions[3].astype(object))
    # The close before the start is Wednesday's, on which M is worth Tuesday's 210.
    assert result.account["benchmark"].tolist() == pytest.approx(
        [10_000, 10_000 * 190 / 210, 10_000 * 220 / 210]
    )


def test_without_a_benchmark_there_is_no_curve_and_no_measure():
    result = half()
    assert result.account["benchmark"].isna().all()
    assert result.summary["benchmark"] is None
    assert result.summary["data"]["benchmark"] is None
    assert list(result.weights) == ["A", "B", "M", "cash"]


def test_turnover_and_costs_are_those_of_the_orders():
    broker = Broker(cash=10_000, commission=0.01, slippage=0.05)
    result = half(broker, benchmark="M")
    (order,) = result.orders.to_dict("records")
    assert order["price"] == pytest.approx(11.55)
    metrics = result.summary["metrics"]
    assert metrics["costs"] == pytest.approx(500 * 11.55 * 0.01 + 500 * 0.55)
    years = 4 / 365.25
    traded = 500 * 11.55
    average = result.account["equity"].mean()
    assert metrics["turnover"] == pytest.approx(traded / 2 / average / years)


def test_realised_returns_stand_beside_forecasts_once_they_have_matured():
    panel = without(random_panel(), "B", 70)
    spec = FakeSpec(horizon=3)
    result = run_backtest(panel, params={"spec": spec}, benchmark="C")
    frame = result.forecasts
    assert list(frame) == ["session", "symbol", "forecast", "realised"]
    assert set(frame["symbol"]) == {"A", "B"}
    for symbol, own in frame.groupby("symbol"):
        # B's own third bar ahead, not the third session.
        close = panel.frame(symbol)["Close"]
        expected = (close.shift(-3) / close - 1).reindex(own["session"])
        np.testing.assert_allclose(own["realised"], expected, rtol=1e-12)
        assert own["realised"].isna().sum() == 3


def test_forecasts_before_the_start_are_history():
    class Watcher(bt.Strategy):
        def __init__(self):
            self.forecasts = Forecast.pooled(self.datas, spec=FakeSpec())

    panel = random_panel()
    result = run_backtest(panel, Watcher, start=date(panel.sessions[40]), benchmark="C")
    # Its indicators have forecast since row 21; row 39 is the close before the start.
    assert result.forecasts["session"].min() == pd.Timestamp(panel.sessions[39])
    assert result.account.index[0] == pd.Timestamp(panel.sessions[39])
    # What it forecasts of the benchmark is not counted.
    assert len(result.forecasts) == 2 * len(result.account) == 2 * 41


def test_skill_is_measured_on_the_forecasts_of_the_frame():
    result = run_backtest(random_panel("ABCD"), params={"spec": FakeSpec()})
    wide = result.forecasts.pivot_table(
        index="session", columns="symbol", values=["forecast", "realised"]
    ).dropna()
    rank_ic = wide["forecast"].T.corrwith(wide["realised"].T, method="spearman")
    measured = result.summary["forecast"]
    assert measured["ic"] == pytest.approx(
        wide["forecast"].T.corrwith(wide["realised"].T).mean()
    )
    assert measured["rank_ic"] == pytest.approx(rank_ic.mean())
    assert measured["sessions"] == len(wide)
    assert measured["observations"] == 4 * len(wide)


def test_an_open_order_and_a_rejected_one_are_counted_as_such():
    class Mixed(Idle):
        def next(self):
            day = self.datetime.date(0).day
            if day == 7:
                self.buy(size=1)
                self.low = self.buy(exectype=bt.Order.Limit, price=1)
                self.buy(exectype=bt.Order.Limit, price=2)
                # Last, for Backtrader rejects what comes after a rejected order too.
                self.buy(size=10_000)
            if day == 8:
                self.cancel(self.low)

    result = run_backtest(WEEK, Mixed, broker=FREE)
    assert result.summary["orders"] == {
        "submitted": 4,
        "completed": 1,
        "rejected": 1,
        "canceled": 1,
    }
    assert result.orders["status"].tolist() == [
        *("Completed", "Canceled", "Accepted", "Margin")
    ]


def test_what_kept_a_rebalance_from_going_smoothly_is_an_event():
    # The open of Tuesday is twice Monday's close: there is not enough cash.
    panel = panel_of("2019-01-07", A=[10, 20, 20, 20])

    class Everything(Half):
        def __init__(self):
            super().__init__()

        def weights(self):
            return {"A": 0.9}

    result = run_backtest(panel, Everything, broker=FREE)
    assert list(result.events) == ["session", "kind", "symbol", "detail"]
    first = result.events.iloc[0]
    assert (first["kind"], first["symbol"]) == ("retry", "A")


def test_a_run_in_which_nothing_happens_has_empty_frames_with_all_columns():
    result = run_backtest(WEEK, Idle)
    for frame, row in ((result.orders, OrderRecord), (result.retrains, FitRecord)):
        assert frame.empty
        assert list(frame) == [field.name for field in fields(row)]
    assert result.events.empty
    assert list(result.events) == ["session", "kind", "symbol", "detail"]
    assert result.forecasts.empty
    summary = result.summary
    assert summary["spec"] is None
    assert summary["metrics"]["total_return"] == summary["metrics"]["costs"] == 0
    assert summary["metrics"]["sharpe"] is None
    assert summary["forecast"] == dict.fromkeys(SKILL) | {
        "sessions": 0,
        "observations": 0,
    }
    json.dumps(summary, allow_nan=False)


def test_the_summary_has_the_keys_that_are_promised():
    spec = MomentumSpec(lookback=5, skip=0, horizon=2)
    panel = random_panel("ABCD")
    result = run_backtest(
        panel, SectorRotation, {"spec": spec, "top": 2}, benchmark="D"
    )
    summary = result.summary
    assert set(summary) == {
        *("strategy", "spec", "data", "broker", "metrics", "benchmark", "forecast"),
        *("orders", "training", "timing", "versions", "account", "notes", "command"),
        "inputs",
    }
    assert summary["inputs"] == {}
    assert set(summary["metrics"]) == METRICS
    assert set(summary["benchmark"]) == METRICS | COMPARED
    assert set(summary["forecast"]) == SKILL
    assert set(summary["orders"]) == {"submitted", "completed", "rejected", "canceled"}
    assert set(summary["timing"]) == {"seconds", "training_seconds", "fits"}
    assert summary["spec"] == {
        "forecaster": "MomentumSpec",
        "lookback": 5,
        "skip": 0,
        "horizon": 2,
        "retrain": "monthly",
    }
    assert summary["data"] == {
        "source": "memory",
        "symbols": ["A", "B", "C"],
        "benchmark": "D",
        "context": [],
        "first_session": "2019-01-02",
        "first_decision": "2019-01-31",
        "last_session": "2019-04-23",
        "intraday": False,
        "content_hash": panel.content_hash,
        "findings": [],
    }
    assert summary["account"] == {"deposits": 0.0, "withdrawals": 0.0}
    assert summary["notes"] == []
    assert summary["strategy"]["name"] == "SectorRotation"
    assert summary["strategy"]["params"]["top"] == 2
    assert summary["broker"] == {
        "cash": 100_000.0,
        "commission": 0.0005,
        "slippage": 0.0002,
    }
    assert {"bt-lstm-rotation", "backtrader", "numpy"} <= set(summary["versions"])
    # What is read back is what was there: no NaN, no tuple, no NumPy number.
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_only_plain_parameters_of_a_strategy_are_described():
    result = run_backtest(WEEK, Idle, {"period": 9, "shape": {1: object()}})
    assert result.summary["strategy"]["params"] == {"period": 9, "spec": None}


def test_the_summary_says_what_was_used_and_not_what_was_there():
    end = WEEK.sessions[2].astype(object)
    data = run_backtest(WEEK, Idle, end=end).summary["data"]
    assert data["last_session"] == "2019-01-09"
    assert data["content_hash"] == WEEK.rows(0, 3).content_hash


def test_numbers_in_frames_are_numbers_and_days_are_days():
    result = run_backtest(
        random_panel(), params={"spec": FakeSpec()}, benchmark="A", broker=Broker()
    )
    for frame in (result.account, result.weights):
        assert isinstance(frame.index, pd.DatetimeIndex)
        assert (frame.dtypes == "float64").all()
    for name in ("size", "filled", "price", "commission", "slippage"):
        assert result.orders[name].dtype == "float64"
    assert pd.api.types.is_datetime64_dtype(result.forecasts["session"])
    assert all(map(math.isfinite, result.orders["price"]))
    assert result.orders["ref"].tolist() == [*range(1, len(result.orders) + 1)]


class Saver(Idle):
    """Holds 100 of A, pays 1,000 in on Tuesday and takes 500 out on Thursday."""

    def next(self):
        day = self.datetime.date(0).day
        if day == 7:
            self.buy(self.getdatabyname("A"), size=100)
        if day in (8, 10):
            self.broker.add_cash(1_000 if day == 8 else -500)


def test_deposits_are_in_the_account_and_not_in_the_returns():
    result = run_backtest(WEEK, Saver, broker=FREE, benchmark="M")
    account = result.account
    assert account["flows"].tolist() == [0, 0, 1_000, 0, -500]
    assert account["equity"].tolist() == [10_000, 10_100, 11_200, 11_200, 10_900]
    assert result.summary["account"] == {"deposits": 1_000.0, "withdrawals": 500.0}
    # 1%, 1%, 0%, and 200 more on Friday.
    expected = 1.01 * (10_200 / 10_100) * (11_400 / 11_200) - 1
    assert result.summary["metrics"]["total_return"] == pytest.approx(expected)
    # M: 200, 210, (210), 190, 220, with the same money.
    curve = [10_000, 10_500, 11_500, 11_500 * 190 / 210]
    curve.append(curve[-1] * 220 / 190 - 500)
    assert account["benchmark"].tolist() == pytest.approx(curve)
    assert result.summary["benchmark"]["total_return"] == pytest.approx(0.1)
    assert any("1,000.00 was paid in and 500.00" in n for n in result.summary["notes"])


def test_what_is_paid_in_before_the_first_close_is_what_it_begins_with():
    class Early(Idle):
        def start(self):
            self.broker.add_cash(5_000)

    result = run_backtest(WEEK, Early, broker=FREE)
    assert result.account["equity"].tolist() == [15_000] * 5
    assert not result.account["flows"].any()
    assert result.summary["account"]["deposits"] == 0


class BuysTheFirst(Idle):
    """What a first script does: it trades `self.data`."""

    def next(self):
        self.order_target_percent(target=0.9)


def test_a_benchmark_that_was_traded_has_a_column_and_is_named(caplog):
    result = run_backtest(WEEK, BuysTheFirst, broker=FREE, benchmark="M")
    assert list(result.weights) == ["A", "B", "M", "cash"]
    assert result.weights["M"].iloc[-1] > 0.5
    assert result.weights.sum(axis=1).tolist() == pytest.approx([1] * 5)
    assert result.summary["benchmark"]["traded"] is True
    assert "traded its benchmark M" in " ".join(result.summary["notes"])
    assert "traded its benchmark M" in caplog.text


ENDS = panel_of("2019-01-07", A=[10, 11, 12, 13, 14], M=[200, 210, 190])


def test_a_benchmark_is_compared_up_to_its_last_bar(caplog):
    result = run_backtest(ENDS, Idle, broker=FREE, benchmark="M")
    curve = result.account["benchmark"]
    assert curve.tolist()[:3] == pytest.approx([10_000, 10_500, 9_500])
    assert curve.isna().tolist() == [False] * 3 + [True] * 2
    measured = result.summary["benchmark"]
    assert measured["last_session"] == "2019-01-09"
    assert measured["total_return"] == pytest.approx(-0.05)
    # Two days and no more: as a rate a year it is what those made.
    assert measured["cagr"] == pytest.approx(0.95 ** (365.25 / 2) - 1)
    (note,) = result.summary["notes"]
    assert note.startswith("The benchmark M ends on 2019-01-09, 2 sessions before")
    assert note in caplog.text


def test_a_benchmark_with_a_hole_says_so(caplog):
    prices = [100 + n for n in range(20)]
    holed = [None if 5 <= n < 12 else p for n, p in enumerate(prices)]
    panel = panel_of("2019-01-07", A=prices, M=holed)
    result = run_backtest(panel, Idle, broker=FREE, benchmark="M")
    assert result.summary["benchmark"]["sessions_without_bar"] == 7
    (note,) = result.summary["notes"]
    assert "no bar on 7 of 20 sessions, up to 7 in a row" in note
    assert note in caplog.text


def test_sessions_a_year_are_in_the_result_and_can_be_given():
    metrics = half(benchmark="M").summary["metrics"]
    assert metrics["periods_a_year"] == 252
    given = half(benchmark="M", periods_a_year=365).summary
    for part in ("metrics", "benchmark"):
        assert given[part]["periods_a_year"] == 365
    assert given["metrics"]["sharpe"] == pytest.approx(
        metrics["sharpe"] * math.sqrt(365 / 252)
    )


def test_suspicious_bars_of_the_panel_are_in_the_summary():
    day = WEEK.sessions[1].astype(object)
    found = Finding("A", "jump", day, day, 1.3, "A 2019-01-08: a jump of 1.3")
    data = run_backtest(replace(WEEK, findings=(found,)), Idle).summary["data"]
    assert data["findings"] == [
        {
            "symbol": "A",
            "rule": "jump",
            "first": "2019-01-08",
            "last": "2019-01-08",
            "size": 1.3,
            "message": "A 2019-01-08: a jump of 1.3",
        }
    ]


@pytest.mark.parametrize(
    ("scheme", "what"),
    [
        ({"margin": 2.0, "mult": 50.0}, "a future's margin and a multiplier of 50"),
        ({"mult": 10.0}, "a multiplier of 10"),
        ({"leverage": 2.0}, "leverage 2"),
    ],
)
def test_a_weight_of_a_future_is_refused(scheme, what):
    broker = Broker(commission=bt.CommissionInfo(commission=0.0, **scheme))
    with pytest.raises(StrategyError, match=f"A has {what} in its commission"):
        half(broker)
