"""What is added comes back to the last bit, and nothing is ever changed."""

from __future__ import annotations

import math
import pickle
import sqlite3
import struct
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from journals import FIRST_DAY, MORNING, ROWS, content_of, files, make, session, start

from bt_lstm_rotation.append_only.kinds import OPTIONAL_TEXT, TEXT
from bt_lstm_rotation.errors import JournalError, OutputError, SpecError
from bt_lstm_rotation.paper import image
from bt_lstm_rotation.paper.image import wal_size
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.schema import TABLES, Schema
from bt_lstm_rotation.paper.seal import read_seal

AT_REST = {"journal.sqlite", "journal.seal", "backup.sqlite", "backup.seal"}


def bits(rows):
    return [
        tuple(struct.pack(">d", v) if isinstance(v, float) else v for v in row)
        for row in rows
    ]


def test_every_table_comes_back_with_its_transactions_number(tmp_path):
    with Journal.create(tmp_path / "spy", start()) as journal:
        assert journal.append(session(2)) == journal.head
        expected = {
            table: [(number, *row) for number in (1, 2) for row in ROWS[table]]
            for table in TABLES
        }
        for opened in (journal, Journal.open(tmp_path / "spy")):
            with opened:
                for table in TABLES:
                    assert bits(opened.rows(table)) == bits(expected[table])
                first, second = opened.transactions()
                assert (first.number, first.kind, first.session) == (
                    1,
                    "start",
                    FIRST_DAY,
                )
                assert (first.written, first.version) == (MORNING, "0.1.0")
                assert second == opened.head
    assert files(tmp_path / "spy") == AT_REST


def test_some_columns_and_late_transactions_can_be_read_alone(tmp_path):
    with Journal.open(make(tmp_path / "spy", 3)) as journal:
        rows = journal.rows("bars", ("symbol", "close"), since=3)
        assert repr(rows) == "[(3, 'XLE', 60.25), (3, 'XLK', nan)]"
        assert journal.rows("bars", since=4) == []
        with pytest.raises(SpecError, match="did you mean 'bars'"):
            journal.rows("bar")
        with pytest.raises(SpecError, match="did you mean 'close'"):
            journal.rows("bars", ("clos",))
        with pytest.raises(SpecError, match="must be a column of bars"):
            journal.rows("bars", ("close FROM bars; --",))


NUMBERS = [math.nan, -0.0, 0.0, 1e-310, 5e-324, 1.7976931348623157e308, 2.0**53 + 2]


@pytest.mark.parametrize("number", [*NUMBERS, 3.0, -1 / 3], ids=repr)
def test_numbers_come_back_to_the_last_bit(tmp_path, number):
    rows = {"account": [(number, number)]}
    make(tmp_path / "spy", 1, rows)
    with Journal.open(tmp_path / "spy") as journal:
        assert bits(journal.rows("account")) == bits([(1, number, number)])


@pytest.mark.parametrize("text", ["", "a\0b", "\u00fc\U0001f4c8", "'; DROP TABLE bars"])
def test_texts_come_back_as_they_are(tmp_path, text):
    make(tmp_path / "spy", 1, {"notes": [(text, text, text)]})
    with Journal.open(tmp_path / "spy") as journal:
        assert journal.rows("notes") == [(1, text, text, text)]


def test_whole_numbers_of_64_bits_and_five_megabytes_come_back(tmp_path):
    weights = bytes(range(256)) * 20_000
    rows = {
        "fits": [(*ROWS["fits"][0][:-1], weights), (*ROWS["fits"][0][:-1], None)],
        "outcomes": [
            (n, "Completed", 1.0, 1.0, 0.0, 0.0) for n in (2**63 - 1, -(2**63))
        ],
    }
    with Journal.create(tmp_path / "spy", start({})) as journal:
        journal.append(session(2, rows))
        assert [row[-1] for row in journal.rows("fits")] == [weights, None]
    with Journal.open(tmp_path / "spy") as journal:
        assert [row[-1] for row in journal.rows("fits")] == [weights, None]
        refs = [row[1] for row in journal.rows("outcomes", since=2)]
        assert refs == [2**63 - 1, -(2**63)]


