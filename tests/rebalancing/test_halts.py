"""Feeds that seemed to have ended and trade again.

A's last bar before the halt is session 3, Monday, January 6; it counts as ended at
session 12, and its position is settled at session 13, Monday the 20th.
"""

from __future__ import annotations

import datetime as dt
import logging
import math

import backtrader as bt
import pytest
from modes import KEEPING
from planned import Fill, flat, run

from bt_lstm_rotation.analyzers import OrderHistory, TradingCosts

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

BEFORE = {0: (10, 10), 1: (11, 12), 2: (12, 13), 3: (13, 14)}
GOES_ON = flat(20, range(24))
HALF = {0: {"A": 0.5}}

OBSERVED = (OrderHistory, TradingCosts, bt.analyzers.TradeAnalyzer)


def halted(*bars: tuple[float, float], first: int = 16) -> dict:
    return {"A": BEFORE | dict(enumerate(bars, first)), "B": GOES_ON}


@pytest.mark.parametrize("mode", KEEPING)
def test_the_fall_during_a_halt_is_booked_at_the_first_open(mode, caplog):
    market = halted((7, 8), (8, 8), (9, 9))
    with caplog.at_level(logging.WARNING):
        got = run(market, HALF, mode=mode)
    # 500 bought at 11; settled at 14, and then sold at 7 instead.
    assert got.fills == [
        Fill(1, "A", 500, 11.0, 0.0),
        Fill(13, "A", -500, 14.0, 0.0),
        Fill(17, "A", -500, 7.0, 0.0),
        Fill(17, "A", 500, 14.0, 0.0),
    ]
    assert got.cash[16] == 4_500 + 7_000
    assert got.cash[17] == got.cash[23] == got.broker.getvalue() == 4_500 + 3_500
    assert got.held[17] == got.held[23] == {}
    assert got.events() == [(12, "delisted", "A"), (16, "reopened", "A")]
    detail = "sold 500 at 7, not 14: -3500.00"
    assert got.rebalancer.events[1].detail == detail
    assert f"2020-01-23 A: reopened, {detail}" in caplog.text
    assert all(got.done[session] for session in range(2, 24))


@pytest.mark.parametrize("mode", KEEPING)
def test_every_fill_pays_its_commission_and_analyzers_agree_to_the_cent(mode):
    got = run(
        halted((7, 8)), HALF, mode=mode, commission=0.01, analyzers=OBSERVED, cash=1e4
    )
    # 1% of 5,500, 7,000, 3,500 and 7,000.
    paid = 55 + 70 + 35 + 70
    assert got.broker.getvalue() == pytest.approx(1e4 - 500 * (11 - 7) - paid)
    assert got.broker.getcash() == pytest.approx(got.broker.getvalue())
    orders = got.analyzers.OrderHistory.get_analysis()
    assert [(o.side, o.price, o.submitted.day, o.executed.day) for o in orders] == [
        ("buy", 11.0, 1, 2),
        ("sell", 14.0, 17, 20),
        ("sell", 7.0, 23, 24),
        ("buy", 14.0, 23, 24),
    ]
    signed = sum((-1 if o.side == "buy" else 1) * o.filled * o.price for o in orders)
    assert signed == pytest.approx(-500 * 4)
    costs = got.analyzers.TradingCosts.get_analysis()
    assert costs["commission"] == pytest.approx(paid)
    assert costs["slippage"] == 0.0
    trades = got.analyzers.TradeAnalyzer.get_analysis()
    assert trades.total.open == 0
    assert trades.pnl.gross.total == pytest.approx(-500 * 4)
    assert trades.pnl.net.total == pytest.approx(-500 * 4 - paid)


@pytest.mark.parametrize("mode", KEEPING)
@pytest.mark.parametrize("opened", [3.0, 14.0, 30.0])
@pytest.mark.parametrize("policy", ["last_close", "write_off"])
def test_whatever_it_was_settled_at_the_first_open_counts(policy, opened, mode):
    settings = {"delisted": policy}
    got = run(halted((opened, 20)), HALF, mode=mode, settings=settings)
    assert got.broker.getvalue() == pytest.approx(4_500 + 500 * opened, abs=1e-6)
    assert got.held[23] == {}
    assert [kind for _, kind, _ in got.events()] == ["delisted", "reopened"]


@pytest.mark.parametrize("mode", KEEPING)
def test_held_through_a_halt_it_is_said_that_it_trades_again(mode):
    market = halted((7, 8), *[(8.0, 8.0)] * 4)
    got = run(market, HALF, mode=mode, settings={"delisted": "hold"})
    assert got.held[23] == {"A": 500}
    assert got.broker.getvalue() == 4_500 + 500 * 8
    assert got.events() == [(12, "delisted", "A"), (16, "reopened", "A")]
    assert got.rebalancer.events[1].detail == "500 held, which open at 7"


