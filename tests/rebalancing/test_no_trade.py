"""Changes that are too small to be made: `min_trade` and `band`."""

from __future__ import annotations

import math

import pytest
from planned import flat, run, simulated

from bt_lstm_rotation.errors import SpecError

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

FLAT = dict.fromkeys("AB", flat(10, range(8)))


def ordered(got) -> list[tuple[int, str, int]]:
    return [(fill.session, fill.feed, fill.size) for fill in got.fills]


def kept(got) -> list[tuple[int, str]]:
    return [(session, feed) for session, kind, feed in got.events() if kind == "kept"]


@pytest.mark.parametrize(
    ("min_trade", "done"), [(300, True), (300.01, False), (0, True)]
)
def test_a_change_is_made_if_it_is_worth_min_trade_and_not_if_less(min_trade, done):
    plan = {0: {"A": 0.50}, 2: {"A": 0.53}}
    got = run(FLAT, plan, settings={"min_trade": min_trade})
    # 3% of 10,000 are 30 shares, worth 300.
    assert ordered(got) == [(1, "A", 500)] + [(3, "A", 30)] * done
    assert kept(got) == [(2, "A")] * (not done)
    assert got.done[7] is True


def test_what_was_left_alone_is_told_with_its_worth():
    got = run(FLAT, {0: {"A": 0.5}, 2: {"A": 0.49}}, settings={"min_trade": 101})
    assert [event.detail for event in got.rebalancer.events] == [
        "a change worth 100.00 is under min_trade"
    ]
    got = run(FLAT, {0: {"A": 0.5}, 2: {"A": 0.49}}, settings={"band": 0.01})
    assert [event.detail for event in got.rebalancer.events] == [
        "share 0.5000 is within the band of 0.4900"
    ]


def test_selling_out_is_never_held_back():
    plan = {0: {"A": 0.02, "B": 0.02}, 2: {"A": 0.0}}
    got = run(FLAT, plan, settings={"min_trade": 200, "band": 0.5})
    # 20 shares each are worth 200; A is named with 0, B is not named.
    assert ordered(got)[2:] == [(3, "A", -20), (3, "B", -20)]
    assert kept(got) == []


def test_a_weight_that_comes_to_no_share_sells_out():
    market = {"A": flat(1000, range(5))}
    plan = {0: {"A": 0.1}, 2: {"A": 0.09}}
    got = run(market, plan, settings={"band": 0.05, "min_trade": 5_000})
    assert ordered(got) == []  # 1,000 are under 5,000
    got = run(market, plan, settings={"band": 0.05, "min_trade": 1_000})
    assert ordered(got) == [(1, "A", 1), (3, "A", -1)]


def test_a_change_of_sides_is_never_held_back():
    settings = {"band": 0.5, "min_trade": 50_000, "shorts": True}
    market = {"A": flat(6_000, range(5))}
    got = run(market, {2: {"A": -0.6}}, settings=settings, before=buy_one)
    assert ordered(got) == [(1, "A", 1), (3, "A", -2)]


def buy_one(strategy):
    if strategy.session == 0:
        strategy.buy(data=strategy.data0, size=1)


@pytest.mark.parametrize("target", [0.45, 0.55, 0.5])
def test_a_position_on_the_edge_of_the_band_is_left(target):
    got = run(FLAT, {0: {"A": 0.5}, 2: {"A": target}}, settings={"band": 0.05})
    assert ordered(got) == [(1, "A", 500)]
    assert kept(got) == [(2, "A")] * (target != 0.5)


@pytest.mark.parametrize("target", [0.449, 0.551])
def test_a_position_outside_the_band_moves_all_the_way_to_its_target(target):
    got = run(FLAT, {0: {"A": 0.5}, 2: {"A": target}}, settings={"band": 0.05})
    assert got.held[3] == {"A": round(target * 1_000)}


