"""The ledger: what is added stays, whoever else is writing, and damage is noticed."""

from __future__ import annotations

import datetime as dt
import logging
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest
from made import tampered, trial

from bt_lstm_rotation.errors import OutputError, SpecError
from bt_lstm_rotation.trials import TrialLedger
from bt_lstm_rotation.trials.record import TrialRecord

HERE = Path(__file__).parent
NOW = dt.datetime(2026, 1, 2, 15, 4, 5, tzinfo=dt.UTC)


@pytest.fixture
def ledger(tmp_path):
    return TrialLedger(tmp_path / "kept" / "trials.sqlite", clock=lambda: NOW)


def writer(ledger, name, count):
    command = [sys.executable, "-W", "ignore", HERE / "write_many.py"]
    return subprocess.Popen(
        [*command, ledger.file, name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_what_is_added_is_read_back_to_the_last_bit(ledger):
    made = [trial(1), trial(2, sharpe=math.nan, length=None, returns=None, marks=None)]
    assert ledger.add(made) == 2
    rows = ledger.whole([1, 2])
    assert [row.number for row in rows] == [1, 2]
    assert rows[0].written == "2026-01-02T15:04:05+00:00"
    for row, given in zip(rows, made, strict=True):
        for field in fields(TrialRecord):
            found, wanted = (getattr(one, field.name) for one in (row.trial, given))
            assert found == wanted or (found != found and wanted != wanted), field
    assert [row.trial.returns for row in ledger.rows()] == [None, None]
    assert ledger.verify() == (2, rows[1].hash, None)


def test_a_ledger_that_is_not_there_is_empty_and_reading_makes_none(ledger):
    assert ledger.rows() == []
    assert ledger.verify().rows == 0
    assert not ledger.file.parent.exists()


def test_the_identical_trial_is_kept_once_of_each_kind_and_an_opening_each_time(ledger):
    assert ledger.add([trial(1), trial(1)]) == 1
    assert ledger.add([trial(1, kind="sweep"), trial(2)]) == 2
    assert ledger.add([trial(1, kind="rival", beside="c")] * 2) == 1
    assert ledger.add([trial(1, kind="rival", beside="other")]) == 1
    assert ledger.add([trial(1, kind="holdout")] * 2) == 2
    assert [row.number for row in ledger.rows()] == [1, 2, 3, 4, 5, 6, 7]
    assert ledger.verify().problem is None


def test_rows_are_neither_changed_nor_deleted_nor_replaced(ledger):
    ledger.add([trial(1), trial(2)])
    with closing(sqlite3.connect(ledger.file)) as connection:
        for statement in (
            "DELETE FROM trials",
            "UPDATE trials SET annual_sharpe = 3.0",
            "INSERT OR REPLACE INTO trials SELECT * FROM trials WHERE number = 1",
        ):
            with pytest.raises(sqlite3.Error, match="only ever added to"):
                connection.execute(statement)
    assert ledger.verify().problem is None


@pytest.mark.parametrize(
    ("statement", "rows", "problem"),
    [
        ("UPDATE trials SET annual_sharpe = 3.0 WHERE number = 2", 1, "row 2 is not"),
        ("UPDATE trials SET returns = x'00' WHERE number = 3", 2, "row 3 is not"),
        ("UPDATE trials SET seed = '' WHERE number = 1", 0, "row 1 is not"),
        ("DELETE FROM trials WHERE number = 2", 1, "row 2 is missing"),
        ("DELETE FROM trials WHERE number IN (2, 3)", 1, "rows 2 to 3 are missing"),
        ("DELETE FROM trials WHERE number = 4", 3, "row 4 is missing"),
        ("DELETE FROM trials", 0, "rows 1 to 4 are missing"),
        ("UPDATE trials SET hash = previous WHERE number = 4", 3, "row 4 is not"),
    ],
)
def test_a_row_that_was_changed_or_deleted_is_noticed(ledger, statement, rows, problem):
    ledger.add([trial(at) for at in range(4)])
    tampered(ledger.file, statement)
    found = ledger.verify()
    assert (found.rows, problem in found.problem) == (rows, True)
    # It goes on being written to, and stays what it is.
    assert ledger.add([trial(9)]) == 1
    assert problem in ledger.verify().problem


def test_a_row_that_was_written_over_with_its_own_hash_is_noticed_by_the_next(ledger):
    from bt_lstm_rotation.trials.database import COLUMNS, row_hash

    ledger.add([trial(1), trial(2)])
    with closing(sqlite3.connect(ledger.file)) as connection:
        query = f"SELECT {', '.join(COLUMNS)} FROM trials WHERE number = 1"
        values = connection.execute(query).fetchone()
    row = {**dict(zip(COLUMNS, values, strict=True)), "annual_sharpe": 3.0}
    forged = row_hash(1, row)
    tampered(
        ledger.file,
        f"UPDATE trials SET annual_sharpe = 3.0, hash = '{forged}' WHERE number = 1",
    )
    assert "row 2 is not" in ledger.verify().problem


def test_many_processes_write_at_once_and_nothing_is_lost(ledger):
    writers = [writer(ledger, name, 12) for name in "abcd"]
    said = [process.communicate(timeout=120)[0] for process in writers]
    assert said == ["".join(f"{at}\n" for at in range(12))] * 4
    rows = ledger.rows()
    keys = {f"{name}-{at}" for name in "abcd" for at in range(12)}
    assert {row.trial.key for row in rows} == keys
    assert [row.number for row in rows] == list(range(1, 49))
    assert ledger.verify().problem is None


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="it has no SIGKILL")
def test_a_writer_that_is_killed_leaves_whole_rows(ledger):
    pick = random.Random(5)
    for round_ in range(3):
        process = writer(ledger, f"r{round_}", 10_000)
        for _ in range(pick.randint(1, 9)):
            process.stdout.readline()
        process.kill()
        process.communicate()
        before = len(ledger.rows())
        assert before
        assert ledger.verify().problem is None
        assert ledger.add([trial(0, key=f"after-{round_}")]) == 1
        assert len(ledger.rows()) == before + 1
    assert ledger.verify().problem is None


def test_a_writer_that_holds_it_is_waited_for_and_no_longer(ledger, caplog):
    ledger.add([trial(1)])
    hasty = TrialLedger(ledger.file, patience=0.05)
    with closing(sqlite3.connect(ledger.file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        problem = hasty.keep(lambda: [trial(2)])
        assert hasty.keep(lambda: [trial(3)]) == problem
    assert "others have been writing for 0.05 seconds" in problem
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "\n" not in caplog.messages[0]
    assert hasty.keep(lambda: [trial(2)]) is None


NOT_LEDGERS = {
    "text": b"no database, but a diary\n" * 100,
    "cut": b"SQLite format 3\0" + b"\0" * 500,
    "noise": random.Random(1).randbytes(8192),
}


@pytest.mark.parametrize("content", NOT_LEDGERS)
def test_a_file_that_is_none_is_left_alone_and_said(ledger, content):
    ledger.file.parent.mkdir()
    ledger.file.write_bytes(NOT_LEDGERS[content])
    assert "cannot be used" in ledger.keep(lambda: [trial(1)])
    with pytest.raises(OutputError, match=r"trials\.sqlite"):
        ledger.rows()
    with pytest.raises(OutputError, match=r"trials\.sqlite"):
        ledger.verify()
    assert ledger.file.read_bytes() == NOT_LEDGERS[content]


@pytest.mark.parametrize("seed", range(6))
def test_bytes_that_were_flipped_never_raise_but_what_is_said(ledger, seed):
    ledger.add([trial(at) for at in range(6)])
    content, pick = bytearray(ledger.file.read_bytes()), random.Random(seed)
    for _ in range(40):
        content[pick.randrange(100, len(content))] ^= 1 << pick.randrange(8)
    ledger.file.write_bytes(content)
    ledger.keep(lambda: [trial(7)])
    try:
        problem = ledger.verify().problem
    except OutputError as error:
        problem = str(error)
    assert problem


def test_a_database_of_something_else_is_left_alone(ledger):
    ledger.file.parent.mkdir()
    with closing(sqlite3.connect(ledger.file)) as other:
        other.execute("CREATE TABLE trials (number)")
    before = ledger.file.read_bytes()
    assert "a database of something else" in ledger.keep(lambda: [trial(1)])
    assert ledger.file.read_bytes() == before


def test_a_ledger_of_a_later_version_is_left_alone(ledger):
    ledger.add([trial(1)])
    with closing(sqlite3.connect(ledger.file)) as other:
        other.execute("PRAGMA user_version = 2")
    assert "it is of version 2" in ledger.keep(lambda: [trial(2)])


def test_a_ledger_with_another_trigger_is_not_believed(ledger):
    ledger.add([trial(1)])
    with closing(sqlite3.connect(ledger.file)) as other:
        other.execute("CREATE TRIGGER more AFTER INSERT ON trials BEGIN SELECT 1; END")
    assert "its tables are not those" in ledger.keep(lambda: [trial(2)])


def test_where_nothing_can_be_written_it_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.symlink("loop", tmp_path / "loop")
    for place, said in {
        "file/trials.sqlite": "Not a directory|not a folder",
        "folder": "is a folder",
        "pipe": "is a pipe",
        "loop": "cannot be used|is a link",
        "a\0b": "cannot be used",
        "n" * 300: "cannot be used",
    }.items():
        ledger = TrialLedger(tmp_path / place)
        problem = ledger.keep(lambda: [trial(1)])
        assert problem, place
        assert any(part in problem for part in said.split("|")), problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_said(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    assert "cannot be used" in TrialLedger(folder / "t").keep(lambda: [trial(1)])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_is_no_place_for_it():
    assert "is a device" in TrialLedger(Path("/dev/full")).keep(lambda: [trial(1)])


def test_a_disk_that_is_full_keeps_what_was_there(ledger, monkeypatch):
    ledger.add([trial(1)])
    import bt_lstm_rotation.trials.ledger as module

    opened = module.connected

    def small(*given, **more):
        import contextlib

        @contextlib.contextmanager
        def limited():
            with opened(*given, **more) as connection:
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                connection.execute(f"PRAGMA max_page_count = {pages}")
                yield connection

        return limited()

    with monkeypatch.context() as patch:
        patch.setattr(module, "connected", small)
        problem = ledger.keep(lambda: [trial(2), trial(3)])
    assert "full" in problem
    assert len(ledger.rows()) == 1
    assert ledger.verify().problem is None
    assert ledger.add([trial(2)]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": "Robert'); DROP TABLE trials;--"},
        {"strategy": "\x1b[2J\r\n\0=1+1", "source": "x" * 1_000_000},
        {"symbols": "[]", "seed": str(2**64), "params": "no JSON"},
        {"annual_sharpe": 1e308, "periods_a_year": -0.0},
    ],
)
def test_hostile_values_are_kept_as_they_are(ledger, change):
    assert ledger.add([trial(1, **change)]) == 1
    (row,) = ledger.rows()
    assert {name: getattr(row.trial, name) for name in change} == change
    assert ledger.verify().problem is None


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": "\ud800"},
        {"annual_sharpe": math.inf},
        {"length": 2**64},
        {"first": "yesterday"},
        {"strategy": None},
        {"returns": "text"},
        {"marks": 5},
    ],
)
def test_what_no_file_can_hold_is_refused_and_no_run_fails_for_it(ledger, change):
    (name,) = change
    problem = ledger.keep(lambda: [trial(2), trial(1, **change)])
    assert problem.startswith(f"TrialRecord: {name} must be ")
    assert ledger.rows() == []


def test_an_empty_file_is_an_empty_ledger(ledger):
    ledger.file.parent.mkdir()
    ledger.file.write_bytes(b"")
    assert ledger.rows() == []
    assert ledger.verify().problem is None
    assert ledger.add([trial(1)]) == 1


def test_a_trial_of_no_kind_is_refused(ledger):
    with pytest.raises(SpecError, match="kind must be one of backtest, sweep"):
        ledger.add([trial(1, kind="guess")])


def test_whatever_a_record_is_made_of_may_fail(ledger):
    def broken():
        raise KeyError("sharpe")

    assert ledger.keep(broken) == "KeyError: 'sharpe'"


@pytest.mark.parametrize("file", [5, None, b"bytes"])
def test_a_place_that_is_none_is_refused(file):
    with pytest.raises(SpecError, match="TrialLedger: file must be the path of a file"):
        TrialLedger(file)


def test_where_waiting_was_in_vain_it_is_short_the_next_time(ledger):
    ledger.add([trial(1)])
    slow = TrialLedger(ledger.file, patience=1.0)
    with closing(sqlite3.connect(ledger.file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "for 1 seconds" in slow.keep(lambda: [trial(2)])
        assert "for 0.2 seconds" in slow.keep(lambda: [trial(2)])
