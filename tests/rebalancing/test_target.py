"""A target by itself: lots that are missing, and what waits for what."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.rebalancing.target import Target, checked_weights


def account_of(closes=None, **held):
    """Lots held of some feeds; a feed closes at 10 where nothing else is said."""
    closes = dict.fromkeys("AB", 10.0) | (closes or {})
    return SimpleNamespace(
        traded=list("AB"),
        ignored=frozenset(),
        known=lambda setting, feed: feed,
        held=lambda feed: held.get(feed, 0),
        close=closes.get,
        lots_at=lambda close, value: math.trunc(value / close),
        dearness=lambda close, slot: f"a slot of {slot:g} at {close:g}",
    )


def sized(account, **sizes):
    """Lots to hold; None for a weight that was not sized yet."""
    target = Target(account, dict.fromkeys(sizes, 0.5), 100.0)
    target.sizes |= {feed: lots for feed, lots in sizes.items() if lots is not None}
    return target


def test_a_new_target_is_at_its_beginning():
    target = Target(account_of())
    assert [target.begun, target.staged, target.gave_up] == [False] * 3
    assert target.short_of_cash is False
    assert target.cash_rejections == target.equity == 0
    assert target.weights == target.sizes == target.failures == {}
    assert target.reached()


@pytest.mark.parametrize(
    ("held", "size", "missing", "step"),
    [
        (0, 30, 30, 30),
        (20, 30, 10, 10),
        (20, -30, -50, -50),  # into a short position it is one order
        (-20, -30, -10, -10),
        (-20, -5, 15, 15),
        (-20, 30, 50, 20),  # and out of it, first to none
        (-1, 1, 2, 1),
        (-1, 0, 1, 1),
        (20, 20, 0, 0),
        (0, None, None, None),
        (-20, None, None, None),
    ],
)
def test_a_step_is_what_is_missing_but_not_through_nothing(held, size, missing, step):
    target = sized(account_of(A=held), A=size)
    assert (target.missing("A"), target.step("A")) == (missing, step)
    assert target.reached() == (missing == 0)


@pytest.mark.parametrize("off", [-1, 1, None])
def test_a_target_is_reached_with_all_of_its_feeds(off):
    account = account_of(A=5, B=5)
    size = None if off is None else 5 + off
    assert sized(account, A=5, B=5).reached()
    assert not sized(account, A=5, B=size).reached()
    assert not sized(account, A=size, B=5).reached()


CUT = [
    ("a sell", 5, 4),
    ("a sell of all", 1, 0),
    ("a sell into a short", 1, -1),
    ("a buying back", -5, -4),
    ("a buying back of all", -1, 0),
    ("what is held and may be sold", 1, None),
    ("what is short and may be bought back", -1, None),
]
NOT_CUT = [
    ("what is kept", 5, 5),
    ("what is kept short", -5, -5),
    ("a buy", 0, 5),
    ("more of it", 5, 6),
    ("a short sale", 0, -5),
    ("more of that", -5, -6),
    ("nothing", 0, 0),
    ("what is not sized yet", 0, None),
]


@pytest.mark.parametrize(
    ("held", "size", "cut"),
    [pytest.param(held, size, True, id=name) for name, held, size in CUT]
    + [pytest.param(held, size, False, id=name) for name, held, size in NOT_CUT],
)
def test_what_frees_cash_is_waited_for_where_it_cannot_be_sent(held, size, cut):
    held = {"A": held, "B": 5}
    target = sized(account_of(**held), A=size, B=5)
    assert not target.waits_for_cash(())
    assert target.waits_for_cash(["A"]) == cut
    assert not target.waits_for_cash(["B"])
    without = sized(account_of({"A": None}, **held), A=size, B=5)
    assert without.waits_for_cash(()) == without.waits_for_cash(["A"]) == cut


@pytest.mark.parametrize(
    ("held", "size", "short"),
    [(0, 0, False), (1, 0, False), (0, 1, False), (-1, 0, True), (0, -1, True)],
)
def test_a_single_lot_is_a_short_position_as_it_is_and_as_it_is_to_be(
    held, size, short
):
    assert sized(account_of(A=held, B=3), A=size).has_shorts() == short


def test_a_feed_is_sized_at_its_first_close_and_only_once():
    closes = {"A": 10.0, "B": None}
    target = Target(account_of(closes), {"A": 0.55, "B": -0.55}, 100.0)
    assert target.size(again=False) == {}
    assert target.sizes == {"A": 5}
    target.account = account_of({"A": 1.0, "B": 10.0})
    assert target.size(again=False) == {}
    assert target.sizes == {"A": 5, "B": -5}


def test_sized_again_is_what_is_not_fixed():
    target = Target(account_of(), {"A": 0.5, "B": 0.5}, 100.0)
    target.size(again=False)
    target.fix("B", 7)
    target.equity = 80.0
    target.size(again=True)
    assert target.sizes == {"A": 4, "B": 7}


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (0.09, {"A": "a slot of 9 at 10"}),
        (-0.09, {"A": "a slot of -9 at 10"}),
        (0.1, {}),
        (2e-9, {"A": "a slot of 2e-07 at 10"}),
        (1e-9, {}),  # as much as the rounding of weights leaves
        (-1e-9, {}),
        (0.0, {}),
    ],
)
def test_what_is_too_dear_is_told_once(weight, said):
    target = Target(account_of(), {"A": weight}, 100.0)
    assert target.size(again=False) == said
    assert target.size(again=True) == {}


def test_what_goes_to_nothing_takes_no_close():
    account = account_of({"A": None}, A=5)
    assert Target(account, {"A": 0.0}, 100.0).missing("A") == -5


@pytest.mark.parametrize("total", [1.0, 1 + 5e-10])
def test_weights_of_one_are_possible_but_for_rounding(total):
    half = {"A": 0.5, "B": total - 0.5}
    assert checked_weights(half, account_of(), shorts=False) == half


@pytest.mark.parametrize(
    ("weights", "shorts"),
    [
        ({"A": 0.5, "B": 0.5 + 2e-9}, False),
        ({"A": 0.5, "B": -1.0 - 4e-9}, True),
    ],
)
def test_more_than_rounding_above_one_is_refused(weights, shorts):
    with pytest.raises(SpecError, match="must be 1 or less"):
        checked_weights(weights, account_of(), shorts=shorts)
