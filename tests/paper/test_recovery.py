"""Of a damaged journal as much is restored as is sound, and nothing is thrown away."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from journals import MORNING, contents, files, make, session

from bt_lstm_rotation.errors import HeldError, JournalError, OutputError
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.lock import writer
from bt_lstm_rotation.paper.recovery import last_sound, restore, verify_chain

AT_REST = {"journal.sqlite", "journal.seal", "backup.sqlite", "backup.seal"}


@pytest.fixture(scope="module")
def chains(tmp_path_factory):
    """Journals of 1 to 6 transactions."""
    root = tmp_path_factory.mktemp("root")
    return {n: make(root / f"{n}", n) for n in range(1, 7)}


@pytest.fixture
def folder(chains, tmp_path):
    return shutil.copytree(chains[6], tmp_path / "spy")


def damage(path: Path, number: int) -> None:
    """Change a note of one transaction."""
    content = bytearray(path.read_bytes())
    places = [m.start() for m in re.finditer(b"the bar came a day later", content)]
    content[sorted(places, reverse=True)[number - 1]] ^= 1
    path.write_bytes(content)


def with_backup_of(folder: Path, chain: Path) -> None:
    for kind in ("sqlite", "seal"):
        shutil.copy(chain / f"backup.{kind}", folder)


def test_a_sound_journal_is_left_as_it_is(folder):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    restored = restore(folder, now=MORNING)
    assert restored == (6, "journal.sqlite", 0, (), ())
    assert {path: path.read_bytes() for path in before} == before
    assert files(folder) - AT_REST <= {"writer.lock"}


def test_it_is_followed_as_far_as_its_hashes_agree(folder):
    assert verify_chain(folder)[::2] == (6, None)
    damage(folder / "journal.sqlite", 5)
    report = verify_chain(folder)
    assert (report.number, str(report.last.session)) == (4, "2020-01-05")
    assert report.problem == "transaction 5 does not match its hash"
    assert report.backup.number == 6
    assert last_sound(folder) == report.last


@pytest.mark.parametrize("number", range(2, 7))
@pytest.mark.parametrize("behind", range(1, 7))
def test_the_longer_chain_of_journal_and_backup_is_kept(folder, chains, number, behind):
    damage(folder / "journal.sqlite", number)
    with_backup_of(folder, chains[behind])
    torn = (folder / "journal.sqlite").read_bytes()
    kept = max(number - 1, behind)

    with pytest.raises(JournalError) as raised:
        Journal.open(folder)
    assert str(raised.value.last_sound) == f"2020-01-0{kept + 1}"
    restored = restore(folder, now=MORNING)

    name = "journal.sqlite" if number - 1 >= behind else "backup.sqlite"
    assert (restored.kept, restored.source, restored.lost) == (kept, name, 6 - kept)
    lost = [str(session(n).session) for n in range(kept + 1, 7)]
    assert [str(day) for day in restored.sessions] == lost
    assert restored.moved == (folder / "damaged-1.sqlite",)
    assert restored.moved[0].read_bytes() == torn
    assert contents(folder) == contents(chains[kept])
    assert files(folder) == {*AT_REST, "damaged-1.sqlite", "writer.lock"}
    with Journal.open(folder, writing=True) as journal:
        for later in range(kept + 1, 7):
            journal.append(session(later))
    assert contents(folder) == contents(chains[6])


@pytest.mark.parametrize("what", ["header", "cut", "text", "empty", "missing"])
def test_where_nothing_can_be_read_the_backup_is_taken(folder, chains, what):
    path = folder / "journal.sqlite"
    content = path.read_bytes()
    with_backup_of(folder, chains[5])
    path.write_bytes(
        {
            "header": b"\0" * 100 + content[100:],
            "cut": content[:3000],
            "text": b"session,equity\n",
            "empty": b"",
            "missing": b"",
        }[what]
    )
    if what == "missing":
        path.unlink()
    restored = restore(folder, now=MORNING)
    assert restored[:4] == (5, "backup.sqlite", 1, ())
    assert len(restored.moved) == (what != "missing")
    assert contents(folder) == contents(chains[5])


@pytest.mark.parametrize("what", ["seal", "free space", "more", "earlier"])
def test_where_every_transaction_is_sound_none_is_lost(folder, chains, what):
    path = folder / "journal.sqlite"
    if what == "seal":
        (folder / "journal.seal").write_bytes(b"{}")
        (folder / "backup.sqlite").unlink()
    elif what == "earlier":
        shutil.copy(chains[2] / "journal.sqlite", folder)
    elif what == "more":
        path.write_bytes(path.read_bytes() + b"\0" * 100)
    else:
        content = bytearray(path.read_bytes())
        content[40] ^= 1  # a counter of changes to the tables
        path.write_bytes(content)
    restored = restore(folder, now=MORNING)
    assert (restored.kept, restored.lost, restored.sessions) == (6, 0, ())
    assert contents(folder) == contents(chains[6])


def test_a_damaged_backup_is_not_thrown_away_either(folder):
    damage(folder / "journal.sqlite", 4)
    damage(folder / "backup.sqlite", 3)
    torn = (folder / "backup.sqlite").read_bytes()
    restored = restore(folder, now=MORNING)
    assert restored.kept == 3
    assert [path.name for path in restored.moved] == [
        "damaged-1-backup.sqlite",
        "damaged-1.sqlite",
    ]
    assert contents(folder)[0][-1].number == 3
    assert restored.moved[0].read_bytes() == torn


def test_each_damaged_journal_has_a_name_of_its_own(folder):
    for number in (1, 2, 3):
        damage(folder / "journal.sqlite", 6)
        restored = restore(folder, now=MORNING)
        assert restored.moved == (folder / f"damaged-{number}.sqlite",)
        assert (restored.kept, restored.source) == (6, "backup.sqlite")


def test_where_nothing_is_sound_it_says_so_and_does_nothing(folder):
    for name in ("journal.sqlite", "backup.sqlite"):
        (folder / name).write_bytes(b"SQLite format 3\0" + bytes(5000))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(JournalError, match="nothing of it can be restored"):
        restore(folder, now=MORNING)
    assert {path: path.read_bytes() for path in before} == before
    assert last_sound(folder) is None


@pytest.fixture
def stranger(tmp_path):
    return make(tmp_path / "stranger", 7, {})


def test_a_backup_that_contradicts_the_seal_is_not_taken(folder, stranger):
    damage(folder / "journal.sqlite", 3)
    with_backup_of(folder, stranger)
    assert restore(folder, now=MORNING)[:2] == (2, "journal.sqlite")


def test_where_no_seal_says_which_of_two_accounts_it_is_none_is_taken(folder, stranger):
    damage(folder / "journal.sqlite", 3)
    with_backup_of(folder, stranger)
    (folder / "journal.seal").unlink()
    for act in (Journal.open, lambda folder: restore(folder, now=MORNING)):
        with pytest.raises(JournalError, match="are of two accounts; move one of") as e:
            act(folder)
        assert not e.value.restorable


def test_a_backup_of_another_account_alone_is_not_taken(folder, stranger):
    with_backup_of(folder, stranger)
    (folder / "journal.sqlite").unlink()
    with pytest.raises(JournalError, match="no file holds what was sealed"):
        restore(folder, now=MORNING)


def test_it_waits_for_no_writer(folder):
    damage(folder / "journal.sqlite", 3)
    with writer(folder, purpose="step", now=MORNING), pytest.raises(HeldError):
        restore(folder, now=MORNING)


def test_where_no_account_is_none_is_made(tmp_path):
    for act in (verify_chain, last_sound, lambda path: restore(path, now=MORNING)):
        with pytest.raises(JournalError, match="there is no journal in"):
            act(tmp_path / "spy")
    assert not (tmp_path / "spy").exists()


def test_a_disk_that_is_full_leaves_the_damaged_journal_for_another_try(folder, chains):
    damage(folder / "journal.sqlite", 3)
    with_backup_of(folder, chains[4])
    places: list[str] = []
    copy = shutil.copytree(folder, folder.with_name("copy"))
    restore(copy, now=MORNING, boundary=places.append)
    for place in {label: place for place, label in enumerate(places)}.values():
        copy = shutil.copytree(folder, folder.with_name(f"copy-{place}"))
        passed: list[str] = []

        def full(label: str, place: int = place, passed: list[str] = passed) -> None:
            passed.append(label)
            if len(passed) == place + 1:
                raise OSError(28, "No space left on device")

        with pytest.raises(OutputError, match=r"cannot be restored \(No space left"):
            restore(copy, now=MORNING, boundary=full)
        assert restore(copy, now=MORNING).kept == 4
        assert contents(copy) == contents(chains[4])


def test_a_log_that_a_killed_process_left_is_kept_with_the_damaged_file(folder):
    def stop(label):
        if label == "after commit":
            shutil.copytree(folder, folder.with_name("killed"))

    with Journal.open(folder, writing=True, boundary=stop) as journal:
        journal.append(session(7))
    killed = folder.with_name("killed")
    assert (killed / "journal.sqlite-wal").stat().st_size
    (killed / "journal.seal").write_bytes(b"")
    restored = restore(killed, now=MORNING)
    assert (restored.kept, restored.source) == (7, "journal.sqlite")
    assert contents(killed) == contents(folder)
    assert "damaged-1.sqlite-wal" in files(killed)
    assert not files(killed) & {"journal.sqlite-wal", "journal.sqlite-shm"}


def test_a_log_without_its_journal_is_not_taken_for_that_of_a_new_one(folder, chains):
    (folder / "journal.sqlite").unlink()
    stray = folder / "journal.sqlite-wal"
    stray.write_bytes(b"7\x7f\x06\x82" + bytes(5000))
    assert restore(folder, now=MORNING).kept == 6
    assert contents(folder) == contents(chains[6])
    for path in folder.iterdir():
        path.unlink()
    stray.write_bytes(b"7\x7f\x06\x82" + bytes(5000))
    make(folder, 1)
    assert files(folder) == AT_REST
