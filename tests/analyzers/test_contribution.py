"""What each feed brought adds up to what the account gained, however it is traded."""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import numpy as np
import pytest
from fakes import FakeSpec, random_panel, without
from hand_made import FREE, drop_in, panel_of

from bt_lstm_rotation import Broker, SectorRotation
from bt_lstm_rotation.analyzers import AccountHistory, SectorContribution
from bt_lstm_rotation.feeds import add_feeds

BOTH = (AccountHistory, SectorContribution)
DEAR = Broker(cash=100_000.0, commission=0.002, slippage=0.003)
WEEK = panel_of(
    "2019-01-07",
    A=[10, (11, 12), (12, 13), (14, 13), 15],
    B=[40, 40, (41, 42), (44, 43), 45],
)


class Gambler(bt.Strategy):
    """Trades any feed, long and short, whole and in parts, at random."""

    params = (("seed", 0), ("set_up", None), ("deposits", 0.0), ("feeds", None))

    def __init__(self):
        self.rng = np.random.default_rng(self.p.seed)
        if self.p.set_up is not None:
            self.p.set_up(self.broker)

    def prenext(self):
        self.next()

    def next(self):
        for feed in self.datas:
            if self.p.feeds is not None and feed._name not in self.p.feeds:
                continue
            if len(feed) and self.rng.random() < 0.4:
                size = float(self.rng.integers(-300, 300))
                kind = self.rng.choice([bt.Order.Market, bt.Order.Limit, bt.Order.Stop])
                price = feed.close[0] * self.rng.uniform(0.99, 1.01)
                how = {"exectype": int(kind), "price": price}
                (self.buy if size > 0 else self.sell)(feed, size=abs(size), **how)
        if self.rng.random() < 0.1:
            self.broker.add_cash(float(self.rng.normal() * self.p.deposits))


def gappy():
    """Four feeds over two years, one late, one that ends, one with holes."""
    panel = random_panel("ABCD", 300)
    panel = without(panel, "B", slice(0, 90))
    panel = without(panel, "D", slice(200, None))
    return without(panel, "C", np.arange(40, 280, 7))


def recorded(ran, analyzer=SectorContribution):
    return ran.analyzers.getbyname(analyzer.__name__).get_analysis()


def earned(ran, year=None):
    """Change of equity less flows, by the account alone: of a run, or of a year."""
    account = recorded(ran, AccountHistory)
    days = list(account)
    flows = ran.analyzers.AccountHistory.flows
    rows = [n for n, d in enumerate(days) if n and year in (None, d.year)]
    first, last = days[rows[0] - 1], days[rows[-1]]
    paid = sum(flow for day, flow in flows.items() if first < day <= last)
    return account[last][0] - account[first][0] - paid


def assert_adds_up(ran):
    found = recorded(ran)
    equity = [row[0] for row in recorded(ran, AccountHistory).values()]
    size = max(map(abs, equity))
    for part, year in [(found, None), *((p, y) for y, p in found["by_year"].items())]:
        brought = sum(part["contribution"].values()) - part["interest"]
        assert brought == pytest.approx(earned(ran, year), rel=1e-9, abs=1e-11 * size)
    return found


