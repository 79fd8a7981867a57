"""Splits and dividends while shares are held, by hand."""

from __future__ import annotations

import datetime as dt
import itertools

import backtrader as bt
import pytest
from scripted import DIVIDEND, REVERSE, SPLIT, Scripted, Told, day, market, run

from bt_lstm_rotation import NoLookahead
from bt_lstm_rotation.analyzers import AccountHistory
from bt_lstm_rotation.errors import SpecError, StrategyError
from bt_lstm_rotation.prices.corporate_actions import CorporateAction, classified
from bt_lstm_rotation.rebalancing.adjusting_broker import AdjustingBroker


class BuysAtOnce(bt.Strategy):
    params = (("size", 1),)

    def __init__(self):
        pass

    def next(self):
        if len(self) == 1:
            self.buy(size=self.p.size)


def buy(size, **how):
    return lambda strategy: strategy.buy(size=size, **how)


def sell(size, **how):
    return lambda strategy: strategy.sell(size=size, **how)


def applied(ran):
    return [(found.session, *found[1:2], *found[3:]) for found in ran.broker.applied]


SPLIT_AT_3 = market(A=[100, 100, 100, 50, 50, 50])
REVERSE_AT_3 = market(A=[10, 10, 10, 100, 100, 100])
DIVIDEND_AT_3 = market(A=[100, 100, 100, 99.5, 99.5, 99.5])


@pytest.mark.parametrize(("trade", "sign"), [(buy, 1), (sell, -1)])
def test_a_split_doubles_the_shares_and_moves_no_cash(trade, sign):
    ran = run(SPLIT_AT_3, {0: trade(15)}, {3: {"A": SPLIT}})
    assert [row[2] for row in ran.noted.values()] == [
        {},
        *[{"A": sign * 15}] * 2,
        *[{"A": sign * 30}] * 3,
    ]
    assert {row[0] for row in ran.noted.values()} == {10_000.0}
    assert {row[1] for row in list(ran.noted.values())[1:]} == {
        10_000.0 - sign * 1_500.0
    }
    assert applied(ran) == [(day(3), "A", sign * 15, sign * 30, 0.0)]
    assert ran.getposition().price == 50.0


@pytest.mark.parametrize(("trade", "sign"), [(buy, 1), (sell, -1)])
def test_part_of_a_share_is_paid_out_at_the_last_close_in_new_units(trade, sign):
    # 15 become 1.5; half of one is worth 50, at a last close of 10 that is now 100.
    ran = run(REVERSE_AT_3, {0: trade(15)}, {3: {"A": REVERSE}})
    assert ran.noted[2] == (10_000.0, 10_000.0 - sign * 150.0, {"A": sign * 15})
    assert ran.noted[3] == (10_000.0, 10_000.0 - sign * 100.0, {"A": sign * 1})
    assert applied(ran) == [(day(3), "A", sign * 15, sign * 1, sign * 50.0)]


def test_a_position_of_less_than_a_lot_is_paid_out_whole():
    ran = run(REVERSE_AT_3, {0: buy(5)}, {3: {"A": REVERSE}})
    assert ran.noted[3] == (10_000.0, 10_000.0, {})
    assert ran.getposition().price == 0.0


@pytest.mark.parametrize(("lot", "after"), [(0.001, 1.5), (0.4, 1.2)])
def test_shares_are_rounded_to_the_lot(lot, after):
    ran = run(REVERSE_AT_3, {0: buy(15)}, {3: {"A": REVERSE}}, broker_lot=lot)
    value, cash, held = ran.noted[3]
    assert held == {"A": pytest.approx(after)}
    assert value == pytest.approx(10_000.0)
    assert cash == pytest.approx(9_850 + (1.5 - after) * 100)


def test_odd_shares_stay_odd_at_a_dividend():
    ran = run(DIVIDEND_AT_3, {0: buy(1.25)}, {3: {"A": DIVIDEND}})
    assert ran.noted[3][2] == {"A": 1.25}


