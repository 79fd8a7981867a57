"""A sweep: one row a trial, the same file whatever happened on the way."""

from __future__ import annotations

import csv
import datetime as dt
import inspect
import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from fakes import random_panel
from filelock import FileLock

from bt_lstm_rotation import Broker, MomentumSpec, cli, run_backtest
from bt_lstm_rotation.backtest.strategy_file import find_strategy
from bt_lstm_rotation.errors import DataError, OutputError, SpecError, StrategyError
from bt_lstm_rotation.forecasting import ForecastStore, Workers
from bt_lstm_rotation.reporting import read_run
from bt_lstm_rotation.sweep import parse_grid, run_sweep, trials
from bt_lstm_rotation.sweep.trials import MEASURES

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel(("SPY", "XLE", "XLK", "XLV"), 120)
ONE = Workers(jobs=1)
# Six trials of no time; the last of each pair asks for more bars than there are.
GRID = {"top": [2, 1, 3], "lookback": [5, 500], "skip": [0], "horizon": [2]}
N = 6

HOLD = """\
import sys
import backtrader as bt
class Mine(bt.Strategy):
    params = (("n", 0), ("text", ""))
    def __init__(self):
        pass
    def next(self):
        {next_}
"""


@pytest.fixture
def sweep(tmp_path):
    """Run a sweep of momentum into a file; what is given replaces what is usual."""

    def sweep(grid=GRID, **given) -> pd.DataFrame:
        usual = {"file": tmp_path / "t.csv", "benchmark": "SPY", "workers": ONE}
        panel = given.pop("panel", PANEL)
        strategy = str(given.pop("strategy", "momentum_12_1"))
        return run_sweep(panel, strategy, grid, **{**usual, **given})

    return sweep


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "t.csv"


@pytest.fixture
def runs(monkeypatch) -> list[dict]:
    """The parameters of every backtest that is run."""
    made: list[dict] = []

    def counted(panel, strategy, params, **rest):
        made.append(dict(params))
        return run_backtest(panel, strategy, params, **rest)

    monkeypatch.setattr(trials, "run_backtest", counted)
    return made


def write(path: Path, next_: str) -> Path:
    path.write_text(HOLD.format(next_=next_), encoding="utf-8")
    return path


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_each_row_is_what_a_backtest_of_its_own_gives(sweep):
    table = sweep()
    assert list(table.columns) == ["trial", *GRID, *MEASURES, "status"]
    assert list(table["top"]) == [2, 2, 1, 1, 3, 3]
    assert list(table["lookback"]) == [5, 500] * 3
    assert table["trial"].is_unique
    for _, row in table[table["lookback"] == 5].iterrows():
        spec = MomentumSpec(lookback=5, skip=0, horizon=2)
        params = {"spec": spec, "top": row["top"]}
        summary = run_backtest(
            PANEL, find_strategy("momentum_12_1"), params, benchmark="SPY"
        ).summary
        assert row["status"] == "ok"
        assert str(row["first_decision"].date()) == summary["data"]["first_decision"]
        for name, value in summary["metrics"].items():
            assert row[name] == value, name
        for name in ("ic", "rank_ic", "hit_ratio", "mse_ratio"):
            assert row[name] == summary["forecast"][name]
        assert row["benchmark_total_return"] == summary["benchmark"]["total_return"]
        for name in ("submitted", "completed", "rejected", "canceled"):
            assert row[f"orders_{name}"] == summary["orders"][name]


def test_a_bad_combination_is_a_row_and_not_the_end(sweep, file):
    table = sweep({**GRID, "top": [0, 1]})
    top_0, _, fine, too_long = table.itertuples(index=False)
    assert (
        top_0.status == "Momentum121: top must be a whole number of at least 1 (got 0)"
    )
    assert fine.status == "ok"
    assert "sessions are needed, there are 120" in too_long.status
    assert np.isnan(top_0.total_return)
    assert pd.isna(top_0.orders_submitted)
    assert pd.isna(top_0.first_decision)
    assert rows(file)[0]["sharpe"] == rows(file)[0]["orders_rejected"] == ""


def test_the_frame_and_the_file_agree_to_the_last_bit(sweep, file):
    table = sweep()
    for number, row in enumerate(rows(file)):
        for name in ("total_return", "sharpe", "ic"):
            cell = float(row[name]) if row[name] else np.nan
            np.testing.assert_equal(cell, table[name][number])


