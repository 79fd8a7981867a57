"""Page, terminal and JSON say what pandas makes of the run's own files."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bt_lstm_rotation import MomentumSpec, SectorRotation, run_backtest
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket
from bt_lstm_rotation.reporting import print_summary
from bt_lstm_rotation.reporting.figures import FORECAST, METRICS

BENCHMARKED = ("turnover", "costs")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures") / "run"
    result = run_backtest(
        SimulatedMarket(n_sessions=900, seed=5).panel(),
        SectorRotation,
        {"spec": MomentumSpec()},
        benchmark=MARKET,
        folder=folder,
    )
    return result, folder


@pytest.fixture(scope="module")
def summary(run):
    return json.loads((run[1] / "summary.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def computed(run):
    return {
        "metrics": of_account(run[1], "equity") | of_orders(run[1]),
        "benchmark": of_account(run[1], "benchmark"),
        "forecast": of_forecasts(run[1]),
    }


def table(folder, name, **options):
    return pd.read_csv(folder / name, **options)


def of_account(folder, column):
    equity = table(folder, "equity.csv", index_col=0, parse_dates=True)[column]
    returns = equity.pct_change().dropna()
    years = (equity.index[-1] - equity.index[0]).days / 365.25
    fall = (equity / equity.cummax() - 1).min()
    growth = (equity.iloc[-1] / equity.iloc[0]) ** (1 / years) - 1
    return {
        "total_return": equity.iloc[-1] / equity.iloc[0] - 1,
        "cagr": growth,
        "annual_volatility": returns.std() * 252**0.5,
        "sharpe": returns.mean() / returns.std() * 252**0.5,
        "sortino": returns.mean()
        / (returns.clip(upper=0) ** 2).mean() ** 0.5
        * 252**0.5,
        "max_drawdown": fall,
        "calmar": growth / -fall,
        "periods_a_year": 252,
    }


def of_orders(folder):
    orders = table(folder, "orders.csv")
    equity = table(folder, "equity.csv", index_col=0, parse_dates=True)["equity"]
    years = (equity.index[-1] - equity.index[0]).days / 365.25
    traded = (orders["filled"] * orders["price"]).sum()
    return {
        "turnover": traded / 2 / equity.mean() / years,
        "costs": (orders["commission"] + orders["slippage"]).sum(),
    }


def of_forecasts(folder):
    rows = table(folder, "forecasts.csv").dropna()
    sessions = rows.groupby("session")[["forecast", "realised"]]

    def mean(method):
        return sessions.apply(
            lambda day: day["forecast"].corr(day["realised"], method=method)
        ).mean()

    return {
        "ic": mean("pearson"),
        "rank_ic": mean("spearman"),
        "hit_ratio": (np.sign(rows["forecast"]) == np.sign(rows["realised"])).mean(),
        "mse_ratio": ((rows["forecast"] - rows["realised"]) ** 2).mean()
        / (rows["realised"] ** 2).mean(),
    }


@pytest.mark.parametrize("part", ["metrics", "benchmark", "forecast"])
def test_the_summary_is_what_pandas_makes_of_the_files(part, summary, computed):
    for name, value in computed[part].items():
        assert summary[part][name] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_the_page_shows_them(run, computed):
    html = (run[1] / "report.html").read_text("utf-8")
    for figure in METRICS:
        cells = row(html, figure.label)
        assert cells[0] == figure.of(computed["metrics"])
        if figure.key not in BENCHMARKED:
            assert cells[1] == figure.of(computed["benchmark"])
    for figure in FORECAST:
        assert row(html, figure.label)[0] == figure.of(computed["forecast"])


def row(html, label):
    """Return the cells beside the first heading of that name."""
    cells = html.partition(f'scope="row" class="text">{label}</th>')[2]
    return re.findall(r'<td class="number">(.*?)</td>', cells)


def test_the_terminal_shows_them(run, computed):
    console = Console(width=200, file=None, record=True)
    with console.capture() as captured:
        print_summary(run[0], run[1], console=console)
    lines = captured.get().splitlines()
    for figure in METRICS:
        (shown,) = [line for line in lines if f" {figure.label} " in line]
        assert figure.of(computed["metrics"]) in shown
    (skill,) = [line for line in lines if line.startswith("Forecasts ")]
    for figure in FORECAST:
        assert f"{figure.label} {figure.of(computed['forecast'])}" in skill


def test_the_book_is_right(run):
    html = (run[1] / "report.html").read_text("utf-8")
    assert "7 of 7 checks hold" in html
