"""Figures of a run against pandas, which is given the bars and Backtrader's records."""

from __future__ import annotations

import datetime as dt
import pickle

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import FakeSpec, random_panel, without
from hand_made import drop_in, panel_of
from modes import MODES, each_mode

from bt_lstm_rotation import Broker, MomentumSpec, SectorRotation, run_backtest
from bt_lstm_rotation.analyzers import (
    AccountHistory,
    Costs,
    Drawdowns,
    EquityCurve,
    FillHistory,
    ForecastSkill,
    OrderHistory,
    RetrainLedger,
    SectorContribution,
    TradingCosts,
    Turnover,
)
from bt_lstm_rotation.errors import SpecError, StrategyError
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.prices import PricePanel

pytestmark = [
    # Backtrader forks its workers, and other tests may have left threads behind.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]

OURS = {
    EquityCurve: {"benchmark": "SPY"},
    Drawdowns: {"count": 3},
    Turnover: {},
    Costs: {},
    ForecastSkill: {},
    RetrainLedger: {},
    SectorContribution: {},
    FillHistory: {},
}
CASH, COMMISSION, SLIPPAGE = 100_000.0, 0.002, 0.001
BROKER = Broker(cash=CASH, commission=COMMISSION, slippage=SLIPPAGE)


def market() -> PricePanel:
    """A benchmark, and four sectors: one late, one that ends, one with holes."""
    panel = random_panel(["SPY", *"ABCD"], 300)
    panel = without(panel, "B", slice(0, 90))
    panel = without(panel, "D", slice(200, None))
    panel = without(panel, "SPY", slice(290, None))
    return without(panel, "C", np.arange(40, 280, 7))


PANEL = market()
PARAMS = {"spec": FakeSpec(fit_bars=12), "top": 2, "benchmark": "SPY"}


def prepared(panel=PANEL, **modes) -> bt.Cerebro:
    cerebro = bt.Cerebro(**({"stdstats": False} | modes))
    add_feeds(cerebro, panel)
    BROKER.set_up(cerebro)
    for analyzer, params in OURS.items():
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__, **params)
    cerebro.addanalyzer(bt.analyzers.PositionsValue, _name="positions", cash=True)
    cerebro.addanalyzer(bt.analyzers.Transactions, _name="transactions")
    return cerebro


def found_by(ran):
    return {
        analyzer: ran.analyzers.getbyname(analyzer.__name__).get_analysis()
        for analyzer in OURS
    }


def close_to(first, second) -> bool:
    return first == pytest.approx(second, rel=1e-9, abs=1e-12)


class Reference:
    """What the figures have to be, from bars and Backtrader's own analyzers."""

    def __init__(self, ran, panel):
        values = ran.analyzers.positions.get_analysis()
        frame = pd.DataFrame.from_dict(values, orient="index")
        self.equity = frame.sum(axis=1).set_axis(pd.DatetimeIndex(frame.index))
        rows = [
            (pd.Timestamp(day).normalize(), name, size, price)
            for day, entries in ran.analyzers.transactions.get_analysis().items()
            for size, price, _, name, _ in entries
        ]
        self.fills = pd.DataFrame(rows, columns=["day", "name", "size", "price"])
        self.fills["value"] = self.fills["size"].abs() * self.fills["price"]
        names = list(panel.symbols)
        index = pd.DatetimeIndex(panel.sessions)
        self.close = pd.DataFrame(panel.close, index, names).where(panel.traded)

    @property
    def years(self):
        return (self.equity.index[-1] - self.equity.index[0]).days / 365.25

    @property
    def turnover(self):
        return self.fills["value"].sum() / 2 / self.equity.mean() / self.years

    @property
    def contributions(self):
        """Shares held times price moves, plus what fills were better than the close."""
        size = self.fills.pivot_table(
            index="day", columns="name", values="size", aggfunc="sum"
        ).reindex(self.equity.index, columns=self.close.columns, fill_value=0.0)
        close = self.close.ffill().bfill()
        held = size.fillna(0.0).cumsum()
        moves = (held.shift().fillna(0.0) * close.diff().fillna(0.0)).sum()
        at = [
            close.loc[day, name] for day, name in self.fills[["day", "name"]].to_numpy()
        ]
        gain = self.fills["size"] * (at - self.fills["price"])
        gain -= self.fills["value"] * COMMISSION
        traded = gain.groupby(self.fills["name"]).sum()
        return moves.loc[traded.index] + traded


