"""The table of trials as people save it, and rows that are none."""

from __future__ import annotations

import csv
import io

import pytest
from fakes import random_panel

from bt_lstm_rotation import run_backtest
from bt_lstm_rotation.errors import FitsError, OutputError
from bt_lstm_rotation.forecasting import ForecastSpec, Workers
from bt_lstm_rotation.forecasting.recurrent import memory
from bt_lstm_rotation.sweep import run_sweep, trials
from bt_lstm_rotation.sweep.table import sealed

# Backtrader uses datetime.utcnow(), which Python 3.12 deprecates.
pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utc:DeprecationWarning"
)

PANEL = random_panel(("SPY", "XLE", "XLK", "XLV"), 60)
GRID = {"top": [1, 2], "lookback": [5], "skip": [0], "horizon": [2]}
LARGER = {**GRID, "top": [1, 2, 3]}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "trials.csv"


@pytest.fixture
def sweep(file):
    def sweep(grid=GRID, strategy="momentum_12_1"):
        return run_sweep(
            PANEL,
            strategy,
            grid,
            file=file,
            benchmark="SPY",
            workers=Workers(jobs=1),
        )

    return sweep


@pytest.fixture
def runs(monkeypatch):
    """The slots of every backtest that is run."""
    made = []

    def counted(panel, strategy, params, **rest):
        made.append(params["top"])
        return run_backtest(panel, strategy, params, **rest)

    monkeypatch.setattr(trials, "run_backtest", counted)
    return made


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"))))


def saved(cells, encoding="utf-8", separator=",", end="\n", quoting=csv.QUOTE_MINIMAL):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows(cells)
    return text.getvalue().encode(encoding)


FORMS = {
    "Windows' ends of line": lambda cells: saved(cells, end="\r\n"),
    "an old Mac's": lambda cells: saved(cells, end="\r"),
    "a mark in front": lambda cells: saved(cells, "utf-8-sig", end="\r\n"),
    "semicolons": lambda cells: saved(cells, separator=";"),
    "tabs, in 16 bits": lambda cells: saved(cells, "utf-16", "\t", "\r\n"),
    "all in quotes": lambda cells: saved(cells, quoting=csv.QUOTE_ALL),
    "empty cells and lines": lambda cells: (
        saved([*([*row, "", ""] for row in cells), [""] * (len(cells[0]) + 2)])
        + b"\n\n"
    ),
    "no end at the end": lambda cells: saved(cells).rstrip(b"\n"),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_it_is_read_as_people_save_it(sweep, file, runs, caplog, form):
    first = sweep()
    whole = file.read_bytes()
    file.write_bytes(form(table(whole)))
    runs.clear()
    again = sweep()
    assert runs == []
    assert again.equals(first)
    assert file.read_bytes() == whole
    assert caplog.messages == []


def with_cell(cells, name, text):
    row = list(cells[1])
    row[cells[0].index(name)] = text
    return [cells[0], row, *cells[2:]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("status", "ok, and more"),
        ("status", ""),
        ("sharpe", "9.9"),
        ("sharpe", "very good"),
        ("sharpe", ""),
        ("first_decision", "some day"),
        ("orders_completed", "1.5"),
        ("top", "3"),
        ("trial", "0123456789abcdef"),
        ("checksum", ""),
        ("checksum", "x00000000000000"),
    ],
)
def test_a_row_is_believed_by_its_own_checksum_or_not_at_all(
    sweep, file, runs, caplog, name, text
):
    sweep()
    whole = file.read_bytes()
    file.write_bytes(saved(with_cell(table(whole), name, text)))
    runs.clear()
    sweep()
    assert runs == [1]
    (warning,) = caplog.messages
    assert warning.startswith(f"{file}: line 2 is not as it was written")
    # A row whose trial is no longer known is not ours to throw away.
    rest = [row for row in table(file.read_bytes()) if row not in table(whole)]
    assert len(rest) == (name == "trial")


@pytest.mark.parametrize("text", ["very good", "1e999x", "0x1p3 "])
def test_a_cell_that_is_no_number_is_none_under_any_checksum(sweep, file, runs, text):
    sweep()
    header, row, other = table(file.read_bytes())
    row[header.index("sharpe")] = text
    row[-1] = sealed(row[:-1])
    file.write_bytes(saved([header, row, other]))
    runs.clear()
    sweep()
    assert runs == [1]


def test_a_row_in_doubt_that_is_not_asked_for_stays_as_it_is(sweep, file, runs):
    sweep(LARGER)
    cells = table(file.read_bytes())
    cells[3][cells[0].index("status")] = "wonderful"
    file.write_bytes(saved(cells))
    runs.clear()
    sweep()
    assert runs == []
    assert table(file.read_bytes()) == cells
    assert list(sweep(LARGER)["status"]) == ["ok"] * 3
    assert runs == [3]


@pytest.mark.parametrize("text", ["x" * 131_073, 'a"b\0'])
def test_a_line_that_cannot_be_read_is_named(sweep, file, text):
    sweep()
    cells = with_cell(table(file.read_bytes()), "status", text)
    file.write_bytes(saved(cells) + b"\n")
    try:
        found = sweep()
    except OutputError as error:
        assert "line 2 cannot be read" in str(error)  # noqa: PT017
    else:
        assert list(found["status"]) == ["ok", "ok"]


def test_fits_that_all_fail_are_the_trials_row(sweep, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from bt_lstm_rotation import SectorRotation\n"
        "from fakes import FakeSpec\n"
        "class Mine(SectorRotation):\n"
        "    params = (('spec', FakeSpec(raises_at={d: ValueError('no') for d in"
        " ('2019-01-31', '2019-02-28')})),)\n"
        "    def __init__(self):\n        super().__init__()\n",
        encoding="utf-8",
    )
    (status,) = sweep({"top": [1]}, str(mine))["status"]
    assert status.startswith("no forecast was made: all 2 fits of FakeSpec failed: Val")


def test_a_lack_of_memory_is_the_machines_and_no_row(sweep, file, monkeypatch):
    monkeypatch.setattr(memory, "memory_left", lambda: 1)
    memory._left_at_first.cache_clear()
    memory.lack_of_memory.cache_clear()
    grid = {"lookback": [5], "train_size": [30], "horizon": [2], "units": [3]}
    grid["features"] = [("relative_return",)]  # which need no history
    with pytest.raises(FitsError, match="MemoryError: it needs about"):
        sweep(grid, "lstm_top3_monthly")
    memory._left_at_first.cache_clear()
    memory.lack_of_memory.cache_clear()
    assert not file.exists()
    assert ForecastSpec().units == 32