def test_a_pickle_in_the_weights_place_stays_bytes(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    weights = pickle.dumps(Trap())
    make(tmp_path / "spy", 1, {"fits": [(*ROWS["fits"][0][:-1], weights)]})
    with Journal.open(tmp_path / "spy") as journal:
        assert journal.rows("fits")[0][-1] == weights
    assert not (tmp_path / "sprung").exists()


def test_a_transaction_without_rows_is_one(tmp_path):
    with Journal.create(tmp_path / "spy", start({})) as journal:
        journal.append(session(2, {}))
    with Journal.open(tmp_path / "spy") as journal:
        assert journal.head.number == 2
        assert all(journal.rows(table) == [] for table in TABLES)


def test_the_order_of_rows_is_that_of_writing(tmp_path):
    rows = {"notes": [(str(n % 3), None, str(-n)) for n in range(300)]}
    make(tmp_path / "spy", 1, rows)
    with Journal.open(tmp_path / "spy") as journal:
        assert [row[1:] for row in journal.rows("notes")] == rows["notes"]


def test_a_journal_starts_once_and_with_a_start(tmp_path):
    folder = tmp_path / "spy"
    with pytest.raises(SpecError, match="of the kind 'start'"):
        Journal.create(folder, session(2))
    assert not folder.exists()
    make(folder, 1)
    with pytest.raises(OutputError, match="has a journal already"):
        Journal.create(folder, start())
    with (
        Journal.open(folder, writing=True) as journal,
        pytest.raises(SpecError, match="of another kind"),
    ):
        journal.append(start())


def test_a_reader_cannot_add_and_a_closed_journal_cannot_be_used(tmp_path):
    journal = Journal.open(make(tmp_path / "spy", 1))
    with journal, pytest.raises(OutputError, match="read only"):
        journal.append(session(2))
    journal.close()
    for use in (lambda: journal.rows("bars"), journal.transactions):
        with pytest.raises(OutputError, match="is closed"):
            use()
    with Journal.open(tmp_path / "spy", writing=True) as journal:
        pass
    with pytest.raises(OutputError, match="is closed"):
        journal.append(session(2))


def test_where_there_is_no_journal_the_closest_is_named(tmp_path):
    make(tmp_path / "sectors", 1)
    with pytest.raises(JournalError, match="did you mean 'sectors'"):
        Journal.open(tmp_path / "sector")
    assert not (tmp_path / "sector").exists()


def test_a_journal_that_vanishes_is_not_made_again_by_an_append(tmp_path):
    folder = make(tmp_path / "spy", 1)
    with Journal.open(folder, writing=True) as journal:
        (folder / "journal.sqlite").unlink()
        with pytest.raises(OutputError, match="which still ends with 2020-01-02"):
            journal.append(session(2))
    assert files(folder) == AT_REST - {"journal.sqlite"}


def test_a_folder_may_have_any_name_that_a_disk_takes(tmp_path):
    folder = make(tmp_path / "a b?c#d%20\u00e9'\";mode=ro&" / "spy", 2)
    assert files(folder) == AT_REST
    assert not (set(files(tmp_path)) - {folder.parent.name})
    with Journal.open(folder) as journal:
        assert journal.head.number == 2


def test_a_second_writer_without_the_lock_does_no_harm(tmp_path):
    folder = make(tmp_path / "spy", 1)
    with Journal.open(folder, writing=True) as one:
        with Journal.open(folder, writing=True) as other:
            other.append(session(2))
        with pytest.raises(JournalError, match="written to meanwhile; open it again"):
            one.append(session(2))
        assert one.head.number == 1
    with Journal.open(folder) as journal:
        assert journal.head.number == 2


STATEMENTS = [
    "UPDATE {table} SET number = 1",
    "DELETE FROM {table}",
    "INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1",
    "REPLACE INTO {table} SELECT * FROM {table}",
]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return make(tmp_path_factory.mktemp("root") / "one", 1)


@pytest.mark.parametrize("table", ["transactions", *TABLES])
def test_no_row_can_be_changed_deleted_or_replaced(one, table):
    with closing(sqlite3.connect(one / "journal.sqlite")) as other:
        for statement in STATEMENTS:
            with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
                other.execute(statement.format(table=table))


def test_the_file_is_what_is_documented(tmp_path):
    folder = make(tmp_path / "spy", 2)
    with closing(sqlite3.connect(folder / "journal.sqlite")) as other:
        pragmas = [
            other.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "journal_mode")
        ]
        tables = other.execute(
            "SELECT strict FROM pragma_table_list WHERE name IN "
            "(SELECT name FROM sqlite_schema WHERE type = 'table') "
            "AND name <> 'sqlite_schema'"
        ).fetchall()
    assert pragmas == [int.from_bytes(b"BTLR"), 1, "wal"]
    assert tables == [(1,)] * (1 + len(TABLES))
    assert read_seal(folder / "journal.seal").number == 2
    for kind in ("sqlite", "seal"):
        journal, backup = folder / f"journal.{kind}", folder / f"backup.{kind}"
        assert journal.read_bytes() == backup.read_bytes()