@pytest.mark.parametrize(
    "workers",
    [Workers(jobs=2), Workers(jobs=4), Workers(jobs=2, backend="processes")],
    ids=["2 threads", "4 threads", "2 processes"],
)
@pytest.mark.parametrize("stored", [True, False], ids=["stored", "not stored"])
def test_the_file_is_the_same_wherever_trials_are_run(
    sweep, file, tmp_path, workers, stored
):
    alone = tmp_path / "alone.csv"
    one = sweep(file=alone)
    store = ForecastStore(tmp_path / "store") if stored else None
    many = sweep(workers=workers, store=store)
    assert file.read_bytes() == alone.read_bytes()
    pd.testing.assert_frame_equal(one, many)


def test_what_is_ready_first_is_on_disk_first_and_the_order_is_the_grids_at_the_end(
    sweep, file, monkeypatch
):
    second_is_on_disk = threading.Event()
    seen = []

    def first_waits(panel, strategy, params, **rest):
        if params["top"] == 1:
            assert second_is_on_disk.wait(timeout=60)
        return run_backtest(panel, strategy, params, **rest)

    def progress(done, planned):
        seen.append((done, planned, [row["top"] for row in rows(file)]))
        second_is_on_disk.set()

    monkeypatch.setattr(trials, "run_backtest", first_waits)
    grid = {"top": [1, 2], "lookback": [5], "skip": [0], "horizon": [2]}
    sweep(grid, workers=Workers(jobs=2), progress=progress)
    assert seen == [(1, 2, ["2"]), (2, 2, ["2", "1"])]
    assert [row["top"] for row in rows(file)] == ["1", "2"]


def test_a_second_run_runs_nothing_and_returns_the_same(sweep, file, runs):
    first = sweep()
    before = file.read_bytes()
    runs.clear()
    told = []
    again = sweep(progress=lambda done, planned: told.append(done))
    assert runs == told == []
    pd.testing.assert_frame_equal(first, again)
    assert file.read_bytes() == before


def test_a_value_spelled_otherwise_is_the_same_trial(sweep, runs):
    sweep()
    runs.clear()
    texts = {name: [f" {value} " for value in GRID[name]] for name in GRID}
    assert list(sweep(texts)["status"]) == list(sweep()["status"])
    assert runs == []


@pytest.mark.parametrize("after", range(N))
def test_ctrl_c_loses_only_what_was_under_way(sweep, file, tmp_path, runs, after):
    whole = tmp_path / "whole.csv"
    sweep(file=whole)

    def stop(done, planned):
        if done == after:
            raise KeyboardInterrupt

    if after:
        with pytest.raises(KeyboardInterrupt):
            sweep(progress=stop)
        assert len(rows(file)) == after
    runs.clear()
    told = []
    sweep(progress=lambda done, planned: told.append((done, planned)))
    assert len(runs) == len(told) == N - after
    assert told[0] == (after + 1, N)
    assert file.read_bytes() == whole.read_bytes()


def test_a_killed_process_loses_only_what_was_under_way(tmp_path, file, sweep):
    marker = tmp_path / "killed"
    fatal = (
        f"import os, pathlib; m = pathlib.Path({str(marker)!r})\n"
        "        if self.p.n == 2 and not m.exists():\n"
        "            m.touch(); os.kill(os.getpid(), 9)"
    )
    strategy = write(tmp_path / "mine.py", fatal)
    data = tmp_path / "bars"
    data.mkdir()
    for symbol in PANEL.symbols:
        PANEL.frame(symbol).to_csv(data / f"{symbol}.csv", index_label="Date")
    arguments = [
        *(sys.executable, "-m", "run_backtest", "sweep", "--data", f"folder:{data}"),
        *("--benchmark", "SPY", "--strategy", strategy, "--grid", "n=0,1,2,3"),
        *("--jobs", "1", "--out", file),
    ]
    checkout = Path(__file__).parents[2]
    for expected, done in ((-signal.SIGKILL, ["0", "1"]), (0, ["0", "1", "2", "3"])):
        ran = subprocess.run(
            list(map(str, arguments)),
            cwd=checkout,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == expected, ran.stderr
        assert [row["n"] for row in rows(file)] == done
    assert {row["status"] for row in rows(file)} == {"ok"}


def test_a_last_row_without_an_end_of_line_is_a_row(sweep, file, runs, caplog):
    sweep()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    runs.clear()
    sweep()
    assert runs == []
    assert file.read_bytes() == whole
    assert caplog.messages == []


@pytest.mark.parametrize("cut", [2, 3, 30])
def test_a_row_that_is_cut_off_is_run_again(sweep, file, runs, caplog, cut):
    sweep()
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut])
    runs.clear()
    sweep()
    assert len(runs) == 1
    assert file.read_bytes() == whole
    (warning,) = caplog.messages
    assert warning == f"{file}: the last row is cut off, its trial runs anew"


