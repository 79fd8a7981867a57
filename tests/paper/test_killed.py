"""Wherever a process is killed, the journal is that of one that was not."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from journals import MORNING, ROWS, contents, files, make, session, start

from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.recovery import restore

AT_REST = {"journal.sqlite", "journal.seal", "backup.sqlite", "backup.seal"}

WRITES = {
    "after transactions",
    *(f"after {table}" for table in ROWS),
    "before commit",
    "after commit",
    "after checkpoint",
    "before seal",
    "after seal",
    "before backup",
    "after backup",
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    root = tmp_path_factory.mktemp("killed")
    script = Path(__file__).with_name("kill_everywhere.py")
    ran = subprocess.run(
        [sys.executable, str(script), str(root)],
        capture_output=True,
        text=True,
        check=True,
    )
    return root, json.loads(ran.stdout)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return {n: contents(make(folder / f"{n}", n)) for n in (1, 3, 4)}


def test_an_account_killed_while_it_starts_starts_again(killed, uninterrupted):
    root, places = killed
    assert set(places["create"].values()) >= {*WRITES, "after tables", "before rename"}
    started = 0
    for name in places["create"]:
        folder = root / name
        if (folder / "journal.sqlite").exists():
            started += 1
            with Journal.open(folder) as journal:
                assert journal.head.number == 1
            Journal.open(folder, writing=True).close()
        else:
            Journal.create(folder, start()).close()
        assert contents(folder) == uninterrupted[1]
        assert files(folder) == AT_REST
    assert 0 < started < len(places["create"])


def test_an_account_killed_in_a_session_goes_on_as_if_it_had_not_been(
    killed, uninterrupted
):
    root, places = killed
    assert set(places["append"].values()) == {*WRITES, "before begin"}
    kept = []
    for name, label in places["append"].items():
        folder = root / name
        as_read = contents(folder)
        with Journal.open(folder, writing=True) as journal:
            assert as_read[0] == journal.transactions()
            if journal.head.number == 3:
                assert as_read == uninterrupted[3]
                journal.append(session(4))
            else:
                kept.append(label)
        assert contents(folder) == uninterrupted[4]
        assert files(folder) == AT_REST
        for kind in ("sqlite", "seal"):
            pair = [folder / f"{which}.{kind}" for which in ("journal", "backup")]
            assert pair[0].read_bytes() == pair[1].read_bytes()
    assert kept == list(places["append"].values())[-6:]
    assert kept[0] == "after commit"


def test_a_restoring_that_was_killed_is_done_again(killed, uninterrupted):
    root, places = killed
    assert {"before moving", "after moving"} <= set(places["mend"].values())
    for name in places["mend"]:
        folder = root / name
        with pytest.raises(JournalError) as raised:
            Journal.open(folder)
        assert raised.value.restorable
        assert str(raised.value.last_sound) == "2020-01-04"
        restore(folder, now=MORNING)
        assert contents(folder) == uninterrupted[3]
        damaged = [file for file in files(folder) if file.startswith("damaged")]
        assert damaged == ["damaged-1.sqlite"]
        assert files(folder) - set(damaged) <= {*AT_REST, "writer.lock"}


def test_a_writer_killed_at_any_moment_leaves_a_sound_journal(tmp_path):
    folder = make(tmp_path / "spy", 1)
    code = (
        "import sys; from pathlib import Path; from journals import session\n"
        "from bt_lstm_rotation.paper.journal import Journal\n"
        "with Journal.open(Path(sys.argv[1]), writing=True) as journal:\n"
        "    print('open', flush=True)\n"
        "    while True: journal.append(session(journal.head.number + 1))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    chance = random.Random(3)
    reached = 1
    for _ in range(8):
        here = Path(__file__).parent
        with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"open\n"
            time.sleep(chance.uniform(0.02, 0.3))
            process.kill()
        with Journal.open(folder) as journal:
            assert journal.head.number >= reached
            reached = journal.head.number
    assert reached > 10
    Journal.open(folder, writing=True).close()
    assert contents(folder) == contents(make(tmp_path / "whole", reached))
