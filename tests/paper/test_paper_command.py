"""``bt-lstm-rotation paper``: what a user types, and what is answered."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bt_lstm_rotation.cli import main
from bt_lstm_rotation.paper import Configuration, PaperSession
from bt_lstm_rotation.reporting import read_run

ROOT = Path(__file__).parents[2]
BEGINS = dt.date(2008, 1, 2)
START = ["--data", "simulated", "--strategy", "momentum_12_1", "--cash", "50000"]


@pytest.fixture
def paper(tmp_path, monkeypatch, capsys):
    """Run the command in a folder of its own; return exit code, output, and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        try:
            code = main(["paper", words[0], *words[1:], "--root", "accounts"])
        except SystemExit as stopped:
            code = stopped.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def begun(paper):
    """Start an account, and let it live for January."""
    code, out, _ = paper("start", "first", *START, "--today", "2008-01-02")
    assert code == 0, out
    assert "Trades     S1, S2, S3, S4, S5, S6, S7, S8, S9, against MARKET" in out
    assert "2008-01-02  equity 50,000.00, cash 50,000.00; orders: 3 sent" in out
    assert out.count("Next open  buy") == 3
    code, out, _ = paper("step", "first", "--today", "2008-01-31")
    assert code == 0
    assert out.count("equity") == 21
    assert "2008-01-03" in out
    return paper


def test_a_month_of_paper_trading(begun, tmp_path):
    code, again, _ = begun("step", "first", "--today", "2008-01-31")
    assert code == 0
    assert "Nothing    is due: 2008-01-31 is recorded" in again
    _, status, _ = begun("status", "first", "--today", "2008-01-31")
    for part in (
        "Strategy   momentum_12_1, version 1",
        "Sessions   22, 2008-01-02 to 2008-01-31",
        "Rebalance  next at the close of 2008-02-29",
        "Last fit   2008-01-31",
        "Drift      turnover a year is ",
        "Left out   taxes",
    ):
        assert part in status
    _, orders, _ = begun("orders", "first", "--out", "tickets")
    with (tmp_path / "tickets" / "orders.csv").open() as file:
        rows = list(csv.DictReader(file))
    listed = json.loads((tmp_path / "tickets" / "orders.json").read_text())
    assert [row["id"] for row in rows] == [row["id"] for row in listed]
    assert rows
    for row in rows:
        assert row["id"] in orders
        assert row["decided"] == "2008-01-31"
    _, names, _ = begun("list")
    assert "first" in names
    assert "2008-01-31" in names


def test_an_account_lives_on_a_simulated_world(paper):
    words = ["--data", "simulated:product", *START[2:], "--today", "2008-01-02"]
    code, out, _ = paper("start", "other", *words)
    assert code == 0, out
    assert "Trades     S1, S2, S3, S4, S5, S6, S7, S8, S9, against MARKET" in out
    code, out, _ = paper("step", "other", "--today", "2008-01-08")
    assert code == 0
    assert out.count("equity") == 4
    code, out, _ = paper("verify", "other")
    assert code == 0, out


def test_the_report_lies_beside_the_backtest_and_the_export_is_a_run(begun, tmp_path):
    code, out, _ = begun("report", "first")
    assert code == 0
    live, backtest, page = map(Path, out.split())
    assert page.is_file()
    same = ("equity.csv", "orders.csv", "weights.csv", "forecasts.csv", "events.csv")
    for name in same:
        assert (live.parent / name).read_bytes() == (
            backtest.parent / name
        ).read_bytes()
    code, out, _ = begun("export", "first", "--out", "run")
    assert code == 0
    result = read_run(tmp_path / "run")
    assert len(result.account) == 22
    assert (tmp_path / "run" / "equity.csv").read_bytes() == (
        live.parent / "equity.csv"
    ).read_bytes()