def test_only_a_header_and_half_a_row_is_as_good_as_nothing(sweep, file):
    sweep()
    whole = file.read_bytes()
    header = whole.partition(b"\n")[0]
    for left in (b"", header + b"\n", header + b"\n1234"):
        file.write_bytes(left)
        sweep()
        assert file.read_bytes() == whole


def test_a_larger_grid_runs_what_is_new_and_a_smaller_one_loses_nothing(
    sweep, file, runs
):
    small = {**GRID, "top": [3, 1]}
    sweep(small)
    runs.clear()
    large = sweep()
    assert [params["top"] for params in runs] == [2, 2]
    assert [row["top"] for row in rows(file)] == ["2", "2", "1", "1", "3", "3"]
    runs.clear()
    # A result holds what was asked for, the file all there is, that first.
    assert list(sweep(small)["top"]) == [3, 3, 1, 1]
    assert [row["top"] for row in rows(file)] == ["3", "3", "1", "1", "2", "2"]
    pd.testing.assert_frame_equal(sweep(), large)
    assert runs == []


def test_bars_after_the_end_change_no_trial(sweep, runs):
    end = PANEL.sessions[99].astype(object)
    sweep(end=end)
    runs.clear()
    sweep(panel=PANEL.rows(0, 100))
    sweep(end=end + dt.timedelta(days=0))
    assert runs == []


