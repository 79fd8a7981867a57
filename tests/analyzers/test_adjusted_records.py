"""What analyzers record of a run on whose way shares split or pay a dividend."""

from __future__ import annotations

import backtrader as bt
import pytest
from fakes import random_panel
from scripted import (
    DIVIDEND,
    REVERSE,
    SPLIT,
    Forecasts,
    Scripted,
    day,
    in_old_units,
    market,
    run,
)

from bt_lstm_rotation.analyzers import (
    EquityCurve,
    FillHistory,
    ForecastSkill,
    OrderHistory,
    SectorContribution,
    ShownBars,
)
from bt_lstm_rotation.prices.corporate_actions import classified
from bt_lstm_rotation.rebalancing.adjusting_broker import AdjustingBroker


def buy(size, **how):
    return lambda strategy: strategy.buy(size=size, **how)


def sell(size, **how):
    return lambda strategy: strategy.sell(size=size, **how)


def test_a_half_filled_order_is_recorded_in_the_units_of_its_last_fill():
    # 4 a bar: 4 at 100, then the other 6 are 12: three bars of 4 at 50.
    frames = market(A=[100, 100, 50, 50, 50, 50])
    ran = run(
        frames,
        {0: buy(10)},
        {2: {"A": SPLIT}},
        broker=lambda broker: broker.set_filler(
            lambda order, price, ago: min(4, abs(order.executed.remsize))
        ),
        analyzers=[OrderHistory, FillHistory],
    )
    (order,) = ran.analyzers.OrderHistory.get_analysis()
    assert (order.size, order.filled, order.price) == (20, 20, 50.0)
    parts = ran.analyzers.FillHistory.get_analysis()
    assert [(part.size, part.price) for part in parts] == [(4, 100.0), *[(4, 50.0)] * 3]


def test_slippage_of_an_order_in_two_units_is_that_of_its_parts():
    frames = market(A=[100, 100, 50, 50])
    for frame in frames.values():
        frame["High"] *= 1.5

    def costly(broker):
        broker.set_filler(lambda order, price, ago: min(5, abs(order.executed.remsize)))
        broker.set_slippage_perc(0.01)

    analyzers = [OrderHistory]
    ran = run(
        frames, {0: buy(7)}, {2: {"A": SPLIT}}, broker=costly, analyzers=analyzers
    )
    (order,) = ran.analyzers.OrderHistory.get_analysis()
    assert order.filled == 14
    # 5 at a dollar more, and 4 at half a dollar more.
    assert order.slippage == pytest.approx(5 * 1.0 + 4 * 0.5)


def test_an_order_is_recorded_in_the_units_of_its_fill():
    frames = market(A=[100, 100, 100, 50, (50, 44)])
    script = {0: buy(10, exectype=bt.Order.Limit, price=90), 2: buy(5)}
    ran = run(frames, script, {3: {"A": SPLIT}}, analyzers=[OrderHistory])
    rows = ran.analyzers.OrderHistory.get_analysis()
    assert [(row.size, row.filled) for row in rows] == [(20, 20), (10, 10)]


@pytest.mark.parametrize(("trade", "sign"), [(buy, 1), (sell, -1)])
def test_what_a_feed_brought_has_dividends_and_parts_of_shares_in_it(trade, sign):
    # 15 at 10 become 1.5 at 100, of which half a one pays 50; the other one is worth
    # 110, pays 0.55, and falls to 108.45.
    frames = market(A=[10, 10, 10, 110, 109.45, 108.45], B=[50] * 6)
    paid = classified(0.995, 110.0)
    actions = {3: {"A": REVERSE}, 4: {"A": paid}}
    ran = run(frames, {0: trade(15)}, actions, analyzers=[SectorContribution])
    found = ran.analyzers.SectorContribution.get_analysis()
    gain = sign * (50 + 0.55 + 108.45 - 150)
    assert found["contribution"] == {"A": pytest.approx(gain)}
    assert ran.noted[5][0] == pytest.approx(10_000 + gain)


