"""A rotation that reads lines and context, through the whole of a backtest."""

from __future__ import annotations

import backtrader as bt
import pytest

from bt_lstm_rotation import ForecastSpec, SectorRotation, load_prices, run_backtest
from bt_lstm_rotation.errors import DataError, SpecError, StrategyError
from bt_lstm_rotation.forecasting.beside import ContextRule
from bt_lstm_rotation.prices.simulated import ContextMarket

SPEC = ForecastSpec(lookback=21, train_size=126, horizon=5, units=8)


class WithInputs(SectorRotation):
    def inputs(self):
        return {
            "gap": {data: data.open / data.close(-1) for data in self.sectors.values()}
        }


@pytest.fixture(scope="module")
def bars():
    return ContextMarket(n_sessions=500).bars(["CONTEXT"])


def run(bars, strategy=SectorRotation, **params):
    params = {"spec": SPEC, **params}
    return run_backtest(
        bars, strategy, params, benchmark="MARKET", training=None, ledger=False
    )


def test_context_is_read_and_never_traded(bars):
    result = run(bars, context=("CONTEXT",))
    assert "CONTEXT" not in set(result.orders["symbol"])
    assert "CONTEXT" not in result.weights.columns
    assert result.summary["data"]["context"] == ["CONTEXT"]
    assert result.summary["data"]["symbols"] == [f"S{n}" for n in range(1, 10)]
    assert set(result.forecasts["symbol"]) == {f"S{n}" for n in range(1, 10)}
    rules = result.summary["spec"]["context"]
    assert [rule["name"] for rule in rules] == ["CONTEXT"]
    other = run(bars.select([s for s in bars.symbols if s != "CONTEXT"]))
    assert other.summary["data"]["context"] == []
    assert not other.forecasts["forecast"].equals(result.forecasts["forecast"])


def test_a_subclass_says_what_it_reads(bars):
    bars = bars.select([s for s in bars.symbols if s != "CONTEXT"])
    result = run(bars, WithInputs)
    assert [rule["name"] for rule in result.summary["spec"]["inputs"]] == ["gap"]
    assert len(result.orders)


def test_features_against_the_benchmark_are_given_it(bars):
    bars = bars.select([s for s in bars.symbols if s != "CONTEXT"])
    spec = ForecastSpec(
        lookback=5, train_size=60, horizon=3, units=4, features=("log_return", "beta")
    )
    assert len(run(bars, spec=spec).orders)
    with pytest.raises(SpecError, match="benchmark"):
        run_backtest(
            bars.select(["S1", "S2", "S3"]), params={"spec": spec}, ledger=False
        )


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ({"context": "CONTEXT"}, SpecError, "a tuple of feed names"),
        ({"context": (3,)}, SpecError, "a tuple of feed names"),
        ({"context": ("CONTXT",)}, StrategyError, "CONTEXT"),
        ({"context": ("MARKET",)}, StrategyError, "cannot be context"),
        (
            {"context": ("CONTEXT",), "universe": ("S1", "S2", "CONTEXT")},
            StrategyError,
            "cannot be context",
        ),
        (
            {"context": (*(f"S{n}" for n in range(1, 10)), "CONTEXT")},
            StrategyError,
            "nothing to trade",
        ),
    ],
)
def test_what_is_no_context_is_refused(bars, params, error, match):
    with pytest.raises(error, match=match):
        run(bars, **params)


def test_a_figure_says_its_delay_in_its_name(bars):
    told = run(bars, context=("CONTEXT+30",))
    [rule] = told.summary["spec"]["context"]
    assert (rule["name"], rule["published_after"]) == ("CONTEXT", 30)
    same = run(
        bars, context=(ContextRule(name="CONTEXT", published_after=30, max_age=75),)
    )
    assert same.forecasts.equals(told.forecasts)


def test_context_comes_from_any_source(tmp_path):
    bars = load_prices("simulated:context", context=["CONTEXT"], seed=1)
    assert bars.symbols[-2:] == ("MARKET", "CONTEXT")
    assert bars.select(["S1"]).content_hash == (
        load_prices("simulated:context", ["S1"], seed=1).content_hash
    )
    for symbol in ("S1", "S2", "MARKET", "CONTEXT"):
        bars.frame(symbol).to_csv(tmp_path / f"{symbol}.csv", index_label="Date")
    found = load_prices(tmp_path, ["S1", "S2"], benchmark="MARKET", context=["CONTEXT"])
    assert found.symbols == ("S1", "S2", "CONTEXT", "MARKET")
    with pytest.raises(DataError, match="CONTEXT"):
        load_prices("simulated", context=["CONTEXT"])


def test_a_plain_strategy_may_still_read_and_trade_what_it_likes(bars):
    class Buying(bt.Strategy):
        def next(self):
            if not self.position:
                self.buy(self.getdatabyname("CONTEXT"), size=1)

    result = run_backtest(bars, Buying, benchmark="MARKET", ledger=False)
    assert "CONTEXT" in result.weights.columns
