"""A disk that is full costs what could not be written, and nothing else."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from journals import content_of, contents, files, make, session, start

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.paper.journal import Journal

AT_REST = {"journal.sqlite", "journal.seal", "backup.sqlite", "backup.seal"}


class FullAt:
    """A boundary where the disk is full, once."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.passed = 0

    def __call__(self, label: str) -> None:
        self.passed += 1
        if self.passed == self.place + 1:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_an_append_is_made_or_undone_wherever_the_disk_is_full(tmp_path, caplog):
    whole = make(tmp_path / "whole", 3)
    expected = {n: contents(make(tmp_path / f"{n}", n)) for n in (3, 4, 5)}
    places: list[str] = []
    copy = shutil.copytree(whole, tmp_path / "places")
    with Journal.open(copy, writing=True, boundary=places.append) as journal:
        journal.append(session(4))
    made = places.index("after commit")
    assert made > 10
    for place, label in enumerate(places):
        folder = shutil.copytree(whole, tmp_path / f"full-{place}")
        with Journal.open(folder, writing=True, boundary=FullAt(place)) as journal:
            caplog.clear()
            if place < made:
                with pytest.raises(OutputError) as raised:
                    journal.append(session(4))
                assert str(raised.value) == (
                    "the session of 2020-01-05 cannot be written to the journal of "
                    f"'{folder.name}', which still ends with 2020-01-04 (No space left "
                    "on device); see to the disk, then try again"
                )
                assert content_of(journal) == expected[3]
                assert contents(folder) == expected[3]
                assert files(folder) == AT_REST
            journal.append(session(4))
            unsealed = "is not sealed: No space left" in caplog.text
            assert unsealed is label.endswith(("seal", "backup"))
            assert content_of(journal) == expected[4]
            assert contents(folder) == expected[4]
            journal.append(session(5))
        assert contents(folder) == expected[5]
        assert files(folder) == AT_REST


def test_a_start_is_made_or_undone_wherever_the_disk_is_full(tmp_path):
    expected = contents(make(tmp_path / "whole", 1))
    places: list[str] = []
    Journal.create(tmp_path / "places", start(), boundary=places.append).close()
    made = places.index("before seal")
    assert made > 10
    for place in range(len(places)):
        folder = tmp_path / f"full-{place}"
        if place < made:
            problem = r"cannot hold a journal \(No space left on device\)"
            with pytest.raises(OutputError, match=problem):
                Journal.create(folder, start(), boundary=FullAt(place))
            assert files(folder) == set()
        Journal.create(folder, start()).close()
        assert contents(folder) == expected


def test_a_small_disk_that_fills_up(tmp_path):
    """On a real one: a tmpfs of its own, gone with the process."""
    script = Path(__file__).with_name("fill_disk.py")
    mount = f'mount -t tmpfs -o size=4m tmpfs "{tmp_path}"'
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, mount], capture_output=True).returncode
    ):
        pytest.skip("a tmpfs cannot be mounted here")
    ran = subprocess.run(
        [*unshare, f'{mount} && exec "{sys.executable}" "{script}" "{tmp_path}"'],
        capture_output=True,
        text=True,
    )
    assert not ran.returncode, ran.stderr
    found = json.loads(ran.stdout)
    failed = [problem for problem in found["tried"] if problem]
    assert len(failed) > 3
    assert found["head"] == 3 + len(found["tried"]) - len(failed)
    for problem in failed:
        assert "which still ends with" in problem
        assert "disk is full" in problem or "disk I/O error" in problem
