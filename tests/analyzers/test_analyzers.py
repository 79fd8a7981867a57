"""What the analyzers record of anybody's strategy, against sums done by hand."""

from __future__ import annotations

import datetime as dt
import math
import pickle

import backtrader as bt
import pytest
from fakes import FakeSpec, random_panel, without
from hand_made import drop_in, fills, panel_of

from bt_lstm_rotation import Broker, Forecast, MomentumSpec, SectorRotation
from bt_lstm_rotation.analyzers import (
    AccountHistory,
    ForecastHistory,
    OrderHistory,
    OrderRecord,
    TradingCosts,
    Weights,
)
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.feeds import add_feeds

ALL = (AccountHistory, OrderHistory, ForecastHistory, TradingCosts, Weights)

pytestmark = [
    # Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning"),
    # Backtrader forks its workers, and other tests may have left threads behind.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def recorded(ran, analyzer):
    return ran.analyzers.getbyname(analyzer.__name__).get_analysis()


def day(number):
    return dt.date(2019, 1, number)


class Plan(bt.Strategy):
    """Sends orders on given days: day -> a function of the strategy."""

    params = (("plan", {}), ("period", 1))

    def __init__(self):
        # With a minimum period, so that prenext is recorded too.
        bt.ind.SMA(self.data, period=self.p.period)

    def prenext(self):
        self.next()

    def next(self):
        order = self.p.plan.get(self.datetime.date(0).day)
        if order is not None:
            order(self)


def plan(panel, orders, broker, **params):
    return drop_in(panel, Plan, broker=broker, analyzers=ALL, plan=orders, **params)


# January 7 to 11, 2019 is a Monday to Friday.
WEEK = panel_of(
    "2019-01-07",
    A=[10, (11, 12), (12, 13), (14, 13), 15],
    B=[40, 40, (41, 42), (44, 43), 45],
)
DEAR = Broker(cash=1_000.0, commission=0.01, slippage=0.05)


def test_equity_is_cash_and_positions_at_the_close_of_every_session():
    orders = {
        7: lambda s: s.buy(s.getdatabyname("A"), size=20),
        8: lambda s: s.buy(s.getdatabyname("B"), size=5),
        10: lambda s: s.close(s.getdatabyname("A")),
    }
    ran = plan(WEEK, orders, Broker(cash=1_000, commission=0, slippage=0), period=3)
    assert recorded(ran, AccountHistory) == {
        day(7): (1_000.0, 1_000.0, {}),
        day(8): (780.0 + 20 * 12, 780.0, {"A": (20.0, 240.0)}),
        day(9): (
            *(575.0 + 20 * 13 + 5 * 42, 575.0),
            {"A": (20.0, 260.0), "B": (5.0, 210.0)},
        ),
        day(10): (
            *(575.0 + 20 * 13 + 5 * 43, 575.0),
            {"A": (20.0, 260.0), "B": (5.0, 215.0)},
        ),
        day(11): (875.0 + 5 * 45, 875.0, {"B": (5.0, 225.0)}),
    }


def flows_of(ran):
    return ran.analyzers.AccountHistory.flows


def test_money_paid_in_arrives_at_the_next_close():
    orders = {
        7: lambda s: (s.buy(s.getdatabyname("A"), size=20), s.broker.add_cash(500.25)),
        # An order by target asks for a value, which books the cash at once.
        9: lambda s: (
            s.broker.add_cash(-300),
            s.order_target_percent(s.getdatabyname("A"), target=0.1),
        ),
        10: lambda s: s.broker.set_cash(s.broker.get_cash() + 100),
    }
    ran = plan(WEEK, orders, Broker(cash=1_000, commission=0, slippage=0))
    account = recorded(ran, AccountHistory)
    assert flows_of(ran) == {day(8): 500.25, day(9): -300.0, day(10): 100.0}
    worth = {d: equity for d, (equity, _, _) in account.items()}
    assert worth[day(8)] == 1_000 + 20 * (12 - 11) + 500.25
    assert worth[day(9)] == worth[day(8)] + 20 - 300
    for equity, cash, held in account.values():
        assert equity == pytest.approx(cash + sum(v for _, v in held.values()))


def test_cash_that_is_set_among_fills_is_refused():
    class Sets(Plan):
        def notify_order(self, order):
            if order.status == order.Completed:
                self.broker.set_cash(5_000)

    orders = {7: lambda s: s.buy(s.getdatabyname("A"), size=20)}
    with pytest.raises(StrategyError, match=r"cash was set to 5,000\.00 outside"):
        drop_in(WEEK, Sets, broker=DEAR, analyzers=ALL, plan=orders)


def test_recording_an_account_does_not_change_it():
    # The cash of Tuesday pays for the order of Tuesday only if it is booked early.
    orders = {
        7: lambda s: s.buy(s.getdatabyname("A"), size=20),
        8: lambda s: (
            s.broker.add_cash(10_000),
            s.buy(s.getdatabyname("B"), size=100),
        ),
    }
    cheap = Broker(cash=1_000, commission=0, slippage=0)
    bare = drop_in(WEEK, Plan, broker=cheap, plan=orders)
    watched = plan(WEEK, orders, cheap)
    assert fills(watched) == fills(bare)
    assert watched.broker.getvalue() == bare.broker.getvalue()


def test_money_that_was_there_before_the_first_close_is_a_flow_of_it():
    class Early(Plan):
        def start(self):
            self.broker.add_cash(50)

    ran = drop_in(WEEK, Early, broker=DEAR, analyzers=ALL)
    assert flows_of(ran) == {day(7): 50.0}
    assert recorded(ran, AccountHistory)[day(7)][0] == 1_050.0


def test_an_account_without_flows_has_none_in_spite_of_rounding():
    orders = {n: lambda s: s.buy(s.getdatabyname("A"), size=0.37) for n in range(7, 11)}
    broker = Broker(cash=1_234_567.89, commission=0.0013, slippage=0.0007)
    assert flows_of(plan(WEEK, orders, broker)) == {}


class Futures(Plan):
    """A has a margin of 2 and a multiplier of 5; B has neither."""

    def __init__(self):
        super().__init__()
        self.broker.setcommission(commission=1.0, margin=2.0, mult=5.0, name="A")


def test_a_future_counts_with_all_that_it_moves():
    orders = {7: lambda s: s.buy(s.getdatabyname("A"), size=10)}
    ran = drop_in(WEEK, Futures, broker=DEAR, analyzers=ALL, plan=orders)
    # Bought at 11 x 1.05: at 12, ten times five are worth 600.
    equity = 1_000 - 10 + 10 * 5 * (12 - 11.55)
    shares, value = recorded(ran, AccountHistory)[day(8)][2]["A"]
    assert (shares, value) == (10, 600)
    assert recorded(ran, AccountHistory)[day(8)][0] == pytest.approx(equity)
    assert recorded(ran, Weights)[day(8)]["A"] == pytest.approx(600 / equity)
    (order,) = recorded(ran, OrderHistory)
    assert order.multiplier == 5
    assert order.slippage == pytest.approx(10 * 5 * 0.55)
    traded = recorded(ran, TradingCosts)["traded_value"]
    assert traded == pytest.approx(10 * 5 * 11.55)


def test_a_short_future_is_a_negative_exposure():
    orders = {7: lambda s: s.sell(s.getdatabyname("A"), size=10)}
    ran = drop_in(WEEK, Futures, broker=DEAR, analyzers=ALL, plan=orders)
    assert recorded(ran, AccountHistory)[day(8)][2]["A"] == (-10, -600)


def test_an_empty_account_has_no_shares():
    ran = plan(WEEK, {8: lambda s: s.broker.set_cash(0)}, DEAR)
    assert flows_of(ran) == {day(8): -1_000.0}
    assert recorded(ran, Weights)[day(7)] == {"cash": 1.0}
    assert math.isnan(recorded(ran, Weights)[day(8)]["cash"])


def test_slippage_and_commission_of_market_orders_are_what_they_cost():
    orders = {
        7: lambda s: s.buy(s.getdatabyname("A"), size=20),
        9: lambda s: s.sell(s.getdatabyname("A"), size=8),
    }
    bought, sold = recorded(plan(WEEK, orders, DEAR), OrderHistory)
    # Bought at 11 x 1.05 and sold at 14 x 0.95, with 1% of either as commission.
    assert bought == OrderRecord(
        ref=1,
        symbol="A",
        submitted=day(7),
        side="buy",
        size=20.0,
        status="Completed",
        executed=day(8),
        filled=20.0,
        price=pytest.approx(11.55),
        commission=pytest.approx(20 * 11.55 * 0.01),
        slippage=pytest.approx(20 * 0.55),
    )
    assert (sold.ref, sold.side, sold.size, sold.executed) == (2, "sell", 8.0, day(10))
    assert sold.price == pytest.approx(13.3)
    assert sold.commission == pytest.approx(8 * 13.3 * 0.01)
    assert sold.slippage == pytest.approx(8 * 0.70)


def test_costs_and_weights_are_sums_and_shares_of_what_was_recorded():
    orders = {
        7: lambda s: s.buy(s.getdatabyname("A"), size=20),
        9: lambda s: s.sell(s.getdatabyname("A"), size=8),
    }
    ran = plan(WEEK, orders, DEAR)
    bought, sold = 20 * 11.55, 8 * 13.3
    assert recorded(ran, TradingCosts) == {
        "commission": pytest.approx(0.01 * (bought + sold)),
        "slippage": pytest.approx(20 * 0.55 + 8 * 0.70),
        "traded_value": pytest.approx(bought + sold),
        "fills": 2,
    }
    cash = 1_000 - 1.01 * bought
    weights = recorded(ran, Weights)
    assert weights[day(7)] == {"cash": 1.0}
    assert weights[day(8)] == {
        "A": pytest.approx(240 / (cash + 240)),
        "cash": pytest.approx(cash / (cash + 240)),
    }
    assert all(sum(row.values()) == pytest.approx(1) for row in weights.values())


def test_costs_are_exactly_what_is_missing_from_equity():
    orders = {7: lambda s: s.buy(s.getdatabyname("A"), size=20)}
    free = plan(WEEK, orders, Broker(cash=1_000, commission=0, slippage=0))
    dear = plan(WEEK, orders, DEAR)
    (order,) = recorded(dear, OrderHistory)
    missing = free.broker.getvalue() - dear.broker.getvalue()
    assert missing == pytest.approx(order.commission + order.slippage)


def test_slippage_stops_at_the_range_of_the_bar():
    flat = panel_of("2019-01-07", A=[10, 10, 10])
    orders = {7: lambda s: s.buy(size=1)}
    greedy = Broker(cash=1_000.0, commission=0.0, slippage=0.5)
    (order,) = recorded(plan(flat, orders, greedy), OrderHistory)
    assert order.price == pytest.approx(11.0)  # the High
    assert order.slippage == pytest.approx(1.0)


def test_an_order_is_recorded_once_with_what_became_of_it_in_the_end():
    orders = {
        7: lambda s: s.buy(size=20),
        8: lambda s: s.buy(size=10_000),  # 10,000 at 12 are not there
        9: lambda s: setattr(s, "low", s.buy(exectype=bt.Order.Limit, price=1)),
        10: lambda s: (s.cancel(s.low), s.buy(exectype=bt.Order.Limit, price=2)),
        11: lambda s: s.buy(size=2),  # no bar comes to fill it
    }
    found = recorded(plan(WEEK, orders, DEAR), OrderHistory)
    assert [(o.ref, o.submitted, o.status) for o in found] == [
        (1, day(7), "Completed"),
        (2, day(8), "Margin"),
        (3, day(9), "Canceled"),
        (4, day(10), "Accepted"),
    ]
    for unfilled in found[1:]:
        assert unfilled.executed is None
        assert math.isnan(unfilled.price)
        assert (unfilled.filled, unfilled.commission, unfilled.slippage) == (0, 0, 0)


def test_an_order_that_is_filled_at_its_own_limit_has_no_slippage():
    # Tuesday opens at 11, above the limit, and falls to 9.9.
    orders = {7: lambda s: s.buy(size=20, exectype=bt.Order.Limit, price=10.5)}
    (order,) = recorded(plan(WEEK, orders, DEAR), OrderHistory)
    assert order.price == 10.5
    assert order.slippage == 0.0


@pytest.mark.parametrize(
    ("side", "exectype", "price", "fair"),
    [
        # Tuesday's bar of A: open 11, between 9.9 and 13.2.
        ("buy", bt.Order.Limit, 12.5, 11.0),
        ("buy", bt.Order.Stop, 12.0, 12.0),
        ("buy", bt.Order.Stop, 10.5, 11.0),
        ("sell", bt.Order.Stop, 10.5, 10.5),
        ("sell", bt.Order.Limit, 10.0, 11.0),
    ],
)
def test_slippage_is_the_difference_to_the_price_without_it(
    side, exectype, price, fair
):
    broker = Broker(cash=1_000.0, commission=0.0, slippage=0.01)
    how = {"size": 20, "exectype": exectype, "price": price}
    ran = plan(WEEK, {7: lambda s: getattr(s, side)(**how)}, broker)
    (order,) = recorded(ran, OrderHistory)
    assert order.slippage == pytest.approx(20 * fair * 0.01)
    free = Broker(cash=1_000.0, commission=0.0, slippage=0.0)
    (without_it,) = recorded(
        plan(WEEK, {7: lambda s: getattr(s, side)(**how)}, free), OrderHistory
    )
    assert without_it.price == pytest.approx(fair)
    assert without_it.slippage == 0.0


@pytest.mark.parametrize("cheat", ["set_coc", "set_coo"])
@pytest.mark.parametrize("slippage", [0.0, 0.01])
def test_what_a_gap_brings_under_cheating_is_no_slippage(cheat, slippage):
    class Cheat(Plan):
        def __init__(self):
            super().__init__()
            getattr(self.broker, cheat)(True)

    orders = {7: lambda s: s.buy(s.getdatabyname("A"), size=20)}
    broker = Broker(cash=1_000.0, commission=0.0, slippage=slippage)
    ran = drop_in(WEEK, Cheat, broker=broker, analyzers=ALL, plan=orders)
    (order,) = recorded(ran, OrderHistory)
    # Monday's close is 10 and Tuesday's open 11.
    fair = 10.0 if cheat == "set_coc" else 11.0
    assert order.price == pytest.approx(fair * (1 + slippage))
    assert order.slippage == pytest.approx(20 * fair * slippage)


def test_an_order_filled_in_parts_adds_up_what_each_part_cost():
    class Parts(Plan):
        def __init__(self):
            super().__init__()
            self.broker.set_filler(bt.broker.filler.FixedSize(size=4))

    orders = {7: lambda s: s.buy(s.getdatabyname("A"), size=10)}
    ran = drop_in(WEEK, Parts, broker=DEAR, analyzers=ALL, plan=orders)
    (order,) = recorded(ran, OrderHistory)
    # 4 at the open of 11, 4 at that of 12 and 2 at that of 14, each with 5% on top.
    value = 4 * 11 + 4 * 12 + 2 * 14
    assert (order.status, order.filled, order.executed) == ("Completed", 10, day(10))
    assert order.price * 10 == pytest.approx(value * 1.05)
    assert order.slippage == pytest.approx(value * 0.05)
    assert order.commission == pytest.approx(value * 1.05 * 0.01)


def test_a_strategy_without_forecasts_has_none_recorded():
    ran = plan(WEEK, {}, DEAR)
    record = recorded(ran, ForecastHistory)
    assert record["forecasts"] == {day(n): {} for n in range(7, 12)}
    assert (record["horizon"], record["fits"]) == (None, [])


def test_forecasts_are_recorded_on_the_days_of_their_own_feed():
    # Bars from 2019-01-02 on; C misses rows 50 and 51, and B begins at row 55.
    panel = without(without(random_panel(), "C", slice(50, 52)), "B", slice(0, 55))
    spec = FakeSpec(fit_bars=12)
    ran = drop_in(panel, SectorRotation, analyzers=ALL, spec=spec)
    forecasts = recorded(ran, ForecastHistory)["forecasts"]
    traded = [
        {s for s, there in zip(panel.symbols, row, strict=True) if there}
        for row in panel.traded
    ]
    assert len(forecasts) == len(panel)
    for row, made in zip(traded, forecasts.values(), strict=True):
        assert set(made) <= row
        assert all(map(math.isfinite, made.values()))
    # Row 21 is the close of January 31: the first fit, of A and C. At row 62, where
    # April begins, B has eight bars and has to wait.
    shown = [set(made) for made in forecasts.values()]
    assert shown[:21] == [set()] * 21
    assert shown[21:] == [{"A", "C"} & there for there in traded[21:]]
    assert shown[50] == {"A"}


def test_fits_and_horizon_are_those_of_the_pool_behind_all_indicators():
    ran = drop_in(random_panel(), SectorRotation, analyzers=ALL, spec=FakeSpec())
    record = recorded(ran, ForecastHistory)
    assert record["horizon"] == 2
    assert [str(fit.session) for fit in record["fits"]] == [
        "2019-01-31",
        "2019-02-28",
        "2019-03-29",
    ]


def test_anybodys_indicator_is_recorded_under_its_feeds_name():
    class Watcher(bt.Strategy):
        def __init__(self):
            self.forecast = Forecast(self.data1, spec=FakeSpec(horizon=5))

    ran = drop_in(random_panel("AB"), Watcher, analyzers=ALL)
    record = recorded(ran, ForecastHistory)
    assert record["horizon"] == 5
    assert {s for made in record["forecasts"].values() for s in made} == {"B"}
    last = list(record["forecasts"].values())[-1]
    assert last == {"B": ran.forecast.forecast[0]}


def test_a_feed_without_a_name_has_the_same_one_everywhere():
    class Lone(bt.Strategy):
        def __init__(self):
            self.forecast = Forecast(self.data, spec=FakeSpec())

        def next(self):
            if not self.position:
                self.buy()

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=random_panel("A").frame("A")))
    cerebro.addstrategy(Lone)
    for analyzer in ALL:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    (ran,) = cerebro.run()
    (order,) = recorded(ran, OrderHistory)
    *_, (_, _, held) = recorded(ran, AccountHistory).values()
    *_, made = recorded(ran, ForecastHistory)["forecasts"].values()
    assert (order.symbol, *held, *made) == ("data", "data", "data")


