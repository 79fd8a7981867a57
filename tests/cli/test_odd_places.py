"""Places that a command may be told to write to or read from, and must not."""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from pathlib import Path

import pytest
from disks import make_read_only, small_disk
from fakes import random_panel
from odd_files import KINDS, make_loop, snapshot

from bt_lstm_rotation import cli
from bt_lstm_rotation.cli.commands.backtest import default_name
from bt_lstm_rotation.reporting import read_run, write_run
from tests.reporting.results import make_result

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and links are POSIX")

QUICK = ("--strategy", "momentum_12_1", "--set", "lookback=5", "--set", "skip=0")
SWEEP = ("sweep", "--grid", "band=0,0.1", "--strategy", "equal_weight")


@pytest.fixture
def bars(tmp_path):
    """Return a folder of three sectors."""
    folder = tmp_path / "bars"
    folder.mkdir()
    panel = random_panel(("XLE", "XLK", "XLV"), 120)
    for symbol in panel.symbols:
        panel.frame(symbol).to_csv(folder / f"{symbol}.csv", index_label="Date")
    return folder


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command; return its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[object, str, str]:
        try:
            code: object = cli.main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(run, monkeypatch):
    """Run a command that has to be refused before any bar is loaded."""

    def loaded(*_, **__):
        pytest.fail("bars were loaded first")

    monkeypatch.setattr("bt_lstm_rotation.prices.source.load_prices", loaded)

    def refused(*arguments: object) -> str:
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    return refused


EMPTY = [
    ("--out", ""),
    ("--quantstats", ""),
    ("--benchmark", ""),
    ("--benchmark", " "),
    ("--scheduler", ""),
    ("--data", ""),
    ("--data", "folder:"),
    ("--strategy", ""),
    (*SWEEP, "--out", ""),
    (*SWEEP, "--out", "t.csv", "--keep", ""),
    ("report", ""),
    ("compare", "a", ""),
    ("compare", "a", "b", "--out", ""),
    ("paper", "list", "--root", ""),
    ("paper", "orders", "first", "--out", ""),
    ("paper", "export", "first", "--out", ""),
    ("paper", "start", "first", "--benchmark", ""),
    ("paper", "start", "first", "--calendar", ""),
]


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_an_empty_value_is_an_error(refused, tmp_path, arguments):
    (tmp_path / "orders.csv").write_text("mine")
    line = refused(*arguments)
    assert any(word in line for word in ("''", "empty", "no data source"))
    assert [path.name for path in tmp_path.iterdir()] == ["orders.csv"]


def as_it_stands(path):
    """What a path is; when it was last read is no part of that."""
    found = path.lstat()
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns


@pytest.mark.parametrize("kind", [*KINDS, "a loop"])
def test_a_run_goes_into_folders_alone(refused, tmp_path, bars, kind):
    make = KINDS.get(kind, make_loop)
    if kind == "a folder":
        make = Path.touch
    make(tmp_path / "odd")
    before = as_it_stands(tmp_path / "odd")
    for out in ("odd", "odd/below"):
        refused("--data", f"folder:{bars}", *QUICK, "--out", out)
    assert as_it_stands(tmp_path / "odd") == before