@pytest.mark.parametrize(("trade", "sign"), [(buy, 1), (sell, -1)])
def test_a_dividend_is_paid_to_a_long_and_by_a_short_position(trade, sign):
    ran = run(DIVIDEND_AT_3, {0: trade(20)}, {3: {"A": DIVIDEND}})
    assert ran.noted[2][1] == 10_000.0 - sign * 2_000.0
    # 20 times 0.50; what is held is worth 1,990.
    assert ran.noted[3][1:] == (10_000.0 - sign * 1_990.0, {"A": sign * 20})
    assert ran.noted[3][0] == pytest.approx(10_000.0)
    assert applied(ran) == [(day(3), "A", sign * 20, sign * 20, sign * 10.0)]
    assert ran.getposition().price == 100.0


def test_a_split_and_a_dividend_at_once_keep_the_value():
    both = classified(0.4975, 100.0)
    frames = market(A=[100, 100, 100, 49.75, 49.75])
    ran = run(frames, {0: buy(20)}, {3: {"A": both}})
    assert ran.noted[3] == (
        pytest.approx(10_000.0),
        pytest.approx(8_010.0),
        {"A": 40},
    )


def test_what_was_paid_is_no_deposit():
    analyzers = [AccountHistory, bt.analyzers.TimeReturn]
    frames = market(A=[100, 100, 100, 101.49, 99.5])
    ran = run(frames, {0: buy(20)}, {3: {"A": DIVIDEND}}, analyzers=analyzers)
    assert ran.analyzers.AccountHistory.flows == {}
    # The price rises by 2% above the 99.5 that no one has earned anything at.
    earned = ran.analyzers.TimeReturn.get_analysis()
    assert list(earned.values())[3] == pytest.approx((20 * 1.99) / 10_000)
    assert ran.broker.fundshares == 100.0


def test_the_account_goes_on_as_with_restated_bars_and_parts_of_shares():
    # By hand, 15 at 10 are 1.5 at 100. Less 0.5, for cash: they miss what it earns.
    seen = market(A=[10, 10, 11, 121, 132, 110])
    ran = run(seen, {0: buy(15)}, {3: {"A": REVERSE}})
    whole = market(A=[100, 100, 110, 121, 132, 110])
    fraction = run(whole, {0: buy(1.5)})
    missed = [0, 0, 0, 0.5 * 11, 0.5 * 22, 0]
    for number, less in enumerate(missed):
        assert ran.noted[number][0] == pytest.approx(fraction.noted[number][0] - less)


@pytest.mark.parametrize("broker", [{}, {"actions": None}, {"actions": {}}])
def test_without_actions_it_is_backtraders_own_broker(broker):
    frames = market(A=[100, 101, 103, 99, 98, 105], B=[20, 21, None, 19, 22, 20])
    script = {
        0: lambda s: (s.buy(s.datas[0], size=20), s.sell(s.datas[1], size=7)),
        2: lambda s: s.buy(s.datas[1], size=3, exectype=bt.Order.Limit, price=19.5),
        3: lambda s: s.broker.add_cash(33.0),
        4: lambda s: s.sell(s.datas[0], size=9_999_999),
    }

    def seen(own):
        cerebro = bt.Cerebro(stdstats=False)
        for name, frame in frames.items():
            cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
        if own is not None:
            cerebro.broker = AdjustingBroker(**own)
        cerebro.broker.setcommission(0.001)
        cerebro.addstrategy(Scripted, script=script)
        (ran,) = cerebro.run()
        return cerebro._dorunonce, repr((ran.noted, ran.orders, ran.trades))

    assert seen(broker) == seen(None)


@pytest.mark.parametrize(
    ("frames", "action"),
    [(SPLIT_AT_3, SPLIT), (REVERSE_AT_3, REVERSE), (DIVIDEND_AT_3, DIVIDEND)],
)
def test_what_is_recorded_before_it_is_the_same_to_the_bit(frames, action):
    script = {
        0: buy(15),
        1: buy(3, exectype=bt.Order.Limit, price=90.0),
        2: sell(4),
    }
    with_action = run(frames, script, {3: {"A": action}})
    without = run(frames, script)
    for ran in (with_action, without):
        ran.early = [row for row in ran.orders if row[0] < 3]
        ran.first = list(itertools.islice(ran.noted.items(), 3))
    assert repr(with_action.early) == repr(without.early)
    assert repr(with_action.first) == repr(without.first)