@pytest.mark.parametrize(
    "other",
    [
        {"panel": random_panel(PANEL.symbols, 120, seed=1)},
        {"panel": PANEL.rows(0, 119)},
        {"benchmark": "XLE"},
        {"benchmark": None},
        {"start": dt.date(2019, 3, 1)},
        {"broker": Broker(commission=0.001)},
        {"seed": 1},
        {"periods_a_year": 365},
        {"strategy": "copy.py"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_file_of_another_sweep_is_refused_and_left_as_it_was(
    sweep, file, tmp_path, other
):
    if "strategy" in other:
        ours = Path(inspect.getfile(find_strategy("momentum_12_1")))
        copy = tmp_path / "copy.py"
        copy.write_text(ours.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
        other = {"strategy": copy}
    sweep()
    before = file.read_bytes()
    with pytest.raises(OutputError, match=r"t\.csv holds trials of another sweep"):
        sweep(**other)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"session,equity\n2019-01-02,100000\n",
        b"precious, and without a line break",
        b"\xff\xfe\x00 not text\n",
        b"\n",
    ],
)
def test_a_file_of_other_columns_is_refused_and_left_as_it_was(sweep, file, content):
    file.write_bytes(content)
    with pytest.raises(OutputError, match="has other columns than this sweep"):
        sweep()
    assert file.read_bytes() == content


def test_other_settings_are_other_columns(sweep):
    sweep()
    with pytest.raises(OutputError, match="has other columns than this sweep"):
        sweep({name: GRID[name] for name in ("top", "skip", "lookback", "horizon")})


def test_a_line_that_is_no_row_is_named(sweep, file):
    sweep()
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join([*lines[:3], "what is this?\n", *lines[3:]]))
    with pytest.raises(OutputError, match=r"t\.csv: line 4 has 1 cells, not"):
        sweep()


def test_two_sweeps_do_not_write_one_file(sweep, file):
    with (
        FileLock(file.with_name(f".{file.name}.lock")),
        pytest.raises(OutputError, match="another sweep is at work on"),
    ):
        sweep()
    assert len(sweep()) == N


def test_the_folder_is_made_and_nothing_else_is_left_in_it(sweep, tmp_path):
    file = tmp_path / "new" / "folder" / "t.csv"
    sweep(file=file)
    assert {path.name for path in file.parent.iterdir()} == {"t.csv", ".t.csv.lock"}


@pytest.mark.parametrize("place", [".", "a_file/t.csv"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_run(
    sweep, tmp_path, runs, place
):
    (tmp_path / "a_file").write_text("kept", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"choose a(nother)? file"):
        sweep(file=tmp_path / "folder" / place if place == "." else tmp_path / place)
    assert runs == []


def test_a_disk_that_fills_up_is_said_and_rows_before_it_are_kept(
    sweep, file, monkeypatch
):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        sweep()
    assert len(rows(file)) >= 1
    monkeypatch.undo()
    assert len(sweep()) == N


def test_a_users_strategy_that_fails_is_a_row_with_the_line(sweep, tmp_path):
    strategy = write(tmp_path / "mine.py", "1 // self.p.n")
    table = sweep({"n": [1, 0]}, strategy=f"{strategy}:Mine")
    failed = f"{strategy}:8: ZeroDivisionError: integer division or modulo by zero"
    assert list(table["status"]) == ["ok", failed]


@pytest.mark.parametrize(
    ("next_", "status"),
    [
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("raise ValueError('a, \"b\"')", 'ValueError: a, "b"'),
        ("raise ValueError('\\ud800')", "ValueError: \\ud800"),
        ("sys.exit('why')", "SystemExit: why"),
    ],
)
def test_whatever_a_strategy_says_is_one_line_that_reads_back(
    sweep, file, tmp_path, next_, status
):
    strategy = write(tmp_path / "mine.py", next_)
    sweep({"n": [1, 2]}, strategy=strategy)
    assert len(file.read_bytes().splitlines()) == 3
    again = sweep({"n": [1, 2]}, strategy=strategy)
    assert list(again["status"]) == [f"{strategy}:8: {status}"] * 2


def test_a_message_of_any_length_fits_into_a_cell(sweep, file, tmp_path):
    strategy = write(tmp_path / "mine.py", "raise ValueError('x' * 1_000_000)")
    sweep({"n": [1]}, strategy=strategy)
    (status,) = sweep({"n": [1]}, strategy=strategy)["status"]
    assert status.endswith("xxx...")
    assert len(status) == 1_000


def test_a_fault_of_ours_ends_the_sweep(sweep, monkeypatch):
    def fault(*args, **kwargs):
        raise ValueError("ours")

    monkeypatch.setattr(trials, "run_backtest", fault)
    with pytest.raises(ValueError, match="ours"):
        sweep()


def test_a_machine_out_of_memory_is_not_kept_as_a_result(sweep, file, tmp_path):
    strategy = write(tmp_path / "mine.py", "raise MemoryError")
    with pytest.raises(MemoryError):
        sweep({"n": [1]}, strategy=strategy)
    assert not file.exists()


def test_a_strategy_file_is_found_from_where_the_workers_stand(
    sweep, tmp_path, monkeypatch
):
    # Processes that stood elsewhere before this one moved.
    processes = Workers(jobs=2, backend="processes")
    list(processes.map(abs, range(2)))
    write(tmp_path / "mine.py", "pass")
    monkeypatch.chdir(tmp_path)
    table = sweep({"n": [1, 2]}, strategy="mine.py:Mine", workers=processes)
    assert list(table["status"]) == ["ok", "ok"]


def test_a_strategy_that_changes_on_the_way_ends_the_sweep(sweep, tmp_path, file):
    strategy = write(tmp_path / "mine.py", "pass")

    def change(done, planned):
        if done == 1:
            trials._loaded.cache_clear()
            write(strategy, "pass  # changed")

    with pytest.raises(StrategyError, match="not the one the sweep began with"):
        sweep({"n": [1, 2]}, strategy=strategy, progress=change)
    assert [row["n"] for row in rows(file)] == ["1"]


def test_settings_of_every_kind_come_through_the_file(sweep, file, tmp_path):
    strategy = write(tmp_path / "mine.py", "pass")
    hostile = ["", "=1+1", "a,b", 'say "x"', "ü", "1", "[1,2", "nul "]
    values = [*hostile, 1.5, None, True, (1, "two"), [3]]
    grid = {"text": values}
    table = sweep(grid, strategy=strategy)
    assert list(table["text"]) == values
    assert set(table["status"]) == {"ok"}
    pd.testing.assert_frame_equal(sweep(grid, strategy=strategy), table)
    cells = [row["text"] for row in rows(file)]
    assert len(set(cells)) == len(values)
    # A spreadsheet shows the formula, and does not work it out.
    assert cells[:8] == ["", "'=1+1", *hostile[2:7], "nul"]
    assert cells[8:] == ["1.5", "null", "true", '[1, "two"]', "[3]"]


@pytest.mark.parametrize(
    ("grid", "problem"),
    [
        ({}, "grid must be a mapping of at least one setting"),
        (["top=2"], "grid must be a mapping of at least one setting"),
        ({"top": []}, "top must be a list of at least one value"),
        ({"top": "2,3"}, "top must be a list of at least one value"),
        ({"top": 2}, "top must be a list of at least one value"),
        ({"top": {2, 3}}, "top must be a list of at least one value"),
        ({"top": [2, 2]}, "top must be each value once"),
        ({"top": [2, "2"]}, "top must be each value once"),
        ({"top": [np.datetime64("2020")]}, "top must be a plain value"),
        ({"top": [object()]}, "top must be a plain value"),
        ({"weighting": ["a\nb"]}, "weighting must be a plain value, or at most 1,000"),
        ({"weighting": ["\ud800"]}, "weighting must be a plain value, or at most"),
        ({"weighting": ["x" * 1_001]}, "weighting must be a plain value, or at most"),
        ({"weighting": [["x"] * 1_001]}, "weighting must be a plain value, or at most"),
        ({"topp": [2]}, r"Momentum121: grid must be a known key \(did you mean 'top'"),
        ({"top=2,x": [2]}, "a setting must be the name of one"),
        ({2: [2]}, "a setting must be the name of one"),
        ({"": [2]}, "a setting must be the name of one"),
        ({"status": [2]}, "a setting must be another name, as the table has a col"),
        ({"sharpe": [2]}, "a setting must be another name, as the table has a col"),
        ({"benchmark": ["SPY"]}, "grid must be a known key"),
        ({"training": [None]}, "grid must be a known key"),
        ({"spec": [None]}, "grid must be a known key"),
        ({"horizon": [1], "spec.horizon": [2]}, "grid must be given once for each"),
        ({"top": range(400), "horizon": range(400)}, r"at most 100,000 \(got 160000"),
    ],
)
def test_what_is_no_grid_is_refused_before_anything_is_run(
    sweep, file, runs, grid, problem
):
    with pytest.raises(SpecError, match=problem):
        sweep(grid)
    assert runs == []
    assert not file.exists()


def test_what_no_trial_can_do_without_is_no_row(sweep, file):
    with pytest.raises(DataError, match="not a panel"):
        sweep(panel="SPY")
    with pytest.raises(StrategyError, match="the name of a strategy, or FILE"):
        run_sweep(PANEL, find_strategy("momentum_12_1"), GRID, file=file)
    with pytest.raises(StrategyError, match="no strategy 'momentum_12'; did you mean"):
        sweep(strategy="momentum_12")
    with pytest.raises(DataError, match="unknown symbol"):
        sweep(benchmark="SPX")
    with pytest.raises(DataError, match="the start is after the last session"):
        sweep({**GRID, "lookback": [5]}, start=dt.date(2030, 1, 1))
    for name in ("start", "end"):
        with pytest.raises(SpecError, match=f"{name} must be a datetime.date"):
            sweep(**{name: "2019-03-01"})
    assert not file.exists()


@pytest.mark.parametrize(
    ("texts", "grid"),
    [
        (["top=2"], {"top": ["2"]}),
        (["top=2, 3", " horizon =10"], {"top": ["2", " 3"], "horizon": ["10"]}),
        (['features=["a","b"],["c"]'], {"features": ['["a","b"]', '["c"]']}),
        (["x=[[1,2],[3]],[4]"], {"x": ["[[1,2],[3]]", "[4]"]}),
        (["x=a],b"], {"x": ["a]", "b"]}),
        (["x=a=b,c"], {"x": ["a=b", "c"]}),
    ],
)
def test_commas_separate_values_but_for_those_in_brackets(texts, grid):
    assert parse_grid(texts) == grid


@pytest.mark.parametrize(
    "text", ["", "top", "top=", "=2", "top=2,", "top=,2", "top=2,,3", "top= "]
)
def test_what_is_not_key_and_values_is_refused(text):
    with pytest.raises(SpecError, match="--grid must be key=value,value"):
        parse_grid([text])


def test_a_key_given_twice_is_refused():
    with pytest.raises(SpecError, match="--grid must be given once for each key"):
        parse_grid(["top=2", "top =3"])


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_portfolio_settings_never_train_again(sweep, file, tmp_path, monkeypatch, jobs):
    from bt_lstm_rotation.forecasting.recurrent.forecaster import RecurrentForecaster

    fits = []
    own = RecurrentForecaster.fit

    def counted(self, window, session):
        fits.append((self.spec.units, session))
        return own(self, window, session)

    monkeypatch.setattr(RecurrentForecaster, "fit", counted)
    portfolio = {"top": [1, 2], "rebalance": ["weekly", "monthly"]}
    network = {"units": [2, 3], "lookback": [5], "train_size": [40]}
    small = {"horizon": [2], "steps": [1]}
    table = sweep(
        {**portfolio, **network, **small},
        strategy="lstm_top3_monthly",
        store=ForecastStore(tmp_path / "store"),
        workers=Workers(jobs=jobs),
    )
    assert list(table["status"]) == ["ok"] * 8
    assert len(table["ic"].unique()) == 2
    assert {units for units, _ in fits} == {2, 3}
    assert len(fits) == len(set(fits)) >= 6


@pytest.fixture
def command(tmp_path):
    """The arguments of a sweep over a folder of bars."""
    folder = tmp_path / "bars"
    folder.mkdir()
    for symbol in PANEL.symbols:
        PANEL.frame(symbol).to_csv(folder / f"{symbol}.csv", index_label="Date")
    grid = itertools.chain.from_iterable(
        ("--grid", f"{name}={value}")
        for name, value in (("skip", "0"), ("horizon", "2"), ("lookback", "5,30"))
    )
    return [
        *("sweep", "--data", f"folder:{folder}", "--benchmark", "SPY"),
        *("--strategy", "momentum_12_1", *grid, "--out", str(tmp_path / "t.csv")),
    ]


def test_the_command_says_where_the_rows_are_and_what_the_best_is_worth(
    command, file, capsys
):
    assert cli.main([*command, "--grid", "top=1,0,2"]) == 0
    figures, notes = capsys.readouterr()
    *table, counts = figures.splitlines()
    days, draws = notes.splitlines()
    assert table[0] == "Trials"
    measures = ["total_return", "sharpe", "max_drawdown", "ic", "status"]
    assert table[1].split() == ["lookback", "top", *measures]
    assert [line.split()[:2] for line in table[2:]] == [
        [lookback, top] for lookback in ("5", "30") for top in ("1", "0", "2")
    ]
    assert [line.split()[-1] for line in table[2:]].count("ok") == 4
    assert counts == f"6 trials, 2 of them failed, in {file}"
    assert days == "Note: trials begin on different days; --start gives them all one."
    assert draws.startswith("Note: the best of 6 trials is the best of 6 draws")
    header = ["trial", "skip", "horizon", "lookback", "top", *MEASURES, "status"]
    assert list(rows(file)[0]) == [*header, "checksum"]
    assert [row["top"] for row in rows(file)] == ["1", "0", "2"] * 2


def test_what_is_typed_is_what_is_run(command, monkeypatch):
    given = {}

    def instead(panel, strategy, grid, **rest):
        given.update(rest, panel=panel, strategy=strategy, grid=grid)
        raise KeyboardInterrupt

    monkeypatch.setattr("bt_lstm_rotation.sweep.run_sweep", instead)
    typed = [
        *("--start", "2019-03-01", "--end", "2019-05-31", "--cash", "5e3"),
        *("--commission", "0.001", "--slippage", "0", "--seed", "9", "--jobs", "3"),
        *("--backend", "dask", "--scheduler", "tcp://host:8786", "--no-store"),
        *("--symbols", "XLE,XLK", "--periods-a-year", "365", "--stake", "100"),
        *("--keep", "kept", "--no-ledger"),
    ]
    assert cli.main([*command, *typed]) == 130
    assert given.pop("panel").symbols == ("XLE", "XLK", "SPY")
    assert callable(given.pop("progress"))
    assert given == {
        "strategy": "momentum_12_1",
        "grid": {"skip": ["0"], "horizon": ["2"], "lookback": ["5", "30"]},
        "file": Path(command[-1]),
        "benchmark": "SPY",
        "start": dt.date(2019, 3, 1),
        "end": dt.date(2019, 5, 31),
        "broker": Broker(cash=5_000, commission=0.001, slippage=0),
        "seed": 9,
        "workers": Workers(jobs=3, backend="dask", scheduler="tcp://host:8786"),
        "store": None,
        "periods_a_year": 365.0,
        "sizer": (bt.sizers.FixedSize, {"stake": 100}),
        "folder": Path("kept"),
        "features": None,
        "ledger": False,
    }


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--grid", "top"], "sweep: --grid must be key=value,value"),
        (["--grid", "topp=2"], "grid must be a known key (did you mean 'top'?"),
        (["--out", "."], "argument --out: a file is needed (got '.')"),
        (["--set", "top=2"], "unrecognized arguments: --set top=2"),
        (["--backend", "dask"], "Workers: scheduler must be an address with"),
    ],
)
def test_a_mistake_costs_one_line(command, capsys, arguments, line):
    try:
        code = cli.main([*command, *arguments])
    except SystemExit as stopped:
        code = stopped.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert line in err


@pytest.mark.parametrize("left_out", ["--grid", "--out"])
def test_a_sweep_needs_a_grid_and_a_file(capsys, left_out):
    given = {"--grid": "top=2", "--out": "t.csv"}
    del given[left_out]
    with pytest.raises(SystemExit, match="2"):
        cli.main(["sweep", *itertools.chain.from_iterable(given.items())])
    assert (
        f"the following arguments are required: {left_out}" in capsys.readouterr().err
    )


def test_a_sizer_sizes_every_trial_and_another_one_is_another_sweep(sweep, tmp_path):
    strategy = write(tmp_path / "mine.py", "len(self) == 1 and self.buy()")
    hundred = (bt.sizers.FixedSize, {"stake": 100})
    table = sweep({"n": [1]}, strategy=strategy, sizer=hundred)
    mine = find_strategy(str(strategy))
    alone = run_backtest(PANEL, mine, {"n": 1}, benchmark="SPY", sizer=hundred)
    assert table["costs"][0] == alone.summary["metrics"]["costs"] > 0
    for other in (None, bt.sizers.FixedSize, (bt.sizers.FixedSize, {"stake": 99})):
        with pytest.raises(OutputError, match=r"another sweep, .*sizer"):
            sweep({"n": [1]}, strategy=strategy, sizer=other)


def test_a_sizer_that_would_change_nothing_is_refused_before_anything_is_run(
    sweep, file, runs
):
    with pytest.raises(StrategyError, match="Momentum121 sizes its own orders"):
        sweep(sizer=bt.sizers.FixedSize)
    with pytest.raises(SpecError, match="sizer must be"):
        sweep(sizer=100)
    assert runs == []
    assert not file.exists()


def test_a_trial_is_another_one_when_code_of_the_package_changes(
    sweep, file, monkeypatch
):
    sweep()
    before = rows(file)
    monkeypatch.setattr(trials, "package_hash", lambda: "other code")
    with pytest.raises(
        OutputError, match="of other bars, dates, broker, sessions a year"
    ):
        sweep()
    assert rows(file) == before


def test_a_trial_is_another_one_when_a_neighbour_of_its_strategy_changes(
    sweep, file, tmp_path
):
    strategy = write(tmp_path / "mine.py", "import rules")
    neighbour = tmp_path / "rules.py"
    neighbour.write_text("", encoding="utf-8")
    sweep({"n": [1]}, strategy=strategy)
    neighbour.write_text("HALF = True\n", encoding="utf-8")
    with pytest.raises(OutputError, match="trials of another sweep"):
        sweep({"n": [1]}, strategy=strategy)


def test_each_trial_can_keep_its_whole_run(sweep, tmp_path):
    keep = tmp_path / "kept"
    table = sweep(GRID | {"top": [1, 2], "lookback": [5]}, folder=keep)
    assert len(list(keep.iterdir())) == len(table) == 2
    for row in table.itertuples():
        (folder,) = keep.glob(f"top={row.top}-lookback=5-*-{row.trial}-*")
        total = read_run(folder).summary["metrics"]["total_return"]
        assert total == row.total_return
