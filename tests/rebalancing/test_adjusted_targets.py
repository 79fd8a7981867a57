"""A rebalancer works on through splits and dividends, and sends no order for them."""

from __future__ import annotations

import backtrader as bt
import pytest
from planned import Fill, Planned, flat, run
from scripted import DIVIDEND, REVERSE, SPLIT, day

from bt_lstm_rotation.analyzers import OrderHistory
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.prices.corporate_actions import CorporateAction, classified
from bt_lstm_rotation.rebalancing.adjusting_broker import AdjustingBroker
from bt_lstm_rotation.rebalancing.holdings import Holdings

HALF = {0: {"A": 0.5}}
B = flat(20, range(12))


def adjusted(market, plan, actions, *, lot=1, **how):
    cerebro = bt.Cerebro(stdstats=False)
    dated = {day(number): named for number, named in actions.items()}
    cerebro.broker = AdjustingBroker(actions=dated, lot=lot)
    return run(market, plan, cerebro=cerebro, **how)


def split_at(number, price=100.0, action=SPLIT, last=12):
    """A price that is flat, but for what an action makes of it."""
    after = flat(price * action.price, range(number, last))
    return {"A": flat(price, range(number)) | after, "B": B}


def fills(got):
    return [(fill.session, fill.feed, fill.size, fill.price) for fill in got.fills]


@pytest.mark.parametrize(
    ("action", "after"), [(SPLIT, 100), (REVERSE, 5), (DIVIDEND, 50)]
)
def test_a_target_that_is_reached_stays_reached(action, after):
    got = adjusted(split_at(5, action=action), HALF, {5: {"A": action}})
    assert fills(got) == [(1, "A", 50, 100.0)]
    assert got.held[11] == {"A": after}
    assert all(got.done[session] for session in range(2, 12))
    assert got.events() == []


@pytest.mark.parametrize("weight", [0.5, -0.5])
@pytest.mark.parametrize("action", [SPLIT, REVERSE])
def test_an_order_of_the_last_old_close_reaches_it_in_new_shares(weight, action):
    got = adjusted(
        split_at(1, action=action),
        {0: {"A": weight}},
        {1: {"A": action}},
        settings={"shorts": True},
    )
    size = 50 * action.shares * (1 if weight > 0 else -1)
    assert fills(got) == [(1, "A", size, 100 * action.price)]
    assert got.held[11] == {"A": size}
    assert all(got.done[session] for session in range(2, 12))


def test_an_order_that_waited_for_its_bar_fills_in_new_shares():
    market = {"A": flat(100, [0]) | flat(50, range(3, 12)), "B": B}
    got = adjusted(market, HALF, {2: {"A": SPLIT}})
    assert fills(got) == [(3, "A", 100, 50.0)]
    assert got.events() == [(1, "no_bar", "A"), (2, "no_bar", "A")]


def test_what_rounding_left_over_is_traded_once_and_no_more():
    # 21 wanted and 15 held are 2 and 1; the order for 6 is less than one, and ends.
    market = {"A": flat(10, range(6)) | flat(100, range(6, 12)), "B": B}
    got = adjusted(
        market,
        {0: {"A": 0.015}, 5: {"A": 0.021}},
        {6: {"A": REVERSE}},
    )
    assert fills(got) == [(1, "A", 15, 10.0), (7, "A", 1, 100.0)]
    assert got.held[11] == {"A": 2}
    assert got.events() == [(6, "retry", "A")]
    assert got.rebalancer.events[0].detail == "buy 0.6: Canceled"


def test_fractions_of_shares_are_counted_in_their_lots():
    settings = {"lot": 0.001}
    third = CorporateAction(3.0, 1 / 3, 0.0)
    market = split_at(5, action=third)
    got = adjusted(market, HALF, {5: {"A": third}}, lot=0.001, settings=settings)
    assert got.held[11] == {"A": pytest.approx(16.666)}
    assert got.cash[11] == pytest.approx(5_000 + (50 / 3 - 16.666) * 300)
    assert all(got.done[session] for session in range(2, 12))


