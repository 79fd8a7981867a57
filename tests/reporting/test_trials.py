"""The table that a sweep ends with: what varies, four figures, and the status."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pandas as pd
from rich.console import Console

from bt_lstm_rotation.reporting import print_trials


def trials(n: int = 1, **columns) -> pd.DataFrame:
    usual = {
        "trial": "0123456789abcdef",
        "top": 2,
        "horizon": 10,
        "total_return": 0.1234,
        "cagr": 0.05,
        "sharpe": -0.5,
        "max_drawdown": 0.2,
        "ic": 0.0123,
        "status": "ok",
    }
    return pd.DataFrame([usual | columns] * n)


def printed(table: pd.DataFrame, grid, file: str = "t.csv") -> list[str]:
    console = Console(file=io.StringIO(), width=60)
    print_trials(console, table, grid, Path(file))
    return console.file.getvalue().splitlines()


def test_settings_that_vary_are_shown_with_four_figures_and_the_status():
    assert printed(trials(), {"top": [2, 3], "horizon": [10]})[1:] == [
        "top  total_return  sharpe  max_drawdown     ic  status",
        "2           12.3%   -0.50         20.0%  0.012  ok",
    ]


def test_a_grid_in_which_nothing_varies_is_one_row_of_figures():
    _, headings, row = printed(trials(), {"top": ["2"]})
    assert headings.split()[0] == "total_return"
    assert row.split()[0] == "12.3%"


def test_a_trial_without_a_result_has_dashes_and_says_why():
    nothing = dict.fromkeys(("total_return", "sharpe", "max_drawdown", "ic"), math.nan)
    why = "Momentum121: top must be a whole number of at least 1 (got 0)" + "x" * 1_000
    row = printed(trials(**nothing, status=why), {"top": [0, 2]})[-1]
    assert row.split()[1:5] == ["-"] * 4
    assert why[:50] in row
    assert row.endswith("...")
    assert len(row) < 120


def test_values_are_shown_as_they_were_typed():
    grid = {"features": ['["a","b"]', ' ["c"]']}
    _, _, first, second = printed(trials(2, features=' ["c"]'), grid)
    assert first == second
    assert first.startswith('["c"]  ')


def test_rows_are_in_the_order_of_the_file_and_the_first_of_many_are_shown():
    table = trials(100).assign(top=range(100, 0, -1))
    lines = printed(table, {"top": range(100, 0, -1)}, file="a_rather/" * 20 + "t.csv")
    rows, more = lines[2:-1], lines[-1]
    assert [int(row.split()[0]) for row in rows] == [*range(100, 100 - len(rows), -1)]
    assert 10 <= len(rows) <= 50
    assert more == f"{100 - len(rows)} more rows are in {'a_rather/' * 20}t.csv"


def test_one_row_more_is_one():
    n = len(printed(trials(1_000), {"top": range(1_000)})) - 3
    assert not any("more row" in line for line in printed(trials(n), {"top": [1, 2]}))
    assert printed(trials(n + 1), {"top": [1, 2]})[-1] == "1 more row is in t.csv"


def test_a_file_whose_name_looks_like_an_order_is_named():
    assert printed(trials(99), {"top": [1, 2]}, "[red].csv")[-1].endswith("[red].csv")