@pytest.mark.parametrize("opened", [7.0, 10.0, 25.0])
def test_a_short_position_is_bought_back_at_the_first_open(opened):
    settings = {"shorts": True}
    got = run(halted((opened, 9)), {0: {"A": -0.5}}, settings=settings)
    # 500 sold short at 11 and bought back at the first open; cash pays for all.
    assert got.broker.getvalue() == 10_000 + 500 * (11 - opened)
    assert got.held[23] == {}
    assert got.rebalancer.events[1].detail == (
        f"bought back 500 at {opened:g}, not 14: {500 * (14 - opened):+.2f}"
    )


def test_a_short_position_written_off_does_not_keep_what_it_was_sold_for():
    settings = {"shorts": True, "delisted": "write_off"}
    got = run(halted((9, 9)), {0: {"A": -0.5}}, settings=settings)
    assert got.broker.getvalue() == pytest.approx(10_000 + 500 * (11 - 9), abs=1e-6)


@pytest.mark.parametrize("mode", KEEPING)
def test_a_bar_on_the_day_of_the_settlement_corrects_it_a_session_later(mode):
    got = run(halted(*[(7.0, 7.0)] * 5, first=13), HALF, mode=mode)
    assert got.fills[1:] == [
        Fill(13, "A", -500, 14.0, 0.0),
        Fill(14, "A", -500, 7.0, 0.0),
        Fill(14, "A", 500, 14.0, 0.0),
    ]


@pytest.mark.parametrize(("first", "kinds"), [(11, []), (12, []), (13, ["delisted"])])
def test_a_halt_of_ten_days_and_one_of_eleven_are_no_end(first, kinds):
    # Sessions 11 to 13 are 10, 11 and 14 days after the last bar.
    got = run(halted(*[(7.0, 7.0)] * 9, first=first), HALF)
    assert [kind for _, kind, _ in got.events()][:1] == kinds
    assert got.held[23] == ({} if kinds else {"A": 500})


@pytest.mark.parametrize("mode", KEEPING)
def test_a_target_of_the_day_it_returns_has_the_loss_in_it(mode):
    got = run(halted(*[(7.0, 7.0)] * 6), HALF | {16: {"A": 0.5, "B": 0.5}}, mode=mode)
    # 4,500 + 3,500 are 8,000, of which half are 571 of A at 7 and 200 of B at 20.
    assert got.fills[4:] == [Fill(17, "A", 571, 7.0, 0.0), Fill(17, "B", 200, 20, 0.0)]
    assert got.cash[17] == 8_000 - 571 * 7 - 200 * 20
    assert "Margin" not in got.statuses
    assert got.done[17] is True


def test_a_gain_of_the_halt_is_spent_once_it_is_there():
    got = run(halted(*[(21.0, 21.0)] * 6), HALF | {16: {"B": 0.98}})
    # Of 4,500 + 10,500, 98% are 735 of B at 20. At the open of 17 there is only what
    # the settlement brought, which pays for 575.
    assert got.fills[4:] == [Fill(17, "B", 575, 20.0, 0.0)]
    assert "Margin" not in got.statuses
    assert got.cash[17] == 15_000 - 575 * 20


@pytest.mark.parametrize("mode", KEEPING)
def test_money_that_was_not_there_is_taken_from_what_it_bought(mode):
    got = run(halted(*[(4.0, 4.0)] * 6), HALF | {13: {"B": 1.0}}, mode=mode)
    # 11,500 are 575 of B. The fall to 4 takes 5,000 out of an empty account: 5,500 of B
    # are sold at the same open, which is a tenth more.
    assert got.cash[14] == 0
    assert got.events()[2:] == [(16, "margin_call", "B")]
    assert got.fills[2:] == [
        Fill(14, "B", 575, 20.0, 0.0),
        Fill(17, "A", -500, 4.0, 0.0),
        Fill(17, "A", 500, 14.0, 0.0),
        Fill(17, "B", -275, 20.0, 0.0),
    ]
    assert min(got.cash.values()) >= 0
    assert got.broker.getvalue() == 11_500 - 5_000
    assert got.done[18] is True


def test_half_a_unit_of_currency_that_was_not_there_is_taken_too():
    # As above, but only a tenth of a cent a share was lost: one of B pays for it.
    got = run(halted(*[(13.999, 14.0)] * 6), HALF | {13: {"B": 1.0}})
    assert got.events()[2:] == [(16, "margin_call", "B")]
    assert [(f.session, f.size) for f in got.fills if f.feed == "B"] == [
        (14, 575),
        (17, -1),
    ]
    assert got.cash[17] == pytest.approx(19.5)
    assert min(got.cash.values()) >= 0


