"""Somebody else has been in an account's folder, or has made its journal."""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
import shutil
import sys
import zipfile
from importlib._bootstrap_external import _code_to_timestamp_pyc
from pathlib import Path

import numpy as np
import pytest
from vendor import DAYS, SETTINGS, account

from bt_lstm_rotation.archive import pack
from bt_lstm_rotation.cli import main
from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.paper import Configuration, session
from bt_lstm_rotation.paper.daybook import model_key
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.transaction import Transaction

FIRST = 100
MINE = """\
import backtrader as bt
from levels import SIZE


class Mine(bt.Strategy):
    def next(self):
        self.buy(data=self.datas[1], size=SIZE)
"""


@pytest.fixture(autouse=True)
def _no_page_is_drawn(monkeypatch):
    monkeypatch.setattr(session, "write_page", lambda *parts: None)


@pytest.fixture
def begun(tmp_path):
    """Begin an account on a strategy whose file is gone; return its root."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.py").write_text(MINE)
    (own / "levels.py").write_text("SIZE = 2\n")
    wanted = SETTINGS | {"strategy": str(own / "mine.py"), "settings": ()}
    root = tmp_path / "accounts"
    account(root, FIRST).start(Configuration(**wanted))
    account(root, FIRST).step()
    shutil.rmtree(own)
    return root


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


# Copies of a strategy


@pytest.fixture
def evil(tmp_path):
    """Return code that leaves a mark, and what tells whether it was run."""
    mark = tmp_path / "mark"
    return f"open({str(mark)!r}, 'w').close()\nSIZE = 3\n", mark.exists


def changed(copies, code, tmp_path):
    (copies / "levels.py").write_text(code)


def package_beside(copies, code, tmp_path):
    (copies / "levels").mkdir()
    (copies / "levels" / "__init__.py").write_text(code)


def compiled(copies, code, tmp_path):
    for name in ("levels.py", "mine.py"):
        source = copies / name
        binary = Path(importlib.util.cache_from_source(str(source)))
        binary.parent.mkdir(exist_ok=True)
        found = source.stat()
        program = compile(code, str(source), "exec")
        data = _code_to_timestamp_pyc(program, int(found.st_mtime), found.st_size)
        binary.write_bytes(data)


def linked_file(copies, code, tmp_path):
    (tmp_path / "other.py").write_text(code)
    (copies / "levels.py").unlink()
    (copies / "levels.py").symlink_to(tmp_path / "other.py")


def linked_folder(copies, code, tmp_path):
    other = shutil.copytree(copies, tmp_path / "other")
    (other / "levels.py").write_text(code)
    shutil.rmtree(copies)
    copies.symlink_to(other)


def folder_in_place(copies, code, tmp_path):
    (copies / "levels.py").unlink()
    (copies / "levels.py").mkdir()
    (copies / "levels.py" / "__init__.py").write_text(code)


def hard_linked(copies, code, tmp_path):
    (tmp_path / "other.py").write_text(code)
    (copies / "levels.py").unlink()
    os.link(tmp_path / "other.py", copies / "levels.py")


@pytest.mark.parametrize(
    "tamper",
    [
        changed,
        package_beside,
        compiled,
        linked_file,
        linked_folder,
        folder_in_place,
        hard_linked,
    ],
)
def test_what_runs_is_the_text_of_the_journal(
    begun, tmp_path, monkeypatch, evil, tamper
):
    code, was_run = evil
    (copies,) = (begun / "mine" / "strategy").iterdir()
    tamper(copies, code, tmp_path)
    for name in ("bt_lstm_rotation_strategy_mine", "levels"):  # as in a new process
        monkeypatch.delitem(sys.modules, name)
    outside = {
        path: path.read_bytes() for path in tmp_path.glob("other*") if path.is_file()
    }
    assert account(begun, FIRST + 1).step().sessions == (DAYS[FIRST + 1],)
    assert not was_run()
    rows = account(begun, FIRST + 1).record().tables["orders"]
    assert {row[4] for row in rows} == {2.0}
    (copies,) = (begun / "mine" / "strategy").iterdir()
    assert not copies.is_symlink()
    left = {path.name for path in copies.rglob("*") if "__pycache__" not in str(path)}
    assert left == {"mine.py", "levels.py"}
    for path, content in outside.items():
        assert path.read_bytes() == content


# Journals that somebody else has made


def forged(root, change):
    """Make an account of the rows of another, some changed, with all hashes right."""
    record = account(root, FIRST).record()
    folder = root / "forged"
    journal = None
    for entry in record.transactions:
        rows = {
            table: [row[1:] for row in found if row[0] == entry.number]
            for table, found in record.tables.items()
        }
        change(entry.number, rows)
        new = Transaction(entry.kind, entry.session, entry.written, entry.version, rows)
        if journal is None:
            journal = Journal.create(folder, new)
        else:
            journal.append(new)
    journal.close()
    return account(root, FIRST + 1, name="forged")


@pytest.mark.parametrize(
    "name",
    [
        "../x.py",
        "/tmp/x.py",
        "a/../../x.py",
        "./../x.py",
        "..\\x.py",
        "C:x.py",
        "a\0b.py",
        "\x1b[31m.py",
        "",
        ".",
        "..",
    ],
)
def test_no_path_of_a_journal_leads_out_of_it(begun, tmp_path, evil, name):
    code, was_run = evil

    def change(number, rows):
        if number == 1:
            rows["sources"] += [(name, code)]

    mine = forged(begun, change)
    (tmp_path / "x.py").write_text("mine\n")
    before = everything(tmp_path)
    with pytest.raises(JournalError, match="the journal names a file"):
        mine.step()
    assert not was_run()
    after = everything(tmp_path)
    for path, content in before.items():
        assert after[path] == content
    assert not {path for path in after.keys() - before.keys() if "forged" not in path}
    assert not Path("/tmp/x.py").exists()


class Trap:
    def __reduce__(self):
        return (open, ("trap", "w"))


def objects():
    """Return an archive as `pack` writes it, of an array of objects."""
    import hashlib

    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as members, members.open("w.npy", "w") as member:
        np.lib.format.write_array(member, np.array([Trap()]), allow_pickle=True)
    return body.getvalue() + hashlib.sha256(body.getvalue()).digest()


WEIGHTS = {
    "a pickle": pickle.dumps(Trap()),
    "an archive of objects": objects(),
    "nothing": b"",
    "half": pack({"w": np.ones(9)})[:-40],
    "a flipped bit": pack({"w": np.ones(9)})[:-5]
    + b"\1"
    + pack({"w": np.ones(9)})[-4:],
    "noise": bytes(range(256)) * 9,
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_none_are_refused_and_not_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "accounts"
    wanted = Configuration(**SETTINGS)
    account(root, FIRST).start(wanted)
    account(root, FIRST).step()
    strategy, params = wanted.load_strategy()
    key = model_key(params.get("spec", strategy.params.spec), wanted.symbols)

    def change(number, rows):
        rows["fits"] = [
            (*row[:-1], WEIGHTS[name]) if row[0] == key else row for row in rows["fits"]
        ]
        if number == 2:
            assert rows["fits"]

    mine = forged(root, change)
    for act in (mine.step, mine.replayed):
        with pytest.raises(JournalError, match="the weights of the fit of"):
            act()
    assert not Path("trap").exists()


# Names, links and junk


ACTIONS = {
    "start": ("--data", "simulated", "--strategy", "momentum_12_1"),
    "step": (),
    "watch": (),
    "status": (),
    "orders": (),
    "report": (),
    "export": ("--out", "run"),
    "version": ("--set", "top=1"),
    "stop": (),
    "verify": (),
    "restore": (),
}


@pytest.fixture
def paper(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(action, name, root="accounts"):
        words = ["paper", action, "--root", str(root), *ACTIONS[action]]
        code = main([*words, "--", name])
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return code, said.err

    return run


@pytest.mark.parametrize("action", ACTIONS)
def test_a_name_is_no_path_whatever_is_done(paper, tmp_path, action):
    (tmp_path / "x").mkdir()
    (tmp_path / "accounts").mkdir()
    before = everything(tmp_path)
    for name in ("../x", str(tmp_path / "x"), "a\0b", "x" * 300, "-x", "", "\x1b[31mx"):
        code, said = paper(action, name)
        assert code == 2
        assert "name must be 1 to 64 letters" in said
        assert "\x1b" not in said
    assert everything(tmp_path) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_no_link_is_followed_whatever_is_done(paper, begun, tmp_path, action):
    outside = shutil.copytree(begun / "mine", tmp_path / "outside")
    (begun / "link").symlink_to(outside)
    (begun / "dangling").symlink_to(tmp_path / "nowhere")
    before = everything(tmp_path)
    for name in ("link", "dangling"):
        code, said = paper(action, name, begun)
        assert code == 2
        assert "is a link; move it away" in said
    for number, name in enumerate(
        ("journal.sqlite", "journal.seal", "writer.lock", "yahoo", "strategy", "paper")
    ):
        copy = shutil.copytree(begun / "mine", begun / f"mine-{number}")
        moved = outside / name
        if (copy / name).exists():
            (copy / name).rename(tmp_path / f"moved-{number}")
            moved = tmp_path / f"moved-{number}"
        (copy / name).symlink_to(moved)
        code, said = paper(action, copy.name, begun)
        assert code == 2
        assert f"{name} is a link; move it away" in said
        (copy / name).unlink()
    after = everything(tmp_path)
    for path, content in before.items():
        assert after[path] == content


def test_junk_in_the_folder_is_in_nobodys_way(begun):
    folder = begun / "mine"
    for number in range(2_000):
        (folder / f"junk-{number}").touch()
    for name in ("\x1b[31mred", "journal.sqlite.old", "damaged-1.sqlite", ".hidden"):
        (folder / name).write_bytes(b"junk")
    (folder / "deep" / "er").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder)
    before = everything(folder)
    mine = account(begun, FIRST + 1)
    assert mine.step().sessions == (DAYS[FIRST + 1],)
    assert mine.status().sessions == 2
    assert [entry.kind for entry in mine.record().transactions][-1] == "session"
    after = everything(folder)
    gone = {name for name in before if name not in after}
    assert {name for name in gone if "__pycache__" not in name} == set()


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "null", '{"data": 5}', '{"strategy": "no_such_thing"}', "[" * 9_000],
)
def test_a_configuration_that_is_none_is_refused(begun, text):
    def change(number, rows):
        if number == 1:
            rows["configurations"] = [(text,)]
            rows["sources"] = []

    with pytest.raises(JournalError, match="configuration cannot be read"):
        forged(begun, change).step()
