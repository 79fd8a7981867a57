"""A strategy that follows a plan of target weights, and markets to run it on.

Sessions are business days from 2020-01-01 on and are named by their number, from 0. A
bar is (open, close); its high and low are the larger and the smaller of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import backtrader as bt
import numpy as np
import pandas as pd
from hand_made import frame_of
from modes import MODES

from bt_lstm_rotation.rebalancing import Rebalancer

Bars = dict[int, tuple[float, float]]


def flat(price: float, sessions: range | list[int]) -> Bars:
    return dict.fromkeys(sessions, (price, price))


def feed(bars: Bars) -> bt.feeds.PandasData:
    return bt.feeds.PandasData(dataname=frame_of(bars, "2020-01-01", spread=0.0))


@dataclass(frozen=True)
class Fill:
    session: int
    feed: str
    size: int
    price: float
    commission: float


class Planned(bt.Strategy):
    """Sets the targets of a plan, session by session, and takes notes."""

    params = (
        ("plan", {}),
        ("max_attempts", 5),
        ("ignore", ()),
        ("before", None),
        ("settings", {}),
    )

    def __init__(self):
        for data in self.datas:
            data.addminperiod(2)  # so that a session passes in prenext
        ignore = [self.getdatabyname(name) for name in self.p.ignore]
        self.rebalancer = Rebalancer(
            self, self.p.max_attempts, ignore=ignore, **self.p.settings
        )
        self.first = pd.Timestamp("2020-01-01")
        self.fills: list[Fill] = []
        self.sizes: list[float] = []  # of all parts of fills
        self.statuses: list[str] = []
        self.cash: dict[int, float] = {}
        self.held: dict[int, dict[str, int]] = {}
        self.done: dict[int, bool] = {}
        self.alive: dict[int, list[str]] = {}

    @property
    def session(self) -> int:
        return int(np.busday_count(self.first.date(), self.datetime.date(0)))

    def prenext(self):
        self.next()

    def next(self):
        now = self.session
        self.done[now] = self.rebalancer.done
        if self.p.before is not None:
            self.p.before(self)
        if now in self.p.plan:
            weights = self.p.plan[now]
            self.rebalancer.target(
                {self.getdatabyname(name): w for name, w in weights.items()}
            )
        self.rebalancer.next()
        positions = self.broker.positions.items()
        self.held[now] = {d._name: p.size for d, p in positions if p.size}
        self.cash[now] = self.broker.getcash()
        alive = [*self.broker.pending, *self.broker.submitted]
        self.alive[now] = [order.data._name for order in alive]

    def notify_order(self, order):
        self.rebalancer.notify_order(order)
        self.statuses.append(order.getstatusname())
        if order.status in (order.Partial, order.Completed):
            self.sizes.append(order.executed[-1].size)
        if order.status == order.Completed:
            done = order.executed
            self.fills.append(
                Fill(self.session, order.data._name, done.size, done.price, done.comm)
            )

    def notify_corporate_action(self, data, action):
        self.rebalancer.notify_corporate_action(data, action)

    def events(self) -> list[tuple[int, str, str]]:
        return [
            (int(np.busday_count(self.first.date(), e.session)), e.kind, e.feed)
            for e in self.rebalancer.events
        ]


def run(
    market: dict[str, Bars],
    plan: dict[int, dict[str, float]],
    *,
    cash: float = 10_000.0,
    commission: float = 0.0,
    mode: str = "default",
    filler: Callable | None = None,
    settings: Mapping[str, object] | None = None,
    analyzers: Sequence[type[bt.Analyzer]] = (),
    cerebro: bt.Cerebro | None = None,
    strategy: type[Planned] = Planned,
    **params: object,
) -> Planned:
    cerebro = cerebro or bt.Cerebro(stdstats=False, **MODES[mode])
    for name, bars in market.items():
        cerebro.adddata(feed(bars), name=name)
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission)
    if filler is not None:
        cerebro.broker.set_filler(filler)
    cerebro.addstrategy(strategy, plan=plan, settings=settings or {}, **params)
    for analyzer in analyzers:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    (ran,) = cerebro.run()
    return ran


def simulated(seed: int, months: int, gap: float) -> tuple[dict, dict]:
    """11 feeds with overnight gaps, and 3 of them at random every fifth session."""
    rng = np.random.default_rng(seed)
    sessions = 5 * months + 1
    names = [f"S{row:02}" for row in range(11)]
    market = {}
    for name in names:
        overnight = rng.normal(0, gap, sessions)
        daily = rng.normal(0.0003, 0.008, sessions)
        closes = 50 * np.exp(np.cumsum(overnight + daily))
        opens = closes / np.exp(daily)
        market[name] = dict(enumerate(zip(opens, closes, strict=True)))
    picks = [rng.choice(names, 3, replace=False) for _ in range(months)]
    plan = {5 * m: dict.fromkeys(pick, 0.98 / 3) for m, pick in enumerate(picks)}
    return market, plan