@each_mode
def test_figures_are_those_that_pandas_gives(modes):
    (ran,) = run(prepared(**modes))
    found, reference = found_by(ran), Reference(ran, PANEL)
    equity, fills = reference.equity, reference.fills
    assert len(fills) > 30

    curve = found[EquityCurve]
    days = [stamp.date() for stamp in equity.index]
    assert list(curve["equity"]) == list(curve["growth"]) == days
    assert close_to(list(curve["equity"].values()), equity.tolist())
    assert curve["growth"] == curve["equity"]
    assert curve["flows"] == {}
    spy = reference.close["SPY"]
    expected = CASH * spy / spy.iloc[0]
    benchmark = pd.Series(curve["benchmark"], dtype="float64")
    assert close_to(benchmark.dropna().tolist(), expected.dropna().tolist())
    assert benchmark.iloc[290:].isna().all()

    below = equity / equity.cummax() - 1
    drawdowns = found[Drawdowns]
    assert close_to(drawdowns["max_drawdown"], below.min())
    deepest = drawdowns["drawdowns"][0]
    assert pd.Timestamp(deepest["trough"]) == below.idxmin()
    assert pd.Timestamp(deepest["peak"]) == equity[: below.idxmin()].idxmax()

    turnover = found[Turnover]
    assert close_to(turnover["turnover"], reference.turnover)
    by_day = fills.groupby("day")["value"].sum().reindex(equity.index, fill_value=0)
    assert close_to(list(turnover["by_session"].values()), (by_day / equity).tolist())

    costs = found[Costs]
    assert close_to(costs["traded_value"], fills["value"].sum())
    assert close_to(costs["commission"], fills["value"].sum() * COMMISSION)
    by_year = fills.groupby(fills["day"].dt.year)["value"].sum()
    traded = {year: part["traded_value"] for year, part in costs["by_year"].items()}
    assert close_to(traded, by_year.to_dict())
    by_feed = fills.groupby("name")["value"].sum()
    traded = {name: part["traded_value"] for name, part in costs["by_feed"].items()}
    assert close_to(traded, by_feed.to_dict())

    contribution = found[SectorContribution]["contribution"]
    assert close_to(contribution, reference.contributions.to_dict())
    assert close_to(sum(contribution.values()), equity.iloc[-1] - equity.iloc[0])

    assert_skill_is_that_of_pandas(found[ForecastSkill], ran, reference.close)


def assert_skill_is_that_of_pandas(found, ran, close):
    assert found["horizon"] == 2
    ahead = {
        name: (own := close[name].dropna()).shift(-found["horizon"]) / own - 1
        for name in close
    }
    realised = pd.DataFrame(ahead).reindex(close.index)
    made = pd.DataFrame(
        {pd.Timestamp(day): row for day, row in ran.seen.items()}
    ).T.reindex(close.index)
    both = made.notna() & realised[made.columns].notna()
    made, realised = made.where(both), realised[made.columns].where(both)
    enough = both.sum(axis=1) >= 3
    ic = made[enough].corrwith(realised[enough], axis=1)
    ranked = made[enough].rank(axis=1).corrwith(realised[enough].rank(axis=1), axis=1)
    x, y = made.stack().dropna(), realised.stack().dropna()
    by_session = {d: v for d, v in found["by_session"].items() if v is not None}
    assert close_to(found["ic"], ic.mean())
    assert close_to(found["rank_ic"], ranked.mean())
    assert close_to(found["hit_ratio"], (np.sign(x) == np.sign(y)).mean())
    assert close_to(found["mse_ratio"], ((x - y) ** 2).mean() / (y**2).mean())
    assert (found["sessions"], found["observations"]) == (len(ic), len(x))
    assert close_to(by_session, {day.date(): v for day, v in ic.items()})


