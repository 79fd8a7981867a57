"""What cash pays for, of shares at 10 without a commission."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bt_lstm_rotation.rebalancing.funding import (
    cut_to_cash,
    kept_for_gaps,
    paid_in_full,
)
from bt_lstm_rotation.rebalancing.margin import called, free_cash, free_cash_flow


def account_of(cash=0.0, **held):
    return SimpleNamespace(
        cash=cash,
        feeds=list(held),
        traded=list(held),
        held=lambda feed: held.get(feed, 0),
        shares_held=lambda feed: held.get(feed, 0),
        shares=lambda feed, lots: lots,
        last_close=lambda feed: 10.0,
        cash_flow=lambda feed, lots: -10.0 * lots,
        overnight=lambda: 0.02,
    )


def test_what_cash_pays_for_to_the_cent_is_bought_and_what_it_does_not_is_passed_over():
    wanted = {"A": 5, "B": 6, "C": 5, "D": 1}
    assert paid_in_full(account_of(), wanted, 100.0) == {"A": 5, "C": 5}
    assert paid_in_full(account_of(), wanted, 0.0) == {}
    assert paid_in_full(account_of(), {"A": 5}, 49.5) == {}


@pytest.mark.parametrize(
    ("cash", "paid"),
    [
        (200.0, {"A": 10, "B": 10}),
        (199.0, {"A": 9, "B": 9}),
        (19.0, {}),
        (0.0, {}),
        (-50.0, {}),  # and nothing is sold for it
    ],
)
def test_buys_are_cut_in_proportion_to_whole_lots(cash, paid):
    assert cut_to_cash(account_of(), {"A": 10, "B": 10}, cash) == paid


@pytest.mark.parametrize(("cash", "paid"), [(0.5, {"A": 5}), (0.0, {}), (-0.5, {})])
def test_a_fraction_of_one_unit_of_currency_buys_what_it_can(cash, paid):
    cheap = SimpleNamespace(cash_flow=lambda feed, lots: -0.1 * lots)
    assert cut_to_cash(cheap, {"A": 10}, cash) == paid


def test_three_root_mean_squares_of_the_gaps_are_kept():
    # 3 x 2% of 1,000
    assert kept_for_gaps(account_of(), 1_000.0) == pytest.approx(60.0)


def test_a_short_position_holds_150_percent_of_its_value():
    # Of 1,000 a short of 20 at 10 holds 300; what is long holds nothing.
    assert free_cash(account_of(1_000.0, A=-20, B=50)) == 700.0


@pytest.mark.parametrize(
    ("held", "lots", "brings"),
    [
        (50, -20, 200.0),  # a sell brings what it is worth
        (0, 20, -200.0),
        (0, -20, -100.0),  # a short sale takes half of it
        (-20, 20, 100.0),  # and buying back gives that back
        (20, -40, 100.0),  # 20 sold bring 200, and 20 sold short take 100
        (-20, 40, -100.0),
    ],
)
def test_an_order_brings_the_cash_that_is_free_after_it(held, lots, brings):
    assert free_cash_flow(account_of(A=held), "A", lots) == brings


def test_shorts_are_cut_to_150_percent_and_longs_are_left_while_cash_covers_them():
    # 250 are 125% of 200, and 150% of 100 once 10 are bought back for 100.
    assert called(account_of(250.0, A=31, B=-20, C=0)) == {"B": -10}
    assert called(account_of(260.0, A=31, B=-20, C=0)) == {}


def test_where_cash_does_not_cover_the_shorts_longs_are_sold_for_a_tenth_more():
    # 200 are short, 95 in cash: 115.5 are sold of 320, 36% of each long position.
    account = account_of(95.0, A=31, B=-19, C=0, D=1, E=-1)
    assert called(account) == {"A": 19, "B": 0, "D": 0, "E": 0}


def test_no_more_is_sold_than_there_is():
    assert called(account_of(-1_000.0, A=3, B=-20)) == {"A": 0, "B": 0}
    assert called(account_of(100.0, B=-20)) == {"B": 0}