def test_verify_proves_and_restore_mends(begun, tmp_path):
    code, out, _ = begun("verify", "first")
    assert code == 0
    assert "Journal    23 transactions" in out
    assert "Account    22 sessions come out again, to the bit" in out
    assert "Forecasts  198 come out" in out
    journal = tmp_path / "accounts" / "first" / "journal.sqlite"
    content = bytearray(journal.read_bytes())
    content[len(content) // 2] ^= 1
    journal.write_bytes(content)
    for words in (
        ("status", "first"),
        ("step", "first", "--today", "2008-02-01"),
        ("verify", "first"),
    ):
        code, out, err = begun(*words)
        assert (code, out) == (2, "")
        assert "paper restore first" in err
    code, out, _ = begun("restore", "first")
    assert code == 0
    assert "Restored   23 transactions" in out
    code, _, _ = begun("step", "first", "--today", "2008-02-01")
    assert code == 0
    code, out, _ = begun("restore", "first")
    assert "nothing was changed" in out


def test_a_version_and_the_end(begun):
    code, out, _ = begun("version", "first", "--set", "top=2", "--today", "2008-01-31")
    assert code == 0
    assert "momentum_12_1 decides from the session after 2008-01-31 on" in out
    code, out, _ = begun("step", "first", "--today", "2008-02-05")
    assert code == 0
    _, out, _ = begun("status", "first", "--today", "2008-02-05")
    assert "version 2" in out
    code, out, _ = begun("stop", "first", "--today", "2008-02-05")
    assert "was stopped after 2008-02-05" in out
    code, _, err = begun("step", "first", "--today", "2008-02-06")
    assert code == 2
    assert "was stopped after 2008-02-05" in err


def test_the_first_evening_and_a_version_before_its_first_session(paper, tmp_path):
    paper("start", "first", *START, "--today", "2008-01-02")
    live = str(Path("accounts") / "first" / "paper" / "report.html")
    for declare in (False, True):
        if declare:
            code, _, err = paper("version", "first", "--set", "top=2")
            assert code == 0, err
        code, out, err = paper("report", "first")
        assert (code, out.split()) == (0, [live]), err
        code, out, _ = paper("verify", "first")
        assert code == 0
        assert "Account    1 sessions come out again, to the bit" in out
        code, _, err = paper("export", "first", "--out", f"run-{declare}")
        assert code == 0, err
        result = read_run(tmp_path / f"run-{declare}")
        assert len(result.account) == 1


def test_an_account_without_a_session_says_so(paper, tmp_path):
    wanted = Configuration(strategy="momentum_12_1")
    mine = PaperSession("first", root=tmp_path / "accounts", today=BEGINS)
    mine.start(wanted)
    code, status, _ = paper("status", "first", "--today", "2008-01-02")
    assert code == 0
    assert "Sessions   0, not begun" in status
    code, out, _ = paper("verify", "first")
    assert (code, out) == (
        0,
        "Journal    1 transactions, each with the hash of the last\n",
    )
    assert paper("orders", "first")[0] == 0
    for words in (("report", "first"), ("export", "first", "--out", "run")):
        code, out, err = paper(*words)
        assert (code, out) == (2, "")
        assert "has no session yet; paper step makes one" in err
    assert paper("version", "first", "--set", "top=2")[0] == 0


def test_a_folder_that_lacks_today_is_waited_for(paper, tmp_path):
    from bt_lstm_rotation import load_prices

    frames = load_prices("simulated", ["S1", "S2", "S3"]).frames()
    bars = tmp_path / "bars"
    bars.mkdir()

    def write(until, names=("S1", "S2", "S3")):
        for name in names:
            frame = frames[name].loc[:until]
            frame.rename_axis("Date").to_csv(bars / f"{name}.csv")

    write("2008-01-02")
    code, out, err = paper(
        "start",
        "mine",
        "--data",
        f"folder:{bars}",
        "--strategy",
        "equal_weight",
        "--calendar",
        "weekdays",
        "--today",
        "2008-01-02",
    )
    assert code == 0, err
    code, out, _ = paper("step", "mine", "--today", "2008-01-03")
    assert code == 4
    assert "Waiting    no bars of 2008-01-03 yet" in out
    write("2008-01-03", names=["S1", "S2"])
    code, out, _ = paper("step", "mine", "--today", "2008-01-03")
    assert code == 4
    assert "2 of 3 symbols have bars of 2008-01-03: S3 has none" in out
    (bars / "S3.csv").write_text("Date,Open\n2008-")
    code, out, err = paper("step", "mine", "--today", "2008-01-03")
    assert code == 4
    write("2008-01-10")  # bars after the day that is rehearsed are not looked at
    code, out, _ = paper("step", "mine", "--today", "2008-01-03")
    assert code == 0
    assert "3 filled" in out
    assert "2008-01-04" not in out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("step", "nobody"), "there is no paper account 'nobody'"),
        (("step", "../first"), "name"),
        (("start", "/etc/first", *START), "name"),
        (("start", "x" * 300, *START), "name"),
        (("status", "a\x00b"), "name"),
        (("start", "first", "--calendar", "XNYZ", *START), "XNZE"),
        (("start", "first", "--deadline", "-1", *START), "deadline"),
        (("start", "first", "--deadline", "nan", *START), "deadline"),
        (("start", "first", "--deadline", "1e12", *START), "0 to 8784"),
        (("start", "first", *START, "--today", "1850-01-01"), "2000-01-03"),
        (("start", "first", *START, "--today", "1700-01-01"), "from 1800-01-01"),
        (("start", "first", *START, "--today", "2100-01-01"), "no later than"),
        (("start", "first", "--strategy", "nobodys"), "no strategy 'nobodys'"),
        (("start", "first", *START, "--today", "2000-03-01"), "sessions are needed"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(paper, tmp_path, words, reason):
    code, out, err = paper(*words)
    assert code == 2
    assert out == ""
    assert reason in err
    assert err.count("\n") == 1
    assert not list(tmp_path.rglob("journal.sqlite"))


def test_a_second_process_is_told_who_is_at_work(begun, tmp_path):
    script = (
        "import sys, datetime as dt\n"
        "from pathlib import Path\n"
        "from bt_lstm_rotation.paper import PaperSession\n"
        "with PaperSession('first', root=Path('accounts')).held('watch'):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "held\n"
        code, out, err = begun("step", "first", "--today", "2008-02-01")
        assert (code, out) == (5, "")
        assert str(other.pid) in err
        assert "watch" in err
        assert begun("status", "first", "--today", "2008-02-01")[0] == 0
        other.kill()
    # The lock of a killed process is free.
    assert begun("step", "first", "--today", "2008-02-01")[0] == 0


BIG = "x" * 10_000_000


@pytest.mark.parametrize("text", ["\x1b[31mred\nblue", "\udcff\ud800", BIG], ids=len)
@pytest.mark.parametrize(
    "option",
    ["NAME", "--data", "--strategy", "--calendar", "--symbols", "--set", "--today"],
)
def test_whatever_is_typed_the_answer_is_a_line_to_read(paper, option, text):
    words = ("start", text) if option == "NAME" else ("start", "first", option, text)
    code, out, err = paper(*words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err[:-1].isprintable()
    assert len(err) < 2_500


def test_a_root_of_odd_letters_is_shown_as_it_can_be(tmp_path, capsys):
    for name in ("\x1b[31mred", os.fsdecode(b"\xff")):
        for root in (tmp_path / name, tmp_path / name / "deeper"):
            assert main(["paper", "list", "--root", str(root)]) == 0
            assert capsys.readouterr().out[:-1].isprintable()
            assert main(["paper", "status", "first", "--root", str(root)]) == 2
            assert capsys.readouterr().err[:-1].isprintable()
            root.mkdir()


def test_an_account_is_stepped_from_anywhere(paper, tmp_path, monkeypatch):
    from bt_lstm_rotation import load_prices

    (tmp_path / "bars").mkdir()
    for name, frame in load_prices("simulated", ["S1", "S2"]).frames().items():
        written = frame.loc["2007-06-01":"2008-02-01"].rename_axis("Date")
        written.to_csv(tmp_path / "bars" / f"{name}.csv")
    (tmp_path / "mine.py").write_text(
        "import backtrader as bt\n\n\n"
        "class Mine(bt.Strategy):\n"
        "    def next(self):\n"
        "        self.buy()\n"
    )
    words = ["--data", "folder:bars", "--strategy", "mine.py:Mine"]
    days = ["--calendar", "weekdays", "--today"]
    code, _, err = paper("start", "first", *words, *days, "2008-01-02")
    assert code == 0, err
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "accounts").symlink_to(tmp_path / "accounts")
    code, out, err = paper("step", "first", "--today", "2008-01-03")
    assert (code, err) == (0, "")
    assert "1 filled" in out
