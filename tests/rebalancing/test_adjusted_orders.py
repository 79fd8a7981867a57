"""Open orders and trades when shares split or pay a dividend, by hand."""

from __future__ import annotations

import backtrader as bt
import pytest
from scripted import DIVIDEND, REVERSE, SPLIT, Scripted, day, market, run

from bt_lstm_rotation.prices.corporate_actions import CorporateAction
from bt_lstm_rotation.rebalancing.adjusting_broker import AdjustingBroker

LIMIT, STOP, STOP_LIMIT = bt.Order.Limit, bt.Order.Stop, bt.Order.StopLimit
TRAIL, TRAIL_LIMIT = bt.Order.StopTrail, bt.Order.StopTrailLimit


def buy(size, **how):
    return lambda strategy: strategy.buy(size=size, **how)


def sell(size, **how):
    return lambda strategy: strategy.sell(size=size, **how)


def fills(ran):
    return [row for row in ran.orders if row[1] in ("Partial", "Completed")]


@pytest.mark.parametrize(("trade", "sign"), [(buy, 1), (sell, -1)])
def test_an_order_sent_at_the_last_old_close_fills_in_new_units(trade, sign):
    frames = market(A=[100, 100, 100, (51, 50), 50])
    ran = run(frames, {2: trade(15)}, {3: {"A": SPLIT}})
    assert fills(ran) == [(3, "Completed", sign * 30, 51.0)]


def test_it_is_checked_for_cash_in_new_units():
    # 30 at 333 are paid for by 9,990; at an old price of 666 they would not be.
    frames = market(A=[666, 666, 666, 333, 333])
    ran = run(frames, {2: buy(15)}, {3: {"A": SPLIT}})
    assert fills(ran) == [(3, "Completed", 30, 333.0)]


def test_the_cash_of_a_dividend_pays_for_an_order_of_the_same_session():
    # 99 shares leave 100 in cash, and 99 times 0.50 are what one at 99.5 still lacks.
    frames = market(A=[100, 100, 100, 99.5, 99.5])
    script = {0: buy(99), 1: lambda s: s.broker.add_cash(-50.0), 2: buy(1)}
    ran = run(frames, script, {3: {"A": DIVIDEND}})
    assert fills(ran)[-1] == (3, "Completed", 1, 99.5)
    assert run(frames, script).orders[-1][1] == "Margin"


@pytest.mark.parametrize(
    ("trade", "how", "bars", "fill"),
    [
        # Sent at 0, a close of 100; new units, half of the old, from 3 on.
        (buy, {"exectype": LIMIT, "price": 90}, [50, 50, (50, 44)], (5, 20, 45.0)),
        (sell, {"exectype": LIMIT, "price": 110}, [50, 50, (50, 56)], (5, -20, 55.0)),
        (buy, {"exectype": STOP, "price": 110}, [50, 50, (50, 56)], (5, 20, 55.0)),
        (sell, {"exectype": STOP, "price": 90}, [50, 50, (50, 44)], (5, -20, 45.0)),
        (
            buy,
            {"exectype": STOP_LIMIT, "price": 110, "plimit": 104},
            [50, (56, 56), (56, 51)],
            (5, 20, 52.0),
        ),
        # Triggered at 2 in old units, and filled at the limit in new ones.
        (
            buy,
            {"exectype": STOP_LIMIT, "price": 100, "plimit": 96},
            [50, 50, (50, 47)],
            (5, 20, 48.0),
        ),
        # 10 below the highest close, which is 100 and then, in new units, 54.
        (
            sell,
            {"exectype": TRAIL, "trailamount": 10},
            [54, 50, (50, 48)],
            (5, -20, 49),
        ),
        # A tenth below it.
        (
            sell,
            {"exectype": TRAIL, "trailpercent": 0.1},
            [54, 50, (50, 48)],
            (5, -20, pytest.approx(48.6)),
        ),
        (
            sell,
            # Its limit stays 6 above the stop, which is 3 in new units.
            {"exectype": TRAIL_LIMIT, "trailamount": 10, "price": 100, "plimit": 106},
            [54, (48, 48), (48, 53)],
            (5, -20, 52.0),
        ),
    ],
)
def test_prices_of_a_waiting_order_are_in_new_units(trade, how, bars, fill):
    frames = market(A=[100, 100, 100, *bars])
    ran = run(frames, {0: trade(10, **how)}, {3: {"A": SPLIT}})
    session, size, price = fill
    assert fills(ran) == [(session, "Completed", size, price)]


