"""Short positions: what they need, and what happens when that is no longer there."""

from __future__ import annotations

import math
from types import SimpleNamespace

import backtrader as bt
import numpy as np
import pytest
from modes import KEEPING
from planned import Fill, flat, run, simulated

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.rebalancing import Rebalancer

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

SHORTS = {"shorts": True}
FLAT = {"A": flat(20, range(9)), "B": flat(10, range(9))}


def fills(got):
    return [(fill.session, fill.feed, fill.size) for fill in got.fills]


@pytest.mark.parametrize("mode", KEEPING)
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


@pytest.mark.parametrize("mode", KEEPING)
def test_a_short_is_bought_back_before_the_feed_is_held_long(mode):
    plan = {0: {"A": 0.5, "B": -0.5}, 3: {"A": -0.5, "B": 0.5}, 6: {"A": 0.0}}
    got = run(FLAT, plan, mode=mode, settings=SHORTS)
    # From long to short it is one order, from short to long two: the broker checks cash
    # for what is opened, and not for what is closed.
    assert fills(got)[2:] == [
        *((4, "A", -500), (4, "B", 500)),
        (5, "B", 500),
        *((7, "B", -500), (7, "A", 250)),
    ]
    assert got.cash[4] == 10_000.0 + 10_000.0 - 5_000.0
    assert got.cash[5] == 10_000.0
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


@pytest.mark.parametrize("mode", KEEPING)
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


@pytest.mark.parametrize(
    ("price", "stay"), [(20.0, None), (20.1, "-366 of -625 may stay")]
)
def test_a_short_is_cut_back_below_130_percent_and_not_at_it(price, stay):
    # 625 sold at 10 leave 16,250: 130% of them at 20. At 20.1 they are 12,562.5, and of
    # x bought back, 16,250 - 12,562.5 x = 1.5 (12,562.5 - 12,562.5 x): 41.3%.
    market = {"A": FLAT["A"], "B": flat(10, range(3)) | flat(price, range(3, 5))}
    got = run(market, {0: {"B": -0.625}}, settings=SHORTS)
    assert got.held[2] == {"B": -625}
    assert [event.detail for event in got.rebalancer.events] == [stay] * bool(stay)


def test_a_short_that_ruins_the_account_is_bought_back_bit_by_bit():
    # Each day as many as four fifths of cash pay for at 22: 15,200 pay for 690 of 900,
    # 3,056 for 138 of 210, 627 for 28 of 72, 134 for 6, 29 for 1, and 11 for none.
    market = {"A": FLAT["A"], "B": flat(10, range(3)) | flat(22, range(3, 9))}
    got = run(market, {0: {"B": -0.9}}, settings=SHORTS)
    bought = [(4, "B", 690), (5, "B", 138), (6, "B", 28), (7, "B", 6), (8, "B", 1)]
    assert fills(got) == [(1, "B", -900), *bought]
    assert got.cash[8] == 19_000.0 - 863 * 22


def test_a_part_that_is_bought_back_waits_for_its_bar():
    # As above, but B has no bar at 4: the order of 3 fills at 5, and no other is sent.
    b = flat(10, range(3)) | flat(22, [3, 5, 6])
    got = run({"A": flat(20, range(7)), "B": b}, {0: {"B": -0.9}}, settings=SHORTS)
    assert fills(got) == [(1, "B", -900), (5, "B", 690), (6, "B", 138)]
    assert "Canceled" not in got.statuses
    assert got.events() == [(3, "margin_call", "B"), (4, "no_bar", "B")]


def test_a_single_share_is_called_back_too():
    # 14,000 are 127% of 11,000, of which 54% may stay: less than one share.
    market = {"A": flat(4_000, range(3)) | flat(11_000, range(3, 6))}
    got = run(market, {0: {"A": -0.4}}, settings=SHORTS)
    assert fills(got) == [(1, "A", -1), (4, "A", 1)]
    assert got.events() == [(3, "margin_call", "A")]


def test_a_broker_that_says_nothing_of_short_cash_is_taken_to_add_it():
    strategy = SimpleNamespace(broker=object(), datas=[])
    assert Rebalancer(strategy, shorts=True).events == []


@pytest.mark.parametrize("opened", [16.06, 18.0, 27.5])
def test_a_buying_back_leaves_cash_for_a_gap_of_a_quarter(opened):
    # A is sold for what B, up by 46% and more, costs above the cash that there is.
    dear = flat(22 if opened > 20 else 14.6, [3]) | flat(opened, range(4, 12))
    market = {"A": flat(20, range(12)), "B": flat(10, range(3)) | dear}
    got = run(market, {0: {"A": 0.5, "B": -1.0}}, settings=SHORTS)
    assert min(got.cash.values()) >= 0
    assert got.cash[4] < 15_000  # some were bought at the wild open


def test_longs_are_sold_where_cash_is_less_than_what_is_short():
    market = {
        "A": flat(20, range(14)),
        "B": flat(10, range(3)) | flat(16, range(3, 14)),
    }
    got = run(market, {0: {"A": 0.5, "B": -1.0}}, settings=SHORTS)
    # 15,000 in cash and 16,000 short: of A, worth 5,000, 1,100 are sold, 55 shares. B
    # takes 12,000 of cash at first, 750; then 3,280 of 4,100, and so on.
    assert fills(got)[2:5] == [(4, "A", -55), (4, "B", 750), (5, "B", 205)]
    assert got.held[13] == {"A": 195}
    assert got.cash[13] == 15_000 + 1_100 - 16_000
    assert sorted(got.events()) == [(3, "margin_call", "A"), (3, "margin_call", "B")]