def test_opening_a_position_is_not_held_back_by_the_band():
    plan = {0: {"A": 0.5}, 2: {"A": 0.5, "B": 0.03}}
    got = run(FLAT, plan, settings={"band": 0.1})
    assert ordered(got) == [(1, "A", 500), (3, "B", 30)]
    held_back = run(FLAT, plan, settings={"band": 0.1, "min_trade": 301})
    assert ordered(held_back) == [(1, "A", 500)]
    assert kept(held_back) == [(2, "B")]
    assert held_back.done[7] is True


def test_shares_of_equity_are_those_of_the_deciding_close():
    # 500 of A go from 10 to 12 at 2: 6,000 of 11,000 are 0.545, and 0.045 too much.
    a = flat(10, range(2)) | flat(12, range(2, 5))
    for band, sold in ((0.046, 0), (0.045, 42)):
        got = run({"A": a}, {0: {"A": 0.5}, 2: {"A": 0.5}}, settings={"band": band})
        # 0.5 x 11,000 / 12 = 458.3
        assert got.held[4] == {"A": 500 - sold}


def test_buys_are_cut_to_what_a_kept_position_leaves():
    plan = {0: {"A": 0.6}, 2: {"A": 0.5, "B": 0.5}}
    got = run(FLAT, plan, settings={"band": 0.1})
    # 0.6 stays in A, so 4,000 of the 5,000 for B are there.
    assert got.held[4] == {"A": 600, "B": 400}
    assert got.done[4] is True


def test_what_was_kept_stays_so_when_a_rejection_has_all_sized_again():
    # B opens 20% up and the buy is rejected; A, kept with 10% too much, is not sold.
    b = flat(10, range(3)) | flat(12, range(3, 8))
    market = {"A": flat(10, range(8)), "B": b}
    plan = {0: {"A": 0.5}, 2: {"A": 0.4, "B": 0.5}}
    got = run(market, plan, settings={"band": 0.1})
    assert "Margin" in got.statuses
    assert all(fill.feed != "A" for fill in got.fills[1:])
    assert got.held[7]["A"] == 500
    assert got.done[7] is True


def test_without_a_bar_at_the_deciding_close_nothing_is_held_back():
    market = {"A": flat(10, [0, 1, 3, 4, 5]), "B": flat(10, range(6))}
    plan = {0: {"A": 0.5}, 2: {"A": 0.49}}
    got = run(market, plan, settings={"band": 0.1})
    assert ordered(got) == [(1, "A", 500), (4, "A", -10)]
    assert kept(got) == []


def test_a_band_saves_trades_and_keeps_to_it():
    market, plan = simulated(seed=5, months=60, gap=0.004)
    names = list(market)
    plan = {session: dict.fromkeys(names, 0.98 / 11) for session in plan}
    free = run(market, plan, cash=1_000_000.0)
    held = run(market, plan, cash=1_000_000.0, settings={"band": 0.01})
    assert len(held.fills) < len(free.fills) / 2
    for session in plan:
        closes = {name: market[name][session][1] for name in names}
        shares = held.held[session]
        worth = {name: n * closes[name] for name, n in shares.items()}
        equity = held.cash[session] + sum(worth.values())
        after = held.held[session + 1]
        for name, n in shares.items():
            off = abs(worth[name] / equity - 0.98 / 11)
            # A share is about 50 of 1,000,000.
            assert (after[name] == n) == (off <= 0.01) or off == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_trade": -1}, "min_trade must be a finite amount of currency, 0 or more"),
        ({"min_trade": math.nan}, "min_trade must be"),
        ({"min_trade": math.inf}, "min_trade must be"),
        ({"min_trade": "100"}, "min_trade must be"),
        ({"min_trade": True}, "min_trade must be"),
        ({"band": -0.1}, "band must be a number from 0 up to, but not, 1"),
        ({"band": 1}, "band must be"),
        ({"band": math.nan}, "band must be"),
        ({"band": None}, "band must be"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(SpecError, match=message):
        run(FLAT, {}, settings=settings)