@pytest.mark.parametrize("workers", [1, 2])
def test_records_come_back_through_an_optimisation(workers):
    panel = random_panel()
    spec = MomentumSpec(lookback=5, skip=0, horizon=2)
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, panel)
    Broker().set_up(cerebro)
    cerebro.optstrategy(SectorRotation, spec=(spec,), top=(1, 2))
    for analyzer in ALL:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    for (optimised,), top in zip(cerebro.run(maxcpus=workers), (1, 2), strict=True):
        ran = drop_in(
            panel, SectorRotation, broker=Broker(), analyzers=ALL, spec=spec, top=top
        )
        for analyzer in (AccountHistory, OrderHistory):
            assert repr(recorded(optimised, analyzer)) == repr(recorded(ran, analyzer))
        once, twice = (
            recorded(optimised, ForecastHistory),
            recorded(ran, ForecastHistory),
        )
        assert once["forecasts"] == twice["forecasts"]
        assert [f.session for f in once["fits"]] == [f.session for f in twice["fits"]]


def test_records_are_plain_values_that_pickle():
    ran = drop_in(random_panel(), SectorRotation, analyzers=ALL, spec=FakeSpec())
    for analyzer in ALL:
        record = recorded(ran, analyzer)
        assert repr(pickle.loads(pickle.dumps(record))) == repr(record)
