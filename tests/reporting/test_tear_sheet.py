"""quantstats' tear sheet: refused before a run, made apart, written whole or not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import random_panel
from results import make_result, without_benchmark

from bt_lstm_rotation import cli
from bt_lstm_rotation.errors import MissingExtraError, OutputError
from bt_lstm_rotation.reporting import exports, tear_sheet, write_run
from bt_lstm_rotation.reporting.tear_sheet import check_tear_sheet, write_tear_sheet

# In place of quantstats: writes what it was given.
REPORTS = """\
import json
def html(returns, benchmark, **options):
    series = [returns] if benchmark is None else [returns, benchmark]
    given = {
        "sessions": [str(day.date()) for day in returns.index],
        "series": [one.fillna(-9).tolist() for one in series],
        "options": {k: v for k, v in options.items() if k != "output"},
    }
    with open(options["output"], "w") as file:
        file.write('<link rel="shortcut icon" href="https://x.io/i" type="i">')
        json.dump(given, file)
"""
QUICK = (
    *("--strategy", "momentum_12_1", "--set", "lookback=5"),
    *("--set", "skip=0", "--set", "horizon=2"),
)


@pytest.fixture
def quantstats(tmp_path, monkeypatch):
    """Put something else in place of quantstats; return the file to change it by."""
    package = tmp_path / "modules" / "quantstats"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "reports.py").write_text(REPORTS)
    monkeypatch.delitem(sys.modules, "quantstats", raising=False)
    monkeypatch.syspath_prepend(package.parent)
    return package / "reports.py"


@pytest.fixture
def no_quantstats(monkeypatch):
    monkeypatch.setitem(sys.modules, "quantstats", None)


@pytest.fixture
def arguments(tmp_path):
    """Arguments of a quick run of three sectors and SPY."""
    bars = tmp_path / "bars"
    bars.mkdir()
    panel = random_panel(("SPY", "XLE", "XLK", "XLV"), 160)
    for symbol in panel.symbols:
        panel.frame(symbol).to_csv(bars / f"{symbol}.csv", index_label="Date")
    return [f"--data=folder:{bars}", "--benchmark=SPY", *QUICK]


def given_to(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8"))


def test_quantstats_is_given_the_run_and_its_benchmark(quantstats, tmp_path):
    result = make_result(30)
    given = given_to(write_tear_sheet(result, tmp_path / "new" / "sheet.html"))
    returns = exports.returns(result)
    assert given["sessions"] == [str(day.date()) for day in returns.index]
    benchmark = exports.benchmark_returns(result).tolist()
    assert given["series"] == [returns.tolist(), benchmark]
    assert given["options"] == {
        "title": "SectorRotation",
        "strategy_title": "SectorRotation",
        "benchmark_title": "SPY",
        "periods_per_year": 252,
        "match_dates": False,
    }
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["sheet.html"]


def test_what_is_not_known_of_a_benchmark_stays_unknown(quantstats, tmp_path):
    result = make_result(4)
    result.account.loc[result.account.index[0], "benchmark"] = np.nan
    given = given_to(write_tear_sheet(result, tmp_path / "sheet.html"))
    assert given["series"][1][0] == -9
    assert -9 not in given["series"][1][1:]


def test_a_run_without_a_benchmark_is_compared_with_none(quantstats, tmp_path):
    given = given_to(write_tear_sheet(without_benchmark(), tmp_path / "sheet.html"))
    assert len(given["series"]) == 1


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("<script>alert(1)</script>", "?script?alert(1)??script?"),
        ("$x^{", "?x??"),
        ("half \ud800", "half ?"),
        ("Übung", "Übung"),
        ("two\nlines", "two?lines"),
        ("x" * 1000, "x" * 60),
        ("SectorRotation", "SectorRotation (benchmark)"),
    ],
)
def test_a_hostile_name_is_no_part_of_the_page(quantstats, tmp_path, name, title):
    result = make_result(5)
    data = result.summary["data"] | {"benchmark": name}
    result = replace(result, summary=result.summary | {"data": data})
    given = given_to(write_tear_sheet(result, tmp_path / "sheet.html"))
    assert given["options"]["benchmark_title"] == title


@pytest.mark.parametrize("name", ["<b>&$x^.html", "-o.html", "two\nlines", "ü \udc80"])
def test_a_hostile_file_is_written(quantstats, tmp_path, name):
    file = tmp_path / name
    check_tear_sheet(file, tmp_path / "run")
    assert given_to(write_tear_sheet(make_result(5), file))["series"]


def test_a_module_of_that_name_beside_the_user_is_left_alone(
    quantstats, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pandas.py").write_text("raise SystemExit('taken for pandas')")
    assert given_to(write_tear_sheet(make_result(5), Path("sheet.html")))["series"]


def test_a_tear_sheet_replaces_an_earlier_one(quantstats, tmp_path):
    file = tmp_path / "sheet.html"
    file.write_text("earlier")
    write_tear_sheet(make_result(5), file)
    assert "earlier" not in file.read_text()


def test_a_failure_of_quantstats_says_why_and_keeps_the_file(quantstats, tmp_path):
    quantstats.write_text("def html(*a, **k):\n    raise ValueError('no luck')\n")
    file = tmp_path / "sheet.html"
    file.write_text("earlier")
    with pytest.raises(OutputError, match=r"make a tear sheet \(ValueError: no luck\)"):
        write_tear_sheet(make_result(5), file)
    assert file.read_text() == "earlier"


def test_a_run_of_one_session_has_no_tear_sheet(quantstats, tmp_path):
    with pytest.raises(OutputError, match="a run of at least two sessions"):
        write_tear_sheet(make_result(1), tmp_path / "sheet.html")
    assert not (tmp_path / "sheet.html").exists()


def test_without_quantstats_the_extra_is_named(no_quantstats, tmp_path):
    for refuse in (
        lambda: check_tear_sheet(tmp_path / "a.html", tmp_path / "run"),
        lambda: write_tear_sheet(make_result(5), tmp_path / "a.html"),
    ):
        with pytest.raises(MissingExtraError, match=r"rotation\[quantstats\]"):
            refuse()


def test_a_folder_called_quantstats_is_not_taken_for_it(tmp_path, monkeypatch):
    (tmp_path / "quantstats").mkdir()
    monkeypatch.delitem(sys.modules, "quantstats", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(MissingExtraError):
        check_tear_sheet(tmp_path / "a.html", tmp_path / "run")


def test_the_runs_own_files_are_not_replaced(quantstats, tmp_path):
    run = write_run(make_result(5), tmp_path / "run")
    for own in run.iterdir():
        with pytest.raises(OutputError, match="is one of the run's own files"):
            check_tear_sheet(run / "." / own.name, run)
    check_tear_sheet(run / "sheet.html", run)
    check_tear_sheet(tmp_path / "report.html", run)


@pytest.mark.parametrize("file", ["out", "out/run", "out/../out/run"])
def test_the_runs_folder_is_not_taken(quantstats, tmp_path, file):
    with pytest.raises(OutputError, match="is where the run's folder goes"):
        check_tear_sheet(tmp_path / file, tmp_path / "out" / "run")


def test_what_cannot_be_written_is_refused(quantstats, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="not a folder that can be written"):
        check_tear_sheet(tmp_path / "file" / "sheet.html", tmp_path / "run")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="is a folder; choose a file"):
        check_tear_sheet(tmp_path / "folder", tmp_path / "run")
    with pytest.raises(OutputError, match="tear sheet cannot be written to"):
        write_tear_sheet(make_result(5), tmp_path / "file" / "sheet.html")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other rights")
def test_a_folder_without_the_right_to_write_is_refused(
    quantstats, tmp_path, monkeypatch
):
    monkeypatch.setattr(tear_sheet.os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="choose another place"):
        check_tear_sheet(tmp_path / "sheet.html", tmp_path / "run")


def test_the_command_line_writes_it_after_the_run(
    quantstats, arguments, tmp_path, capsys
):
    out, file = tmp_path / "out", tmp_path / "sheet.html"
    assert cli.main([*arguments, f"--out={out}", f"--quantstats={file}"]) == 0
    assert capsys.readouterr().out.endswith(f"\nTear sheet {file}\n")
    assert given_to(file)["series"][0] == exports.returns(out).tolist()
    assert "sheet.html" not in {path.name for path in out.iterdir()}


def test_quiet_prints_the_folder_alone(quantstats, arguments, tmp_path, capsys):
    out, file = tmp_path / "out", tmp_path / "out" / "sheet.html"
    arguments += [f"--out={out}", f"--quantstats={file}", "--quiet"]
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert file.exists()


@pytest.mark.parametrize("command", [[], ["backtest"]])
def test_without_the_extra_nothing_is_run(
    no_quantstats, arguments, tmp_path, capsys, command
):
    out = tmp_path / "out"
    given = [*command, *arguments, f"--out={out}", "--quantstats=sheet.html"]
    assert cli.main(given) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        "error: a quantstats tear sheet needs an extra: pip install "
        "'bt-lstm-rotation[quantstats]'\n"
    )
    assert not out.exists()


def test_a_file_that_cannot_be_is_said_before_the_run(
    quantstats, arguments, tmp_path, capsys
):
    out = tmp_path / "out"
    for file, line in {
        out: "is where the run's folder goes",
        out / "equity.csv": "is one of the run's own files",
    }.items():
        assert cli.main([*arguments, f"--out={out}", f"--quantstats={file}"]) == 2
        assert line in capsys.readouterr().err
    for file in ("", tmp_path):
        with pytest.raises(SystemExit):
            cli.main([*arguments, f"--quantstats={file}"])
        assert "--quantstats: a file is needed" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("command", ["sweep", "settings", "store"])
def test_no_other_command_has_the_option(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert "--quantstats" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_real_tear_sheet_opens_without_a_network(tmp_path, monkeypatch):
    reason = "quantstats is not installed; the extra test has it"
    probe = [sys.executable, "-c", "import quantstats"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip(reason)
    monkeypatch.delitem(sys.modules, "quantstats", raising=False)
    result = make_result(40)
    data = result.summary["data"] | {"benchmark": "<script>$x^{"}
    result = replace(result, summary=result.summary | {"data": data})
    file = write_tear_sheet(result, tmp_path / "sheet.html")
    page = file.read_text("utf-8")
    assert "<svg" in page
    assert "SectorRotation" in page
    assert "<script>" not in page
    # Links may lead out; nothing else does.
    assert not re.findall(r"(?:src=|<link[^>]*href=|url\()[\"']?https?:", page)
    total = (1 + exports.returns(result)).prod() - 1
    assert re.search(rf"<td>\s*{100 * total:.2f}%?\s*</td>", page)
    assert "quantstats" not in sys.modules