def test_a_split_is_no_gap_and_a_dividend_none():
    # Opens are 1% above the close before, until there are two actions.
    bars, last = {}, 100.0
    for number in range(10):
        last *= {5: 0.5, 7: 0.99}.get(number, 1.0)
        bars[number] = (last * 1.01, last * 1.01)
        last *= 1.01
    paid = classified(0.99, 100.0)
    got = adjusted({"A": bars}, {}, {5: {"A": SPLIT}, 7: {"A": paid}})
    assert got.rebalancer.account.overnight() == pytest.approx(0.01)


def test_a_short_that_splits_is_no_margin_call():
    got = adjusted(
        split_at(5),
        {0: {"A": -0.5}},
        {5: {"A": SPLIT}},
        settings={"shorts": True},
    )
    assert got.held[11] == {"A": -100}
    assert got.events() == []


@pytest.mark.parametrize(
    ("action", "opened", "off"),
    [
        # 500 bought at 11 and settled at 14 are worth, at the first open: 1,000 at 6,
        # 50 at 120, 500 at 12.93 and 0.07 a share.
        (SPLIT, 6.0, -1_000.0),
        (REVERSE, 120.0, -1_000.0),
        (classified(0.995, 14.0), 12.93, -500.0),
    ],
)
def test_a_settlement_of_old_shares_is_corrected_in_new_ones(action, opened, off):
    before = {0: (10, 10), 1: (11, 12), 2: (12, 13), 3: (13, 14)}
    market = {
        "A": before | flat(opened, range(16, 20)),
        "B": flat(20, range(20)),
    }
    got = adjusted(market, HALF, {10: {"A": action}}, analyzers=[OrderHistory])
    assert got.events() == [(12, "delisted", "A"), (16, "reopened", "A")]
    assert got.cash[16] == 4_500 + 7_000
    assert got.cash[19] == pytest.approx(11_500 + off)
    assert got.held[19] == {}
    shares = 500 * action.shares
    orders = got.analyzers.OrderHistory.get_analysis()
    assert [order.filled for order in orders] == [500, 500, shares, shares]


def test_a_correction_that_is_under_way_keeps_its_amount():
    before = {0: (10, 10), 1: (11, 12), 2: (12, 13), 3: (13, 14)}
    market = {
        "A": before | {16: (7, 8)} | flat(7.96, range(17, 20)),
        "B": flat(20, range(20)),
    }
    got = adjusted(market, HALF, {17: {"A": classified(0.995, 8.0)}})
    assert got.cash[19] == pytest.approx(11_500 - 3_500)


def test_holdings_are_valued_at_a_last_close_in_new_units():
    seen = {}

    class Holds(Planned):
        def __init__(self):
            super().__init__()
            self.holdings = Holdings(self)

        def next(self):
            super().next()
            shares = self.holdings.shares().items()
            seen[self.session] = {feed._name: share for feed, share in shares}

        def notify_corporate_action(self, data, action):
            super().notify_corporate_action(data, action)
            self.holdings.restate(data, action)

    nan = float("nan")
    market = {
        "A": flat(100, range(5)) | {5: (50, nan)} | flat(50, range(6, 9)),
        "B": flat(20, range(9)),
    }
    adjusted(market, HALF, {5: {"A": SPLIT}}, strategy=Holds)
    assert [seen[number]["A"] for number in (4, 5, 6)] == [0.5] * 3


def test_a_strategy_that_does_not_forward_the_news_is_told_so():
    class Silent(Planned):
        def __init__(self):
            super().__init__()

        def notify_corporate_action(self, data, action):
            pass

    with pytest.raises(
        StrategyError, match=r"Silent was not told.*forward notify_corp"
    ):
        adjusted(split_at(5), HALF, {5: {"A": SPLIT}}, strategy=Silent)


def test_fills_before_it_are_the_same_to_the_bit():
    plan = {0: {"A": 0.5, "B": 0.4}, 3: {"A": 0.3, "B": 0.6}}
    actions = {5: {"A": SPLIT}}
    market = split_at(5)
    with_action = adjusted(market, plan, actions, commission=0.001)
    without = run(market, plan, commission=0.001)
    early = [fill for fill in with_action.fills if fill.session < 5]
    assert early == [fill for fill in without.fills if fill.session < 5]
    assert all(isinstance(fill, Fill) for fill in early)
    assert repr([with_action.cash[n] for n in range(5)]) == repr(
        [without.cash[n] for n in range(5)]
    )
