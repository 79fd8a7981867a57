"""The command ``importance``: what it prints, what it leaves, and what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bt_lstm_rotation import cli
from bt_lstm_rotation.prices.simulated import SimulatedMarket

SMALL = ("lookback=12", "train_size=60", "horizon=3", "units=4")
QUICK = ("importance", *(part for each in SMALL for part in ("--set", each)))
QUICK = (*QUICK, "--permutations", "1", "--no-store", "--jobs", "1")


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """A folder of three sectors, 200 sessions long."""
    folder = tmp_path_factory.mktemp("bars")
    panel = SimulatedMarket(n_sectors=3, n_sessions=200, seed=4).panel()
    for symbol in panel.symbols:
        panel.frame(symbol).to_csv(folder / f"{symbol}.csv", index_label="Date")
    return ("--data", f"folder:{folder}", "--benchmark", "MARKET")


def test_it_prints_and_leaves_the_same_again(bars, capsys, tmp_path):
    more = ("--group", "both = volume, relative_return", "--out", str(tmp_path / "out"))
    assert cli.main([*QUICK, *bars, *more]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Out of sample the forecasts have an IC of ")
    assert str(tmp_path / "out" / "importance.html") in shown.out
    assert "without volume" in shown.err
    files = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    assert set(files) == {"importance.html", "importance.csv"}
    rows = list(csv.DictReader(files["importance.csv"].decode().splitlines()))
    assert [(row["table"], row["name"]) for row in rows] == [
        (table, name)
        for table in ("permuted", "refitted")
        for name in ("relative_return", "volume", "both")
    ]
    assert rows[2]["members"] == "volume relative_return"
    assert rows[3]["note"] == "not mirrored"
    assert rows[5]["drop"] == ""
    assert "must be" in rows[5]["note"]
    for row in rows[:5]:
        lost = float(row["ic"]) - float(row["ic_without"])
        assert float(row["drop"]) == pytest.approx(lost)
    page = files["importance.html"].decode()
    assert "Networks trained without it" in page
    assert "relative_return: not mirrored." in page
    # Neither the time nor the place is in them, and our own are replaced.
    assert cli.main([*QUICK, *bars, *more]) == 0
    for name, before in files.items():
        assert (tmp_path / "out" / name).read_bytes() == before


def test_it_is_only_printed_unless_a_folder_is_named(
    bars, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*QUICK, *bars, "--no-refits", "--start", "2000-07-03"]) == 0
    told = capsys.readouterr().out
    assert "shown values" in told
    assert "trained without" not in told
    assert not list(tmp_path.iterdir())


def test_it_reads_context_and_features_of_ones_own(bars, capsys, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "from bt_lstm_rotation.forecasting.features import feature\n"
        "@feature(warmup=0)\n"
        "def body(window):\n"
        "    return window.close / window.bars[0] - 1\n",
        encoding="utf-8",
    )
    folder = bars[:2]
    symbols = sorted({f.stem for f in Path(folder[1][7:]).iterdir()} - {"MARKET"})
    more = ("--symbols", ",".join(symbols), "--context", "MARKET", "--no-refits")
    own = ("--features", str(file), "--set", 'features=["relative_return","body"]')
    assert cli.main([*QUICK, *folder, *more, *own]) == 0
    told = capsys.readouterr().out
    cells = [line.split() for line in told.splitlines()]
    kinds = {words[0]: words[-1] for words in cells if words}
    assert (kinds["body"], kinds["MARKET"]) == ("feature", "context")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--set", "top=2"), "a setting of the forecaster"),
        (("--group", "both=volume,volum"), "volum"),
        (("--group", "both"), "NAME=A,B is needed"),
        (("--group", "=volume"), "NAME=A,B is needed"),
        (("--permutations", "0"), "permutations"),
        (("--seed", "-1"), "seed"),
        (("--end", "2000-02-01"), "sessions"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_in_one_line(bars, capsys, more, said):
    assert said in refused(capsys, *QUICK, *bars, *more)


def test_forecasters_without_columns_are_refused(bars, capsys):
    line = refused(capsys, "importance", *bars, "--forecaster", "momentum_63")
    assert "ForecastSpec" in line
    assert "verdict" in line


def test_a_file_of_somebody_elses_is_left_alone(bars, capsys, tmp_path):
    (tmp_path / "importance.csv").write_text("mine")
    line = refused(capsys, *QUICK, *bars, "--out", str(tmp_path))
    assert "no file of ours" in line
    assert (tmp_path / "importance.csv").read_text() == "mine"


def refused(capsys, *arguments):
    try:
        code = cli.main([*arguments])
    except SystemExit as stop:
        code = stop.code
    told = capsys.readouterr()
    assert code == 2
    assert told.out == ""
    lines = [line for line in told.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def test_a_run_is_asked_for_it_and_a_rule_refuses_before_it_begins(
    bars, capsys, tmp_path
):
    small = [part for each in (*SMALL, "top=1") for part in ("--set", each)]
    run = ("backtest", *bars, "--no-store", "--jobs", "1", "--importance")
    assert cli.main([*run, *small, "--out", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    assert "\nInputs     Permuted, " in shown
    rows = (tmp_path / "run" / "importance.csv").read_text("utf-8").splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [
        ["permuted", "relative_return"],
        ["permuted", "volume"],
    ]
    with_both = (*run, "retrained", *small, "--out", str(tmp_path / "both"))
    assert cli.main([*with_both]) == 0
    shown = capsys.readouterr().out
    assert "\nInputs     Permuted, " in shown
    assert "\nInputs     Left out of training, " in shown
    rows = (tmp_path / "both" / "importance.csv").read_text("utf-8").splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["permuted"] * 2 + [
        "refitted"
    ] * 2
    assert "nothing or retrained is needed" in refused(capsys, *run, "permuted")
    # Two tables of one name are not to be mixed up.
    line = refused(capsys, *QUICK, *bars, "--out", str(tmp_path / "run"))
    assert "a run's own" in line
    for other in (("--forecaster", "momentum_63"), ("--strategy", "equal_weight")):
        line = refused(capsys, *run, *other, "--out", str(tmp_path / "other"))
        assert "importance" in line
        assert not (tmp_path / "other").exists()
