"""Exports are taken as they are by the tools they are for, whose figures are ours.

Where theirs differ, the definition does, and the assertion says how.
"""

from __future__ import annotations

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from bt_lstm_rotation import MomentumSpec, SectorRotation, run_backtest
from bt_lstm_rotation.backtest import Broker
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket
from bt_lstm_rotation.reporting import exports, read_run

HORIZON = 10

# They warn of what pandas and numpy mean to drop, which is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of six sectors, long and short, with costs."""
    folder = tmp_path_factory.mktemp("tools") / "run"
    spec = MomentumSpec(lookback=60, skip=0, horizon=HORIZON)
    params = {"spec": spec, "top": 2, "shorts": 2}
    panel = SimulatedMarket(n_sessions=420, n_sectors=6).panel()
    broker = Broker(commission=0.001, slippage=0.001)
    run_backtest(
        panel, SectorRotation, params, benchmark=MARKET, broker=broker, folder=folder
    )
    return folder


@pytest.fixture(scope="module")
def ours(folder):
    return read_run(folder).summary


@pytest.fixture
def tool():
    """Import a tool, and take back what it sets for the whole process."""

    def tool(name: str):
        reason = f"{name} is not installed; the extra test has it"
        return pytest.importorskip(name, reason=reason)

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield tool


@pytest.fixture
def old_numpy(monkeypatch):
    """Give numpy a name that empyrical-reloaded 0.5.9 asks for, and numpy 2 has not."""
    monkeypatch.setattr(np, "NINF", -np.inf, raising=False)


def over_trading_days(metrics: dict, n_returns: int) -> dict:
    """Growth a year over returns / 252, as others count years; ours are calendar."""
    cagr = (1 + metrics["total_return"]) ** (252 / n_returns) - 1
    return {"cagr": cagr, "calmar": cagr / -metrics["max_drawdown"]}


SAME = ("total_return", "annual_volatility", "sharpe", "sortino", "max_drawdown")


def check_figures(theirs: dict, metrics: dict, n_returns: int) -> None:
    expected = {name: metrics[name] for name in SAME}
    assert metrics["periods_a_year"] == 252
    assert theirs == pytest.approx(
        expected | over_trading_days(metrics, n_returns), rel=1e-9
    )


@pytest.mark.parametrize("which", ["metrics", "benchmark"])
def test_quantstats_finds_our_figures(folder, ours, tool, which):
    stats = tool("quantstats").stats
    series = exports.for_quantstats(folder)
    returns = series["returns" if which == "metrics" else "benchmark"]
    theirs = {
        "total_return": stats.comp(returns),
        "cagr": stats.cagr(returns),
        "annual_volatility": stats.volatility(returns),
        "sharpe": stats.sharpe(returns),
        "sortino": stats.sortino(returns),
        "max_drawdown": stats.max_drawdown(returns),
        "calmar": stats.calmar(returns),
    }
    check_figures(theirs, ours[which], len(returns))


@pytest.mark.parametrize("which", ["metrics", "benchmark"])
def test_empyrical_finds_our_figures(folder, ours, tool, which, old_numpy):
    empyrical = tool("empyrical")
    export = exports.returns if which == "metrics" else exports.benchmark_returns
    returns = export(folder)
    theirs = {
        "total_return": empyrical.cum_returns_final(returns),
        "cagr": empyrical.cagr(returns),
        "annual_volatility": empyrical.annual_volatility(returns),
        "sharpe": empyrical.sharpe_ratio(returns),
        "sortino": empyrical.sortino_ratio(returns),
        "max_drawdown": empyrical.max_drawdown(returns),
        "calmar": empyrical.calmar_ratio(returns),
    }
    check_figures(theirs, ours[which], len(returns))


