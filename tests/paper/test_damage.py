"""A journal that is not, byte for byte, what was written is never read as good."""

from __future__ import annotations

import pickle
import random
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from journals import contents, files, make, session, start

from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.paper.chain import head_of
from bt_lstm_rotation.paper.image import in_memory
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.schema import SCHEMA
from bt_lstm_rotation.paper.seal import Seal

PLACES = 200


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make(tmp_path_factory.mktemp("root") / "spy", 3)


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "spy")


def refused(folder: Path, *, writing: bool = False) -> JournalError:
    with pytest.raises(JournalError) as raised:
        Journal.open(folder, writing=writing)
    return raised.value


def flipped(content: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1 << bit
    return bytes(changed)


def test_each_of_200_flipped_bits_is_refused(folder):
    path = folder / "journal.sqlite"
    content = path.read_bytes()
    chance = random.Random(1)
    # The headers of the file and of its first page in any case.
    places = [*range(0, 108, 4), *chance.sample(range(len(content)), PLACES - 27)]
    for place in places:
        path.write_bytes(flipped(content, place, chance.randrange(8)))
        error = refused(folder, writing=bool(place % 2))
        assert error.restorable, place
        assert str(error.last_sound) == "2020-01-04"
        assert path.read_bytes() != content


def test_each_of_200_cuts_is_refused(folder):
    path = folder / "journal.sqlite"
    content = path.read_bytes()
    chance = random.Random(2)
    pages = range(0, len(content), 4096)
    lengths = [*pages, *chance.sample(range(len(content)), PLACES - len(pages))]
    for length in lengths:
        path.write_bytes(content[:length])
        assert refused(folder, writing=bool(length % 2)).restorable, length
    for more in (b"\0", bytes(4096)):
        path.write_bytes(content + more)
        for writing in (False, True):
            assert refused(folder, writing=writing).restorable


def test_each_flipped_bit_and_cut_of_the_seal_is_refused(folder):
    path = folder / "journal.seal"
    content = path.read_bytes()
    for place in range(0, len(content), 2):
        path.write_bytes(flipped(content, place, place // 2 % 8))
        assert "its seal is damaged" in str(refused(folder))
    for length in range(0, len(content), 9):
        path.write_bytes(content[:length])
        assert "its seal is damaged" in str(refused(folder))
    for other in (content + b" ", b"[]", b"{}", b"null", b"[" * 9999, pickle.dumps(1)):
        path.write_bytes(other)
        assert "its seal is damaged" in str(refused(folder))


@pytest.mark.parametrize("writing", [False, True])
def test_the_message_says_what_is_wrong_how_far_it_is_sound_and_what_to_do(
    folder, writing
):
    path = folder / "journal.sqlite"
    path.write_bytes(flipped(path.read_bytes(), 50, 0))
    assert str(refused(folder, writing=writing)) == (
        "the journal of 'spy': its bytes are not those that were sealed; it is sound "
        "up to 2020-01-04; `bt-lstm-rotation paper restore spy` goes on from there"
    )


NO_DATABASES = {
    "empty": b"",
    "text": b"session,equity\n2020-01-02,100000\n" * 100,
    "pickle": pickle.dumps({"a": 1}) * 100,
    "zeros": bytes(8192),
    "another database": None,
}


@pytest.mark.parametrize("kind", NO_DATABASES)
@pytest.mark.parametrize("alone", [False, True])
def test_a_file_that_is_no_journal_is_refused(folder, kind, alone):
    path = folder / "journal.sqlite"
    path.unlink()
    content = NO_DATABASES[kind]
    if content is None:
        with closing(sqlite3.connect(path)) as other:
            other.executescript("CREATE TABLE bars (a); PRAGMA user_version = 1;")
    else:
        path.write_bytes(content)
    if alone:
        for name in files(folder) - {"journal.sqlite"}:
            (folder / name).unlink()
    for writing in (False, True):
        error = refused(folder, writing=writing)
        assert error.restorable is not alone
        if alone:
            assert "nothing of it can be restored" in str(error)


def test_a_journal_that_is_missing_is_refused_and_not_started_anew(folder):
    (folder / "journal.sqlite").unlink()
    assert "its file is missing" in str(refused(folder))
    with pytest.raises(JournalError, match="its file is missing"):
        Journal.create(folder, start())
    (folder / "journal.seal").unlink()
    assert "its file is missing" in str(refused(folder))
    (folder / "backup.seal").unlink()
    assert refused(folder).restorable
    (folder / "backup.sqlite").unlink()
    assert "there is no journal in" in str(refused(folder))


def test_a_folder_or_a_link_in_the_journals_place_is_refused(folder, whole):
    (folder / "journal.sqlite").unlink()
    (folder / "journal.sqlite").mkdir()
    assert "is no regular file; move it away" in str(refused(folder))
    (folder / "journal.sqlite").rmdir()
    (folder / "journal.sqlite").symlink_to(whole / "journal.sqlite")
    assert "is a link; move it away" in str(refused(folder))


def test_a_seal_that_is_missing_is_refused(folder):
    (folder / "journal.seal").unlink()
    assert "its seal is missing" in str(refused(folder))


def test_a_journal_of_an_earlier_day_is_refused(folder, tmp_path):
    earlier = make(tmp_path / "earlier", 2)
    shutil.copy(earlier / "journal.sqlite", folder)
    error = refused(folder)
    assert "it ends with transaction 2, but 3 were sealed" in str(error)
    assert str(error.last_sound) == "2020-01-04"


def test_a_journal_of_another_account_is_refused(folder, tmp_path):
    other = make(tmp_path / "other", 4, {})
    shutil.copy(other / "journal.sqlite", folder)
    assert "it is not the journal that was sealed" in str(refused(folder))


TAMPERING = {
    "a changed row": (
        "DROP TRIGGER bars_update; UPDATE bars SET close = 1.0; "
        "CREATE TRIGGER bars_update BEFORE UPDATE ON bars BEGIN "
        "SELECT RAISE(ABORT, 'a journal is only ever added to'); END"
    ),
    "a row more": "INSERT INTO notes VALUES (3, 1, 'late', NULL, 'never said')",
    "a transaction more": (
        "INSERT INTO transactions SELECT 4, kind, session, written, version, hash, "
        "hash FROM transactions WHERE number = 3"
    ),
    "a trigger more": (
        "CREATE TRIGGER more AFTER INSERT ON bars BEGIN SELECT load_extension('x'); END"
    ),
    "a view more": "CREATE VIEW more AS SELECT load_extension('x')",
    "a trigger less": "DROP TRIGGER bars_update",
    "another application": "PRAGMA application_id = 7",
    "no version": "PRAGMA user_version = 0",
    "a later version": "PRAGMA user_version = 9",
    "no change of content": "VACUUM",
}


# What the quick way looks at, where the seal fits.
AT_A_GLANCE = set(TAMPERING) - {"a changed row", "a row more", "no change of content"}


@pytest.mark.parametrize(
    ("change", "resealed"),
    [
        *((change, False) for change in TAMPERING),
        *((change, True) for change in sorted(AT_A_GLANCE)),
    ],
)
def test_what_another_program_has_changed_is_refused(folder, change, resealed):
    path = folder / "journal.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.executescript(TAMPERING[change])
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if resealed:
        content = path.read_bytes()
        with closing(in_memory(content)) as connection:
            head = head_of(connection, SCHEMA)
        sealed = Seal.of(content, head._replace(number=3), 1)
        (folder / "journal.seal").write_bytes(sealed.to_bytes())
    for writing in (False, True):
        refused(folder, writing=writing)


def test_damage_behind_a_transaction_that_was_not_sealed_is_refused(folder):
    def stop(label):
        if label == "before seal":
            raise KeyboardInterrupt

    with (
        Journal.open(folder, writing=True, boundary=stop) as journal,
        pytest.raises(KeyboardInterrupt),
    ):
        journal.append(session(4))
    path = folder / "journal.sqlite"
    content = path.read_bytes()
    places = [place.start() for place in re.finditer(b"XLE", content)]
    assert len(places) > 20
    for place in places:
        path.write_bytes(flipped(content, place, 0))
        refused(folder)
    path.write_bytes(content)
    assert contents(folder)[0][-1].number == 4
    path.write_bytes(content + bytes(4096))
    refused(folder, writing=True)


def test_a_log_that_belongs_to_another_journal_is_refused(folder, tmp_path):
    other = make(tmp_path / "other", 2, {})
    (other / "journal.seal").unlink()
    with closing(sqlite3.connect(other / "journal.sqlite")) as one:
        one.execute("PRAGMA wal_autocheckpoint = 0")
        one.execute("INSERT INTO notes VALUES (2, 0, 'late', NULL, 'x')")
        one.commit()
        shutil.copy(other / "journal.sqlite-wal", folder)
        assert (folder / "journal.sqlite-wal").stat().st_size
    assert refused(folder).restorable


def test_damage_is_refused_in_a_folder_that_cannot_be_written(folder, monkeypatch):
    path = folder / "journal.sqlite"
    path.write_bytes(flipped(path.read_bytes(), 5000, 0))

    def denied(*_):
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr("bt_lstm_rotation.paper.soundness.merged", denied)
    assert refused(folder).restorable