SCHEMES = {
    "paid in full": lambda broker: broker.setcommission(commission=0.002),
    "futures": lambda broker: broker.setcommission(1.5, margin=20.0, mult=7.0),
    "one future": lambda broker: broker.setcommission(1, margin=9, mult=5, name="A"),
    "leverage": lambda broker: broker.setcommission(0.002, leverage=3.0),
    "futures on leverage": lambda broker: broker.setcommission(
        1.5, margin=20.0, mult=7.0, leverage=2.0
    ),
    "margin by price": lambda broker: broker.setcommission(
        1.0, margin=1.0, mult=2.0, automargin=0.5
    ),
    "a multiplier of shares": lambda broker: broker.setcommission(
        0.002, mult=3.0, stocklike=True, commtype=bt.CommInfoBase.COMM_PERC
    ),
    "fills in parts": lambda broker: broker.set_filler(
        bt.broker.filler.FixedSize(size=70)
    ),
    "interest": lambda broker: broker.setcommission(
        0.002, interest=0.08, interest_long=True
    ),
    "interest apart": lambda broker: (
        broker.set_int2pnl(False),
        broker.setcommission(0.002, interest=0.08),
    ),
    "shorts without cash": lambda broker: (
        broker.set_shortcash(False),
        broker.setcommission(0.002, name="A"),
    ),
    "cheat on close": lambda broker: broker.set_coc(True),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("deposits", [0.0, 4_000.0])
def test_feeds_add_up_to_what_the_account_earned(scheme, deposits):
    ran = drop_in(
        gappy(),
        Gambler,
        broker=DEAR,
        analyzers=BOTH,
        set_up=SCHEMES[scheme],
        deposits=deposits,
    )
    found = assert_adds_up(ran)
    assert len(found["contribution"]) >= 3
    assert set(found["by_year"]) == {2019, 2020}
    assert (found["interest"] > 100) == scheme.startswith("interest")
    first = next(iter(recorded(ran, AccountHistory).values()))[0]
    assert found["beginning_equity"] == first
    for name, share in found["share"].items():
        assert share == pytest.approx(found["contribution"][name] / first)


@pytest.mark.parametrize("delisted", ["last_close", "write_off", "hold"])
def test_a_position_that_is_settled_and_trades_again_adds_up(delisted):
    panel = without(random_panel("ABCD", 200), "D", slice(60, 90))
    params = {"spec": FakeSpec(fit_bars=12), "top": 4, "delisted": delisted}
    ran = drop_in(panel, SectorRotation, broker=DEAR, analyzers=BOTH, **params)
    assert {"delisted", "reopened"} <= {e.kind for e in ran.rebalancer.events}
    assert set(assert_adds_up(ran)["contribution"]) == set("ABCD")


def test_a_long_and_a_short_position_worked_out_by_hand():
    class Pair(bt.Strategy):
        def __init__(self):
            pass

        def next(self):
            if len(self) == 1:
                self.buy(self.data0, size=20)
                self.sell(self.data1, size=5)
            if len(self) == 3:
                self.close(self.data1)

    broker = Broker(cash=1_000, commission=0.01, slippage=0)
    found = recorded(drop_in(WEEK, Pair, broker=broker, analyzers=BOTH))
    # Bought at 11 and worth 15; sold at 40 and bought back at 44; 1% of each fill.
    a = 20 * (15 - 11) - 0.01 * 20 * 11
    b = 5 * (40 - 44) - 0.01 * 5 * (40 + 44)
    assert found["contribution"] == {"A": pytest.approx(a), "B": pytest.approx(b)}
    assert found["share"]["A"] == pytest.approx(a / 1_000)
    assert found["by_year"] == {
        2019: {name: found[name] for name in found if name != "by_year"}
    }


def test_a_year_begins_at_the_last_close_of_the_one_before():
    panel = panel_of("2019-12-30", A=[10, (10, 12), (15, 15), 18])

    class Once(bt.Strategy):
        def __init__(self):
            self.bought = False

        def next(self):
            if not self.bought:
                self.bought = bool(self.buy(size=10))

    found = recorded(drop_in(panel, Once, analyzers=BOTH))["by_year"]
    # Bought at 10 on December 31; 12 at that close, 18 at the last one.
    assert {y: p["contribution"]["A"] for y, p in found.items()} == {2019: 20, 2020: 60}
    assert found[2020]["beginning_equity"] == 10_020
    assert found[2020]["share"]["A"] == pytest.approx(60 / 10_020)


def test_two_strategies_each_have_what_their_own_orders_brought():
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, gappy())
    DEAR.set_up(cerebro)
    cerebro.addstrategy(Gambler, seed=1, feeds="AB")
    cerebro.addstrategy(Gambler, seed=2, feeds="CD")
    for analyzer in BOTH:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    first, second = cerebro.run()
    shares = [recorded(one)["contribution"] for one in (first, second)]
    assert [set(each) for each in shares] == [{"A", "B"}, {"C", "D"}]
    whole = sum(sum(each.values()) for each in shares)
    assert whole == pytest.approx(earned(first), rel=1e-9)


class Idle(bt.Strategy):
    def __init__(self):
        pass


@pytest.mark.parametrize("sessions", [1, 30])
def test_what_was_never_traded_brought_nothing(sessions):
    found = recorded(drop_in(random_panel("A", sessions), Idle, analyzers=BOTH))
    nothing = {"contribution": {}, "share": {}, "interest": 0.0}
    years = {2019: {"beginning_equity": 10_000.0, **nothing}} if sessions > 1 else {}
    assert found == {"beginning_equity": 10_000.0, **nothing, "by_year": years}


def test_an_account_that_loses_more_than_it_has_has_no_share_afterwards():
    panel = panel_of("2019-12-27", A=[10, 10, (10, 2_000), 2_000, 1_500])

    class Doomed(bt.Strategy):
        def __init__(self):
            pass

        def next(self):
            if len(self) == 1:
                self.sell(size=10)

    ran = drop_in(panel, Doomed, broker=FREE, analyzers=BOTH)
    found = assert_adds_up(ran)
    assert found["share"]["A"] == pytest.approx(-14_900 / 10_000)
    assert found["by_year"][2020]["beginning_equity"] == -9_900
    assert found["by_year"][2020]["share"] == {"A": None}


def test_a_price_that_is_not_finite_is_none_and_no_error():
    frame = WEEK.frame("A")
    frame.iloc[-1, frame.columns.get_loc("Close")] = np.nan

    class Once(bt.Strategy):
        def __init__(self):
            pass

        def next(self):
            if len(self) == 1:
                self.buy(size=1)

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame, name="A"))
    cerebro.addstrategy(Once)
    cerebro.addanalyzer(SectorContribution, _name="contribution")
    (ran,) = cerebro.run()
    assert ran.analyzers.contribution.get_analysis()["contribution"] == {"A": None}


def test_a_misspelled_parameter_fails():
    with pytest.raises(TypeError, match="cuont"):
        bt_cerebro_with(cuont=3).run()


def bt_cerebro_with(**params):
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, WEEK)
    cerebro.addstrategy(Idle)
    cerebro.addanalyzer(SectorContribution, **params)
    return cerebro


def test_keys_are_plain():
    found = recorded(drop_in(WEEK, Gambler, analyzers=BOTH))
    assert {type(key) for key in found["by_year"]} <= {int}
    account = recorded(drop_in(WEEK, Gambler, analyzers=BOTH), AccountHistory)
    assert {type(key) for key in account} == {dt.date}
