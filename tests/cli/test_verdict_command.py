"""The command: what it prints, what it leaves, and what it refuses before the work."""

from __future__ import annotations

import json

import pytest

from bt_lstm_rotation import cli
from bt_lstm_rotation.prices.simulated import SimulatedMarket

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

QUICK = ("verdict", "--forecaster", "momentum_63", "--rivals", "zero", "--no-store")


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A folder of three sectors, 700 sessions long."""
    folder = tmp_path_factory.mktemp("bars")
    panel = SimulatedMarket(n_sectors=3, n_sessions=700, seed=4).panel()
    for symbol in panel.symbols:
        panel.frame(symbol).to_csv(folder / f"{symbol}.csv", index_label="Date")
    return ("--data", f"folder:{folder}", "--benchmark", "MARKET")


@pytest.fixture(scope="module")
def kept(bars, tmp_path_factory):
    out = tmp_path_factory.mktemp("kept") / "verdict"
    assert cli.main([*QUICK, *bars, "--around", "2001-06-01", "--out", str(out)]) == 0
    return out


def test_it_leaves_a_page_and_its_figures(kept):
    assert {file.name for file in kept.iterdir()} == {"verdict.html", "verdict.json"}
    figures = json.loads((kept / "verdict.json").read_text(encoding="utf-8"))
    page = (kept / "verdict.html").read_text(encoding="utf-8")
    assert figures["kind"] == "bt-lstm-rotation verdict"
    assert figures["rivals"]["run"] == ["zero"]
    for heading in ("Forecasts", "Portfolio, net of costs", "Luck", "Stability"):
        assert f"<h2>{heading}</h2>" in page
    assert "The smallest skill that these data could have shown" in page
    assert "before 2001-06-01" in page


def test_the_same_command_prints_the_verdict_and_writes_the_same(
    kept, bars, capsys, tmp_path
):
    out = tmp_path / "again"
    assert cli.main([*QUICK, *bars, "--around", "2001-06-01", "--out", str(out)]) == 0
    shown = capsys.readouterr()
    figures = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    assert shown.out.startswith(figures["sentences"][0])
    assert str(out / "verdict.html") in shown.out
    assert "MomentumSpec at twice the costs" in shown.err
    for name in ("verdict.json", "verdict.html"):
        assert (out / name).read_bytes() == (kept / name).read_bytes()


def said(capsys, *arguments):
    try:
        code = cli.main([*map(str, arguments)])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_file_of_somebody_elses_is_left_alone(bars, capsys, tmp_path):
    (tmp_path / "verdict.json").write_text("mine")
    assert "no file of ours" in said(capsys, *QUICK, *bars, "--out", tmp_path)
    assert (tmp_path / "verdict.json").read_text() == "mine"


def test_an_earlier_verdict_is_replaced(kept, bars):
    before = (kept / "verdict.html").stat().st_mtime_ns
    assert cli.main([*QUICK, *bars, "--around", "2001-06-01", "--out", str(kept)]) == 0
    assert (kept / "verdict.html").stat().st_mtime_ns > before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--rivals", "kalmann"], "did you mean 'kalman'"),
        (["--seeds", "3"], "0, or 5 to 100"),
        (["--draws", "5"], "draws must be"),
        (["--holdout", "soon"], "a date such as"),
        (["--holdout", "2044-01-03"], "nothing is held out"),
        (["--strategy", "equal_weight"], "no parameter spec"),
        (["--sweep", "nowhere"], "no runs can be read"),
    ],
)
def test_what_is_wrong_is_one_line(bars, capsys, tmp_path, arguments, problem):
    given = (*QUICK, *bars, "--out", tmp_path / "out", *arguments)
    assert problem in said(capsys, *given)
    assert not (tmp_path / "out").exists()


def test_a_strategy_that_forecasts_nothing_is_refused(bars, capsys, tmp_path):
    given = ("verdict", "--strategy", "equal_weight", *bars, "--out", tmp_path / "out")
    assert "has no forecaster to be judged" in said(capsys, *given)
