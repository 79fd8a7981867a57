"""Files are whole whatever happens, and a full disk is an error that says so."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from odd_files import KINDS

from bt_lstm_rotation.disk import (
    checked_file,
    disk_errors,
    hidden_beside,
    read_regular,
    write_atomically,
    write_together,
)
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


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_a_file_is_read_or_replaced(tmp_path, kind):
    odd = tmp_path / "odd"
    KINDS[kind](odd)
    before = odd.lstat()
    with pytest.raises(OSError, match=f"it is {kind}, not a file"):
        write_atomically(odd, b"new")
    if kind == "a link":
        assert read_regular(odd) == b"mine"
    else:
        with pytest.raises(OSError, match=f"it is {kind}, not a file"):
            read_regular(odd)
        (tmp_path / "to").symlink_to(odd)
        with pytest.raises(OSError, match=f"it is {kind}, not a file"):
            read_regular(tmp_path / "to")
    assert odd.lstat() == before


def test_a_draft_that_is_somebody_elses_link_is_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    hidden_beside(tmp_path / "rows.csv", ".tmp").symlink_to(precious)
    with pytest.raises(OSError, match="it is a link"):
        write_atomically(tmp_path / "rows.csv", b"new", alone=True)
    assert precious.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127, "short"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_file_may_have_any_name_that_a_disk_takes(tmp_path, name, alone):
    for content in (b"first", b"second"):
        write_atomically(tmp_path / name, content, alone=alone)
    assert (tmp_path / name).read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_two_long_names_have_two_drafts(tmp_path):
    one, two = (hidden_beside(tmp_path / ("n" * 254 + x), ".tmp") for x in "ab")
    assert one != two
    assert hidden_beside(tmp_path / "t.csv", ".lock").name == ".t.csv.lock"


def test_a_file_larger_than_the_memory_is_an_error_of_the_disk(tmp_path):
    file = tmp_path / "sparse"
    with file.open("wb") as made:
        try:
            made.truncate(2**42)
        except OSError as error:
            pytest.skip(f"no such file can be made here: {error}")
    with pytest.raises(OSError, match="larger than the memory"):
        read_regular(file)


def test_where_a_file_goes_is_found_before_it_is_made(tmp_path):
    (tmp_path / "link").symlink_to("deep/er/page.html")
    expected = tmp_path / "deep" / "er" / "page.html"
    assert checked_file(tmp_path / "link", "the page") == expected
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
    for name, reason in (
        ("n" * 256, "File name too long"),
        ("new/" + "n" * 256, "File name too long"),
        ("zero\0", "embedded null"),
        (".", "is a folder; choose a file for the page"),
    ):
        with pytest.raises(OutputError, match=reason):
            checked_file(tmp_path / name, "the page")
