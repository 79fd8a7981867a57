"""Files are whole whatever happens, and a full disk is an error that says so."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from bt_lstm_rotation.disk import disk_errors, write_atomically, write_together
from bt_lstm_rotation.errors import OutputError


@pytest.mark.parametrize("alone", [True, False])
def test_a_file_is_replaced_and_no_draft_is_left(tmp_path, alone):
    file = tmp_path / "rows.csv"
    for content in (b"first", b"second"):
        write_atomically(file, content, alone=alone)
        assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("failing", ["write_bytes", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_and_no_draft(
    tmp_path, monkeypatch, failing
):
    def fail(*_):
        raise OSError(28, "No space left on device")

    file = tmp_path / "rows.csv"
    file.write_bytes(b"old")
    place = Path if failing == "write_bytes" else os
    with monkeypatch.context() as patched:
        patched.setattr(place, failing, fail)
        with pytest.raises(OSError, match="No space"):
            write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_of_two_files_none_is_replaced_before_both_are_written(tmp_path, monkeypatch):
    write = Path.write_bytes

    def full(path, content):
        if "two" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, content)

    old = {tmp_path / "one": b"1", tmp_path / "two": b"2"}
    for path, content in old.items():
        path.write_bytes(content)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_together(dict.fromkeys(old, b"new"))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_writers_of_one_file_do_not_get_in_each_others_way(tmp_path):
    file = tmp_path / "entry"
    contents = [bytes([number]) * 100_000 for number in range(8)]
    threads = [
        threading.Thread(target=write_atomically, args=(file, content))
        for content in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert file.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [file]


def test_a_disk_error_says_what_why_and_what_to_do():
    with (
        pytest.raises(OutputError) as raised,
        disk_errors(OutputError, "the plot cannot be written", "choose another folder"),
    ):
        raise PermissionError(13, "Permission denied", "/secret")
    expected = "the plot cannot be written (Permission denied); choose another folder"
    assert str(raised.value) == expected
    assert isinstance(raised.value.__cause__, PermissionError)


def test_an_error_that_is_not_the_disks_passes_as_it_is():
    with pytest.raises(ZeroDivisionError), disk_errors(OutputError, "no"):
        _ = 1 / 0
