"""The commands that make pages of runs that are over."""

from __future__ import annotations

import pytest

from bt_lstm_rotation import cli
from bt_lstm_rotation.reporting import write_run
from tests.reporting.results import make_result, without_forecasts


@pytest.fixture
def runs(tmp_path):
    return [
        write_run(result, tmp_path / name)
        for name, result in (("lstm", make_result()), ("equal", without_forecasts()))
    ]


def test_a_page_is_rendered_again_from_the_files_alone(runs, capsys):
    page = runs[0] / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert cli.main(["report", str(runs[0])]) == 0
    assert page.read_bytes() == before
    assert capsys.readouterr().out.strip() == str(page)


def test_runs_are_put_side_by_side_in_tables_and_a_page(runs, tmp_path, capsys):
    out = tmp_path / "both.html"
    assert cli.main(["compare", *map(str, runs), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "Total return" in shown
    assert shown.splitlines()[1].split() == ["lstm", "equal"]
    # The same curve twice.
    gaps = [line.split() for line in shown.splitlines() if line.startswith("equal")]
    assert gaps[0] == ["equal", "Growth", "a", "year", "0.0%", "0.0%", "0.0%", "no"]
    page = out.read_text(encoding="utf-8")
    assert "2 runs compared" in page
    assert str(out) in shown


def test_runs_of_one_name_are_told_apart_by_their_folders(runs, tmp_path, capsys):
    other = write_run(make_result(), tmp_path / "elsewhere" / "lstm")
    out = tmp_path / "both.html"
    assert cli.main(["compare", str(runs[0]), str(other), "--out", str(out)]) == 0
    assert f"{tmp_path.name}/lstm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["lstm"], "name two runs or more to compare (got 1)"),
        (["lstm", "lstm"], "a run is named twice; name each once"),
        (["lstm", "nowhere"], "nowhere is no folder; name the folder of a run"),
        (["lstm", "."], "holds no whole run"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(
    runs, names, problem, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", *names]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1
    assert not (tmp_path / "comparison.html").exists()


def test_a_page_that_cannot_be_written_leaves_the_old_one(runs, tmp_path, capsys):
    out = tmp_path / "file" / "page.html"
    out.parent.write_text("no folder")
    assert cli.main(["compare", *map(str, runs), "--out", str(out)]) == 2
    assert "the page cannot be written to" in capsys.readouterr().err
    assert out.parent.read_text() == "no folder"


def test_a_folder_that_holds_no_run_has_no_page(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "holds no whole run" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
