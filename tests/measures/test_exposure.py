"""What was invested and traded, by hand and against plain sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from books import bars_of, order, orders_of, random_run, run_of

from bt_lstm_rotation.measures.exposure import break_even, exposure, trading_by_month

MONTH = pd.DatetimeIndex(["2019-01-01", "2019-02-01"])


def pair():
    """Two sessions of January, and two of February."""
    bars = bars_of(A=[10, 10, 12, 12], B=[20, 20, 20, 25])
    orders = orders_of(
        order("A", 0, 100, 10.0, commission=3.0, slippage=1.0),
        order("B", 1, -50, 20.0, commission=2.0, slippage=4.0),
    )
    return run_of(bars, orders, cash=2_000.0)


def test_shorts_are_exposure_too():
    found = exposure(*(getattr(pair(), name) for name in ("account", "positions")))
    # 1,000 of 1,997; then 1,200 and -1,000 of 2,195, and -1,250 of 1,945.
    gross = [0, 1000 / 1997, 2200 / 2195, 2450 / 1945]
    assert found["gross"].tolist() == pytest.approx(gross)
    assert found["net"].tolist() == pytest.approx(
        [0, 1000 / 1997, 200 / 2195, -50 / 1945]
    )
    assert found["held"].tolist() == [False, True, True, True]


def test_a_feed_called_cash_is_exposure_and_cash_is_not():
    bars = bars_of(cash=[10.0, 10, 10])
    run = run_of(bars, orders_of(order("cash", 0, 10, 10.0)), cash=1000)
    assert exposure(run.account, run.positions)["gross"].tolist() == [0, 0.1, 0.1]


def test_a_ruined_account_has_no_share_in_anything():
    run = pair()
    run.account["equity"] = [100.0, 0.0, -5.0, np.nan]
    found = exposure(run.account, run.positions)
    assert np.isnan(found["gross"][1:]).all()
    assert found["held"].tolist() == [False, True, True, True]


def test_months_by_hand():
    run = pair()
    found = trading_by_month(run.account, run.orders)
    pd.testing.assert_index_equal(found.index, MONTH, check_names=False, exact=False)
    assert found["traded"].tolist() == [1000, 1000]
    january, february = (2000 + 1997) / 2, (2195 + 1945) / 2
    assert found["turnover"].tolist() == pytest.approx([500 / january, 500 / february])
    assert found["commission"].tolist() == [3, 2]
    assert found["slippage"].tolist() == [1, 4]
    assert found["costs"].tolist() == [4, 6]
    assert found["costs_so_far"].tolist() == [4, 10]


@pytest.mark.parametrize("seed", range(3))
def test_months_add_up_to_all_orders(seed):
    run = random_run(seed, n=200, multiplier=2.0)
    found, orders = trading_by_month(run.account, run.orders), run.orders
    month = pd.to_datetime(orders["executed"]).dt.strftime("%Y-%m")
    for name in ("commission", "slippage"):
        sums = orders[name].groupby(month).sum()
        expected = sums.reindex(found.index.strftime("%Y-%m")).fillna(0)
        np.testing.assert_allclose(found[name], expected)
    assert found["costs_so_far"].iloc[-1] == pytest.approx(
        run.summary["metrics"]["costs"]
    )
    later = trading_by_month(run.account[70:100], orders)
    assert later["costs"].sum() == pytest.approx(found["costs"].sum())
    assert later["traded"].sum() == pytest.approx(found["traded"].sum())


def test_a_month_without_sessions_has_a_row_and_no_turnover():
    run = pair()
    index = run.account.index[[0, 1]].append(pd.DatetimeIndex(["2019-04-01"]))
    found = trading_by_month(run.account.iloc[:3].set_axis(index), run.orders)
    assert len(found) == 4
    assert np.isnan(found["turnover"].iloc[1:3]).all()
    assert found["turnover"].iloc[3] == 0


def test_the_break_even_cost_by_hand():
    found = break_even(pair().account, pair().orders)
    assert found["gain"] == pytest.approx(-55)
    assert (found["traded"], found["costs"], found["cost_rate"]) == (2000, 10, 0.005)
    assert found["break_even"] == pytest.approx(-45 / 2000)
    assert found["multiple"] == pytest.approx(-4.5)


def test_at_the_break_even_cost_the_gain_is_nothing():
    bars = bars_of(A=[10, 10, 12, 15])
    run = run_of(bars, orders_of(order("A", 0, 100, 10.0, commission=1.0)))
    rate = break_even(run.account, run.orders)["break_even"]
    dear = orders_of(order("A", 0, 100, 10.0, commission=rate * 1000))
    equity = run_of(bars, dear).account["equity"]
    assert equity.iloc[-1] == pytest.approx(equity.iloc[0])


def test_without_trades_or_costs_there_is_nothing_to_divide_by():
    free = run_of(bars_of(A=[10, 10, 12]), orders_of(order("A", 0, 1, 10.0)))
    found = break_even(free.account, free.orders)
    assert found["multiple"] is None
    assert found["break_even"] == pytest.approx(0.2)
    idle = break_even(free.account, pd.DataFrame())
    assert (idle["cost_rate"], idle["break_even"], idle["multiple"]) == (None,) * 3
    empty = break_even(free.account[:0], pd.DataFrame())
    assert empty["gain"] == 0


@pytest.mark.parametrize("n", [0, 1])
def test_few_sessions(n):
    run = pair()
    account, positions = run.account[:n], run.positions[:n]
    assert len(exposure(account, positions)) == n
    found = trading_by_month(account, pd.DataFrame())
    assert len(found) == n
    assert (
        found.columns.tolist()
        == trading_by_month(run.account, run.orders).columns.tolist()
    )
    assert not found.to_numpy().any()


def test_a_result_without_positions_has_no_exposure():
    found = exposure(pair().account, pd.DataFrame())
    assert found["gross"].tolist() == [0] * 4
    assert not found["held"].any()
