"""Fractions of a share, round lots, and positions that are neither."""

from __future__ import annotations

import math

import backtrader as bt
import pytest
from modes import KEEPING
from planned import Fill, flat, run, simulated

from bt_lstm_rotation.errors import SpecError

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)


@pytest.mark.parametrize("mode", KEEPING)
def test_fractions_of_a_share_are_right_to_the_cent(mode):
    a = flat(30, range(3)) | {3: (30, 40)} | flat(40, range(4, 6))
    market = {"A": a, "B": flat(70, range(6))}
    plan = {0: {"A": 0.5}, 3: {"B": 0.9}}
    got = run(market, plan, mode=mode, settings={"lot": 0.001}, commission=0.001)
    # 5,000/30 = 166.666(7) shares cost 4,999.98 and a commission of 4.99998. At 3 they
    # are worth 6,666.64 beside 4,995.02002: 90% of 11,661.66002 / 70 = 149.935(6).
    assert [(f.session, f.feed) for f in got.fills] == [(1, "A"), (4, "A"), (4, "B")]
    assert got.fills[0].size == pytest.approx(166.666, abs=1e-9)
    assert got.fills[1].size == -got.fills[0].size
    assert got.fills[2].size == pytest.approx(149.935, abs=1e-9)
    assert got.cash[1] == pytest.approx(4995.02002, abs=1e-6)
    # 4,995.02002 + 6,666.64 x 0.999 - 149.935 x 70 x 1.001 = 1,149.047930
    assert got.cash[4] == pytest.approx(1149.04793, abs=1e-4)
    assert got.held[5] == {"B": pytest.approx(149.935)}  # nothing at all is left of A
    assert got.done[5] is True
    assert got.rebalancer.events == []


def test_round_lots_are_bought_and_sold_as_such():
    market = {"A": flat(10, range(6)), "B": flat(3, range(6))}
    plan = {0: {"A": 0.57, "B": 0.2}, 2: {"A": 0.31, "B": 0.2}}
    got = run(market, plan, settings={"lot": 100})
    # 570 of A are 5 lots and 666 of B are 6; later 310 of A are 3.
    assert got.fills == [
        Fill(1, "A", 500, 10.0, 0.0),
        Fill(1, "B", 600, 3.0, 0.0),
        Fill(3, "A", -200, 10.0, 0.0),
    ]


def test_a_lot_dearer_than_its_weight_is_not_bought():
    got = run({"A": flat(101, range(3))}, {0: {"A": 0.98}}, settings={"lot": 100})
    assert got.fills == []
    assert got.done[2] is True


def having(size: int):
    """Make the strategy buy for itself before any target is set."""

    def buy(strategy):
        if strategy.session == 0:
            strategy.buy(data=strategy.data0, size=size)

    return buy


@pytest.mark.parametrize("size", [250, 40, 7, 200])
def test_selling_out_sells_exactly_what_is_held(size):
    market = {"A": flat(10, range(5))}
    got = run(market, {2: {}}, settings={"lot": 100}, before=having(size))
    assert [f.size for f in got.fills] == [size, -size]
    assert got.held[4] == {}
    assert got.done[4] is True


@pytest.mark.parametrize(
    ("held", "target", "ordered"),
    [
        (250, 0.30, []),  # halves count up: 250 are three lots
        (249, 0.30, [100]),  # 249 are two
        (250, 0.40, [100]),
        (250, 0.10, [-200]),
        (40, 0.10, []),  # a part of one lot is one
        (40, 0.20, [100, 100]),  # 40 and 140 are both one lot
        (350, 0.30, [-100]),
    ],
)
def test_what_is_odd_stays_and_orders_come_to_an_end(held, target, ordered):
    market = {"A": flat(10, range(9))}
    plan = {2: {"A": target}}
    got = run(market, plan, settings={"lot": 100}, before=having(held))
    assert [f.size for f in got.fills[1:]] == ordered
    assert got.held[8] == {"A": held + sum(ordered)}
    assert got.done[8] is True


def test_an_order_that_a_thin_market_fills_in_odd_parts_is_completed():
    filler = bt.broker.fillers.FixedSize(size=60)
    market = {"A": flat(10, range(14))}
    got = run(market, {0: {"A": 0.5}}, filler=filler, settings={"lot": 100})
    # 60 a session: after eight, 480 are the nearest to five lots.
    assert got.held[8] == {"A": 480}
    assert got.done[9] is True
    assert got.held[13] == {"A": 480}


def test_a_thin_market_leaves_no_dust_that_is_traded_again():
    filler = bt.broker.fillers.FixedSize(size=0.1)
    market = {"A": flat(10_000, range(20))}
    settings = {"lot": 0.1}
    got = run(market, {0: {"A": 0.75}, 9: {}}, filler=filler, settings=settings)
    # Seven times 0.1 is bought, and sold again; the sum is not 0 in floats.
    assert [round(f, 12) for f in got.sizes] == [0.1] * 7 + [-0.1] * 7
    assert got.done[19] is True
    assert got.alive[19] == []


@pytest.mark.parametrize("lot", [0.001, 0.37, 10])
def test_rebalances_in_any_lot_are_done_like_those_in_whole_shares(lot):
    market, plan = simulated(seed=4, months=40, gap=0.004)
    got = run(market, plan, cash=1_000_000.0, commission=0.0005, settings={"lot": lot})
    assert set(got.statuses) == {"Submitted", "Accepted", "Completed"}
    assert all(got.done[session + 1] for session in plan)
    for session, weights in plan.items():
        held = got.held[session + 1]
        assert set(held) == set(weights)
        for shares in held.values():
            assert shares / lot == pytest.approx(round(shares / lot), abs=1e-6)


@pytest.mark.parametrize("lot", [0, -1, 1e-9, math.nan, math.inf, "1", None, True])
def test_an_impossible_lot_is_refused(lot):
    with pytest.raises(SpecError, match="lot must be a finite number of shares, 1e-08"):
        run({"A": flat(10, range(2))}, {}, settings={"lot": lot})
