"""A book that is right has no fault, and each fault is found where it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from books import bars_of, date, days, order, orders_of, random_run, run_of

from bt_lstm_rotation.measures.book import check_book
from bt_lstm_rotation.measures.tally import Check, relative, tally

EQUITY, WEIGHTS, SUMS, POSITIONS, FILLS, COSTS, RETURNS = range(7)


def checked(run, *, intraday=False, **changed):
    metrics = run.summary["metrics"] | changed
    return check_book(
        run.account,
        run.weights,
        run.positions,
        run.orders,
        run.bars,
        costs=metrics["costs"],
        total_return=metrics["total_return"],
        events=run.events,
        intraday=intraday,
    )


def faults(run, **changed):
    """Places of the checks that found something wrong."""
    found = checked(run, **changed)
    assert [each.first_wrong is None for each in found] == [
        each.right == each.of for each in found
    ]
    return [place for place, each in enumerate(found) if each.right < each.of]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("flows", [{}, {5: 900.0, 30: -400.0}])
def test_a_book_that_is_right(seed, flows):
    run = random_run(seed, flows=flows)
    found = checked(run)
    assert all(each.right == each.of for each in found)
    assert [each.of for each in found[:3]] == [60, 60, 60]
    assert found[FILLS].of == len(run.orders)
    assert (found[COSTS].of, found[RETURNS].of) == (1, 1)
    assert all(each.worst < 1e-12 for each in found)
    assert not any(each.note for each in found)


def test_a_book_by_hand_counts_what_is_held():
    bars = bars_of(A=[10, 10, 12, 12, 12], B=[5, 5, 5, 5, 5])
    orders = orders_of(order("A", 0, 10, 10.0), order("A", 2, -10, 12.0))
    found = checked(run_of(bars, orders))
    assert (found[POSITIONS].right, found[POSITIONS].of) == (2, 2)
    assert (found[FILLS].right, found[FILLS].of) == (2, 2)


def test_futures_are_checked_by_fills():
    run = random_run(2, multiplier=5.0, margin=3.0, flows={9: 500.0})
    found = checked(run)
    assert all(each.right == each.of for each in found)
    assert found[EQUITY].of == 59
    assert "not paid for in full" in found[EQUITY].note
    assert found[SUMS].of == 0
    run.account.loc[run.account.index[20:], "equity"] += 1.0
    assert checked(run)[EQUITY].first_wrong == str(date(20))


def test_leverage_is_known_by_cash_that_misses_on_most_sessions():
    found = checked(random_run(2, margin=3.0))
    assert found[SUMS].of == 0
    assert found[EQUITY].right == found[EQUITY].of == 59


def changed_cell(run, frame, row, column, by):
    table = getattr(run, frame).copy()
    table.iloc[row, column] += by
    return replace(run, **{frame: table})


@pytest.mark.parametrize(
    ("frame", "column", "expected"),
    [
        ("account", 0, {EQUITY, WEIGHTS}),
        ("account", 1, {EQUITY}),
        ("weights", 1, {WEIGHTS, SUMS}),
        ("positions", 1, {EQUITY, WEIGHTS, POSITIONS}),
        ("positions", -1, {WEIGHTS}),
    ],
)
@pytest.mark.parametrize("by", [1e-3, np.nan])
def test_a_changed_figure_is_found_and_dated(frame, column, expected, by):
    run = changed_cell(random_run(1), frame, 33, column, by)
    found = checked(run)
    wrong = {n for n, each in enumerate(found) if each.right < each.of}
    # A missing value has no sum either, and no position to compare.
    assert wrong >= expected - ({POSITIONS} if by != by else set())
    for place in expected & wrong:
        assert found[place].right == found[place].of - 1
        assert found[place].first_wrong.startswith(str(date(33)))


def test_a_fill_beyond_its_bar_is_found():
    run = random_run(1)
    high = run.bars["High"].to_numpy().max()
    orders = run.orders.copy()
    orders.loc[3, "price"] = 2 * high
    found = checked(replace(run, orders=orders))
    assert found[FILLS].right == found[FILLS].of - 1
    assert orders.loc[3, "symbol"] in found[FILLS].first_wrong
    assert 0.4 < found[FILLS].worst < 0.6


def test_a_fill_at_the_close_that_decided_it_is_found():
    bars = bars_of(A=[10, 10, 12, 12])
    run = run_of(bars, orders_of(order("A", 0, 10, 10.0)))
    at_once = run.orders.assign(executed=run.orders["submitted"])
    found = checked(replace(run, orders=at_once))
    assert (found[FILLS].right, found[FILLS].of) == (0, 1)
    assert found[FILLS].worst == math.inf
    assert "not after" in found[FILLS].note
    # Of bars shorter than a day it is the rule.
    short = checked(replace(run, orders=at_once), intraday=True)
    assert (short[FILLS].right, short[FILLS].of) == (1, 1)
    # The account is right all the same: it has the fill a session later.
    assert found[POSITIONS].right == found[POSITIONS].of == 3


def test_a_fill_that_is_missing_is_seen_in_positions():
    run = random_run(1)
    found = checked(replace(run, orders=run.orders.drop(index=5)))
    assert found[POSITIONS].right < found[POSITIONS].of
    first = run.orders.loc[5]
    assert found[POSITIONS].first_wrong == f"{first['executed']} {first['symbol']}"
    assert found[COSTS].right == 0


def test_an_order_filled_by_several_bars_may_hold_a_part_before():
    bars = bars_of(A=[10.0] * 6)
    run = run_of(bars, orders_of(order("A", 0, -30, 10.0, filled_on=4)))
    for row, value in ((1, 0.0), (2, -100.0), (3, -200.0)):
        run.positions.iloc[row, 0] = value
    assert POSITIONS not in faults(run)
    assert checked(run)[FILLS].of == 0
    assert "filled in parts" in checked(run)[FILLS].note
    for value in (-301.0, 1.0):
        run.positions.iloc[3, 0] = value
        assert checked(run)[POSITIONS].first_wrong == f"{date(3)} A"


def test_fills_without_a_bar_and_those_that_correct_them_are_left_out():
    bars = bars_of(A=[10, 10, 12, np.nan, 30, 30], B=[1.0] * 6)
    orders = orders_of(
        order("A", 0, 10, 10.0),
        order("A", 2, -10, 12.0),
        order("A", 4, -10, 30.0),
        order("A", 4, 10, 12.0),
    )
    run = run_of(bars, orders)
    found = checked(run)[FILLS]
    assert (found.right, found.of) == (2, 3)
    assert found.note == "1 left out: no bar on that session"
    events = pd.DataFrame(
        {"session": [date(4)], "kind": "reopened", "symbol": "A", "detail": ""}
    )
    found = checked(replace(run, events=events))[FILLS]
    assert (found.right, found.of) == (1, 1)
    assert "2 left out: they correct a settlement" in found.note


@pytest.mark.parametrize(
    ("name", "place"), [("costs", COSTS), ("total_return", RETURNS)]
)
def test_a_figure_of_the_summary_that_is_wrong(name, place):
    run = random_run(1)
    right = run.summary["metrics"][name]
    assert faults(run, **{name: right + 1e-6}) == [place]
    assert faults(run, **{name: right * (1 + 1e-13)}) == []
    found = checked(run, **{name: None})[place]
    assert (found.of, found.note) == (0, "left out: it is not defined")


def test_an_account_that_lost_everything():
    bars = bars_of(A=[10, 10, 1e-9, 1e-9])
    run = run_of(bars, orders_of(order("A", 0, 100, 10.0)), cash=1000.0)
    run.account.iloc[2:, 0] = 0.0
    run.positions.iloc[2:] = 0.0
    run.weights.iloc[2:] = np.nan
    found = checked(run, total_return=-1.0)
    assert found[WEIGHTS].of == 2
    assert found[RETURNS].right == 1
    assert found[EQUITY].right == 4


def test_feeds_of_any_name():
    bars = bars_of(**{"cash": [10, 10, 12], "<b>": [5, 5, 6]})
    rows = [order("cash", 0, 10, 10.0), order("<b>", 0, 1, 5.0)]
    assert faults(run_of(bars, orders_of(*rows))) == []


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_a_session(n):
    run = random_run(0)
    account, weights, positions = (
        frame[:n] for frame in (run.account, run.weights, run.positions)
    )
    for bars, orders in ((run.bars[:n], run.orders[:0]), (pd.DataFrame(),) * 2):
        found = check_book(
            account, weights, positions, orders, bars, costs=0.0, total_return=None
        )
        assert len(found) == 7
        assert all(each.right == each.of for each in found)
        assert found[EQUITY].of == n


def test_columns_that_differ_are_no_weights():
    run = random_run(0)
    found = checked(replace(run, weights=run.weights.iloc[:, 1:]))
    assert found[WEIGHTS].right == 0
    assert len(days(3)) == 3


def test_what_is_not_a_number_is_wrong():
    found = tally("x", np.array([0.0, np.nan, 2e-9]), "abc".__getitem__)
    assert found == Check("x", 1, 3, math.inf, "b")
    assert tally("x", np.array([]), str) == Check("x", 0, 0, None, None)
    apart = relative(np.array([0.0, 1.0, 2.0]), np.zeros(3), np.array([0.0, 0.0, 4.0]))
    assert apart.tolist() == [0, math.inf, 0.5]
