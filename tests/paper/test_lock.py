"""One writer an account; whoever comes second is told by whom it is held."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from journals import MORNING, files

from bt_lstm_rotation.errors import HeldError, JournalError, OutputError
from bt_lstm_rotation.paper.lock import writer


def held(folder: Path) -> HeldError:
    began = time.monotonic()
    with (
        pytest.raises(HeldError) as raised,
        writer(folder, purpose="watch", now=MORNING),
    ):
        pytest.fail("two writers")
    assert time.monotonic() - began < 5
    return raised.value


def test_a_second_writer_is_told_at_once_who_holds_it(tmp_path):
    folder = tmp_path / "root" / "spy"
    with writer(folder, purpose="step", now=MORNING):
        error = held(folder)
        assert (error.pid, error.purpose) == (os.getpid(), "step")
        assert dt.datetime.fromisoformat(error.since or "") == MORNING
        assert str(error).startswith(f"'spy' is in use by process {os.getpid()} on ")
        assert str(error).endswith(
            "since 2020-01-02T06:30:00+00:00 (step); wait for it, or end it"
        )
    with writer(folder, purpose="step", now=MORNING):
        pass
    assert files(folder) <= {"writer.lock"}


def test_it_is_let_go_of_when_the_work_fails(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        writer(tmp_path, purpose="step", now=MORNING),
    ):
        _ = 1 / 0
    with writer(tmp_path, purpose="step", now=MORNING):
        pass


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"{}",
        b"[" * 5000,
        b'{"pid": "7", "host": "h", "since": "s", "purpose": "p"}',
        b'{"pid": true, "host": "h", "since": "s", "purpose": "p"}',
        b'{"pid": 7, "host": "h", "since": "s", "purpose": null}',
        b'{"pid": 7}',
    ],
)
def test_a_holder_that_cannot_be_read_is_another_process(tmp_path, content):
    with writer(tmp_path / "spy", purpose="step", now=MORNING):
        holder = tmp_path / "spy" / "holder.json"
        holder.unlink()
        if content is not None:
            holder.write_bytes(content)
        expected = "'spy' is in use by another process; wait for it, or end it"
        assert str(held(tmp_path / "spy")) == expected


def test_a_holder_that_says_so_a_moment_later_is_named(tmp_path):
    with writer(tmp_path / "spy", purpose="step", now=MORNING):
        holder = tmp_path / "spy" / "holder.json"
        written = holder.read_bytes()
        holder.unlink()
        late = threading.Timer(0.1, holder.write_bytes, (written,))
        late.start()
        assert held(tmp_path / "spy").pid == os.getpid()
        late.join()


def test_what_a_killed_holder_left_does_not_count(tmp_path):
    (tmp_path / "writer.lock").write_text("anything")
    (tmp_path / "holder.json").write_text('{"pid": 1}')
    with writer(tmp_path, purpose="step", now=MORNING):
        written = json.loads((tmp_path / "holder.json").read_bytes())
        assert written["pid"] == os.getpid()


def test_a_killed_holders_lock_is_free(tmp_path):
    code = (
        "import datetime as dt, sys, time; from pathlib import Path\n"
        "from bt_lstm_rotation.paper.lock import writer\n"
        "now = dt.datetime.now(dt.UTC)\n"
        "with writer(Path(sys.argv[1]), purpose='watch', now=now):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        assert held(tmp_path).pid == process.pid
        process.send_signal(signal.SIGKILL)
        process.wait()
    with writer(tmp_path, purpose="step", now=MORNING):
        pass


def test_of_twenty_at_once_one_has_it(tmp_path):
    script = Path(__file__).with_name("twenty_at_once.py")
    ran = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(ran.stdout)
    assert found["codes"] == [0] * 20
    assert sorted(a.split()[0] for a in found["answers"]) == ["held"] + 19 * ["refused"]


def test_a_lock_that_is_no_file_is_refused(tmp_path):
    outside = tmp_path / "outside"
    folder = tmp_path / "spy"
    folder.mkdir()
    (folder / "writer.lock").symlink_to(outside)
    with (
        pytest.raises(JournalError, match=r"writer\.lock is a link"),
        writer(folder, purpose="step", now=MORNING),
    ):
        pass
    assert not outside.exists()


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(OutputError, match="choose another folder"),
        writer(tmp_path / "file" / "spy", purpose="step", now=MORNING),
    ):
        pass


def test_a_holder_that_cannot_be_written_is_no_reason_to_stop(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bt_lstm_rotation.paper.lock.write_atomically", full)
    with writer(tmp_path, purpose="step", now=MORNING):
        assert held(tmp_path).pid is None
