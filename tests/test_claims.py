"""A claimed folder is one run's; what killed runs have left is cleared, no living's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from disks import fill, make_read_only, small_disk

from bt_lstm_rotation.claims import Claim
from bt_lstm_rotation.leftovers import LONG_AGO, MOVING

HOLDS = """
import sys, time
from pathlib import Path
from bt_lstm_rotation.claims import Claim

claim = Claim(Path(sys.argv[1]))
(claim.draft / "new").mkdir()
(claim.draft / "new" / "equity.csv").write_text("half")
print("claimed", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder():
    """Claim a folder in another process, which goes on until it is killed."""
    started = []

    def hold(folder: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", HOLDS, str(folder)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert started[-1].stdout.readline() == b"claimed\n"
        return started[-1]

    yield hold
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def drafts(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith(".run-"))


@pytest.mark.parametrize("existing", [True, False])
def test_a_claim_leaves_nothing_behind(tmp_path, existing):
    target = tmp_path / "a" / "b" / "run"
    if existing:
        target.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with Claim(target) as claim:
        assert claim.draft.is_dir()
        assert claim.draft.parent == (target if existing else target.parent)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_another_process_has_claimed_is_refused_and_named(tmp_path, holder):
    process = holder(tmp_path / "run")
    with pytest.raises(BlockingIOError, match=f"another run, process {process.pid},"):
        Claim(tmp_path / "run")
    Claim(tmp_path / "other").release()
    assert len(drafts(tmp_path)) == 1


def test_a_killed_process_has_claimed_nothing_and_leaves_nothing(tmp_path, holder):
    killed, living = holder(tmp_path / "one"), holder(tmp_path / "two")
    assert len(drafts(tmp_path)) == 2
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    # The next one beside it clears what is left of the dead, and of no living one.
    Claim(tmp_path / "three").release()
    (left,) = drafts(tmp_path)
    assert (tmp_path / left / "lock").read_text() == str(living.pid)
    assert (tmp_path / left / "new" / "equity.csv").exists()
    with Claim(tmp_path / "one") as claim:
        assert [p.name for p in claim.draft.iterdir()] == ["lock"]


def test_leftovers_in_and_beside_a_folder_are_cleared(tmp_path, holder):
    target = tmp_path / "run"
    beside = holder(target)
    target.mkdir()
    within = holder(target / "below")
    for process in (beside, within):
        process.kill()
        process.wait()
    assert len(drafts(tmp_path)) == len(drafts(target)) == 1
    Claim(target).release()
    assert drafts(tmp_path) == drafts(target) == []


def test_a_draft_that_is_being_moved_waits_for_the_next_claim_of_its_place(
    tmp_path, holder
):
    target = tmp_path / "run"
    target.mkdir()
    process = holder(target)
    (draft,) = drafts(target)
    (target / draft / MOVING).write_text("[]")
    process.kill()
    process.wait()
    Claim(target / "below").release()
    assert drafts(target) == [draft]


def test_of_many_that_want_a_folder_at_once_one_has_it(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from bt_lstm_rotation.claims import Claim\n"
        "while time.time() < float(sys.argv[2]): pass\n"
        "try: claim = Claim(Path(sys.argv[1]))\n"
        "except BlockingIOError: print('refused')\n"
        "else: print('claimed', flush=True); time.sleep(3)\n"
    )
    at = str(time.time() + 4)
    command = [sys.executable, "-c", code, str(tmp_path / "run"), at]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(5)]
    said = sorted(process.communicate()[0] for process in started)
    assert said == [b"claimed\n", *[b"refused\n"] * 4]
    assert list(tmp_path.iterdir()) == []


def test_claims_that_come_and_go_do_not_clear_each_other(tmp_path):
    lost = []

    def work(name: str) -> None:
        for _ in range(40):
            with Claim(tmp_path / name) as claim:
                (claim.draft / "new").write_text(name)
                if (claim.draft / "new").read_text() != name:
                    lost.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    assert list(tmp_path.iterdir()) == []


def test_the_same_thread_may_claim_again_and_another_may_not(tmp_path):
    first = Claim(tmp_path / "run")  # of a run that failed, in a notebook
    second = Claim(tmp_path / "run")
    first.release()
    assert second.draft.is_dir()
    refused = []

    def other() -> None:
        try:
            Claim(tmp_path / "run")
        except BlockingIOError as error:
            refused.append(str(error))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert f"process {os.getpid()}" in refused[0]
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_claim_of_a_thread_that_is_gone_stands_in_nobodys_way(tmp_path):
    kept = []
    thread = threading.Thread(target=lambda: kept.append(Claim(tmp_path / "run")))
    thread.start()
    thread.join()
    Claim(tmp_path / "run").release()
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_is_forgotten_is_given_back(tmp_path):
    claim = Claim(tmp_path / "run")
    assert drafts(tmp_path)
    del claim
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_forked_process_gives_nothing_back_that_is_its_parents(tmp_path):
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from bt_lstm_rotation.claims import Claim\n"
        "claim = Claim(Path(sys.argv[1]))\n"
        "if os.fork() == 0: sys.exit()\n"
        "os.wait()\n"
        "print(claim.draft.is_dir())\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "run")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"
    assert list(tmp_path.iterdir()) == []


def test_folders_of_earlier_versions_are_cleared_once_they_are_old(tmp_path):
    old, young, mine = (
        tmp_path / n for n in (".run-ab12_cd3", ".run-xyzxyzxy", ".run-")
    )
    for folder in (old, young, mine):
        (folder / "new").mkdir(parents=True)
    long_ago = time.time() - LONG_AGO - 60
    os.utime(old, (long_ago, long_ago))
    os.utime(mine, (long_ago, long_ago))
    Claim(tmp_path / "run").release()
    assert set(tmp_path.iterdir()) == {young, mine}


def test_a_disk_that_cannot_be_written_is_noticed_and_nothing_is_left(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        with pytest.raises(OSError, match="No space left"):
            Claim(disk / "run")
        assert [path.name for path in disk.iterdir()] == ["filler"]
        make_read_only(disk)
        with pytest.raises(OSError, match="Read-only"):
            Claim(disk / "run")
        with pytest.raises(OSError, match="Read-only"):
            Claim(disk / "a" / "run")


def test_something_in_place_of_a_draft_is_left_alone(tmp_path):
    with Claim(tmp_path / "run") as claim:
        name = claim.draft.name
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / name).symlink_to(elsewhere)
    with pytest.raises(OSError, match="is a link"):
        Claim(tmp_path / "run")
    assert list(elsewhere.iterdir()) == []


def test_where_there_are_no_locks_work_goes_on_and_nothing_is_cleared(
    tmp_path, monkeypatch
):
    fcntl = pytest.importorskip("fcntl")

    def unknown(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", unknown)
    first, second = Claim(tmp_path / "run"), Claim(tmp_path / "run")
    assert first.draft != second.draft
    assert first.draft.is_dir()
    for claim in (first, second):
        claim.release()
    assert list(tmp_path.iterdir()) == []