def test_two_actions_of_one_symbol_follow_each_other():
    frames = market(A=[100, 100, 100, 50, 5, 4.975])
    actions = {
        3: {"A": SPLIT},
        4: {"A": CorporateAction(0.1, 10.0, 0.0)},
        5: {"A": classified(0.995, 5.0)},
    }
    ran = run(frames, {0: buy(10)}, actions)
    assert [row[2].get("A", 0) for row in ran.noted.values()] == [
        *(0, 10, 10),
        *(20, 200, 200),
    ]
    assert [row[0] for row in ran.noted.values()] == [pytest.approx(10_000)] * 6
    assert applied(ran)[-1] == (day(5), "A", 200, 200, pytest.approx(5.0))


def test_actions_of_several_symbols_in_one_session():
    frames = market(A=[100, 100, 50, 50], B=[100, 100, 99.5, 99.5], C=[7, 7, 7, 7])
    script = {0: lambda s: [s.buy(feed, size=10) for feed in s.datas]}
    ran = run(frames, script, {2: {"B": DIVIDEND, "A": SPLIT}})
    assert ran.noted[2][2] == {"A": 20, "B": 10, "C": 10}
    assert ran.noted[2][0] == pytest.approx(10_000.0)
    assert [row[1] for row in applied(ran)] == ["B", "A"]


def test_a_symbol_that_misses_the_session_is_adjusted_at_its_next_bar():
    frames = market(A=[100, 100, 100, None, None, 50], B=[7] * 6)
    script = {0: lambda s: s.buy(s.datas[0], size=10)}
    actions = {3: {"A": SPLIT}, 4: {"A": REVERSE}}
    frames["A"].iloc[3:] *= 10
    ran = run(frames, script, actions)
    assert [row[2].get("A", 0) for row in ran.noted.values()] == [0, 10, 10, 10, 10, 2]
    assert {row[0] for row in ran.noted.values()} == {10_000.0}
    assert [row[0] for row in applied(ran)] == [day(5), day(5)]


def test_an_action_before_anything_is_held_is_listed_and_pays_nothing():
    frames = market(A=[100, 100, 50, 50, 50])
    ran = run(frames, {2: buy(10)}, {2: {"A": SPLIT}})
    assert applied(ran) == [(day(2), "A", 0, 0, 0.0)]
    assert ran.noted[4] == (10_000.0, 9_500.0, {"A": 10})


@pytest.mark.parametrize("number", [-3, 0])
def test_an_action_before_the_first_bar_changes_no_bar(number):
    ran = run(market(A=[50, 50, 50]), {0: buy(10)}, {number: {"A": SPLIT}})
    assert ran.noted[2] == (10_000.0, 9_500.0, {"A": 10})
    assert list(ran.data.close.array[:3]) == [50.0] * 3


def test_an_action_after_the_last_bar_is_left_for_another_day():
    ran = run(market(A=[100, 100, 100]), {0: buy(10)}, {3: {"A": SPLIT}})
    assert applied(ran) == []
    assert ran.noted[2][2] == {"A": 10}


def test_a_strategy_with_the_hook_is_told_once_its_feed_is_in_new_units():
    seen = []

    class Asks(Told):
        def __init__(self):
            super().__init__()
            self.sma = bt.ind.SMA(self.data, period=2)

        def notify_corporate_action(self, data, action):
            super().notify_corporate_action(data, action)
            position = self.getposition(data)
            seen.append((position.size, self.sma[0], list(data.close.get(0, 4))))

    ran = run(SPLIT_AT_3, {0: buy(15)}, {3: {"A": SPLIT}}, strategy=Asks)
    assert ran.told == [(4, "A", SPLIT)]
    assert seen == [(30, 50.0, [50.0] * 4)]


def test_the_volume_follows_the_shares():
    ran = run(SPLIT_AT_3, {}, {3: {"A": SPLIT}})
    assert list(ran.data.volume.array[:6]) == [2_000.0] * 3 + [1_000.0] * 3
    ran = run(DIVIDEND_AT_3, {}, {3: {"A": DIVIDEND}})
    assert list(ran.data.volume.array[:6]) == [1_000.0] * 6
    assert list(ran.data.high.array[:4]) == [99.5] * 4


def test_a_second_run_of_one_cerebro_begins_anew():
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=SPLIT_AT_3["A"]), name="A")
    cerebro.broker = AdjustingBroker(actions={day(3): {"A": SPLIT}})
    cerebro.addstrategy(Scripted, script={0: buy(15)})
    first, second = (cerebro.run()[0] for _ in range(2))
    assert first.noted == second.noted
    assert len(cerebro.broker.applied) == 1


