"""Short positions: what they need, and what happens when that is no longer there."""

from __future__ import annotations

import math

import backtrader as bt
import numpy as np
import pytest
from planned import MODES, Fill, flat, run, simulated

from bt_lstm_rotation.errors import SpecError

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

SHORTS = {"shorts": True}
FLAT = {"A": flat(20, range(9)), "B": flat(10, range(9))}


def fills(got):
    return [(fill.session, fill.feed, fill.size) for fill in got.fills]


@pytest.mark.parametrize("mode", MODES)
def test_half_long_and_half_short_leaves_all_cash_in_the_account(mode):
    plan = {0: {"A": 0.5, "B": -0.5}}
    got = run(FLAT, plan, mode=mode, commission=0.01, settings=SHORTS)
    # 500 of B bring 5,000 and cost 50; 250 of A take 5,000 and cost 50.
    assert got.fills == [
        Fill(1, "B", -500, 10.0, pytest.approx(50.0)),
        Fill(1, "A", 250, 20.0, pytest.approx(50.0)),
    ]
    assert got.cash[1] == pytest.approx(9_900.0)
    assert got.held[8] == {"A": 250, "B": -500}
    assert got.done[2] is True
    assert got.events() == []


@pytest.mark.parametrize("mode", MODES)
def test_sides_are_changed_by_one_order_each(mode):
    plan = {0: {"A": 0.5, "B": -0.5}, 3: {"A": -0.5, "B": 0.5}, 6: {"A": 0.0}}
    got = run(FLAT, plan, mode=mode, settings=SHORTS)
    assert fills(got)[2:] == [
        (4, "A", -500),
        (4, "B", 1000),
        (7, "A", 250),
        (7, "B", -500),
    ]
    assert got.cash[4] == 10_000.0
    assert got.cash[7] == 10_000.0
    assert got.held[7] == {}
    assert got.events() == []


def test_what_is_short_takes_half_of_its_value_from_what_can_be_bought():
    # 10,000 less the margin of 4,000 leave 8,000 for A: a weight of 0.8.
    got = run(FLAT, {0: {"A": 0.8, "B": -0.4}}, settings=SHORTS)
    assert got.held[1] == {"A": 400, "B": -400}
    assert got.cash[1] == 10_000 + 4_000 - 8_000
    # With a commission, that is 40 too much for B, and 80 for A: 4 shares and a bit.
    got = run(FLAT, {0: {"A": 0.8, "B": -0.4}}, commission=0.01, settings=SHORTS)
    assert got.held[1] == {"A": 394, "B": -400}
    assert (0, "resized", "A") in got.events()


@pytest.mark.parametrize("mode", MODES)
def test_a_short_whose_price_has_risen_is_cut_back(mode, caplog):
    # 900 at 10 leave 19,000 in cash. At 16 these are 132% of 14,400; at 17, 124% of
    # 15,300. Of x bought back, 19,000 - 15,300 x = 1.5 (15,300 - 15,300 x): 51.6%, so
    # that 435 may stay. 465 cost 7,905; 11,095 are 150.03% of 7,395.
    market = {
        "A": FLAT["A"],
        "B": flat(10, range(3)) | flat(16, [3]) | flat(17, [4, 5]),
    }
    got = run(market, {0: {"B": -0.9}}, mode=mode, settings=SHORTS)
    assert fills(got) == [(1, "B", -900), (5, "B", 465)]
    assert got.cash[5] == 11_095.0
    assert got.events() == [(4, "margin_call", "B")]
    assert got.rebalancer.events[0].detail == "-435 of -900 may stay"
    assert "margin_call" in caplog.text


def test_a_short_that_ruins_the_account_is_bought_back_as_far_as_cash_goes():
    # 19,000 in cash buy 863 back of 900 at 22; what is left, 14, buys none.
    market = {"A": FLAT["A"], "B": flat(10, range(3)) | flat(22, range(3, 9))}
    got = run(market, {0: {"B": -0.9}}, settings=SHORTS)
    assert fills(got) == [(1, "B", -900), (4, "B", 863)]
    assert got.cash[8] == 19_000.0 - 863 * 22


def test_a_new_target_of_the_day_of_a_margin_call_is_met_as_far_as_margin_allows():
    market = {"A": FLAT["A"], "B": flat(10, range(3)) | flat(17, range(3, 9))}
    got = run(market, {0: {"B": -0.9}, 3: {"B": -0.9}}, settings=SHORTS)
    # Equity is 3,700, of which 90% are 195 at 17.
    assert fills(got) == [(1, "B", -900), (4, "B", 705)]
    assert got.events() == []


@pytest.mark.parametrize("mode", MODES)
def test_a_short_in_a_feed_that_has_ended_is_settled_too(mode):
    market = {"A": flat(20, range(18)), "B": flat(10, range(4))}
    got = run(market, {0: {"B": -0.5}}, mode=mode, settings=SHORTS)
    assert fills(got) == [(1, "B", -500), (13, "B", 500)]
    assert got.held[17] == {}
    assert got.cash[17] == 10_000.0


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"A": 0.8, "B": -0.5}, r"of short ones half must be 1 or less \(got 1.05"),
        ({"B": -2.01}, "of short ones half must be 1 or less"),
        ({"B": -math.inf}, "of short ones half must be 1 or less"),
        ({"B": math.nan}, "weight of B must be a finite share of equity"),
        ({"A": math.inf}, "weight of A must be a finite share of equity"),
    ],
)
def test_a_target_beyond_what_margin_allows_is_refused(weights, message):
    with pytest.raises(SpecError, match=message):
        run(FLAT, {0: weights}, settings=SHORTS)


def test_without_shorts_a_negative_weight_is_refused():
    with pytest.raises(SpecError, match=r"weight of B must be .*, 0 or more"):
        run(FLAT, {0: {"B": -0.1}})


@pytest.mark.parametrize("shorts", [1, None, "yes"])
def test_whether_there_are_shorts_is_a_truth_value(shorts):
    with pytest.raises(SpecError, match="shorts must be True or False"):
        run(FLAT, {}, settings={"shorts": shorts})


def test_a_broker_that_keeps_what_short_sales_bring_is_refused():
    def broker(strategy):
        raise AssertionError("no session is reached")

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.set_shortcash(False)
    with pytest.raises(SpecError, match="shortcash=False"):
        run(FLAT, {}, settings=SHORTS, before=broker, cerebro=cerebro)


@pytest.mark.parametrize("gap", [0.004, 0.02, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_cash_covers_the_shorts(seed, gap):
    market, plan = simulated(seed, months=30, gap=gap)
    rng = np.random.default_rng(seed)
    for month, long in plan.items():
        rest = sorted(set(market) - set(long))
        short = rng.choice(rest, 2, replace=False)
        plan[month] = dict.fromkeys(long, 0.48 / 3) | dict.fromkeys(short, -0.24)
    got = run(market, plan, commission=0.0005, settings=SHORTS)
    assert min(got.cash.values()) >= 0
    assert any(size < 0 for held in got.held.values() for size in held.values())
    for session, held in got.held.items():
        short = -sum(
            size * market[name][session][1] for name, size in held.items() if size < 0
        )
        # 24% each, and what prices moved since; cash is more than what is short.
        assert got.cash[session] > 1.3 * short
    for fill in got.fills:
        opened = market[fill.feed][fill.session][0]
        assert fill.price == pytest.approx(opened, rel=1e-12)