def test_strategies_that_share_a_position_share_what_it_pays():
    cerebro = bt.Cerebro(stdstats=False)
    bars = market(A=[100, 100, 99.5, 99.5])["A"]
    cerebro.adddata(bt.feeds.PandasData(dataname=bars), name="A")
    cerebro.broker = AdjustingBroker(actions={day(2): {"A": DIVIDEND}})
    for script in ({0: buy(30)}, {0: buy(10)}):
        cerebro.addstrategy(Scripted, script=script)
    cerebro.addanalyzer(SectorContribution)
    ran = cerebro.run()
    for one in ran:
        found = one.analyzers.sectorcontribution.get_analysis()
        assert found["contribution"] == {"A": pytest.approx(0.0, abs=1e-9)}


def test_strategies_that_cancel_each_other_out_are_paid_by_each_other():
    cerebro = bt.Cerebro(stdstats=False)
    bars = market(A=[100, 100, 50, 49.75])["A"]
    cerebro.adddata(bt.feeds.PandasData(dataname=bars), name="A")
    actions = {day(2): {"A": SPLIT}, day(3): {"A": classified(0.995, 50.0)}}
    cerebro.broker = AdjustingBroker(actions=actions)
    for script in ({0: buy(10)}, {0: sell(10)}):
        cerebro.addstrategy(Scripted, script=script)
    cerebro.addanalyzer(SectorContribution)
    for one in cerebro.run():
        found = one.analyzers.sectorcontribution.get_analysis()
        assert found["contribution"] == {"A": pytest.approx(0.0, abs=1e-9)}


@pytest.mark.parametrize("action", [SPLIT, REVERSE, DIVIDEND])
def test_a_benchmark_earns_nothing_by_an_action(action):
    frames = market(A=[100, 100, *[100 * action.price * x for x in (1, 1.02, 1.01)]])
    analyzers = [(EquityCurve, {"benchmark": "A"})]
    ran = run(frames, {}, {2: {"A": action}}, analyzers=analyzers)
    found = ran.analyzers.EquityCurve.get_analysis()["benchmark"]
    expected = [10_000, 10_000, 10_000, 10_200, 10_100]
    assert list(found.values()) == pytest.approx(expected)


def test_a_forecast_is_held_against_closes_of_one_unit():
    names = "ABCD"
    whole = random_panel(names, 60, first="2020-01-01")
    splits = {30: {"A": SPLIT}, 45: {"B": classified(0.985, 10.0), "A": REVERSE}}
    seen = in_old_units(whole, splits)

    def skill_of(panel, actions):
        ran = run(
            panel.frames(),
            None,
            actions,
            strategy=Forecasts,
            analyzers=[ForecastSkill],
            mode={"runonce": False},
        )
        return ran.analyzers.ForecastSkill.get_analysis()

    found, expected = skill_of(seen, splits), skill_of(whole, None)
    assert found["observations"] == expected["observations"] > 100
    for name in ("ic", "rank_ic", "mse_ratio"):
        assert found[name] == pytest.approx(expected[name], rel=1e-9)


def test_bars_are_those_that_were_shown_and_a_split_that_was_applied_is_no_finding(
    caplog,
):
    whole = random_panel("A", 60, first="2020-01-01")
    seen = in_old_units(whole, {40: {"A": SPLIT}})
    ran = run(seen.frames(), {}, {40: {"A": SPLIT}}, analyzers=[ShownBars])
    panel = ran.analyzers.ShownBars.get_analysis()
    assert panel.bars.tobytes() == seen.bars.tobytes()
    assert panel.findings == ()
    bare = run(seen.frames(), {}, analyzers=[ShownBars])
    rules = [one.rule for one in bare.analyzers.ShownBars.get_analysis().findings]
    assert rules == ["split not applied"]
