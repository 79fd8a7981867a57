"""What may stand in a run's folder, and a run that is not lost at its end."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from disks import fill, small_disk
from odd_files import KINDS, make_loop, snapshot
from results import make_result

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting import (
    RunFolder,
    check_folder,
    compare,
    files,
    read_run,
    render_again,
    write_run,
)
from bt_lstm_rotation.reporting.files import OWN_FILES, SOMETIMES

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and links are POSIX")


EACH_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_run(make_result(5), tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture
def written(whole, tmp_path):
    """Return a run of five sessions, in a folder of its own."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


@EACH_KIND
@pytest.mark.parametrize("name", ["orders.csv", "summary.json", "report.html"])
def test_what_is_no_file_is_never_replaced(written, kind, name):
    folder = written
    (folder / name).unlink()
    KINDS[kind](folder / name)
    before = {p.name: p.lstat().st_ino for p in folder.iterdir()}
    problem = rf"\({name} in it is {kind}\); choose a new folder"
    for refused in (
        lambda: check_folder(folder),
        lambda: write_run(make_result(6), folder),
    ):
        with pytest.raises(OutputError, match=problem):
            refused()
    assert {p.name: p.lstat().st_ino for p in folder.iterdir()} == before


@EACH_KIND
def test_a_run_with_such_a_file_is_not_waited_for(written, kind):
    folder = written
    (folder / "equity.csv").unlink()
    KINDS[kind](folder / "equity.csv")
    with pytest.raises(OutputError, match="holds no whole run"):
        read_run(folder)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "a folder"])
def test_what_is_no_folder_is_named(tmp_path, kind):
    KINDS[kind](tmp_path / "out")
    shown = "a file" if kind == "a link" else kind
    with pytest.raises(OutputError, match=f"out is {shown}; choose a folder"):
        check_folder(tmp_path / "out")
    with pytest.raises(OutputError, match="Not a directory"):
        check_folder(tmp_path / "out" / "below")


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ({"orders.csv": "mine"}, "orders.csv"),
        ({"summary.json": "{}", "thesis.tex": "mine"}, "summary.json"),
        ({"summary.json": '{"data": 1}'}, "summary.json"),
        ({"notes.txt": "mine"}, "notes.txt"),
        ({"XLK.csv": "Date,Open"}, "XLK.csv"),
        ({"equity.csv": "1", "weights.csv": "2", "orders.csv": "3"}, "equity.csv"),
    ],
)
def test_a_folder_of_somebodys_own_files_is_refused(tmp_path, own, shown):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, content in own.items():
        (folder / name).write_text(content)
    before = snapshot(tmp_path)
    problem = f"something else than a run, such as {shown}"
    for refused in (
        lambda: check_folder(folder),
        lambda: write_run(make_result(5), folder),
    ):
        with pytest.raises(OutputError, match=problem):
            refused()
    assert snapshot(tmp_path) == before


def test_a_folder_of_hidden_files_is_an_empty_one(tmp_path):
    (tmp_path / ".gitkeep").write_text("")
    write_run(make_result(5), tmp_path)
    written = OWN_FILES - {*SOMETIMES}
    assert {p.name for p in tmp_path.iterdir()} == written | {".gitkeep"}


def test_a_run_of_an_earlier_version_is_a_run(tmp_path):
    write_run(make_result(5), tmp_path)
    for name in ("positions.csv", "bars.npz"):
        (tmp_path / name).unlink()
    before = snapshot(tmp_path)
    write_run(make_result(6), tmp_path)
    assert snapshot(tmp_path / "earlier-1") == before


@pytest.mark.parametrize(
    "name", ["positions.csv", "actions.csv", "importance.csv", "retrains.csv"]
)
def test_a_users_own_table_beside_the_same_run_is_kept_or_left(tmp_path, name):
    write_run(make_result(5), tmp_path)
    (tmp_path / name).write_text("mine")
    write_run(make_result(5), tmp_path)
    kept = [p.read_text() for p in tmp_path.rglob(name) if p.read_bytes() == b"mine"]
    # What a fit took, in seconds, differs each time: by it no run is told apart.
    assert kept == ["mine"] * (name != "retrains.csv")


