"""A name is a folder's name and nothing else, and no link leads out of the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from journals import make

from bt_lstm_rotation.errors import JournalError, OutputError, SpecError
from bt_lstm_rotation.paper.names import (
    check_files,
    check_name,
    default_root,
    session_folder,
    session_names,
)

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "/etc",
    "C:x",
    "a\0b",
    "a\n",
    "a b",
    ".hidden",
    "-rf",
    "_x",
    "x" * 65,
    "x" * 300,
    "dot.",
    "con",
    "NUL",
    "aux.txt",
    "Com1",
    "LPT9.tar.gz",
    "\u00fc",
    "\uff41",
    "\u0661",
    "%2e%2e",
    None,
    1,
    b"spy",
    Path("spy"),
    ["spy"],
]


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_what_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(SpecError, match="paper: name must be 1 to 64 letters"):
        session_folder(tmp_path, name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["spy", "A", "9.5_x-y", "x" * 64, "console", "com"])
def test_a_name_is_a_folder_below_the_root(tmp_path, name):
    assert check_name(name) == name
    assert session_folder(tmp_path, name) == tmp_path / name


def test_a_link_or_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "dangling").symlink_to(tmp_path / "nowhere")
    (root / "file").write_text("x")
    os.mkfifo(root / "pipe")

    for name in ("link", "dangling"):
        with pytest.raises(OutputError, match="is a link; move it away"):
            session_folder(root, name)
    for name in ("file", "pipe"):
        with pytest.raises(OutputError, match="is no folder; move it away"):
            session_folder(root, name)
    with pytest.raises(OutputError, match="cannot be used"):
        session_folder(root / "file", "spy")


OWN = [
    "journal.sqlite",
    "journal.sqlite-wal",
    "journal.sqlite-shm",
    "journal.sqlite-journal",
    "journal.seal",
    "backup.sqlite",
    "backup.seal",
    "draft.sqlite",
    "writer.lock",
    "holder.json",
    ".journal.seal.tmp",
    ".backup.sqlite.tmp",
    ".backup.seal.tmp",
    ".holder.json.tmp",
]


@pytest.mark.parametrize("file", OWN)
def test_no_own_file_may_be_a_link_a_pipe_or_a_folder(tmp_path, file):
    path = tmp_path / file
    path.symlink_to("/dev/null")
    with pytest.raises(JournalError, match="is a link; move it away"):
        check_files(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(JournalError, match="is no regular file"):
        check_files(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(JournalError, match="is no regular file"):
        check_files(tmp_path)
    path.rmdir()
    path.write_text("x")
    check_files(tmp_path)


def test_accounts_are_listed_by_their_journals(tmp_path):
    assert session_names(tmp_path / "none") == []
    for name in ("b", "a"):
        make(tmp_path / name, 1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    make(tmp_path / "no name", 1)

    assert session_names(tmp_path) == ["a", "b"]
    with pytest.raises(OutputError, match="cannot be listed"):
        session_names(tmp_path / "file")


def test_the_root_is_in_the_users_data(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_root().name == "paper"
    assert default_root().parent.name == "bt-lstm-rotation"
    assert not list(tmp_path.iterdir())
