"""Frames of a run for other tools: their index, columns and values, to the last bit."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from results import make_result, orders, without_benchmark, without_forecasts

from bt_lstm_rotation import RunReport, load_prices
from bt_lstm_rotation.errors import DataError, OutputError
from bt_lstm_rotation.reporting import exports, write_run

DAYS = pd.DatetimeIndex(["2018-12-31", "2019-01-01", "2019-01-02"], name="session")

EXPORTS = [
    *(exports.returns, exports.benchmark_returns, exports.positions),
    *(exports.transactions, exports.factor, exports.factor_prices),
]


def account(equity, flows=(0.0, 0.0, 0.0), benchmark=(np.nan,) * 3) -> pd.DataFrame:
    return pd.DataFrame(
        {"equity": equity, "cash": 0.0, "benchmark": benchmark, "flows": flows},
        index=DAYS[: len(equity)],
    )


def with_account(*args, **kwargs):
    return make_result(3, account=account(*args, **kwargs))


def fills(*rows) -> pd.DataFrame:
    """Orders of (symbol, executed, side, filled, price)."""
    frame = pd.concat([orders().iloc[:1]] * len(rows), ignore_index=True)
    cells = list(zip(*rows, strict=True))
    names = ("symbol", "executed", "side", "filled", "price")
    for name, values in zip(names, cells, strict=True):
        frame[name] = pd.Series(list(values), dtype=frame[name].dtype)
    return frame


def naive_midnights(index) -> bool:
    return index.dtype == "datetime64[ns]" and (index == index.normalize()).all()


def test_returns_are_of_every_session_but_the_first():
    found = exports.returns(with_account([100.0, 110.0, 99.0]))
    assert found.index.equals(DAYS[1:].as_unit("ns"))
    assert found.index.name is None
    assert found.name == "returns"
    assert found.dtype == "float64"
    np.testing.assert_allclose(found, [0.1, -0.1], rtol=1e-15)


def test_what_is_paid_in_or_out_is_no_return():
    found = exports.returns(with_account([100.0, 210.0, 189.0], [0.0, 100.0, -21.0]))
    np.testing.assert_allclose(found, [0.1, 0.0], atol=1e-15)


def test_a_first_close_that_holds_a_deposit_is_the_base():
    found = exports.returns(with_account([100.0, 110.0, 99.0], [100.0, 0.0, 0.0]))
    np.testing.assert_allclose(found, [0.1, -0.1], rtol=1e-15)


@pytest.mark.parametrize("lost", [0.0, -20.0])
def test_after_all_is_lost_returns_are_zero(lost):
    found = exports.returns(with_account([100.0, lost, 30.0]))
    assert found.tolist() == [lost / 100 - 1, 0.0]


def test_returns_compound_to_the_total_return():
    result = make_result()
    equity = result.account["equity"]
    total = (1 + exports.returns(result)).prod() - 1
    assert total == pytest.approx(equity.iloc[-1] / equity.iloc[0] - 1, rel=1e-12)


def test_a_benchmark_has_the_sessions_that_it_is_known_for():
    known = with_account([100.0, 110.0, 99.0], benchmark=[np.nan, 110.0, 121.0])
    found = exports.benchmark_returns(known)
    assert found.index.equals(DAYS[2:].as_unit("ns"))
    assert found.tolist() == pytest.approx([0.1])
    assert found.name == "SPY"


def test_a_benchmark_leaves_out_the_flows_that_it_was_given_as_well():
    paid = with_account([100.0, 210.0, 210.0], [0, 100.0, 0], [100.0, 205.0, 205.0])
    assert exports.benchmark_returns(paid).tolist() == pytest.approx([0.05, 0.0])


def test_without_a_benchmark_there_is_none():
    assert exports.benchmark_returns(without_benchmark()) is None
    assert exports.for_quantstats(without_benchmark())["benchmark"] is None
    assert exports.for_pyfolio(without_benchmark())["benchmark_rets"] is None


def test_quantstats_is_given_all_sessions_of_a_short_benchmark():
    known = with_account([100.0, 110.0, 99.0], benchmark=[np.nan, 110.0, 121.0])
    given = exports.for_quantstats(known)
    assert given["benchmark"].index.equals(given["returns"].index)
    assert given["benchmark"].isna().tolist() == [True, False]


def test_positions_are_currency_with_the_cash_last():
    result = make_result(3)
    found = exports.positions(result)
    assert found.columns.tolist() == ["XLE", "XLK", "cash"]
    assert found.index.equals(exports.returns(result).index)
    assert (found.dtypes == "float64").all()
    assert found.to_numpy().tolist() == result.positions.iloc[1:].to_numpy().tolist()
    np.testing.assert_allclose(found.sum(axis=1), result.account["equity"].iloc[1:])


def test_transactions_are_signed_and_what_was_not_filled_is_none():
    found = exports.transactions(make_result(5))
    assert found.columns.tolist() == ["amount", "price", "symbol"]
    assert found.index.equals(DAYS[2:].as_unit("ns"))
    assert found.iloc[0].tolist() == [490.0, 100 / 3, "XLK"]
    sold = exports.transactions(
        make_result(5, orders=fills(("XLK", DAYS[1].date(), "sell", 3.0, 7.0)))
    )
    assert sold["amount"].tolist() == [-3.0]


def test_transactions_of_a_session_keep_the_order_of_submission():
    first, second = dt.date(2019, 1, 1), dt.date(2019, 1, 2)
    table = fills(
        ("XLE", second, "sell", 1.0, 10.0),
        *(("XLK", second, "buy", float(n), 10.0) for n in range(2, 30)),
        ("XLE", first, "buy", 1.0, 10.0),
    )
    found = exports.transactions(make_result(5, orders=table))
    assert found["amount"].tolist() == [1.0, -1.0, *map(float, range(2, 30))]


def test_a_future_costs_its_price_times_its_multiplier():
    table = fills(("XLK", DAYS[1].date(), "buy", 2.0, 30.0)).assign(multiplier=50.0)
    found = exports.transactions(make_result(5, orders=table))
    assert found[["amount", "price"]].iloc[0].tolist() == [2.0, 1500.0]


def test_a_short_position_is_below_zero():
    held = pd.DataFrame({"XLE": [0.0, -40.0], "cash": [100.0, 140.0]}, index=DAYS[:2])
    assert exports.positions(make_result(2, positions=held))["XLE"].tolist() == [-40.0]


def test_a_factor_is_indexed_by_date_and_asset():
    found = exports.factor(make_result(5))
    assert found.name == "factor"
    assert found.index.names == ["date", "asset"]
    assert naive_midnights(found.index.levels[0])
    assert found.index.is_monotonic_increasing
    assert found[pd.Timestamp("2019-01-01"), "XLK"] == 0.1
    assert found.tolist() == [0.01, 1 / 3, -0.02, 0.1]


def test_factor_prices_are_the_closes_of_what_was_forecast():
    result = make_result(5)
    result.bars.loc[DAYS[1], ("Close", "XLE")] = np.nan
    result.bars.loc[DAYS[2], [("Close", "XLE"), ("Close", "XLK")]] = np.nan
    found = exports.factor_prices(result)
    assert found.columns.tolist() == ["XLE", "XLK"]
    assert (found.columns.name, found.index.name) == ("asset", "date")
    assert naive_midnights(found.index)
    # On the third day the benchmark alone was traded.
    assert found.index.tolist() == [d for d in result.bars.index if d != DAYS[2]]
    assert found["XLK"].iloc[1] == result.bars["Close", "XLK"].iloc[1]
    assert np.isnan(found["XLE"].iloc[1])


def test_a_zone_is_put_on_without_moving_sessions():
    result = make_result(5)
    for export in EXPORTS[:4]:
        zoned, naive = export(result, tz="UTC"), export(result)
        assert str(zoned.index.tz) == "UTC"
        assert zoned.index.tz_localize(None).equals(naive.index)
        assert zoned.to_numpy().tolist() == naive.to_numpy().tolist()


def test_pyfolio_is_given_utc_and_the_others_none():
    given = exports.for_pyfolio(make_result(5))
    assert {str(table.index.tz) for table in given.values()} == {"UTC"}
    assert {t.index.tz for t in exports.for_quantstats(make_result(5)).values()} == {
        None
    }


@pytest.mark.parametrize("make", [make_result, without_benchmark, without_forecasts])
def test_a_folder_gives_what_the_result_gave(tmp_path, make):
    result = make()
    folder = write_run(result, tmp_path / "run")
    for export in EXPORTS:
        for place in (folder, str(folder)):
            found, expected = export(place), export(result)
            if expected is None:
                assert found is None
            elif isinstance(expected, pd.Series):
                pd.testing.assert_series_equal(found, expected, check_exact=True)
            else:
                pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_folder_that_is_none_says_so(tmp_path):
    with pytest.raises(OutputError, match="is no folder; name the folder of a run"):
        exports.returns(tmp_path / "none")


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "=1+1", "two\nlines", "$x^", "session", "X Y"]
)
def test_hostile_names_are_kept_as_they_are(tmp_path, name):
    result = make_result(5, orders=fills((name, DAYS[1].date(), "buy", 1.0, 2.0)))
    held = result.positions.set_axis([name, "XLK", "cash"], axis=1)
    made = result.forecasts.replace({"symbol": {"XLE": name}})
    bars = result.bars.rename(columns={"XLE": name}, level=1)
    result = replace(result, positions=held, forecasts=made, bars=bars)
    for run in (result, write_run(result, tmp_path / "run")):
        assert exports.positions(run).columns.tolist() == [name, "XLK", "cash"]
        assert exports.transactions(run)["symbol"].tolist() == [name]
        assert set(exports.factor(run).index.levels[1]) == {name, "XLK"}
        assert set(exports.factor_prices(run)) == {name, "XLK"}


def test_a_feed_called_cash_is_not_taken_for_the_cash(tmp_path):
    table = fills(
        ("cash", DAYS[1].date(), "buy", 1.0, 2.0),
        ("cash.1", DAYS[1].date(), "buy", 3.0, 4.0),
    )
    result = make_result(5, orders=table)
    held = result.positions.set_axis(["cash", "cash.1", "cash"], axis=1)
    result = replace(result, positions=held)
    for run in (result, write_run(result, tmp_path / "run")):
        names = ["cash.2", "cash.1", "cash"]
        assert exports.positions(run).columns.tolist() == names
        assert exports.transactions(run)["symbol"].tolist() == names[:2]
        cash = exports.positions(run)["cash"].tolist()
        assert cash == held.iloc[1:, 2].tolist()


def test_a_run_of_one_session_gives_empty_tables_of_the_right_kind(tmp_path):
    result = make_result(1, orders=orders().iloc[:0])
    for run in (result, write_run(result, tmp_path / "run")):
        for export in EXPORTS[:4]:
            table = export(run, tz="UTC")
            assert len(table) == 0
            assert str(table.index.dtype) == "datetime64[ns, UTC]"
        assert exports.positions(run).columns.tolist() == ["XLE", "XLK", "cash"]
        assert exports.transactions(run)["amount"].dtype == "float64"


def test_a_run_without_forecasts_has_an_empty_factor(tmp_path):
    result = without_forecasts()
    for run in (result, write_run(result, tmp_path / "run")):
        found = exports.factor(run)
        assert len(found) == 0
        assert found.index.names == ["date", "asset"]
        assert naive_midnights(found.index.levels[0])
        assert exports.factor_prices(run).shape[1] == 0


def test_a_result_without_positions_or_bars_is_refused():
    bare = make_result(5, positions=pd.DataFrame(), bars=pd.DataFrame())
    for export in (exports.positions, exports.transactions):
        with pytest.raises(DataError, match="no positions; that of a whole run"):
            export(bare)
    with pytest.raises(DataError, match="no bars; that of a whole run"):
        exports.factor_prices(bare)


class ThreeAndAShort(bt.Strategy):
    """Buys two feeds, sells a third short, and closes all."""

    def __init__(self):
        pass

    def next(self):
        if len(self) == 2:
            self.buy(self.datas[0], size=10)
            self.buy(self.datas[1], size=20)
            self.sell(self.datas[2], size=30)
        elif len(self) == 6:
            for feed in self.datas:
                self.close(feed)


def test_all_feeds_are_kept_where_backtraders_analyzer_keeps_the_last():
    names = ["S1", "S2", "S3"]
    frames = load_prices("simulated", names).frames()
    cerebro = bt.Cerebro()
    for name in names:
        feed = bt.feeds.PandasData(dataname=frames[name].iloc[:10])
        cerebro.adddata(feed, name=name)
    cerebro.addstrategy(ThreeAndAShort)
    cerebro.addanalyzer(bt.analyzers.PyFolio)
    cerebro.addanalyzer(RunReport)
    (ran,) = cerebro.run()
    _, theirs, _, _ = ran.analyzers.pyfolio.get_pf_items()
    assert [name for name in theirs if name != "cash"] == ["S3"]

    result = ran.analyzers.runreport.result()
    held, traded = exports.positions(result), exports.transactions(result)
    assert held.columns.tolist() == [*names, "cash"]
    np.testing.assert_allclose(held.sum(axis=1), result.account["equity"].iloc[1:])
    at_close = pd.DataFrame({name: frames[name]["Close"] for name in names})
    sizes = pd.Series({"S1": 10.0, "S2": 20.0, "S3": -30.0})
    day = held.index[3]
    np.testing.assert_allclose(held.loc[day, names], sizes * at_close.loc[day])
    np.testing.assert_allclose(theirs["S3"].to_numpy()[4], held["S3"].iloc[3])
    assert traded.groupby("symbol")["amount"].apply(list).to_dict() == {
        name: [size, -size] for name, size in sizes.items()
    }
    opens = [frames[s].loc[d, "Open"] for d, s in traded["symbol"].items()]
    np.testing.assert_allclose(traded["price"], opens)
    cash = 10_000 - (traded["amount"] * traded["price"]).cumsum().iloc[-1]
    assert held["cash"].iloc[-1] == pytest.approx(cash)
