"""Trials out as CSV, and Sharpe ratios from elsewhere in."""

from __future__ import annotations

import csv
import math

import pytest
from fakes import random_panel
from made import trial

from bt_lstm_rotation import MomentumSpec, SectorRotation, run_backtest
from bt_lstm_rotation.errors import DataError, OutputError
from bt_lstm_rotation.trials import TrialLedger, trial_of
from bt_lstm_rotation.trials.counting import known_trials
from bt_lstm_rotation.trials.exchange import export_trials, read_trials

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel("ABC", 150)
SPEC = MomentumSpec(lookback=20, skip=0, horizon=5)


@pytest.fixture(scope="module")
def run():
    return run_backtest(PANEL, SectorRotation, {"spec": SPEC}, ledger=False)


@pytest.fixture
def ledger(tmp_path):
    return TrialLedger(tmp_path / "trials.sqlite")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "elsewhere.csv"


def test_ratios_from_elsewhere_count_on_the_bars_of_a_run(ledger, file, run):
    file.write_text("name,Sharpe,length\nfirst,0.85,2520\n=1+1,-1.5e-1,\n")
    found = read_trials(file, run)
    assert [one.annual_sharpe for one in found] == [0.85, -0.15]
    assert [one.length for one in found] == [2520, None]
    assert [one.strategy for one in found] == ["first", "=1+1"]
    assert {one.data for one in found} == {PANEL.content_hash}
    assert all(math.isnan(one.sharpe) for one in found)
    assert ledger.add(found) == 2
    candidate = trial_of(run, PANEL, "verdict")
    assert len(known_trials(ledger, candidate)) == 3
    # By its marks, also beside bars that go on for longer.
    longer = run_backtest(
        random_panel("ABC", 150).between(None, PANEL.sessions[-5].astype(object)),
        SectorRotation,
        {"spec": SPEC},
        ledger=False,
    )
    other = trial_of(longer, PANEL, "verdict")
    assert other.data != candidate.data
    assert len(known_trials(ledger, other)) == 3


def test_the_same_file_again_adds_nothing_and_equal_ratios_are_trials_each(
    ledger, file, run
):
    file.write_text("sharpe\n0.5\n0.5\n0.5\n")
    assert ledger.add(read_trials(file, run)) == 3
    assert ledger.add(read_trials(file, run)) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsharpe\r\n0.5\r\n",
        b"sharpe\r0.5\r",
        b'"sharpe"\n"0.5"\n',
        b"\n\n ,\nother, SHARPE \nx, 0.5 \n\n",
        b"trial,top,sharpe,status\nab,3,0.5,ok\n",
        b"sharpe\n0.5",
    ],
)
def test_files_as_programs_write_them_are_read(file, content, run):
    file.write_bytes(content)
    assert [one.annual_sharpe for one in read_trials(file, run)] == [0.5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no trials"),
        (b"sharpe\n", "has no trials"),
        (b"sharp,name\n0.5,a\n", "has no column sharpe.*did you mean 'sharp'"),
        (b"sharpe;name\n0.5;a\n", "has no column sharpe"),
        (b"sharpe,sharpe\n1,2\n", "the column sharpe twice"),
        (b"sharpe,name\n0.5\n", "line 2 of .* another number of cells"),
        (b"sharpe\n0.5\n0,7\n", "line 3 of .* another number of cells"),
        (b"sharpe\nhigh\n", "line 2: sharpe is not valid .got 'high'."),
        (b'sharpe\n"1,5"\n', "line 2: sharpe is not valid"),
        (b"sharpe\nnan\n", "line 2: sharpe is not valid"),
        (b"sharpe\ninf\n", "line 2: sharpe is not valid"),
        (b"sharpe\n1e400\n", "line 2: sharpe is not valid"),
        (b"sharpe\n1_0\n", "line 2: sharpe is not valid"),
        (b"sharpe\n0.5\n85%\n", "line 3: sharpe is not valid"),
        (b"sharpe\n133\n", "between -50 and 50"),
        ("sharpe\n\u0661\n".encode(), "line 2: sharpe is not valid"),
        (b"sharpe,name\n,a\n", "line 2: sharpe is empty; .* leave out trials"),
        (b"sharpe\n" + b"1" * 600 + b"\n", "more than 500 letters"),
        (b"sharpe\n" + b"1" * 200_000 + b"\n", "line 2 of .* is no CSV.*field"),
        (b"sharpe,name\n1," + b"n" * 501 + b"\n", "name has more than 500 letters"),
        (b"sharpe,length\n1,-3\n", "line 2: length is not valid"),
        (b"sharpe,length\n1,0\n", "line 2: length is not valid"),
        (b"sharpe,length\n1,9999999\n", "line 2: length is not valid"),
        (b"sharpe,length\n1," + b"9" * 400 + b"\n", "line 2: length is not valid"),
        (b'sharpe\n"0.5\n', "is no CSV"),
        (b"sharpe\n\xff\n", "is not UTF-8"),
        ("sharpe\n1\n".encode("utf-16"), "is not UTF-8"),
        (b"sharpe\n0.5\0\n", "zero bytes"),
        (b"sharpe\n" + b"1\n" * 100_001, "more than 100,000 rows"),
        (b"sharpe\n" + b" " * 20_000_001, "larger than 20,000,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(file, content, said, run):
    file.write_bytes(content)
    with pytest.raises(DataError, match=f"(?s){said}") as caught:
        read_trials(file, run)
    assert len(str(caught.value)) < 600


def test_names_are_shown_and_not_obeyed(ledger, file, run, tmp_path):
    file.write_text('sharpe,name\n1,"=HYPERLINK(""x"")"\n2,"\x1b[2J\n\r\'\'=a"\n')
    ledger.add(read_trials(file, run))
    out = export_trials(ledger.rows(), tmp_path / "out.csv")
    with out.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert rows[0]["strategy"] == '\'=HYPERLINK("x")'
    assert rows[1]["strategy"].startswith("\x1b[2J")


def test_an_export_has_all_rows_and_replaces_an_earlier_one_alone(ledger, tmp_path):
    out = tmp_path / "out.csv"
    ledger.add([trial(1), trial(2, sharpe=math.nan, annual_sharpe=math.nan)])
    for _ in range(2):
        export_trials(ledger.rows(), out)
    with out.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["number"] for row in rows] == ["1", "2"]
    assert [row["annual_sharpe"] for row in rows] == ["0.1", ""]
    assert [row["hash"] for row in rows] == [row.hash for row in ledger.rows()]
    assert not {"returns", "marks"} & set(rows[0])
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("a diary")
    with pytest.raises(OutputError, match="no file of ours"):
        export_trials(ledger.rows(), theirs)
    assert theirs.read_text() == "a diary"


@pytest.mark.parametrize("place", ["", "nothing.csv"])
def test_a_file_that_is_not_there_is_said(place, tmp_path, run):
    with pytest.raises(OutputError, match="cannot be read"):
        read_trials(tmp_path / place, run)
