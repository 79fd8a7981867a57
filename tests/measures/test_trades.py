"""Round trips on paper, and against a count share by share."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from books import bars_of, days, order, orders_of, random_run, refused
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_lstm_rotation.measures.trades import round_trips

COLUMNS = "symbol side entered left sessions size entry exit gain costs return mae mfe"


def trips(orders, bars):
    table = round_trips(orders, bars)
    assert list(table.columns) == [*COLUMNS.split(), "open"]
    assert (table["mae"].dropna() <= 0).all()
    assert (table["mfe"].dropna() >= 0).all()
    return table


def only(orders, bars):
    (row,) = trips(orders, bars).to_dict("records")
    return row


def test_a_long_round_trip_by_hand():
    bars = bars_of(A=[10, 11, 14, 9, 12, 13])
    orders = orders_of(
        order("A", 0, 100, 10.0, commission=5.0, slippage=2.0),
        refused("A", 1),
        order("A", 3, -100, 9.5, commission=4.0, slippage=1.0),
    )
    row = only(orders, bars)
    index = days(6)
    assert (row["symbol"], row["side"], row["open"]) == ("A", "long", False)
    assert (row["entered"], row["left"]) == (index[1], index[4])
    assert (row["sessions"], row["size"]) == (3, 100)  # closes 1, 2 and 3
    assert (row["entry"], row["exit"]) == (10.0, 9.5)
    assert row["gain"] == pytest.approx(-50 - 9)
    assert row["costs"] == pytest.approx(12)
    assert row["return"] == pytest.approx(-59 / 1000)
    # Bars 1 to 3: lows 9, 10, 8 and highs 12, 15, 15. The bar of the exit is not held.
    assert row["mae"] == pytest.approx(-0.2)
    assert row["mfe"] == pytest.approx(0.5)


def test_a_short_future_by_hand():
    bars = bars_of(F=[100, 100, 96, 104, 98])
    orders = orders_of(
        order("F", 0, -2, 100.0, multiplier=50.0, commission=3.0),
        order("F", 2, 2, 97.0, multiplier=50.0, commission=3.0),
    )
    row = only(orders, bars)
    assert row["side"] == "short"
    assert row["gain"] == pytest.approx(2 * 3 * 50 - 6)
    assert row["return"] == pytest.approx(294 / 10_000)
    # Highs 101, 101 and lows 99, 95, before the exit at 97.
    assert row["mae"] == pytest.approx(-0.01)
    assert row["mfe"] == pytest.approx(0.05)


def test_a_reversal_ends_one_and_begins_the_next_and_shares_its_costs():
    bars = bars_of(A=[10, 10, 12, 12, 11])
    orders = orders_of(
        order("A", 0, 10, 10.0),
        order("A", 1, -40, 12.0, commission=8.0, slippage=4.0),
        order("A", 3, 30, 11.0, commission=1.0),
    )
    first, second = trips(orders, bars).to_dict("records")
    assert (first["side"], second["side"]) == ("long", "short")
    assert first["left"] == second["entered"] == days(3)[2]
    assert (first["size"], second["size"]) == (10, 30)
    assert first["gain"] == pytest.approx(20 - 2)
    assert second["gain"] == pytest.approx(30 - 6 - 1)
    assert (first["costs"], second["costs"]) == (3.0, 10.0)


def test_prices_are_averages_of_all_parts_and_one_session_keeps_its_order():
    bars = bars_of(A=[10, 10, 20, 20])
    orders = orders_of(
        order("A", 0, 10, 10.0),
        order("A", 1, 30, 20.0),
        order("A", 1, -20, 18.0),
        order("A", 2, -20, 22.0),
    )
    row = only(orders, bars)
    assert row["size"] == 40
    assert row["entry"] == pytest.approx(17.5)
    assert row["exit"] == pytest.approx(20)
    assert row["gain"] == pytest.approx(100)
    assert row["return"] == pytest.approx(100 / 700)


def test_what_is_open_is_marked_at_its_last_close():
    bars = bars_of(A=[10, 10, 12, np.nan], B=[5, 5, 5, 6])
    row = only(orders_of(order("A", 0, 10, 10.0, commission=1.0)), bars)
    assert row["open"]
    assert pd.isna(row["left"])
    assert (row["sessions"], row["exit"]) == (3, 12)
    assert row["gain"] == pytest.approx(19)


def test_within_one_session_only_prices_of_fills_are_known():
    bars = bars_of(A=[10, 10, 30])
    both = [order("A", 0, 10, 10.0), order("A", 0, -10, 11.0)]
    row = only(orders_of(*both), bars)
    assert (row["sessions"], row["mae"]) == (0, 0)
    assert row["mfe"] == pytest.approx(0.1)


def test_a_sum_of_floats_is_flat_when_it_is_nearly():
    bars = bars_of(A=[10.0] * 6)
    sizes = [0.1, 0.2, -0.3, 5.0]
    orders = orders_of(*(order("A", n, size, 10.0) for n, size in enumerate(sizes)))
    table = trips(orders, bars)
    assert table["open"].tolist() == [False, True]
    assert table["size"].tolist() == pytest.approx([0.3, 5.0])


@pytest.mark.parametrize("bars", [pd.DataFrame(), bars_of(B=[1.0, 2.0])])
def test_without_bars_prices_are_not_known(bars):
    orders = orders_of(order("A", 0, 10, 10.0), order("A", 3, -10, 11.0))
    row = only(orders, bars)
    assert row["gain"] == pytest.approx(10)
    assert np.isnan([row["mae"], row["mfe"]]).all()
    row = only(orders.iloc[:1], bars)
    assert np.isnan([row["gain"], row["exit"], row["return"]]).all()


@pytest.mark.parametrize(
    "orders", [pd.DataFrame(), orders_of(), orders_of(refused("A", 0))]
)
def test_without_fills_there_is_none(orders):
    table = trips(orders, bars_of(A=[1.0, 2.0]))
    assert table.empty
    assert table["entered"].dtype == "datetime64[ns]"
    assert table["open"].dtype == bool


@pytest.mark.parametrize("name", ["cash", "", "<script>", "=1+1", "Close", "open"])
def test_any_name_will_do(name):
    bars = bars_of(**{name: [10, 10, 12], "other": [1, 2, 3]})
    assert only(orders_of(order(name, 0, 1, 10.0)), bars)["symbol"] == name


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.integers(-5, 5).filter(bool), max_size=25), st.integers(0, 9))
def test_gains_are_those_of_cash_and_the_last_close(sizes, seed):
    rng = np.random.default_rng(seed)
    closes = 20 + rng.random(len(sizes) + 2)
    bars = bars_of(A=closes)
    rows = [
        order("A", n, size, float(rng.uniform(19, 22)), commission=0.25)
        for n, size in enumerate(sizes)
    ]
    table = trips(orders_of(*rows), bars)
    cash = -sum(size * row["price"] for size, row in zip(sizes, rows, strict=True))
    worth = cash + sum(sizes) * closes[-1] - 0.25 * len(rows)
    assert table["gain"].sum() == pytest.approx(worth, abs=1e-9)
    assert table["costs"].sum() == pytest.approx(0.25 * len(rows))
    # One begins wherever shares leave 0 or change their sign.
    held = np.sign(np.cumsum([0, *sizes]))
    assert len(table) == sum(
        now != 0 and now != before for before, now in pairwise(held)
    )
    assert table["open"].sum() == (held[-1] != 0)
    sides = table["side"].map({"long": 1, "short": -1}).tolist()
    assert sides == [now for before, now in pairwise(held) if now not in (0, before)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("multiplier", [1.0, 5.0])
def test_all_trips_together_are_what_the_account_gained(seed, multiplier):
    run = random_run(seed, multiplier=multiplier)
    table = trips(run.orders, run.bars)
    gained = run.account["equity"].iloc[-1] - run.account["equity"].iloc[0]
    assert table["gain"].sum() == pytest.approx(gained)
    assert table["costs"].sum() == pytest.approx(run.summary["metrics"]["costs"])
    assert table["entered"].is_monotonic_increasing