def test_a_short_sale_waits_for_the_margin_that_a_sell_brings():
    got = run(FLAT, {0: {"A": 0.9}, 3: {"B": -0.9}}, settings=SHORTS)
    # 900 of B take 4,500 besides their proceeds, and 1,000 are there before A is sold.
    assert fills(got) == [(1, "A", 450), (4, "A", -450), (5, "B", -900)]
    assert got.cash[5] == 19_000.0


@pytest.mark.parametrize(
    ("weight", "sent"),
    [
        # 40,000 sold at 0.125 bring 5,000, of which 80,000 sold short take it all.
        (-1.0, [(3, "A", -120_000), (3, "B", -300)]),
        (-1.000013, [(3, "B", -300), (4, "A", -120_001)]),  # and 80,001 more than that
    ],
)
def test_a_sale_into_a_short_waits_only_if_it_takes_cash(weight, sent):
    market = {"A": flat(0.125, range(6)), "B": flat(10, range(6))}
    plan = {0: {"A": 0.5, "B": 0.5}, 2: {"A": weight, "B": 0.2}}
    got = run(market, plan, settings=SHORTS)
    assert got.cash[2] == 0.0
    assert fills(got)[2:] == sent
    assert got.events() == []


def test_a_buy_waits_for_what_buying_a_single_share_back_frees():
    market = {"A": flat(4_000, range(9)), "B": flat(10, range(9))}
    got = run(market, {0: {"A": -0.4}, 3: {"B": 0.9}}, settings=SHORTS)
    # 14,000 less 150% of 4,000 are 8,000 until then.
    assert fills(got) == [(1, "A", -1), (4, "A", 1), (5, "B", 900)]


def test_a_sell_that_waits_for_its_bar_lets_no_buy_spend_the_margin():
    a = {session: bar for session, bar in flat(20, range(9)).items() if session != 4}
    market = {"A": a, "B": flat(10, range(9)), "D": flat(20, range(9))}
    plan = {0: {"A": 0.5, "B": -1.0}, 3: {"D": 0.5, "B": -1.0}}
    got = run(market, plan, settings=SHORTS)
    assert fills(got)[2:] == [(5, "A", -250), (6, "D", 250)]
    assert got.held[8] == {"B": -1000, "D": 250}
    assert got.events() == [(4, "no_bar", "A")]


@pytest.mark.parametrize("missing", [3, 4], ids=["deciding day", "fill day"])
def test_a_buying_back_that_waits_for_its_bar_cuts_no_buy(missing):
    b = {s: bar for s, bar in flat(10, range(9)).items() if s != missing}
    plan = {0: {"A": 0.8, "B": -0.4}, 3: {"A": 1.0}}
    got = run({"A": FLAT["A"], "B": b}, plan, settings=SHORTS)
    assert fills(got)[2:] == [(5, "B", 400), (6, "A", 100)]
    assert got.held[8] == {"A": 500}
    assert "resized" not in [kind for _, kind, _ in got.events()]


def test_a_new_target_of_the_day_of_a_margin_call_is_met_as_far_as_margin_allows():
    market = {"A": FLAT["A"], "B": flat(10, range(3)) | flat(17, range(3, 9))}
    got = run(market, {0: {"B": -0.9}, 3: {"B": -0.9}}, settings=SHORTS)
    # Equity is 3,700, of which 90% are 195 at 17.
    assert fills(got) == [(1, "B", -900), (4, "B", 705)]
    assert got.events() == []


@pytest.mark.parametrize("mode", KEEPING)
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
        ({"B": -math.inf}, "weight of B must be a finite share of equity"),
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


@pytest.mark.parametrize("holes", [0, 12])
@pytest.mark.parametrize("gap", [0.004, 0.02, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_cash_covers_the_shorts(seed, gap, holes):
    market, plan = simulated(seed, months=30, gap=gap)
    rng = np.random.default_rng(seed)
    for month, long in plan.items():
        rest = sorted(set(market) - set(long))
        short = rng.choice(rest, 2, replace=False)
        share = rng.uniform(0.0, 1.2)  # short; what is long leaves its margin
        plan[month] = dict.fromkeys(long, (0.98 - 0.5 * share) / 3)
        plan[month] |= dict.fromkeys(short, -share / 2)
    for name in market:
        for session in rng.choice(150, holes, replace=False):
            del market[name][int(session)]
    got = run(market, plan, commission=0.0005, settings=SHORTS)
    assert min(got.cash.values()) >= 0
    assert any(size < 0 for held in got.held.values() for size in held.values())
    ratios = []
    for session, held in got.held.items():
        closes = {name: last_close(market[name], session) for name in held}
        values = [size * closes[name] for name, size in held.items()]
        short = -sum(value for value in values if value < 0)
        ratios.append(got.cash[session] / short if short else np.inf)
        # Long and half of short were 0.98 of equity at most; a week of moves is since.
        equity = got.cash[session] + sum(values)
        gross = sum(value for value in values if value > 0) + 0.5 * short
        assert gross < (1.1 + 6 * gap) * equity
    # What a wild morning leaves short of margin is set right within three sessions.
    for session, ratio in enumerate(ratios[:-3]):
        assert ratio >= 1.3 or max(ratios[session + 1 : session + 4]) >= 1.3
    for fill in got.fills:
        opened = market[fill.feed][fill.session][0]
        assert fill.price == pytest.approx(opened, rel=1e-12)


def last_close(bars, session):
    return bars[max(known for known in bars if known <= session)][1]
