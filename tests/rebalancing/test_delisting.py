"""Positions in feeds that have ended.

Session 3 is Monday, January 6 and session 12 Friday the 17th, 11 days later; session 13
is Monday the 20th.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
from types import SimpleNamespace

import backtrader as bt
import pytest
from modes import KEEPING
from planned import Fill, flat, run

from bt_lstm_rotation.analyzers import OrderHistory, TradingCosts
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.rebalancing.delisting import Delisting
from bt_lstm_rotation.rebalancing.events import EventLog
from bt_lstm_rotation.rebalancing.rules import Rules

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

ENDED = {0: (10, 10), 1: (11, 12), 2: (12, 13), 3: (13, 14)}
GOES_ON = flat(20, range(18))
HALF = {0: {"A": 0.5}}

OBSERVED = (OrderHistory, TradingCosts, bt.analyzers.TradeAnalyzer)


@pytest.mark.parametrize("mode", KEEPING)
def test_it_is_settled_at_its_last_close_between_rebalances(mode, caplog):
    market = {"A": ENDED, "B": GOES_ON}
    with caplog.at_level(logging.WARNING):
        got = run(market, HALF, mode=mode, commission=0.01, analyzers=OBSERVED)
    # 500 at 11 and a commission of 55; 500 at 14 and a commission of 70.
    assert got.fills == [
        Fill(1, "A", 500, 11.0, pytest.approx(55.0)),
        Fill(13, "A", -500, 14.0, pytest.approx(70.0)),
    ]
    assert got.cash[12] == pytest.approx(4445.0)
    assert got.cash[13] == pytest.approx(11_375.0)
    assert got.held[17] == {}
    assert got.events() == [(12, "delisted", "A")]
    detail = "sell 500 at 14, no bar since 2020-01-06"
    assert got.rebalancer.events[0].detail == detail
    assert f"2020-01-17 A: delisted, {detail}" in caplog.text
    assert all(got.done[session] for session in range(2, 18))


@pytest.mark.parametrize("mode", KEEPING)
def test_analyzers_see_the_settlement_on_the_sessions_it_was_made(mode):
    market = {"A": ENDED, "B": GOES_ON}
    got = run(market, HALF, mode=mode, commission=0.01, analyzers=OBSERVED)
    bought, settled = got.analyzers.OrderHistory.get_analysis()
    assert bought.executed == dt.date(2020, 1, 2)
    assert (settled.submitted, settled.executed) == (
        dt.date(2020, 1, 17),
        dt.date(2020, 1, 20),
    )
    assert (settled.symbol, settled.side, settled.size, settled.filled) == (
        *("A", "sell", 500.0, 500.0),
    )
    assert (settled.status, settled.price) == ("Completed", 14.0)
    assert settled.commission == pytest.approx(70.0)
    assert settled.slippage == 0.0
    assert got.analyzers.TradingCosts.get_analysis()["slippage"] == 0.0
    trades = got.analyzers.TradeAnalyzer.get_analysis()
    assert (trades.total.total, trades.total.closed) == (1, 1)
    assert trades.pnl.gross.total == pytest.approx(500 * 3)
    assert trades.pnl.net.total == pytest.approx(500 * 3 - 125)


@pytest.mark.parametrize("mode", KEEPING)
def test_written_off_it_is_settled_at_next_to_nothing(mode):
    market = {"A": ENDED, "B": GOES_ON}
    settings = {"delisted": "write_off"}
    got = run(market, HALF, mode=mode, settings=settings, analyzers=OBSERVED)
    assert (got.fills[1].session, got.fills[1].size) == (13, -500)
    assert got.held[13] == {}
    assert got.cash[13] == pytest.approx(4_500.0, abs=1e-4)
    trades = got.analyzers.TradeAnalyzer.get_analysis()
    assert trades.pnl.net.total == pytest.approx(-5_500.0, abs=1e-4)


@pytest.mark.parametrize("mode", KEEPING)
def test_held_it_stays_and_is_told_of_once(mode):
    market = {"A": ENDED, "B": GOES_ON}
    got = run(market, HALF, mode=mode, settings={"delisted": "hold"})
    assert got.held[17] == {"A": 500}
    assert got.broker.getvalue() == 4_500 + 500 * 14
    assert got.events() == [(12, "delisted", "A")]
    assert got.rebalancer.events[0].detail.startswith("hold 500 at 14, no bar since")


@pytest.mark.parametrize(
    ("days", "settled"), [(10, 13), (11, 14), (9, 12), (8, 11), (1, 6), (14, 15)]
)
def test_a_feed_has_ended_after_more_than_so_many_days(days, settled):
    # Sessions 5 and 10 to 14 are 2, 9, 10, 11, 14 and 15 days after the last bar.
    market = {"A": ENDED, "B": GOES_ON}
    got = run(market, HALF, settings={"delisted_after": days})
    assert [fill.session for fill in got.fills] == [1, settled]


@pytest.mark.parametrize("mode", KEEPING)
@pytest.mark.parametrize("step", [5, 22])  # weekly and monthly bars
def test_one_or_two_missing_bars_of_weeks_or_months_sell_nothing(step, mode):
    bars = flat(10, [step * k for k in range(12) if k not in (4, 7, 8)])
    market = {"A": bars, "B": flat(20, [step * k for k in range(12)])}
    got = run(market, HALF, mode=mode)
    assert got.rebalancer.events == []
    assert got.fills == [Fill(step, "A", 500, 10.0, 0.0)]


@pytest.mark.parametrize("step", [5, 22])
def test_after_three_missing_bars_of_weeks_or_months_it_has_ended(step):
    # The fourth bar of B without one of A is 28 days after A's last, or 121 to 123.
    market = {
        "A": flat(10, [step * k for k in range(5)]),
        "B": flat(20, [step * k for k in range(12)]),
    }
    got = run(market, HALF)
    assert got.events() == [(step * 8, "delisted", "A")]
    assert [fill.session for fill in got.fills] == [step, step * 9]


def test_a_number_of_days_counts_whatever_the_spacing():
    market = {
        "A": flat(10, range(0, 40, 5)),
        "B": flat(20, range(0, 90, 5)),
    }
    # Session 35 is A's last, and each one after it is 7 days later.
    got = run(market, HALF, settings={"delisted_after": 6})
    assert got.events() == [(40, "delisted", "A")]
    patient = run(market, HALF, settings={"delisted_after": 99})
    assert patient.rebalancer.events == []


def test_the_bars_to_come_say_nothing_of_the_end():
    # Whether a feed's bars will be months apart is not known while they are days apart.
    a = ENDED | flat(10, [22 * k + 9 for k in range(1, 9)])
    market = {"A": a, "B": flat(20, range(220))}
    cut = {"A": ENDED, "B": GOES_ON}
    got, early = (run(bars, HALF).events()[0] for bars in (market, cut))
    assert got == early == (12, "delisted", "A")


@pytest.mark.parametrize("policy", ["last_close", "write_off", "hold"])
def test_without_a_position_nothing_is_told(policy):
    market = {"A": ENDED, "B": GOES_ON, "Late": flat(5, range(15, 18)), "Empty": {}}
    got = run(market, {0: {"B": 0.5}}, settings={"delisted": policy})
    assert got.rebalancer.events == []
    assert len(got.fills) == 1


def test_fractions_are_settled_to_nothing():
    market = {"A": ENDED, "B": GOES_ON}
    got = run(market, {0: {"A": 0.3333}}, settings={"lot": 0.001})
    assert got.fills[1].size == -got.fills[0].size
    assert got.held[17] == {}


@pytest.mark.parametrize("side", [1, -1])
def test_less_than_a_share_is_settled_on_the_side_that_ends_it(side):
    market = {"A": ENDED, "B": GOES_ON}
    got = run(
        market, {0: {"A": side * 0.0005}}, settings={"lot": 0.001, "shorts": True}
    )
    # 5 in currency are half a share at 10.
    assert [fill.size for fill in got.fills] == [side * 0.5, side * -0.5]
    did = "sell" if side > 0 else "buy"
    detail = f"{did} 0.5 at 14, no bar since 2020-01-06"
    assert [event.detail for event in got.rebalancer.events] == [detail]


def test_a_short_is_settled_though_it_takes_more_than_all_cash():
    # 500 sold at 10 leave 15,000; at 40 they cost 20,000.
    def sell_short(strategy):
        if strategy.session == 0:
            strategy.sell(data=strategy.getdatabyname("A"), size=500)

    market = {"A": flat(10, range(3)) | {3: (40, 40)}, "B": GOES_ON}
    got = run(market, {}, before=sell_short)
    assert [(fill.session, fill.size) for fill in got.fills] == [(1, -500), (13, 500)]
    assert got.cash[17] == -5_000.0
    assert "Margin" not in got.statuses


@pytest.mark.parametrize("mode", KEEPING)
def test_an_order_that_waits_for_its_next_open_is_ended_first(mode):
    market = {"A": ENDED, "B": GOES_ON}
    plan = HALF | {3: {"B": 0.9}}
    got = run(market, plan, mode=mode, max_attempts=99)
    # At 3 A is worth 7,000 of 11,500, of which 90% are 517 of B. Its sell waits, and
    # so does the buy; it is paid with 4,500 + 7,000 from A, a session after they come.
    assert [(f.session, f.feed, f.size) for f in got.fills] == [
        (1, "A", 500),
        (13, "A", -500),
        (14, "B", 517),
    ]
    # From 12 on it is the settlement that is alive, and not the sell beside it.
    assert got.alive[11] == got.alive[12] == ["A"]
    assert got.statuses.count("Canceled") == 1
    assert got.cash[14] == 11_500 - 517 * 20
    assert got.done[15] is True


def test_orders_of_the_strategys_own_are_ended_too():
    # Should a bar come, a stop would sell short what was settled long ago.
    def protect(strategy):
        a, b = strategy.getdatabyname("A"), strategy.getdatabyname("B")
        if strategy.session == 2:
            strategy.sell(data=a, size=500, price=5.0, exectype=bt.Order.Stop)
            strategy.buy(data=b, size=1, price=5.0, exectype=bt.Order.Limit)
        if strategy.session == 12:  # in the very session that finds it ended
            strategy.sell(data=a, size=500, price=6.0, exectype=bt.Order.Stop)

    market = {"A": ENDED | {17: (1, 1)}, "B": GOES_ON}
    got = run(market, HALF, before=protect)
    assert got.alive[11] == ["A", "B"]
    assert got.alive[14] == ["B"]
    assert got.held[17] == {}


@pytest.mark.parametrize("mode", KEEPING)
def test_a_target_that_names_it_gives_it_up_and_the_others_are_completed(mode):
    market = {"A": ENDED, "B": flat(20, range(22))}
    plan = HALF | {14: {"A": 0.4, "B": 0.5}}
    got = run(market, plan, mode=mode, max_attempts=3)
    assert got.events()[1:] == [
        (14, "no_bar", "A"),
        (15, "no_bar", "A"),
        (16, "gave_up", "A"),
    ]
    # Half of 11,500 at 20.
    assert got.fills[2:] == [Fill(15, "B", 287, 20.0, 0.0)]
    assert got.held[21] == {"B": 287}


def test_a_target_of_the_day_it_is_found_counts_on_what_it_brings():
    market = {"A": ENDED, "B": GOES_ON}
    got = run(market, HALF | {12: {"B": 0.9}})
    # 90% of 11,500 are 517 of B: more than the cash of that day.
    assert [(f.session, f.feed, f.size) for f in got.fills[1:]] == [
        (13, "A", -500),
        (14, "B", 517),
    ]
    assert got.events() == [(12, "delisted", "A")]


def test_a_last_close_of_nan_is_passed_over():
    a = ENDED | {3: (13, math.nan)}
    got = run({"A": a, "B": GOES_ON}, HALF)
    assert got.fills[1] == Fill(13, "A", -500, 13.0, 0.0)


def test_positions_of_the_strategys_own_are_not_settled():
    def own(strategy):
        if strategy.session == 0:
            strategy.buy(data=strategy.getdatabyname("Mine"), size=10)

    market = {"A": flat(10, range(18)), "Mine": ENDED}
    got = run(market, HALF, ignore=("Mine",), before=own)
    assert got.held[17] == {"A": 500, "Mine": 10}
    assert got.rebalancer.events == []


def test_a_market_that_was_closed_for_two_weeks_delists_nobody():
    days = [0, 1, 2, 3, 14, 15, 16]
    got = run({"A": flat(10, days), "B": flat(10, days)}, HALF)
    assert got.rebalancer.events == []
    assert got.held[16] == {"A": 500}


def test_a_thin_market_settles_in_parts():
    filler = bt.broker.fillers.FixedSize(size=300)
    got = run({"A": flat(10, range(4)), "B": GOES_ON}, HALF, filler=filler)
    assert got.sizes == [300, 200, -300, -200]
    assert [kind for _, kind, _ in got.events()] == ["delisted"]


def test_a_broker_that_is_no_simulation_settles_for_itself():
    class Feed:
        _name = "A"

    account = SimpleNamespace(
        today=dt.date(2020, 1, 20),
        ended=lambda feed, days: True,
        due=0.0,
        shares_held=lambda feed: 7,
        last_close=lambda feed: 3.5,
        last_session=lambda feed: dt.date(2020, 1, 6),
    )
    # There is no buy, sell or cancel to be called.
    strategy, log = SimpleNamespace(broker=object()), EventLog(account)
    delisting, feed = Delisting(strategy, account, Rules(), log), Feed()
    delisting.watch([feed])
    delisting.watch([feed])
    assert [event.detail for event in log.events] == [
        "hold 7 at 3.5, no bar since 2020-01-06"
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"delisted": "Hold"},
            "must be one of 'last_close', 'write_off', 'hold'",
        ),
        ({"delisted": None}, "delisted must be one of"),
        ({"delisted": ["hold"]}, "delisted must be one of"),
        ({"delisted_after": 0}, "delisted_after must be a whole number of at least 1"),
        ({"delisted_after": 10.0}, "delisted_after must be"),
        ({"delisted_after": math.inf}, "delisted_after must be"),
        ({"delisted_after": True}, "delisted_after must be"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(SpecError, match=message):
        run({"B": GOES_ON}, {}, settings=settings)