def test_an_order_for_the_close_fills_at_the_new_close():
    frames = market(A=[100, 100, (51, 50), 50])
    ran = run(frames, {1: buy(10, exectype=bt.Order.Close)}, {2: {"A": SPLIT}})
    assert [row[2:] for row in fills(ran)] == [(20, 50.0)]


def test_a_close_that_an_order_took_note_of_is_in_new_units():
    # Filled a bar late, at the price of the bar before: 100, which now are 50.
    def late(strategy):
        order = strategy.buy(size=10, exectype=bt.Order.Close)
        order.dteos = strategy.data.datetime[0] + 1.5

    frames = market(A=[100, 100, 55, 56])
    ran = run(frames, {0: late}, {2: {"A": SPLIT}})
    assert [row[2:] for row in fills(ran)] == [(20, 50.0)]


@pytest.mark.parametrize(("size", "filled"), [(25, 2), (20, 2), (9_995, 999)])
def test_an_order_is_rounded_to_lots(size, filled):
    frames = market(A=[10, 10, 10, 100, 100])
    ran = run(frames, {2: buy(size)}, {3: {"A": REVERSE}}, cash=1e6)
    assert fills(ran) == [(3, "Completed", filled, 100.0)]


@pytest.mark.parametrize("how", [{}, {"exectype": LIMIT, "price": 9.0}])
@pytest.mark.parametrize("sent", [0, 2])
def test_an_order_of_less_than_a_lot_ends(how, sent):
    frames = market(A=[10, 10, 10, 100, 80, 80])
    first = {0: buy(9, exectype=LIMIT, price=9.0)} if sent == 0 else {2: buy(9, **how)}
    ran = run(frames, first, {3: {"A": REVERSE}})
    assert ran.orders[-1] == (3, "Canceled", 0, 0.0)
    assert not fills(ran)
    assert not ran.broker.get_orders_open()


def test_an_order_that_sells_all_sells_all():
    frames = market(A=[10, 10, 10, 100, 100])
    ran = run(frames, {0: buy(15), 2: sell(15)}, {3: {"A": REVERSE}})
    assert ran.noted[3] == (10_000.0, 10_000.0, {})


def test_a_bracket_follows():
    def bracket(strategy):
        strategy.buy_bracket(size=10, price=100, limitprice=120, stopprice=80)

    frames = market(A=[100, 100, 50, (50, 61), 50])
    ran = run(frames, {0: bracket}, {2: {"A": SPLIT}})
    assert fills(ran) == [(1, "Completed", 10, 100.0), (3, "Completed", -20, 60.0)]
    assert ran.noted[4][2] == {}


def test_orders_of_others_stay_as_they_are():
    frames = market(A=[100, 100, 50, 50], B=[100, 100, 100, 100])
    script = {1: lambda s: [s.buy(feed, size=10) for feed in s.datas]}
    ran = run(frames, script, {2: {"A": SPLIT}})
    assert ran.noted[2][2] == {"A": 20, "B": 10}


def test_an_order_that_is_half_filled_is_filled_to_its_end():
    # 4 a bar: 4 at 100, then the other 6 are 12: three bars of 4 at 50.
    frames = market(A=[100, 100, 50, 50, 50, 50])
    ran = run(
        frames,
        {0: buy(10)},
        {2: {"A": SPLIT}},
        broker=lambda broker: broker.set_filler(
            lambda order, price, ago: min(4, abs(order.executed.remsize))
        ),
    )
    assert fills(ran) == [
        (1, "Partial", 4, 100.0),
        *[(n, "Partial", 4 + 4 * n, 50.0) for n in (2, 3)],
        (4, "Completed", 20, 50.0),
    ]
    assert ran.noted[5] == (10_000.0, 9_000.0, {"A": 20})


