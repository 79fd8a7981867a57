"""All of Backtrader's own analyzers beside ours, on the same run."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel, without
from modes import each_mode

from bt_lstm_rotation import Broker, MomentumSpec, SectorRotation
from bt_lstm_rotation.analyzers import (
    AccountHistory,
    Costs,
    Drawdowns,
    EquityCurve,
    OrderHistory,
    SectorContribution,
    Turnover,
    Weights,
)
from bt_lstm_rotation.feeds import add_feeds
from bt_lstm_rotation.measures.performance import performance, yearly_returns

pytestmark = [
    # Backtrader forks its workers, and other tests may have left threads behind.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]

GUIDE = (Path(__file__).parents[2] / "docs" / "backtrader.md").read_text("utf-8")
OURS = (
    *(AccountHistory, Costs, Drawdowns, EquityCurve, OrderHistory),
    *(SectorContribution, Turnover, Weights),
)
# What keeps references to its strategy does not come back from another process.
AT_HOME = ("Calmar", "PeriodStats", "PyFolio", "SharpeRatio", "SharpeRatio_A", "VWR")
ANYWHERE = (
    *("DrawDown", "GrossLeverage", "LogReturnsRolling", "PositionsValue", "Returns"),
    *("SQN", "TimeDrawDown", "TimeReturn", "TradeAnalyzer", "Transactions"),
)
BROKER = Broker(cash=100_000.0, commission=0.001, slippage=0.0005)
SPEC = MomentumSpec(lookback=20, skip=2, horizon=5)
PARAMS = {"spec": SPEC, "top": 2, "benchmark": "SPY"}


def market():
    """A benchmark, and four sectors: one late, one that ends, one with holes."""
    panel = random_panel(["SPY", *"ABCD"], 560)
    panel = without(panel, "B", slice(0, 90))
    panel = without(panel, "D", slice(400, None))
    return without(panel, "C", np.arange(40, 500, 7))


def prepared(theirs, **modes):
    cerebro = bt.Cerebro(**modes)
    # Theirs go by the sessions of the first feed, which must miss none.
    add_feeds(cerebro, market())
    BROKER.set_up(cerebro)
    for name in theirs:
        params = {"cash": True} if name == "PositionsValue" else {}
        cerebro.addanalyzer(getattr(bt.analyzers, name), _name=name, **params)
    for analyzer in OURS:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__)
    return cerebro


class Found:
    """A run's analyses by the analyzers' names."""

    def __init__(self, ran):
        self._analyzers = ran.analyzers

    def __getitem__(self, name):
        return self._analyzers.getbyname(name).get_analysis()

    @property
    def equity(self):
        worth = pd.Series(self["EquityCurve"]["equity"])
        return worth.set_axis(pd.DatetimeIndex(worth.index))


def close_to(first, second) -> bool:
    return first == pytest.approx(second, rel=1e-9, abs=1e-12)


def assert_they_agree(found):
    equity = found.equity
    returns = equity.pct_change().fillna(0.0)
    days = [stamp.date() for stamp in equity.index]

    values = found["PositionsValue"]
    assert list(values) == days
    assert close_to([sum(row) for row in values.values()], equity.tolist())
    assert close_to(list(found["TimeReturn"].values()), returns.tolist())
    compounded = np.prod([1 + each for each in found["TimeReturn"].values()])
    assert close_to(compounded, equity.iloc[-1] / equity.iloc[0])
    assert close_to(
        list(found["LogReturnsRolling"].values()), np.log1p(returns).tolist()
    )
    rates = found["Returns"]
    assert close_to(rates["rtot"], np.log(equity.iloc[-1] / equity.iloc[0]))

    deepest = -100 * found["Drawdowns"]["max_drawdown"]
    assert close_to(found["DrawDown"].max.drawdown, deepest)
    assert close_to(found["TimeDrawDown"]["maxdrawdown"], deepest)
    cash = [row["cash"] for row in found["Weights"].values()]
    leverage = found["GrossLeverage"].values()
    assert close_to(list(leverage), [1 - each for each in cash])

    filled = [order for order in found["OrderHistory"] if order.filled]
    sessions = {}
    for order in filled:
        sign = 1 if order.side == "buy" else -1
        row = sessions.setdefault(order.executed, {})
        row[order.symbol] = (sign * order.filled, pytest.approx(order.price, rel=1e-9))
    assert len(filled) > 30
    assert sessions == {
        stamp.date(): {name: (size, price) for size, price, _, name, _ in entries}
        for stamp, entries in found["Transactions"].items()
    }
    assert found["Costs"]["fills"] == len(filled)

    trades = found["TradeAnalyzer"]
    assert found["SQN"].trades == trades.total.closed > 5


@each_mode
def test_those_that_must_agree_do(modes):
    # AnnualReturn reads all of an observer's values, and exactbars=1 keeps one.
    annual = () if modes.get("exactbars") == 1 else ("AnnualReturn",)
    cerebro = prepared((*ANYWHERE, *AT_HOME, *annual), **modes)
    cerebro.addstrategy(SectorRotation, **PARAMS)
    (ran,) = cerebro.run()
    found = Found(ran)
    assert_they_agree(found)
    by_year = yearly_returns(found.equity)
    if annual:
        assert close_to(dict(found["AnnualReturn"]), by_year.to_dict())
    stats = found["PeriodStats"]
    assert close_to(stats["average"], by_year.mean())
    assert close_to(stats["stddev"], by_year.std(ddof=0))
    riskless = by_year - 0.01
    for name in ("SharpeRatio", "SharpeRatio_A"):
        ratio = riskless.mean() / riskless.std(ddof=0)
        assert close_to(found[name]["sharperatio"], ratio)
    assert found["VWR"]["vwr"] == found["VWR"]["vwr"]
    assert len(found["Calmar"]) == found.equity.index.to_period("M").nunique()
    kept = found["PyFolio"]
    assert list(kept["returns"].values()) == list(found["TimeReturn"].values())
    assert len(kept["positions"]) == len(found.equity) + 1


@pytest.mark.parametrize("workers", [1, 2])
def test_they_agree_in_an_optimisation(workers):
    cerebro = prepared(ANYWHERE, maxcpus=workers)
    cerebro.optstrategy(SectorRotation, **(PARAMS | {"top": (1, 2)}))
    ends = []
    for (ran,) in cerebro.run():
        assert_they_agree(Found(ran))
        ends.append(Found(ran).equity.iloc[-1])
    assert ends[0] != ends[1]


@pytest.fixture(scope="module")
def of_the_guide():
    """What the guide's script leaves, and the rows of its table."""
    section = GUIDE[GUIDE.index("## Backtrader's own analyzers") :].split("\n## ")[0]
    (script,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    scope = {"__name__": __name__}
    exec(script, scope)
    table = [row for row in section.splitlines() if row.startswith("| `")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    return Found(scope["ran"]), {row[0].split("`")[1]: row for row in cells}


def test_the_table_of_the_guide_is_what_its_script_gives(of_the_guide):
    found, rows = of_the_guide
    measured = performance(
        found.equity, traded_value=found["Turnover"]["traded_value"], costs=0.0
    )
    year = yearly_returns(found.equity)
    deepest = found["Drawdowns"]["drawdowns"][0]
    *_, last = found["Weights"].values()
    *_, leverage = found["GrossLeverage"].values()
    *_, calmar = found["Calmar"].values()
    gained = sum(found["SectorContribution"]["contribution"].values())
    filled = [order for order in found["OrderHistory"] if order.filled]
    traded = sum(map(len, found["Transactions"].values()))
    total = float(np.prod([1 + r for r in found["TimeReturn"].values()]) - 1)
    log = sum(found["LogReturnsRolling"].values())
    *_, positions = found["PositionsValue"].values()
    expected = {
        "AnnualReturn": ([found["AnnualReturn"][2005], 2005], [year[2005]]),
        "Calmar": ([calmar], [measured["calmar"]]),
        "DrawDown": (
            [found["DrawDown"].max.drawdown, found["DrawDown"].max.len],
            [deepest["depth"], deepest["days"]],
        ),
        "GrossLeverage": ([leverage], [1 - last["cash"]]),
        "LogReturnsRolling": ([log], [np.log1p(measured["total_return"])]),
        "PeriodStats": (
            [found["PeriodStats"]["average"], found["PeriodStats"]["stddev"]],
            [measured["cagr"], measured["annual_volatility"]],
        ),
        "PositionsValue": ([sum(positions)], [found.equity.iloc[-1]]),
        "PyFolio": ([len(found["PyFolio"]["positions"])], [len(found.equity)]),
        "Returns": ([found["Returns"]["rnorm"]], [measured["cagr"]]),
        "SharpeRatio": ([found["SharpeRatio"]["sharperatio"]], [measured["sharpe"]]),
        "SharpeRatio_A": (
            [found["SharpeRatio_A"]["sharperatio"]],
            [measured["sharpe"]],
        ),
        "SQN": ([found["SQN"].sqn, found["SQN"].trades], []),
        "TimeDrawDown": (
            [found["TimeDrawDown"]["maxdrawdown"]],
            [measured["max_drawdown"]],
        ),
        "TimeReturn": ([total], [measured["total_return"]]),
        "TradeAnalyzer": ([found["TradeAnalyzer"].pnl.net.total], [gained]),
        "Transactions": ([traded], [len(filled)]),
        "VWR": ([found["VWR"]["vwr"]], []),
    }
    assert set(rows) == set(expected)
    for name, (theirs, ours) in expected.items():
        _, said, _, ours_said, _ = rows[name]
        for cell, values in ((said, theirs), (ours_said, ours)):
            for number, text in zip(values, shown(cell), strict=True):
                decimals = len(text.partition(".")[2])
                assert float(text.replace(",", "")) == round(float(number), decimals)


def shown(cell: str) -> list[str]:
    return re.findall(r"-?\d[\d,]*(?:\.\d+)?", cell)


def test_daily_sharpe_ratios_differ_by_the_first_session_alone(of_the_guide):
    found, _ = of_the_guide
    returns = found.equity.pct_change()
    assert returns.iloc[1:].notna().all()
    ours = performance(found.equity, traded_value=0.0, costs=0.0)["sharpe"]
    with_first = returns.fillna(0.0)
    theirs = found["daily"]["sharperatio"]
    assert close_to(theirs, with_first.mean() / with_first.std() * 252**0.5)
    assert ours == pytest.approx(theirs, rel=1e-3)
    assert found.equity.index[-1].date() == dt.date(2005, 10, 18)