# A link to a file is followed, which another test is about.
@pytest.mark.parametrize("kind", [*sorted(KINDS.keys() - {"a link"}), "a loop"])
def test_a_table_goes_into_files_alone(refused, tmp_path, bars, kind):
    KINDS.get(kind, make_loop)(tmp_path / "odd.csv")
    before = as_it_stands(tmp_path / "odd.csv")
    line = refused(*SWEEP, "--data", bars, "--out", "odd.csv")
    assert kind in line or "a file is needed" in line or "symbolic links" in line
    assert as_it_stands(tmp_path / "odd.csv") == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_that_is_none_ends_a_sweep(run, tmp_path, bars, kind):
    KINDS[kind](tmp_path / ".t.csv.lock")
    code, _, err = run(*SWEEP, "--data", bars, "--out", "t.csv")
    assert code == 2
    assert f".t.csv.lock beside it is {kind}" in err
    if kind == "a link":
        assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_bars_that_is_none_is_named_at_once(run, tmp_path, bars, kind):
    (bars / "XLK.csv").unlink()
    KINDS[kind](bars / "XLK.csv")
    began = time.monotonic()
    code, out, err = run("--data", bars, *QUICK)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "XLK.csv" in err
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "arguments",
    [
        ("--out", "bars"),
        ("--out", "bars/XLY.csv"),
        ("--out", "link"),
        ("--out", "."),
        ("--quantstats", "bars/sheet.html", "--out", "new"),
        (*SWEEP, "--out", "bars/trials.csv"),
        (*SWEEP, "--out", "link/trials.csv"),
        (*SWEEP, "--out", "t.csv", "--keep", "bars"),
        (*SWEEP, "--out", "t.csv", "--keep", "link"),
    ],
    ids=" ".join,
)
def test_nothing_is_put_among_the_bars(refused, tmp_path, bars, arguments):
    (tmp_path / "link").symlink_to("bars")
    before = snapshot(tmp_path)
    command, rest = ((), arguments)
    if arguments[0] == "sweep":
        command, rest = SWEEP, arguments[len(SWEEP) :]
    strategy = () if command else QUICK
    line = refused(*command, "--data", "folder:bars", *strategy, *rest)
    assert "where the bars are" in line or "something else than a run" in line
    assert snapshot(tmp_path) == before


def test_a_folder_below_the_bars_is_none_of_them(run, bars, monkeypatch):
    monkeypatch.chdir(bars)
    before = snapshot(bars)
    for _ in range(2):  # what the first has left is not taken for bars
        assert run("--data", "folder:.", *QUICK)[0] == 0
    assert snapshot(bars).items() >= before.items()
    assert len(list((bars / "runs").iterdir())) == 2


def test_somebodys_own_files_are_left_alone_and_named(refused, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "orders.csv").write_text("mine")
    line = refused(*QUICK, "--out", mine)
    assert "it holds something else than a run, such as orders.csv" in line
    assert snapshot(mine) == {"orders.csv": b"mine"}


def test_two_names_of_one_table_are_one(run, tmp_path, bars):
    (tmp_path / "link.csv").symlink_to("real/t.csv")
    (tmp_path / "real").mkdir()
    data = ("--data", f"folder:{bars}")
    assert run(*SWEEP, *data, "--out", "link.csv")[0] == 0
    assert (tmp_path / "link.csv").is_symlink()
    whole = (tmp_path / "real" / "t.csv").read_bytes()
    assert whole.count(b",ok,x") == 2
    code, _, err = run(*SWEEP, *data, "--out", "real/t.csv")
    assert code == 0, err
    assert (tmp_path / "real" / "t.csv").read_bytes() == whole
    # While the one is at work, the other is refused.
    from bt_lstm_rotation.sweep.table import TrialTable

    columns = whole.decode().splitlines()[0].split(",")
    with TrialTable(tmp_path / "real" / "t.csv", columns).locked():
        for name in ("link.csv", "real/t.csv"):
            assert "another sweep is at work" in run(*SWEEP, *data, "--out", name)[2]


def test_a_table_may_have_any_name_that_a_file_may_have(run, tmp_path, bars):
    name = "t" * 251 + ".csv"
    assert run(*SWEEP, "--data", bars, "--out", name)[0] == 0
    assert (tmp_path / name).read_bytes().count(b",ok,x") == 2


