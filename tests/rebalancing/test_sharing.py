"""Two rebalancers over one account, and who may trade what."""

from __future__ import annotations

import backtrader as bt
import pytest
from fakes import FakeSpec, random_panel

from bt_lstm_rotation import PeriodicRebalance, Rebalancer, SectorRotation
from bt_lstm_rotation.errors import StrategyError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.selection import equal_weights

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABCD", 60)


class Hold(PeriodicRebalance):
    def __init__(self):
        super().__init__()

    def weights(self):
        names = list(self.trading_today())
        return equal_weights(names, cash_buffer=self.p.cash_buffer)


class Bare(bt.Strategy):
    """Holds some feeds by a rebalancer of its own, made in whichever way."""

    params = (("ignored", ()), ("keep", "alone"))

    def __init__(self):
        ignored = [self.getdatabyname(name) for name in self.p.ignored]
        made = Rebalancer(self, ignore=ignored)
        self.kept = {"alone": made, "list": [made], "dict": {"a": made}}[self.p.keep]
        self.mine = [data for data in self.datas if data not in frozenset(ignored)]
        self.next_rebalance = made.next
        self.target = made.target

    def next(self):
        if len(self) == 5:
            self.target(dict.fromkeys(self.mine, 0.2))
        self.next_rebalance()


class Onlooker(bt.Strategy):
    def __init__(self):
        self.sma = bt.ind.SMA(self.data, period=5)


def run(*strategies, cerebro=None, modes=None):
    cerebro = cerebro or bt.Cerebro(stdstats=False, **(modes or {}))
    add_feeds(cerebro, PANEL)
    cerebro.broker.setcash(100_000.0)
    for strategy, params in strategies:
        cerebro.addstrategy(strategy, **params)
    return cerebro.run()


ROTATION = SectorRotation, {"spec": FakeSpec()}


@pytest.mark.parametrize("modes", [{}, {"preload": False}])
@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        (ROTATION, ROTATION, "SectorRotation and SectorRotation"),
        (ROTATION, (Hold, {}), "Hold and SectorRotation"),
        ((Hold, {}), (Bare, {}), "Bare and Hold"),
        ((Bare, {"keep": "list"}), (Hold, {}), "Bare and Hold"),
        ((Bare, {"keep": "dict"}), (Bare, {"keep": "list"}), "Bare and Bare"),
    ],
)
def test_two_that_trade_the_same_feeds_are_refused_by_name(one, other, names, modes):
    match = f"^{names} would trade each other's positions in A, B, C, D,.*universe"
    with pytest.raises(StrategyError, match=match):
        run(one, other, modes=modes)


def test_only_the_shared_feeds_are_named():
    one = Hold, {"universe": ("A", "B")}
    with pytest.raises(StrategyError, match=r"positions in B, which"):
        run(one, (Hold, {"universe": ("B", "C")}))
    with pytest.raises(StrategyError, match=r"positions in B, which"):
        run(one, (Bare, {"ignored": ("A", "C", "D")}))


def test_two_universes_of_one_account_keep_to_their_own():
    halves = {"cash_buffer": 0.55}
    first, second = run(
        (Hold, {"universe": ("A", "B")} | halves),
        (Hold, {"universe": ("C", "D")} | halves),
    )
    alone, _ = run((Hold, {"universe": ("A", "B")} | halves), (Onlooker, {}))
    assert [e.kind for e in (*first.rebalancer.events, *second.rebalancer.events)] == []
    sizes = {data._name: first.getposition(data).size for data in first.datas}
    assert all(size > 0 for size in sizes.values())
    assert alone.getposition(alone.getdatabyname("C")).size == 0


def test_a_rotation_beside_a_strategy_that_does_not_trade_is_the_same_rotation():
    (alone,) = run(ROTATION)
    beside, _ = run(ROTATION, (Onlooker, {}))
    assert beside.broker.getvalue() == alone.broker.getvalue() != 100_000.0


def test_an_optimisation_runs_one_strategy_at_a_time():
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.optstrategy(Hold, cash_buffer=(0.02, 0.5))
    add_feeds(cerebro, PANEL)
    assert len(cerebro.run(maxcpus=1)) == 2


def test_a_strategy_may_put_another_rebalancer_in_the_place_of_its_own():
    class Fractions(Hold):
        def __init__(self):
            super().__init__()
            self.rebalancer = Rebalancer(self, lot=0.001)

    (ran,) = run((Fractions, {}))
    assert ran.getposition(ran.datas[0]).size % 1 != 0


def test_two_rebalancers_of_one_strategy_may_not_share_feeds_either():
    class Two(bt.Strategy):
        def __init__(self):
            self.core = Rebalancer(self)
            self.satellite = Rebalancer(self)

        def next(self):
            self.core.next()

    with pytest.raises(StrategyError, match="Two and Two would trade"):
        run((Two, {}))