def test_pyfolio_finds_our_figures(folder, ours, tool, old_numpy):
    given = exports.for_pyfolio(folder)
    timeseries = tool("pyfolio").timeseries
    found = timeseries.perf_stats(
        given["returns"],
        given["benchmark_rets"],
        given["positions"],
        given["transactions"],
        turnover_denom="portfolio_value",
    )
    names = {
        "Cumulative returns": "total_return",
        "Annual return": "cagr",
        "Annual volatility": "annual_volatility",
        "Sharpe ratio": "sharpe",
        "Sortino ratio": "sortino",
        "Max drawdown": "max_drawdown",
        "Calmar ratio": "calmar",
    }
    theirs = {ours_: float(found[name]) for name, ours_ in names.items()}
    check_figures(theirs, ours["metrics"], len(given["returns"]))
    # Theirs: the mean of what is traded a session over equity, both ways. Ours: all
    # that is traded, one way, over mean equity, a year of 365.25 days.
    result = read_run(folder)
    equity, orders = result.account["equity"], result.orders
    traded = (orders["filled"] * orders["price"]).groupby(orders["executed"]).sum()
    traded.index = pd.to_datetime(traded.index)
    ratio = (traded / equity).dropna()
    assert found["Daily turnover"] == pytest.approx(ratio.sum() / (len(equity) - 1))
    years = (equity.index[-1] - equity.index[0]).days / 365.25
    turnover = traded.sum() / 2 / equity.mean() / years
    assert ours["metrics"]["turnover"] == pytest.approx(turnover)


def test_pyfolio_rebuilds_our_round_trips(folder, tool):
    given = exports.for_pyfolio(folder)
    pyfolio, result = tool("pyfolio"), read_run(folder)
    positions, returns = given["positions"], given["returns"]
    opening = positions.sum(axis=1) / (1 + returns)
    closed = pyfolio.round_trips.add_closing_transactions(
        positions, given["transactions"]
    )
    trips = pyfolio.round_trips.extract_round_trips(closed, portfolio_value=opening)
    assert {True, False} == set(trips["long"])
    assert set(trips["symbol"]) == set(given["transactions"]["symbol"])
    # What all of them earned, less commission, is what the account has gained.
    gained = result.account["equity"].iloc[-1] - result.account["equity"].iloc[0]
    commission = result.orders["commission"].sum()
    assert trips["pnl"].sum() - commission == pytest.approx(gained)
    assert trips["returns"].notna().all()


def test_pyfolio_finds_all_symbols_and_the_days_it_knows(folder, tool):
    given = exports.for_pyfolio(folder)
    pyfolio = tool("pyfolio")
    shares = pyfolio.pos.get_percent_alloc(given["positions"])
    weights = read_run(folder).weights.iloc[1:]
    np.testing.assert_allclose(shares, weights, atol=1e-12)
    known = pyfolio.timeseries.extract_interesting_date_ranges(given["returns"])
    first, last = given["returns"].index[[0, -1]]
    expected = [
        name
        for name, (start, end) in pyfolio.interesting_periods.PERIODS.items()
        if not given["returns"].loc[start:end].empty
    ]
    assert list(known) == expected, (first, last)


def test_alphalens_finds_our_information_coefficients(folder, ours, tool, capsys):
    alphalens = tool("alphalens")
    data = alphalens.utils.get_clean_factor_and_forward_returns(
        **exports.for_alphalens(folder),
        periods=(1, HORIZON),
        quantiles=3,
        filter_zscore=None,
    )
    column = f"{HORIZON}D"
    assert {"1D", column, "factor", "factor_quantile"} == set(data)
    # Their IC is of ranks, which we call rank_ic.
    ic = alphalens.performance.factor_information_coefficient(data)[column].dropna()
    assert ic.mean() == pytest.approx(ours["forecast"]["rank_ic"], abs=1e-12)
    assert len(ic) == ours["forecast"]["sessions"]
    assert len(data) == ours["forecast"]["observations"]
    # Ours, of the values, from their own forward returns.
    by_value = [day["factor"].corr(day[column]) for _, day in data.groupby("date")]
    assert np.mean(by_value) == pytest.approx(ours["forecast"]["ic"], abs=1e-9)
    made = read_run(folder).forecasts.set_index(["session", "symbol"])["realised"]
    np.testing.assert_allclose(data[column], made.dropna().sort_index(), atol=1e-12)