def test_a_link_where_earlier_runs_go_is_passed_over(tmp_path):
    write_run(make_result(5), tmp_path)
    (tmp_path / "earlier-1").symlink_to("nowhere")
    write_run(make_result(6), tmp_path)
    assert (tmp_path / "earlier-2" / "summary.json").exists()
    assert (tmp_path / "earlier-1").is_symlink()


def test_a_file_that_has_another_name_too_keeps_it_as_it_was(tmp_path):
    folder = write_run(make_result(5), tmp_path / "run")
    os.link(folder / "orders.csv", tmp_path / "other-name.csv")
    before = (tmp_path / "other-name.csv").read_bytes()
    write_run(make_result(6), folder)
    assert (tmp_path / "other-name.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("n" * 256, "File name too long"),
        ("new/" + "n" * 256, "File name too long"),
        ("new/" + "n/" * 3000, "File name too long"),
        ("loop", "Too many levels of symbolic links"),
        ("loop/run", "Too many levels of symbolic links"),
        ("zero\0byte", "embedded null"),
    ],
)
def test_a_name_that_can_be_none_is_noticed_beforehand(tmp_path, name, reason):
    make_loop(tmp_path / "loop")
    with pytest.raises(OutputError, match=reason):
        check_folder(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]


def test_a_name_of_255_bytes_is_one(tmp_path):
    name = "ü" * 127 + "x"
    assert len(read_run(write_run(make_result(5), tmp_path / name)).account) == 5
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_link_to_what_is_not_there_yet_is_followed(tmp_path):
    (tmp_path / "link").symlink_to("real")
    write_run(make_result(5), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "summary.json").exists()


def test_the_folder_of_the_bars_is_refused_by_any_name(tmp_path):
    bars = tmp_path / "bars"
    bars.mkdir()
    (tmp_path / "link").symlink_to("bars")
    for folder in ("bars", "link", "bars/../bars", "bars/XLK.csv", "link/x.PARQUET"):
        with pytest.raises(OutputError, match="is where the bars are"):
            check_folder(tmp_path / folder, bars=bars)
    # Hidden from whoever reads the bars, or not among them.
    for folder in ("bars/runs/one", "bars/report", "other"):
        check_folder(tmp_path / folder, bars=bars)
    assert snapshot(tmp_path / "bars") == {}


def test_a_new_name_is_found_beside_what_is_there_or_claimed(tmp_path):
    (tmp_path / "run").mkdir()
    with RunFolder(tmp_path / "run", new=True) as first:
        assert first.folder == tmp_path / "run-2"
        first.write(make_result(5))
    (tmp_path / "run-3").symlink_to("nowhere")
    with RunFolder(tmp_path / "run", new=True) as second:
        assert second.folder == tmp_path / "run-4"