def test_a_booking_at_its_own_price_keeps_what_it_is_worth():
    def book(strategy):
        for side, price in ((strategy.sell, 90.0), (strategy.buy, 96.0)):
            side(
                size=10,
                price=price,
                exectype=bt.Order.Historical,
                histnotify=True,
                _checksubmit=False,
            )

    for action, close in ((SPLIT, 50), (DIVIDEND, 99.5), (REVERSE, 1000)):
        frames = market(A=[100, 100, close, close])
        ran = run(frames, {1: book}, {2: {"A": action}})
        assert ran.noted[3][0] == pytest.approx(10_000 - 60)


def test_a_booking_at_next_to_nothing_stays_at_that():
    def write_off(strategy):
        strategy.sell(size=10, price=1e-9, exectype=bt.Order.Historical)

    frames = market(A=[100, 100, 99.5, 99.5])
    ran = run(frames, {1: write_off}, {2: {"A": DIVIDEND}})
    assert ran.noted[3][1] == pytest.approx(10_000)


@pytest.mark.parametrize(("trade", "sign"), [(buy, 1), (sell, -1)])
def test_a_trade_is_closed_by_the_new_shares(trade, sign):
    other = {buy: sell, sell: buy}[trade]
    frames = market(A=[100, 100, 50, 50, 60, 60])
    script = {0: trade(10), 3: other(20)}
    analyzers = [bt.analyzers.TradeAnalyzer]
    ran = run(frames, script, {2: {"A": SPLIT}}, analyzers=analyzers)
    assert ran.trades == [(1, False, sign * 10, 0.0), (4, True, 0, sign * 200.0)]
    found = ran.analyzers.TradeAnalyzer.get_analysis()
    assert (found.total.closed, found.pnl.net.total) == (1, sign * 200.0)


def test_a_trade_has_gained_what_a_dividend_and_a_part_of_a_share_paid():
    # 15 at 10, half of the 1.5 that they become is paid out at 120: 10 more than it
    # cost. The other one pays 0.50 and is sold at 120: 20.50 more.
    frames = market(A=[10, 10, 12, 120, 119.4, 120])
    paid = CorporateAction(0.995, 1.0, 0.6)
    script = {0: buy(15), 4: sell(1)}
    ran = run(frames, script, {3: {"A": REVERSE}, 4: {"A": paid}})
    assert ran.trades[-1] == (5, True, 0, pytest.approx(10 + 20 + 0.6))
    assert ran.noted[5][0] == pytest.approx(10_000 + 30.6)


def test_a_trade_that_is_paid_out_whole_is_closed():
    frames = market(A=[10, 10, 12, 120, 120])
    ran = run(frames, {0: buy(5)}, {3: {"A": REVERSE}})
    assert ran.trades == [(1, False, 5, 0.0), (3, True, 0, pytest.approx(10.0))]


def test_trades_of_two_strategies_are_paid_out_once():
    # 10 and 5 become 1 and a half; the half that is paid out leaves the first.
    cerebro = bt.Cerebro(stdstats=False)
    bars = market(A=[10, 10, 100, 100, 100])["A"]
    cerebro.adddata(bt.feeds.PandasData(dataname=bars), name="A")
    cerebro.broker = AdjustingBroker(actions={day(2): {"A": REVERSE}})
    for size in (10, 5):
        cerebro.addstrategy(Scripted, script={0: buy(size)})
    ran = cerebro.run()
    trades = [one._trades[one.data][0][-1] for one in ran]
    assert [trade.size for trade in trades] == [0.5, 0.5]
    assert cerebro.broker.getposition(ran[0].data).size == 1


def test_trades_that_face_each_other_are_not_paid_out_of_each_other():
    # 25 and -10 are 1.5 net; the half that is paid out is of the first.
    cerebro = bt.Cerebro(stdstats=False)
    bars = market(A=[10, 10, 100, 100, 100])["A"]
    cerebro.adddata(bt.feeds.PandasData(dataname=bars), name="A")
    cerebro.broker = AdjustingBroker(actions={day(2): {"A": REVERSE}})
    for script in ({0: sell(10)}, {0: buy(25)}):
        cerebro.addstrategy(Scripted, script=script)
    ran = cerebro.run()
    trades = [one._trades[one.data][0][-1] for one in ran]
    assert [trade.size for trade in trades] == [-1.0, 2.0]