class Noting(SectorRotation):
    """A rotation that notes the forecasts it sees."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def next(self):
        super().next()
        self._note()

    def _note(self):
        today = self.datetime.date(0)
        self.seen[today] = {
            one.data._name: one.forecast[0]
            for one in self.getindicators()
            if hasattr(one.lines, "forecast")
            and len(one.data)
            and one.data.datetime.date(0) == today
            and one.forecast[0] == one.forecast[0]
        }


def run(cerebro, strategy=Noting, **params):
    cerebro.addstrategy(strategy, **(PARAMS | params))
    return cerebro.run()


def test_every_mode_gives_the_same_analyses():
    runs = [found_by(run(prepared(**modes))[0]) for modes in MODES.values()]
    for found in runs:
        for fit in found[RetrainLedger]["fits"]:
            fit.pop("seconds")
    assert all(found == runs[0] for found in runs)


def test_the_ledger_has_every_fit_with_dates_of_pythons_own():
    spec = FakeSpec(fit_bars=12, diverges_at=frozenset({"2019-02-28", "2019-01-31"}))
    found = found_by(run(prepared(), spec=spec)[0])[RetrainLedger]
    first, second, third = found["fits"][:3]
    assert (found["ok"], found["failed"]) == (len(found["fits"]) - 2, 2)
    assert first["session"] == dt.date(2019, 1, 31)
    assert first["served_by"] is None
    assert first["status"] == "the loss is not finite"
    assert first["last_loss"] is None
    assert (second["session"], second["served_by"]) == (dt.date(2019, 2, 28), None)
    assert third["served_by"] == third["session"] == dt.date(2019, 3, 29)
    assert third["symbols"] == ["A", "C", "D"]
    assert (third["n_bars"], third["first_loss"], third["last_loss"]) == (12, 1.0, 0.5)


@pytest.mark.parametrize("workers", [1, 2])
def test_analyses_come_back_through_an_optimisation(workers):
    # As its networks hold nothing, this spec goes to another process.
    spec = MomentumSpec(lookback=5, skip=0, horizon=2)
    cerebro = prepared(maxcpus=workers)
    params = PARAMS | {"spec": spec}
    cerebro.optstrategy(SectorRotation, **(params | {"top": (1, 2)}))
    for (optimised,), top in zip(cerebro.run(), (1, 2), strict=True):
        alone = prepared()
        alone.addstrategy(SectorRotation, **(params | {"top": top}))
        expected, found = found_by(alone.run()[0]), found_by(optimised)
        for each in (expected, found):
            assert each[RetrainLedger]["fits"]
            for fit in each[RetrainLedger]["fits"]:
                fit.pop("seconds")
        assert found == expected
        assert optimised.analyzers.EquityCurve.p.benchmark == "SPY"


def test_neither_strategy_nor_feed_nor_child_is_pickled():
    (ran,) = run(prepared())
    for analyzer in OURS:
        one = ran.analyzers.getbyname(analyzer.__name__)
        copy = pickle.loads(pickle.dumps(one))
        assert set(vars(copy)) == {"p", "params", "rets"}
        assert copy.get_analysis() == one.get_analysis()


class Idle(bt.Strategy):
    def __init__(self):
        pass


NO_SKILL = {
    "ic": None,
    "rank_ic": None,
    "hit_ratio": None,
    "mse_ratio": None,
    "sessions": 0,
    "observations": 0,
    "horizon": None,
    "by_session": {},
}


@pytest.mark.parametrize("sessions", [1, 2, 40])
def test_a_strategy_that_never_trades_on_one_symbol(sessions):
    cerebro = prepared(random_panel(["SPY"], sessions))
    cerebro.addstrategy(Idle)
    found = found_by(cerebro.run()[0])
    assert set(found[EquityCurve]["equity"].values()) == {CASH}
    short = sessions == 1
    nothing = {"max_drawdown": None if short else 0.0, "drawdowns": []}
    assert found[Drawdowns] == nothing
    assert found[Turnover]["turnover"] == (None if short else 0.0)
    assert set(found[Turnover]["by_session"].values()) == {0.0}
    assert found[Costs] == {
        "commission": 0.0,
        "slippage": 0.0,
        "traded_value": 0.0,
        "fills": 0,
        "cost_rate": None,
        "by_feed": {},
        "by_year": {},
    }
    assert found[ForecastSkill] == NO_SKILL
    assert found[RetrainLedger] == {"fits": [], "ok": 0, "failed": 0}


def orders(panel, plan, *, analyzers=(), broker=BROKER):
    """Run a plan: number of a session, from 1 on -> a function of the strategy."""

    class Plan(bt.Strategy):
        def __init__(self):
            pass

        def next(self):
            if len(self) in plan:
                plan[len(self)](self)

    every = (*OURS, AccountHistory, OrderHistory, TradingCosts, *analyzers)
    return drop_in(panel, Plan, broker=broker, analyzers=every)


FLAT = Broker(cash=1_000.0, commission=0.0, slippage=0.0)


def test_what_is_paid_in_is_neither_a_return_nor_a_recovery():
    panel = panel_of("2019-01-07", A=[10, 10, 10, 5, 5, 6])
    plan = {
        1: lambda s: s.buy(size=100),
        3: lambda s: s.broker.add_cash(1_000),
        5: lambda s: s.broker.add_cash(-500),
    }
    ran = orders(panel, plan, broker=FLAT)
    curve = ran.analyzers.EquityCurve.get_analysis()
    assert list(curve["equity"].values()) == [1_000, 1_000, 1_000, 1_500, 1_500, 1_100]
    assert list(curve["flows"].values()) == [1_000.0, -500.0]
    # Halved, although more is there than before; then 1,500 grew to 1,600.
    assert list(curve["growth"].values()) == pytest.approx(
        [1_000, 1_000, 1_000, 500, 500, 500 * 1_600 / 1_500]
    )
    found = ran.analyzers.Drawdowns.get_analysis()
    assert found["max_drawdown"] == -0.5
    assert [
        (d["peak"].day, d["trough"].day, d["days"]) for d in found["drawdowns"]
    ] == [(9, 10, 5)]


def test_a_benchmark_gets_the_same_flows_from_its_first_close_on():
    class Holds(bt.Strategy):
        def __init__(self):
            pass

        def prenext(self):
            self.next()

        def next(self):
            if len(self) == 3:
                self.broker.add_cash(100)

    panel = panel_of("2019-01-07", A=[10] * 7, SPY=[None, 50, 60, 30, None, 60, None])
    cerebro = prepared(panel)
    cerebro.addstrategy(Holds)
    found = found_by(cerebro.run()[0])[EquityCurve]
    # The deposit of January 9 is there at the close of January 10, when SPY has halved.
    worth = [CASH, 1.2 * CASH, 0.6 * CASH + 100]
    worth += [worth[-1], 2 * worth[-1]]
    assert list(found["benchmark"].values()) == pytest.approx([None, *worth, None])


def test_of_several_bars_a_session_the_last_one_counts():
    hours = [f"2019-01-{day:02} {hour}:00" for day in (7, 8, 9) for hour in (10, 15)]
    closes = [50.0, 40, 60, 80, 20, 60]
    frame = pd.DataFrame(
        dict.fromkeys(("Open", "High", "Low", "Close"), closes) | {"Volume": 1.0},
        index=pd.DatetimeIndex(hours),
    )
    cerebro = bt.Cerebro(stdstats=False)
    minutes = {"timeframe": bt.TimeFrame.Minutes, "compression": 300}
    cerebro.adddata(bt.feeds.PandasData(dataname=frame, name="SPY", **minutes))
    cerebro.addanalyzer(EquityCurve, _name="curve", benchmark="SPY")

    class Pays(Idle):
        def next(self):
            if len(self) == 3:
                self.broker.add_cash(500)

    cerebro.addstrategy(Pays)
    cerebro.broker.setcash(1_000.0)
    (ran,) = cerebro.run()
    curve = ran.analyzers.curve.get_analysis()
    assert list(curve["equity"].values()) == [1_000, 1_500, 1_500]
    # From 40 to 80, and 500 that were paid in; then to 60.
    expected = [1_000, 2_000 + 500, 2_500 * 0.75]
    assert list(curve["benchmark"].values()) == pytest.approx(expected)


def test_an_account_that_is_ruined_has_a_drawdown_and_no_rates():
    panel = panel_of("2019-01-07", A=[10, 10, 500, 500, 400])
    ran = orders(panel, {1: lambda s: s.sell(size=50)}, broker=FLAT)
    found = {a: ran.analyzers.getbyname(a.__name__).get_analysis() for a in OURS}
    assert list(found[EquityCurve]["equity"].values()) == [
        *(1_000, 1_000, -23_500, -23_500, -18_500),
    ]
    assert found[Drawdowns]["max_drawdown"] == pytest.approx(-24.5)
    assert found[Drawdowns]["drawdowns"][0]["recovery"] is None
    assert found[Turnover]["turnover"] is None
    assert found[Turnover]["by_session"][dt.date(2019, 1, 9)] is None


def test_a_price_that_is_not_finite_is_none_and_no_error():
    frame = random_panel("A", 10).frame("A")
    frame.iloc[-1, frame.columns.get_loc("Close")] = np.nan
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame, name="SPY"))
    for analyzer, params in OURS.items():
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__, **params)

    class Once(Idle):
        def next(self):
            if len(self) == 1:
                self.buy()

    cerebro.addstrategy(Once)
    found = found_by(cerebro.run()[0])
    for name in ("equity", "growth", "benchmark"):
        values = list(found[EquityCurve][name].values())
        assert values[-1] is None
        assert None not in values[:-1]
    assert found[Drawdowns] == {"max_drawdown": None, "drawdowns": []}
    assert found[Turnover]["turnover"] is None


def test_an_order_filled_in_parts_over_new_year_counts_in_both():
    panel = panel_of("2019-12-30", A=[10, 10, 20, 20])

    class Parts(bt.Strategy):
        def __init__(self):
            self.broker.set_filler(bt.broker.filler.FixedSize(size=4))

        def next(self):
            if len(self) == 1:
                self.buy(size=10)

    broker = Broker(cash=1_000.0, commission=0.01, slippage=0.05)
    ran = drop_in(panel, Parts, broker=broker, analyzers=(Costs, FillHistory))
    fills = ran.analyzers.FillHistory.get_analysis()
    assert [(f.session.year, f.order, f.size) for f in fills] == [
        *((2019, 1, 4), (2020, 1, 4), (2020, 1, 2)),
    ]
    assert [f.slippage for f in fills] == pytest.approx([2.0, 4.0, 2.0])
    costs = ran.analyzers.Costs.get_analysis()
    assert costs["fills"] == 1
    assert {y: p["fills"] for y, p in costs["by_year"].items()} == {2019: 1, 2020: 1}
    old, new = costs["by_year"].values()
    assert (old["traded_value"], new["traded_value"]) == pytest.approx((42, 126))
    assert (old["slippage"], new["slippage"]) == pytest.approx((2, 6))
    assert new["commission"] == pytest.approx(1.26)
    assert new["cost_rate"] == pytest.approx((6 + 1.26) / 126)


def test_costs_are_those_of_the_orders():
    (ran,) = run(with_orders(prepared()))
    costs = found_by(ran)[Costs]
    old = ran.analyzers.TradingCosts.get_analysis()
    assert close_to({name: costs[name] for name in old}, old)
    for name in old:
        for groups in ("by_feed", "by_year"):
            added = sum(part[name] for part in costs[groups].values())
            assert close_to(added, old[name])


def test_figures_are_those_of_the_summary():
    broker = {"benchmark": "SPY", "broker": BROKER}
    params = {name: PARAMS[name] for name in ("spec", "top")}
    summary = run_backtest(PANEL, params=params, **broker).summary
    found = found_by(run(prepared())[0])
    skill = summary["forecast"]
    assert {name: found[ForecastSkill][name] for name in skill} == skill
    metrics = summary["metrics"]
    assert close_to(found[Drawdowns]["max_drawdown"], metrics["max_drawdown"])
    costs = found[Costs]
    assert close_to(costs["commission"] + costs["slippage"], metrics["costs"])


def test_turnover_is_that_of_a_summary_of_the_same_sessions():
    class Monthly(bt.Strategy):
        def __init__(self):
            pass

        def prenext(self):
            self.next()

        def next(self):
            if len(self) % 21 == 1:
                for name, weight in (("A", 0.3), ("C", 0.4)):
                    feed = self.getdatabyname(name)
                    self.order_target_percent(feed, weight * (len(self) % 5) / 5)

    result = run_backtest(PANEL, strategy=Monthly, benchmark="SPY", broker=BROKER)
    cerebro = prepared()
    cerebro.addstrategy(Monthly)
    found = found_by(cerebro.run()[0])
    assert len(result.account) == len(found[EquityCurve]["equity"])
    assert found[Turnover]["turnover"] > 1
    assert close_to(found[Turnover]["turnover"], result.summary["metrics"]["turnover"])
    benchmark = found[EquityCurve]["benchmark"]
    expected = result.account["benchmark"]
    assert close_to(
        [v for v in benchmark.values() if v is not None], expected.dropna().tolist()
    )


def test_a_run_without_any_session_has_nothing():
    cerebro = bt.Cerebro(stdstats=False)
    bars, since = random_panel("A", 3).frame("A"), dt.datetime(2030, 1, 1)
    feed = bt.feeds.PandasData(dataname=bars, fromdate=since, name="SPY")
    cerebro.adddata(feed)
    for analyzer, params in OURS.items():
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__, **params)
    cerebro.addstrategy(Idle)
    found = found_by(cerebro.run()[0])
    assert found[EquityCurve] == {
        name: {} for name in ("equity", "flows", "growth", "benchmark")
    }
    assert found[Drawdowns]["max_drawdown"] is None
    assert found[Turnover]["turnover"] is None
    assert found[ForecastSkill] == NO_SKILL
    assert found[SectorContribution]["beginning_equity"] is None


def with_orders(cerebro):
    cerebro.addanalyzer(TradingCosts, _name="TradingCosts")
    return cerebro


@pytest.mark.parametrize(
    ("analyzer", "params", "error", "match"),
    [
        (EquityCurve, {"benchmark": "SPX"}, StrategyError, "did you mean 'SPY'"),
        (EquityCurve, {"benchmark": 5}, SpecError, "benchmark must be a feed's name"),
        (Drawdowns, {"count": 0}, SpecError, "count must be a whole number"),
        (Drawdowns, {"count": True}, SpecError, "count must be a whole number"),
        (EquityCurve, {"benchmarc": "SPY"}, TypeError, "benchmarc"),
        (Costs, {"count": 1}, TypeError, "count"),
        (Turnover, {"fund": 1}, TypeError, "fund"),
        (ForecastSkill, {"horizon": 1}, TypeError, "horizon"),
        (RetrainLedger, {"a": 1}, TypeError, "a"),
        (FillHistory, {"a": 1}, TypeError, "a"),
    ],
)
def test_parameters_that_are_none_are_refused(analyzer, params, error, match):
    cerebro = bt.Cerebro(stdstats=False)
    add_feeds(cerebro, PANEL)
    cerebro.addstrategy(Idle)
    cerebro.addanalyzer(analyzer, **params)
    with pytest.raises(error, match=match):
        cerebro.run()


def test_an_analysis_can_be_asked_for_while_a_run_goes_on():
    class Asks(SectorRotation):
        def __init__(self):
            super().__init__()
            self.asked = []

        def next(self):
            super().next()
            if len(self) == 250:
                self.asked = found_by(self)

    cerebro = prepared()
    (ran,) = run(cerebro, Asks)
    finally_found = found_by(ran)
    # What is asked for in next() is what was there at the close before.
    asked = ran.asked[EquityCurve]["equity"]
    assert len(asked) == 249
    assert asked == dict(list(finally_found[EquityCurve]["equity"].items())[:249])
    assert 0 < ran.asked[Costs]["fills"] < finally_found[Costs]["fills"]