def test_moves_that_were_cut_off_are_finished_by_the_next_run(
    tmp_path, monkeypatch, caplog
):
    """As when the process is killed: nothing is put back, and the draft is left."""
    old, new = make_result(5), make_result(6)
    folder = write_run(old, tmp_path / "run")
    whole = snapshot(write_run(new, tmp_path / "whole"))
    drafted = tmp_path / "drafted"
    moves = []

    def killed(source, target, move=os.replace):
        if len(moves) == 4 and not drafted.exists():
            shutil.copytree(folder, drafted)
            raise PermissionError("cut off")
        moves.append(target)
        move(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(OutputError, match="cut off"):
        write_run(new, folder)
    monkeypatch.undo()
    # The folder as it was at that moment.
    shutil.rmtree(folder)
    drafted.rename(folder)
    with RunFolder(folder):
        pass
    assert f"while it was written is whole now, in {folder}" in caplog.text
    assert {name: (folder / name).read_bytes() for name in whole} == whole
    assert len(read_run(folder / "earlier-1").account) == 5
    assert not list(folder.glob(".run-*"))


def test_a_page_that_cannot_be_drawn_costs_the_page_alone(
    tmp_path, monkeypatch, caplog
):
    def fails(result):
        raise ValueError("no such\nbackend <b>")

    monkeypatch.setattr(files, "render", fails)
    folder = write_run(make_result(5), tmp_path / "run")
    assert caplog.messages == [
        "report.html could not be drawn (ValueError: no such backend <b>); all else of "
        "the run is written"
    ]
    page = (folder / "report.html").read_text("utf-8")
    assert "ValueError: no such backend &lt;b&gt;" in page
    assert len(read_run(folder).account) == 5
    monkeypatch.undo()
    render_again(folder)
    assert page != (folder / "report.html").read_text("utf-8")


def test_a_page_of_a_run_goes_nowhere_else(tmp_path):
    folder = write_run(make_result(5), tmp_path / "run")
    precious = tmp_path / "precious.html"
    precious.write_text("mine")
    (folder / "report.html").unlink()
    (folder / "report.html").symlink_to(precious)
    with pytest.raises(OutputError, match="it is a link, not a file"):
        render_again(folder)
    assert precious.read_text() == "mine"


@EACH_KIND
def test_a_comparison_never_replaces_what_is_no_file(written, tmp_path, kind):
    odd = tmp_path / "odd.html"
    KINDS[kind](odd)
    if kind == "a link":
        odd = tmp_path / "precious"
    before = odd.lstat()
    with pytest.raises(OutputError, match=r"no file of ours|is a "):
        compare([written, written], odd)
    assert odd.lstat() == before


def test_a_comparison_replaces_nothing_but_a_comparison(tmp_path):
    runs = [write_run(make_result(n), tmp_path / f"{n}") for n in (5, 6)]
    own = tmp_path / "thesis.html"
    own.write_text("mine")
    with pytest.raises(OutputError, match="no file of ours"):
        compare(runs, own)
    assert own.read_text() == "mine"
    with pytest.raises(OutputError, match="one of a run's own files"):
        compare(runs, runs[0] / "report.html")
    page = tmp_path / ("c" * 250 + ".html")
    for _ in range(2):
        compare(runs, page)
    (tmp_path / "link.html").symlink_to(page.name)
    compare(runs, tmp_path / "link.html")
    assert (tmp_path / "link.html").is_symlink()
    assert "2 runs compared" in page.read_text("utf-8")


def test_a_run_that_cannot_be_written_at_its_end_is_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    place = RunFolder(tmp_path / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "orders.csv").write_text("mine")  # meanwhile
    with pytest.raises(
        OutputError, match=r"such as orders.csv.*; it is in .*run-2 now"
    ):
        place.write_somewhere(make_result(5))
    assert (tmp_path / "run" / "orders.csv").read_text() == "mine"
    assert len(read_run(tmp_path / "run-2").account) == 5
    place.release()
    assert {p.name for p in tmp_path.iterdir()} == {"run", "run-2", "tmp"}


def test_a_disk_that_is_full_at_the_end_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    with small_disk(tmp_path / "disk", "12m") as disk:
        old = write_run(make_result(5), disk / "run")
        before = snapshot(old)
        place = RunFolder(disk / "run")
        fill(disk)
        where = tmp_path / "tmp" / "run"
        with pytest.raises(
            OutputError, match=rf"No space left.*; it is in {where} now"
        ):
            place.write_somewhere(make_result(6))
        place.release()
        assert snapshot(old) == before
    assert len(read_run(where).account) == 6


def test_a_folder_that_was_deleted_meanwhile_is_made_again(tmp_path):
    with RunFolder(tmp_path / "runs" / "one") as place:
        shutil.rmtree(tmp_path / "runs")
        place.write(make_result(5))
    assert len(read_run(tmp_path / "runs" / "one").account) == 5
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["one"]


def test_a_folder_that_came_meanwhile_is_used_if_it_is_empty(tmp_path):
    with RunFolder(tmp_path / "run") as place:
        (tmp_path / "run").mkdir()
        place.write(make_result(5))
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["strategy"]["name"] == "SectorRotation"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