def test_another_programs_reading_delays_the_seal_and_nothing_else(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(image, "PATIENCE", 0.05)
    folder = make(tmp_path / "spy", 1)
    with Journal.open(folder, writing=True) as journal:
        with closing(sqlite3.connect(folder / "journal.sqlite")) as other:
            other.execute("BEGIN")
            other.execute("SELECT * FROM bars").fetchone()
            journal.append(session(2))
            assert "not sealed: its log could not be emptied" in caplog.text
            with Journal.open(folder) as reader:
                assert reader.head == journal.head
        journal.append(session(3))
        whole = content_of(journal)
    assert files(folder) == AT_REST
    assert read_seal(folder / "journal.seal").number == 3
    with Journal.open(folder) as reader:
        assert content_of(reader) == whole


def test_a_reader_sees_a_sound_journal_while_another_process_writes(tmp_path):
    folder = make(tmp_path / "spy", 1)
    code = (
        "import sys; from pathlib import Path; from journals import session\n"
        "from bt_lstm_rotation.paper.journal import Journal\n"
        "with Journal.open(Path(sys.argv[1]), writing=True) as journal:\n"
        "    for number in range(2, 52): journal.append(session(number))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    seen = []
    with subprocess.Popen(command, cwd=Path(__file__).parent) as process:
        deadline = time.monotonic() + 50
        while (not seen or seen[-1] < 51) and time.monotonic() < deadline:
            with Journal.open(folder) as journal:
                numbers = [row[0] for row in journal.rows("account")]
                assert numbers == list(range(1, journal.head.number + 1))
                seen.append(journal.head.number)
        assert process.wait() == 0
    assert seen == sorted(seen)
    assert seen[-1] == 51
    assert len(set(seen)) > 5
    # A reader may leave the log, but with nothing in it.
    assert files(folder) - AT_REST <= {"journal.sqlite-wal", "journal.sqlite-shm"}
    assert not wal_size(folder / "journal.sqlite")


def one_table_and_one_column_more(connection):
    marks = [sql for sql in LATER.statements if " marks" in sql]
    for statement in [*marks, "ALTER TABLE notes ADD COLUMN place TEXT"]:
        connection.execute(statement)


LATER = Schema(
    {
        **TABLES,
        "notes": {**TABLES["notes"], "place": OPTIONAL_TEXT},
        "marks": {"text": TEXT},
    },
    (one_table_and_one_column_more,),
)


@pytest.fixture
def older(tmp_path):
    return make(tmp_path / "spy", 2)


def test_an_older_journal_is_migrated_and_keeps_its_chain(older):
    before = (older / "journal.sqlite").read_bytes()
    with Journal.open(older) as journal:
        chain = journal.transactions()
    with Journal.open(older, schema=LATER) as journal:  # in memory
        assert journal.rows("marks") == []
        assert journal.rows("notes")[0][-1] is None
    assert (older / "journal.sqlite").read_bytes() == before
    with Journal.open(older, writing=True, schema=LATER) as journal:
        assert journal.transactions() == chain
        assert journal.append(session(3, {"bars": ROWS["bars"]})).number == 3
    assert read_seal(older / "journal.seal").schema == 2
    assert files(older) == AT_REST


def test_a_later_journal_is_refused_with_the_version_that_wrote_it(older):
    with Journal.open(older, writing=True, schema=LATER):
        pass
    content = (older / "journal.sqlite").read_bytes()
    for writing in (False, True):
        with pytest.raises(JournalError, match=r"version 0\.1\.0 .* later .*; upgrade"):
            Journal.open(older, writing=writing)
    assert (older / "journal.sqlite").read_bytes() == content


def test_a_migration_that_fails_changes_nothing(older):
    def broken(connection):
        one_table_and_one_column_more(connection)
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            raise sqlite3.OperationalError("database or disk is full")

    before = (older / "journal.sqlite").read_bytes()
    with pytest.raises(OutputError, match=r"cannot be written to .*disk is full"):
        Journal.open(older, writing=True, schema=Schema(LATER.tables, (broken,)))
    assert (older / "journal.sqlite").read_bytes() == before
    assert files(older) == AT_REST


def test_a_migration_killed_before_its_seal_is_finished(older):
    def stop(label):
        if label == "before seal":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Journal.open(older, writing=True, schema=LATER, boundary=stop)
    assert read_seal(older / "journal.seal").schema == 1
    with Journal.open(older, schema=LATER) as journal:
        assert journal.head.number == 2
    with Journal.open(older, writing=True, schema=LATER) as journal:
        assert journal.head.number == 2
    assert read_seal(older / "journal.seal").schema == 2


def test_python_with_an_old_sqlite_is_told_so(older, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(OutputError, match=r"needs SQLite 3\.37 or later"):
        Journal.open(older)


@pytest.mark.parametrize("torn", [b"", None, b"\0"])
def test_a_backup_that_is_not_the_journals_is_made_again_by_a_writer(older, torn):
    backup = older / "backup.sqlite"
    content = backup.read_bytes()
    if torn is None:
        backup.unlink()
    else:
        backup.write_bytes(torn * len(content))
    Journal.open(older).close()
    assert not backup.exists() or backup.read_bytes() != content
    Journal.open(older, writing=True).close()
    assert backup.read_bytes() == content
