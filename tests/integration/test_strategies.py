"""The strategies that people copy: each small, each runs here and under ``btrun``."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hand_made import drop_in

import bt_lstm_rotation.analyzers
from bt_lstm_rotation import PricePanel, run_backtest
from bt_lstm_rotation.backtest.settings import parse_settings
from bt_lstm_rotation.backtest.strategy_file import find_strategy, known_strategies
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

NAMES = sorted(known_strategies())
# 160 weekdays from Monday, 2000-01-03 on.
BARS = SimulatedMarket(n_sectors=4, n_sessions=160).panel()

SMALL = {
    "lstm_top3_monthly": (
        *("lookback=5", "train_size=40", "horizon=2", "units=3", "steps=2"),
    ),
    "momentum_12_1": ("lookback=20", "skip=2"),
    "one_rank": ("rank=2", "period=20"),
    "above_average": ("period=20",),
}


def held(name):
    """Weights of a run by name, after the first fills."""
    strategy = find_strategy(name)
    params = parse_settings(strategy, SMALL.get(name, ()))
    result = run_backtest(BARS, strategy, params, benchmark=MARKET)
    assert result.summary["strategy"]["name"] == strategy.__name__
    assert result.summary["orders"]["rejected"] == 0
    return result, result.weights.drop(columns="cash").iloc[1:]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_short_and_defines_one_strategy_with_its_own_init(name):
    source = known_strategies()[name].read_text(encoding="utf-8")
    assert len(source.splitlines()) < 40
    module = ast.parse(source)
    (strategy,) = [node for node in module.body if isinstance(node, ast.ClassDef)]
    methods = {node.name for node in strategy.body if isinstance(node, ast.FunctionDef)}
    assert "__init__" in methods
    assert f"--strategy {name}\n" in ast.get_docstring(module) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelled_setting_of_it_is_not_swallowed(name):
    with pytest.raises(TypeError, match="rebalanc"):
        drop_in(BARS, find_strategy(name), rebalanc="weekly")


@pytest.mark.parametrize("name", ["lstm_top3_monthly", "momentum_12_1"])
def test_the_best_three_of_four_are_held_from_the_first_forecast_on(name):
    result, weights = held(name)
    assert len(weights) > 60
    assert ((weights > 0).sum(axis=1) == 3).all()
    assert weights.to_numpy().max() < 0.45
    # On the day after a month's last close, the best by forecast are held.
    first = result.forecasts[result.forecasts["session"] == result.account.index[0]]
    best = first.nlargest(3, "forecast")["symbol"]
    assert set(weights.columns[weights.iloc[0] > 0]) == set(best)


def test_equal_weight_holds_all_and_comes_back_to_equal_each_month():
    result, weights = held("equal_weight")
    spread = weights.max(axis=1) - weights.min(axis=1)
    assert ((weights > 0).sum(axis=1) == 4).all()
    filled = sorted({str(day)[:7] for day in result.orders["executed"]})
    assert filled == [f"2000-{month:02}" for month in range(1, 9)]
    # A share of at most 2% of equity is bought whole or not at all.
    after = spread[[str(day)[:10] for day in sorted(set(result.orders["executed"]))]]
    assert after.max() < 0.02


def test_buy_and_hold_buys_once_and_never_again():
    result, weights = held("buy_and_hold")
    assert set(map(str, result.orders["executed"])) == {"2000-01-04"}
    assert set(result.orders["side"]) == {"buy"}
    assert ((weights > 0).sum(axis=1) == 4).all()
    assert set(result.summary["orders"].values()) == {4, 0}


def month_ends():
    """Rows of the panel in which a month's last weekday closes, from the first on."""
    days = BARS.sessions
    months = days.astype("datetime64[M]")
    following = np.busday_offset(days, 1).astype("datetime64[M]")
    return np.flatnonzero(following > months)


def test_one_rank_is_held_and_it_is_the_one_that_was_asked_for():
    _, weights = held("one_rank")
    close = BARS.close[:, :4]
    for row in month_ends()[1:-1]:  # twenty returns are there from January 31 on
        past = close[row] / close[row - 20]
        second = BARS.symbols[np.argsort(-past)[1]]
        after = weights.loc[str(BARS.sessions[row + 1])]
        assert after.idxmax() == second
        assert (after > 0).sum() == 1