@pytest.mark.parametrize("mode", KEEPING)
def test_a_feed_that_ends_twice_is_settled_twice_and_corrected_twice(mode):
    again = flat(7, range(16, 20)) | flat(5, range(32, 34))
    market = {"A": BEFORE | again, "B": flat(20, range(40))}
    got = run(market, HALF | {17: {"A": 0.5}}, mode=mode)
    # 8,000 after the first: 571 at 7. Session 19 is January 28, and session 28
    # February 10, 13 days later.
    assert [(f.session, f.size, f.price) for f in got.fills if f.feed == "A"] == [
        *((1, 500, 11), (13, -500, 14), (17, -500, 7), (17, 500, 14)),
        *((18, 571, 7), (29, -571, 7), (33, -571, 5), (33, 571, 7)),
    ]
    assert got.broker.getvalue() == 8_000 - 571 * 2


@pytest.mark.parametrize("mode", KEEPING)
def test_feeds_that_return_together_are_corrected_together(mode):
    a, c = halted((7, 8), (8, 8))["A"], flat(10, range(4)) | flat(5, range(16, 18))
    market = {"A": a, "B": GOES_ON, "C": c}
    got = run(market, {0: {"A": 0.5, "C": 0.4}}, mode=mode)
    # 500 of A bought at 11 and sold at 7; 400 of C bought at 10 and sold at 5.
    assert got.broker.getvalue() == 10_000 - 500 * 4 - 400 * 5
    assert min(got.cash.values()) >= 0


def test_what_happened_in_a_halt_is_no_gap_of_a_night():
    # Half the value gone would ask for a reserve of half the proceeds, for a month.
    a = flat(14, range(4)) | flat(7, range(16, 24))
    market = {"A": a, "B": GOES_ON, "C": flat(10, range(24))}
    got = run(market, {0: {"A": 0.3, "B": 0.6}, 17: {"C": 0.98}})
    assert [kind for _, kind, _ in got.events()] == ["delisted", "reopened"]
    assert got.done[18] is True


def test_nothing_is_known_of_the_return_before_it():
    market = halted((7, 8), (8, 8))
    ended = {"A": BEFORE, "B": GOES_ON}
    got, without = run(market, HALF), run(ended, HALF)
    assert got.events()[:1] == without.events()
    assert got.fills[:2] == without.fills
    assert [got.cash[s] for s in range(17)] == [without.cash[s] for s in range(17)]


@pytest.mark.parametrize("bad", [math.nan, 0.0, -1.0])
def test_an_open_that_is_no_price_gives_way_to_the_close(bad):
    got = run(halted((bad, 8), (9, 9)), HALF)
    assert got.broker.getvalue() == 4_500 + 500 * 8


def test_a_first_bar_without_a_close_is_waited_over():
    got = run(halted((7, math.nan), (8, 9)), HALF)
    assert got.events()[1] == (17, "reopened", "A")
    assert got.broker.getvalue() == 4_500 + 500 * 8


def test_a_thin_market_corrects_in_parts():
    filler = bt.broker.fillers.FixedSize(size=300)
    got = run(halted((7, 8), (8, 8)), HALF, filler=filler)
    assert got.sizes == [300, 200, -300, -200, -300, 300, -200, 200]
    # 300 bought at 11, 200 at 12; the settlement's second part came at its price too.
    assert got.broker.getvalue() == 10_000 - 300 * 11 - 200 * 12 + 500 * 7


def test_a_correction_that_the_broker_rejects_is_told():
    # Without `shortcash` a sale needs cash too, and all of it is in B.
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.set_shortcash(False)
    market = halted(*[(7.0, 7.0)] * 4)
    got = run(market, HALF | {13: {"B": 1.0}}, cerebro=cerebro)
    gave_up = [e.detail for e in got.rebalancer.events if e.kind == "gave_up"]
    assert gave_up == [
        "correction, -500 at 7: Margin",
        "correction, +500 at 14: Margin",
    ]


def test_a_return_on_the_very_last_bar_is_at_least_said():
    market = {"A": BEFORE | {17: (7, 7)}, "B": flat(20, range(18))}
    got = run(market, HALF)
    assert got.rebalancer.events[-1].detail == "sold 500 at 7, not 14: -3500.00"
    assert got.broker.getvalue() == 11_500


def test_analyzers_have_it_on_the_sessions_it_was_made():
    got = run(halted((7, 8)), HALF, analyzers=OBSERVED)
    *_, sold, bought = got.analyzers.OrderHistory.get_analysis()
    assert sold.submitted == bought.submitted == dt.date(2020, 1, 23)
    assert sold.executed == bought.executed == dt.date(2020, 1, 24)
    assert {sold.status, bought.status} == {"Completed"}