@pytest.mark.parametrize(
    ("mode", "setting"),
    [
        ({"exactbars": 1}, "exactbars=0"),
        ({"exactbars": -1}, "exactbars=0"),
        ({"cheat_on_open": True}, "cheat_on_open=False"),
    ],
)
def test_modes_that_cannot_be_are_refused(mode, setting):
    with pytest.raises(StrategyError, match=setting):
        run(SPLIT_AT_3, {}, {3: {"A": SPLIT}}, mode=mode)


@pytest.mark.parametrize("mode", [{}, {"runonce": False}, {"preload": False}])
def test_modes_that_can_be_agree(mode):
    script = {0: buy(15), 2: sell(4)}
    ran = run(SPLIT_AT_3, script, {3: {"A": SPLIT}}, mode=mode)
    assert ran.noted[3] == (10_000.0, 8_900.0, {"A": 22})


@pytest.mark.parametrize("cpus", [1, 2])
def test_every_trial_of_an_optimisation_is_adjusted(cpus):
    cerebro = bt.Cerebro(stdstats=False, maxcpus=cpus)
    cerebro.adddata(bt.feeds.PandasData(dataname=SPLIT_AT_3["A"]), name="A")
    cerebro.broker = AdjustingBroker(actions={day(3): {"A": SPLIT}})
    cerebro.broker.setcash(10_000.0)
    cerebro.optstrategy(BuysAtOnce, size=(5, 15, 25))
    cerebro.addanalyzer(AccountHistory)
    sizes = []
    for (ran,) in cerebro.run():
        equity, _, held = list(ran.analyzers[0].get_analysis().values())[-1]
        assert equity == 10_000.0
        sizes.append(held["A"][0])
    assert sizes == [10.0, 30.0, 50.0]


def test_a_strategy_that_must_not_look_ahead_does_not():
    class Careful(NoLookahead, Told):
        def __init__(self):
            super().__init__()
            self.ema = bt.ind.EMA(self.data, period=3)
            self.seen = []

        def next(self):
            super().next()
            self.seen.append(self.ema[0])

    ran = run(SPLIT_AT_3, {0: buy(15)}, {3: {"A": SPLIT}}, strategy=Careful)
    assert ran.noted[5][2] == {"A": 30}
    assert ran.seen[2:] == [100.0, 50.0, 50.0, 50.0]


def test_a_name_that_no_feed_has_is_refused():
    with pytest.raises(StrategyError, match=r"no feed is called 'AA'.*'A'"):
        run(SPLIT_AT_3, {}, {3: {"AA": SPLIT}})


def test_a_name_that_two_feeds_have_is_refused():
    cerebro = bt.Cerebro(stdstats=False)
    for _ in range(2):
        cerebro.adddata(bt.feeds.PandasData(dataname=SPLIT_AT_3["A"]), name="A")
    cerebro.broker = AdjustingBroker(actions={day(3): {"A": SPLIT}})
    with pytest.raises(StrategyError, match="2 feeds are called 'A'"):
        cerebro.run()


def test_a_future_is_refused():
    with pytest.raises(StrategyError, match="A is held as a future"):
        run(
            SPLIT_AT_3,
            {0: buy(1)},
            {3: {"A": SPLIT}},
            broker=lambda broker: broker.setcommission(margin=10.0, mult=5.0),
        )


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"2020-01-01": {}},
        {dt.datetime(2020, 1, 1): {}},
        {None: {}},
        {dt.date(2020, 1, 1): SPLIT},
        {dt.date(2020, 1, 1): {"A": 0.5}},
    ],
)
def test_actions_of_the_wrong_kind_are_refused(wrong):
    with pytest.raises(SpecError, match="AdjustingBroker: actions must be a mapping"):
        AdjustingBroker(actions=wrong)


@pytest.mark.parametrize("wrong", [0, -1, None, float("nan"), True])
def test_a_lot_that_cannot_be_is_refused(wrong):
    with pytest.raises(SpecError, match="AdjustingBroker: lot must be"):
        AdjustingBroker(lot=wrong)


def test_a_misspelled_param_is_refused():
    with pytest.raises(TypeError):
        AdjustingBroker(action={})