def test_what_is_kept_of_a_sweep_is_checked_before_it_runs(run, tmp_path, bars):
    data = ("--data", f"folder:{bars}")
    assert run(*SWEEP, *data, "--out", "t.csv", "--keep", "kept")[0] == 0
    second = sorted((tmp_path / "kept").iterdir())[1]
    for file in second.iterdir():
        file.unlink()
    (second / "notes.txt").write_text("mine")
    (tmp_path / "t.csv").unlink()
    code, _, err = run(*SWEEP, *data, "--out", "t.csv", "--keep", "kept")
    assert code == 2
    assert "something else than a run, such as notes.txt" in err
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--out", "disk/run"),
        ("--out", "disk/deep/er/run"),
        ("--out", "disk"),
        ("--out", "new", "--quantstats", "disk/sheet.html"),
        (*SWEEP, "--out", "disk/t.csv"),
        (*SWEEP, "--out", "disk/deep/t.csv"),
        (*SWEEP, "--out", "t.csv", "--keep", "disk/kept"),
    ],
    ids=" ".join,
)
def test_a_disk_that_cannot_be_written_is_noticed_first(refused, tmp_path, arguments):
    with small_disk(tmp_path / "disk") as disk:
        make_read_only(disk)
        assert "Read-only file system" in refused(*arguments)


@pytest.mark.parametrize("name", ["n" * 256, "new/" + "n" * 256, "loop", "loop/run"])
def test_a_name_that_can_be_none_is_noticed_first(refused, tmp_path, name):
    make_loop(tmp_path / "loop")
    for arguments in (
        (*QUICK, "--out", name),
        (*SWEEP, "--out", name),
        (*SWEEP, "--out", "t.csv", "--keep", name),
        (*QUICK, "--out", "new", "--quantstats", name),
    ):
        refused(*arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]


def test_pages_go_over_pages_alone(run, tmp_path):
    runs = [write_run(make_result(n), tmp_path / f"{n}") for n in (5, 6)]
    (tmp_path / "comparison.html").write_text("my own")
    code, out, err = run("compare", *runs)
    assert (code, out) == (2, "")
    assert "comparison.html is there, and is no file of ours" in err
    assert (tmp_path / "comparison.html").read_text() == "my own"
    (runs[0] / "report.html").unlink()
    os.mkfifo(runs[0] / "report.html")
    code, out, err = run("report", runs[0])
    assert (code, out) == (2, "")
    assert "it is a pipe, not a file" in err


def test_a_class_of_any_name_has_a_folder(run, tmp_path, bars):
    when = dt.datetime(2026, 1, 2, 3, 4, 5)
    assert default_name("../../up", when) == ".._.._up-20260102-030405"
    assert default_name("Стратегия", when) == "Стратегия-20260102-030405"
    assert len(default_name("ß" * 300, when).encode()) < 255
    strategy = tmp_path / "mine.py"
    strategy.write_text(
        "import backtrader as bt\n"
        f"{'N' * 240} = type('N' * 240, (bt.Strategy,), {{'__module__': __name__}})\n"
    )
    code, out, _ = run("--data", bars, "--strategy", strategy, "--quiet")
    assert code == 0
    assert read_run(Path(out.strip())).summary["strategy"]["name"] == "N" * 240


def test_escape_sequences_are_shown_and_not_obeyed(run, tmp_path, bars):
    odd = "red\x1b[31m"
    code, out, err = run("--data", bars, *QUICK, "--out", odd)
    assert code == 0, err
    assert r"red\x1b[31m/report.html" in out
    assert "\x1b" not in out
    code, out, _ = run("--data", bars, *QUICK, "--out", odd, "--quiet")
    assert out == "red\\x1b[31m\n"
    for arguments in (
        ("report", "gone\x1b[2J"),
        ("--unknown\x1b[2J",),
        (*QUICK, "--symbols", "A\x1b[2J"),
        (*QUICK, "--data", "folder:\x1b[2J"),
        ("--strategy", "\x1b[2J.py"),
        ("\x1b[2J",),
    ):
        code, out, err = run(*arguments)
        assert code == 2
        assert r"\x1b[2J" in err
        assert "\x1b" not in out + err


def test_warnings_in_the_log_are_lines_without_escape_sequences():
    from bt_lstm_rotation.cli.streams import OneLine

    record = logging.makeLogRecord(
        {"msg": "the run in %s", "args": ("a\x1b[2J\nb",), "levelname": "WARNING"}
    )
    shown = OneLine("%(levelname)s: %(message)s").format(record)
    assert shown == r"WARNING: the run in a\x1b[2J\nb"