def test_what_is_not_above_its_average_is_cash():
    _, weights = held("above_average")
    close = BARS.close[:, :4]
    counts = set()
    for row in month_ends()[1:-1]:
        average = close[row - 19 : row + 1].mean(axis=0)
        above = {BARS.symbols[i] for i in np.flatnonzero(close[row] > average)}
        after = weights.loc[str(BARS.sessions[row + 1])]
        assert set(after.index[after > 0]) == above
        assert after.to_numpy().sum() == pytest.approx(0.98 * len(above) / 4, abs=0.03)
        counts.add(len(above))
    assert len(counts) > 1


@pytest.mark.parametrize("name", ["one_rank", "above_average"])
def test_a_period_that_is_none_is_refused(name):
    with pytest.raises(SpecError, match="period"):
        drop_in(BARS, find_strategy(name), period=0)


FILES = ["S1.csv", "S2.csv", "S3.csv", "S4.csv"]


def write_yahoo_files(panel: PricePanel, folder: Path) -> Path:
    """Write the sectors' bars as Yahoo's files have them."""
    for symbol in panel.symbols[:-1]:
        bars = panel.frame(symbol)
        bars.insert(4, "Adj Close", bars["Close"])
        bars.to_csv(folder / f"{symbol}.csv", index_label="Date")
    return folder


@pytest.fixture(scope="module")
def yahoo_files(tmp_path_factory) -> Path:
    return write_yahoo_files(BARS, tmp_path_factory.mktemp("yahoo"))


def btrun(strategy: str, files: list[str], cwd: Path) -> str:
    """Return what Backtrader's own command prints, our record of orders with it."""
    command = shutil.which("btrun", path=str(Path(sys.executable).parent))
    of_module = [sys.executable, "-c", "from backtrader.btrun import btrun; btrun()"]
    orders = f"{bt_lstm_rotation.analyzers.__file__}:OrderHistory"
    done = subprocess.run(
        [
            *([command] if command else of_module),
            *("--csvformat", "yahoocsv", "--cash", "100000"),
            *(part for file in files for part in ("--data", file)),
            *("--strategy", strategy, "--analyzer", orders, "--ppranalyzer"),
        ],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", sorted({*NAMES} - {"lstm_top3_monthly", "study_2019"}))
def test_it_runs_under_backtraders_own_command(name, yahoo_files):
    strategy = f"{known_strategies()[name]}:{find_strategy(name).__name__}"
    if name == "momentum_12_1":
        spec = "MomentumSpec(lookback=20, skip=2)"
        strategy += f":spec=__import__('bt_lstm_rotation').{spec}"
    if name in ("one_rank", "above_average"):
        strategy += ":period=20"
    said = btrun(strategy, FILES, cwd=yahoo_files)
    filled = said.count("status='Completed'")
    assert filled == said.count("OrderRecord(") >= 3
    # btrun gives no names; Backtrader then takes those of the files.
    named = {file for file in FILES if f"symbol='{file[:-4]}'" in said}
    assert len(named) >= (2 if name == "one_rank" else 3)


def test_the_documented_command_buys_the_best_three_at_the_opens_of_a_month(tmp_path):
    # A fit takes 797 bars, which are there from 2003-01-21 on: the first is made at the
    # month's last close. The bars end on 2003-02-21, before another month's.
    panel = SimulatedMarket(n_sectors=4, n_sessions=820).panel()
    write_yahoo_files(panel, tmp_path)
    home = known_strategies()["lstm_top3_monthly"].parents[1]
    files = [str(tmp_path / file) for file in FILES]
    said = btrun("strategies/lstm_top3_monthly.py:LSTMTop3Monthly", files, cwd=home)
    fields = (
        r"symbol='(\w+)'.*?side='(\w+)'.*?executed=(.*?),\s+filled.*?price=([\d.]+)"
    )
    orders = re.findall(fields, said, re.DOTALL)
    assert len({symbol for symbol, *_ in orders}) == len(orders) == 3
    for symbol, side, day, price in orders:
        assert (side, day) == ("buy", "datetime.date(2003, 2, 3)")
        assert float(price) == round(panel.frame(symbol)["Open"]["2003-02-03"], 2)
