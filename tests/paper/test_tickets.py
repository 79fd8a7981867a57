"""Orders for the next open go where they can, and over nothing but such orders."""

from __future__ import annotations

import csv
import datetime as dt
import os
from dataclasses import replace

import pytest
from odd_files import KINDS, snapshot

from bt_lstm_rotation.cli import main
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.paper.tickets import Ticket, check_tickets, write_tickets
from bt_lstm_rotation.reporting import read_run, write_run
from tests.reporting.results import make_result

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and links are POSIX")

DAY = dt.date(2026, 1, 2)
TICKET = Ticket(
    "first-1",
    DAY,
    None,
    "XLK",
    "buy",
    10.0,
    "Market",
    price=None,
    limit=None,
    valid=None,
    parent=None,
    oco=None,
    close=5.0,
    value=50.0,
)


@pytest.fixture
def account(tmp_path, monkeypatch, capsys):
    """Run paper commands on an account that trades a folder of bars."""
    from bt_lstm_rotation import load_prices

    monkeypatch.chdir(tmp_path)
    bars = tmp_path / "bars"
    bars.mkdir()
    frames = load_prices("simulated", ["S1", "S2", "S3"]).frames()

    def run(*words, until="2002-06-03"):
        for name, frame in frames.items():
            frame.loc[:until].to_csv(bars / f"{name}.csv", index_label="Date")
        try:
            code = main(["paper", *words, "--root", "accounts"])
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return code, said.out, said.err

    code, _, err = run(
        *("start", "first", "--data", "folder:bars", "--calendar", "bars"),
        *("--strategy", "momentum_12_1", "--today", "2002-06-03"),
    )
    assert code == 0, err
    return run


def test_orders_replace_orders_and_nothing_else(tmp_path):
    for tickets in ((), (TICKET,), (TICKET, replace(TICKET, id="first-2")), ()):
        write_tickets(tickets, tmp_path / "deep" / "tickets")
    with (tmp_path / "deep" / "tickets" / "orders.csv").open() as file:
        assert list(csv.DictReader(file)) == []
    run = write_run(make_result(5), tmp_path / "run")
    own = tmp_path / "own"
    own.mkdir()
    (own / "orders.json").write_text('[{"id": 1}]')
    before = snapshot(tmp_path)
    for folder in (run, own):
        for refused in (
            lambda place: check_tickets(place),
            lambda place: write_tickets((TICKET,), place),
        ):
            with pytest.raises(OutputError, match="is there, and is no file of ours"):
                refused(folder)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["orders.csv", "orders.json"])
def test_what_is_no_file_is_left_alone(tmp_path, name, kind):
    folder = tmp_path / "tickets"
    folder.mkdir()
    KINDS[kind](folder / name)
    with pytest.raises(OutputError, match=r"is no file of ours|choose a file"):
        write_tickets((TICKET,), folder)


def test_a_formula_is_shown_and_not_worked_out(tmp_path):
    sheet, listed = write_tickets((replace(TICKET, symbol="=1+1"),), tmp_path)
    assert ",'=1+1,buy,10.0," in sheet.read_text()
    assert '"symbol": "=1+1"' in listed.read_text()


def test_an_account_writes_over_nothing_that_is_not_its_own(account, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "orders.csv").write_text("mine")
    (tmp_path / "link").symlink_to("bars")
    before = snapshot(tmp_path)
    for words in (
        *(("orders", "first", "--out", out) for out in ("bars", "link", "mine")),
        *(("export", "first", "--out", out) for out in ("bars", "link", "mine", ".")),
        ("export", "first", "--out", "accounts/first"),
    ):
        code, out, err = account(*words)
        assert (code, out) == (2, ""), words
        assert err.count("\n") == 1
    assert snapshot(tmp_path) == before
    assert account("orders", "first", "--out", "tickets")[0] == 0
    assert account("orders", "first", "--out", "tickets")[0] == 0
    assert account("orders", "first")[0] == 0
    # What stands where its reports go is somebody's own.
    (tmp_path / "accounts" / "first" / "backtest").mkdir()
    (tmp_path / "accounts" / "first" / "backtest" / "notes.txt").write_text("mine")
    code, out, err = account("report", "first")
    assert (code, out) == (2, "")
    assert "such as notes.txt" in err


def test_an_export_is_a_run_and_keeps_the_one_before(account, tmp_path):
    for _ in range(2):
        assert account("export", "first", "--out", "run")[0] == 0
    assert len(read_run(tmp_path / "run").account) == 1
    assert not (tmp_path / "run" / "earlier-1").exists()
    later = "2002-06-10"
    assert account("step", "first", "--today", later, until=later)[0] == 0
    assert account("export", "first", "--out", "run")[0] == 0
    assert len(read_run(tmp_path / "run" / "earlier-1").account) == 1
