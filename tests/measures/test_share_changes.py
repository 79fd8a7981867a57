"""Books, round trips and closes through splits and dividends, on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from books import bars_of, days, order, orders_of, run_of

from bt_lstm_rotation.measures.book import check_book
from bt_lstm_rotation.measures.contribution import contributions
from bt_lstm_rotation.measures.trades import round_trips
from bt_lstm_rotation.measures.units import restated_closes, share_units

POSITIONS, KEPT = 3, 7


def actions_of(*rows):
    names = ["row", "symbol", "price", "shares", "cash", "size_before", "size_after"]
    table = pd.DataFrame(rows, columns=names)
    table.insert(0, "session", days(100)[table.pop("row")])
    return table


def adjusted(bars, orders, actions, *, before, after):
    """A run whose position changes by an action, and not by an order."""
    ((_, change),) = actions.iterrows()
    run = run_of(bars, orders)
    since = run.account.index >= change["session"]
    close = bars["Close", change["symbol"]].to_numpy()
    values = run.positions.copy()
    was = values[change["symbol"]].to_numpy() / close
    held = np.where(since, was + after - before, was)
    values[change["symbol"]] = held * close
    values["cash"] = run.account["cash"] + np.where(since, change["cash"], 0.0)
    account = run.account.assign(cash=values["cash"], equity=values.sum(axis=1))
    weights = values.div(account["equity"], axis=0)
    equity = account["equity"]
    metrics = run.summary["metrics"] | {
        "total_return": equity.iloc[-1] / equity.iloc[0] - 1
    }
    return replace(
        run,
        account=account,
        positions=values,
        weights=weights,
        actions=actions,
        summary={"metrics": metrics},
    )


def checked(run):
    return check_book(
        run.account,
        run.weights,
        run.positions,
        run.orders,
        run.bars,
        costs=run.summary["metrics"]["costs"],
        total_return=run.summary["metrics"]["total_return"],
        events=run.events,
        actions=run.actions,
    )


# 30 bought at 10; at row 3 two of 10 become one of 20 and half a share of the 15 that
# are left of 30 would be 0: of 31, it is paid out.
REVERSE = actions_of((3, "A", 2.0, 0.5, 10.0, 31, 15))
REVERSED = adjusted(
    bars_of(A=[10, 10, 10, 22, 21, 24], B=[5] * 6),
    orders_of(order("A", 0, 31, 10.0), order("A", 4, -15, 21.0)),
    REVERSE,
    before=31,
    after=15,
)
# 31 at 20 pay 0.10 each.
PAID = adjusted(
    bars_of(A=[20, 20, 20, 19.9, 21, 21], B=[5] * 6),
    orders_of(order("A", 0, 31, 20.0)),
    actions_of((3, "A", 0.995, 1.0, 3.1, 31, 31)),
    before=31,
    after=31,
)
SHORT = adjusted(
    bars_of(A=[20, 20, 20, 19.9, 21, 21], B=[5] * 6),
    orders_of(order("A", 0, -10, 20.0)),
    actions_of((3, "A", 0.995, 1.0, -1.0, -10, -10)),
    before=-10,
    after=-10,
)


@pytest.mark.parametrize(
    ("run", "paid"), [(REVERSED, "10.00"), (PAID, "3.10"), (SHORT, "-1.00")]
)
def test_books_agree(run, paid):
    found = checked(run)
    assert all(each.right == each.of for each in found)
    assert found[KEPT].name == "Splits and dividends keep what is held"
    assert (found[KEPT].of, found[KEPT].note) == (1, f"{paid} paid in cash")
    assert found[POSITIONS].of == (4 if run is REVERSED else 5)


def test_without_actions_there_is_no_such_check_and_the_books_do_not_agree():
    found = checked(replace(REVERSED, actions=pd.DataFrame()))
    assert len(found) == KEPT
    assert found[POSITIONS].right < found[POSITIONS].of


@pytest.mark.parametrize(
    ("column", "by"), [("cash", 0.01), ("size_after", 1), ("price", 0.1)]
)
def test_an_action_that_takes_or_gives_is_found(column, by):
    actions = REVERSE.copy()
    actions[column] = actions[column].astype(float) + by
    found = checked(replace(REVERSED, actions=actions))[KEPT]
    assert found.right == 0
    assert found.first_wrong == f"{days(4)[3]:%Y-%m-%d} A"


def test_an_action_of_what_is_not_held_is_not_checked():
    nothing = actions_of((3, "B", 0.5, 2.0, 0.0, 0, 0))
    actions = pd.concat([REVERSE, nothing])
    found = checked(replace(REVERSED, actions=actions))
    assert found[KEPT].of == 1
    assert all(each.right == each.of for each in found)


def test_an_action_before_any_close_is_left_out():
    found = checked(replace(REVERSED, bars=REVERSED.bars.iloc[3:]))[KEPT]
    assert (found.of, found.note) == (
        0,
        "10.00 paid in cash; 1 left out: no close is known",
    )


def test_two_actions_of_one_session_follow_each_other():
    # 10 at 8 are 20 at 4 and then 2 at 40.
    actions = actions_of(
        (2, "A", 0.5, 2.0, 0.0, 10, 20), (2, "A", 10.0, 0.1, 0.0, 20, 2)
    )
    bars = bars_of(A=[8, 8, 40, 40])
    both = actions_of((2, "A", 5.0, 0.2, 0.0, 10, 2))
    run = adjusted(bars, orders_of(order("A", 0, 10, 8.0)), both, before=10, after=2)
    found = checked(replace(run, actions=actions))
    assert all(each.right == each.of for each in found)
    assert found[KEPT].of == 2
    (trip,) = round_trips(run.orders, bars, actions).to_dict("records")
    assert (trip["size"], trip["entry"], trip["gain"]) == (2, 40.0, 0.0)


def test_what_a_symbol_brought_has_what_was_paid_in_it():
    for run, expected in ((REVERSED, 315 + 10 - 310), (PAID, 31.0 + 3.1), (SHORT, -11)):
        brought = contributions(
            run.account, run.positions, run.orders, run.bars, run.actions
        ).sum()
        assert brought["A"] == pytest.approx(expected)
        assert brought["rest"] == pytest.approx(0.0, abs=1e-9)


def trip_of(run):
    (row,) = round_trips(run.orders, run.bars, run.actions).to_dict("records")
    return row


def test_a_round_trip_is_in_the_shares_of_its_end():
    row = trip_of(REVERSED)
    # 15.5 at 20; half a one leaves at 20 and the others at 21.
    assert (row["size"], row["entry"]) == (15.5, 20.0)
    assert row["exit"] == pytest.approx((0.5 * 20 + 15 * 21) / 15.5)
    assert row["gain"] == pytest.approx(315 + 10 - 310)
    assert row["return"] == pytest.approx(15 / 310)
    # Lows of the bars are 9, 9, 9 in old shares, and then 9 and 20.
    assert row["mae"] == pytest.approx(min(2 * 9, 9) / 20 - 1)
    assert row["mfe"] == pytest.approx(23 / 20 - 1)
    assert row["open"] is False


def test_excursions_before_a_split_are_seen_in_new_shares():
    # 10 at 100, which falls to 79 and rises to 141 before it is two at half of that.
    bars = bars_of(A=[100, 100, 80, 140, 65, 60, 60])
    split = actions_of((4, "A", 0.5, 2.0, 0.0, 10, 20))
    bars.loc[days(5)[4], ("High", "A")] = 65
    bars.loc[days(5)[4], ("Open", "A")] = 65
    run = adjusted(
        bars, orders_of(order("A", 0, 10, 100.0)), split, before=10, after=20
    )
    row = trip_of(run)
    assert (row["size"], row["entry"], row["open"]) == (20, 50.0, True)
    assert row["mae"] == pytest.approx(39.5 / 50 - 1)
    assert row["mfe"] == pytest.approx(70.5 / 50 - 1)
    assert row["gain"] == pytest.approx(20 * 60 - 1000)


def test_dividends_are_gains_of_a_long_and_losses_of_a_short_trip():
    assert trip_of(PAID)["gain"] == pytest.approx(31.0 + 3.1)
    assert trip_of(SHORT)["gain"] == pytest.approx(-10.0 - 1.0)


def test_a_trip_that_is_paid_out_whole_ends_there():
    # 1 at 10, with 1 for 20.
    actions = actions_of((2, "A", 20.0, 0.05, 10.0, 1, 0))
    bars = bars_of(A=[10, 10, 200, 210])
    row = trip_of(
        adjusted(bars, orders_of(order("A", 0, 1, 10.0)), actions, before=1, after=0)
    )
    assert (row["left"], row["open"]) == (days(3)[2], False)
    assert (row["size"], row["entry"], row["exit"]) == (0.05, 200.0, 200.0)
    assert row["gain"] == pytest.approx(0.0)


def test_part_of_a_position_gets_part_of_what_was_paid():
    # Orders explain 10 of the 40 that were held.
    actions = actions_of((3, "A", 0.995, 1.0, 4.0, 40, 40))
    trips = round_trips(PAID.orders.assign(filled=10.0), PAID.bars, actions)
    assert trips["gain"].tolist() == [pytest.approx(10.0 + 1.0)]


def test_an_action_between_two_trips_is_of_neither():
    bars = bars_of(A=[10, 10, 11, 22, 22, 24])
    orders = orders_of(
        order("A", 0, 5, 10.0),
        order("A", 1, -5, 11.0),
        order("A", 3, 5, 22.0),
    )
    actions = actions_of((3, "A", 2.0, 0.5, 0.0, 0, 0))
    trips = round_trips(orders, bars, actions)
    assert trips["gain"].tolist() == [5.0, 10.0]
    assert trips["size"].tolist() == [5.0, 5.0]


def test_units_and_closes_by_hand():
    actions = actions_of(
        (3, "A", 0.5, 2.0, 0.0, 0, 0),
        (1, "A", 0.9, 1.0, 0.0, 0, 0),
        (4, "A", 0.25, 4.0, 0.0, 0, 0),
        (2, "X", 0.5, 2.0, 0.0, 0, 0),
    )
    bars = bars_of(A=[100.0] * 5, B=[7.0] * 5)
    units = share_units(actions, bars.index, ["B", "A"])
    assert units.T.tolist() == [[1] * 5, [1, 1, 1, 2, 8]]
    closes = restated_closes(bars, actions)
    assert closes["A"].tolist() == pytest.approx([11.25, 12.5, 12.5, 25, 100])
    assert closes["B"].tolist() == [7.0] * 5


@pytest.mark.parametrize("actions", [None, pd.DataFrame()])
def test_without_actions_closes_are_those_of_the_bars(actions):
    bars = bars_of(A=[100.0, 101.5], B=[7.0, np.nan])
    pd.testing.assert_frame_equal(restated_closes(bars, actions), bars["Close"])
    assert restated_closes(pd.DataFrame(), actions).empty
