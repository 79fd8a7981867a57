"""Names that a terminal or a spreadsheet would obey are shown instead."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_lstm_rotation.escaping import as_cell, from_cell, printable, printable_line
from bt_lstm_rotation.reporting import read_run, write_run
from tests.reporting.results import make_result, orders

FORMULAS = ["=1+1", "=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]
WIDE = ["\uff1d1", "\uff0b1+1", "\uff0d1+1", "\uff20x"]


@pytest.mark.parametrize("text", ["", "plain", "größe", "日本 ☂"])
def test_what_can_be_shown_stays_as_it_is(text):
    assert printable(text) == printable_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("in \x1b[2J日本", r"in \x1b[2J日本"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\x9b31m", r"\x9b31m"),
        ("half \ud800", r"half \ud800"),
        ("\u202egnp", r"\u202egnp"),
        ("\x07\x08", r"\x07\x08"),
    ],
)
def test_within_a_line_only_what_would_be_obeyed_is_escaped(text, shown):
    assert printable_line(text) == shown


@pytest.mark.parametrize("text", FORMULAS + WIDE)
def test_a_formula_is_a_text_to_a_spreadsheet(text):
    assert as_cell(text) == f"'{text}"
    assert from_cell(as_cell(text)) == text


@pytest.mark.parametrize(
    "text", ["-0.5", "+1e-3", "-inf", "XLK", "^GSPC", "it's", "'quoted'", "", "'"]
)
def test_a_number_and_a_plain_name_are_written_as_they_are(text):
    assert as_cell(text) == from_cell(text) == text


@given(st.text(alphabet="'=+-@\t\r1a\uff1d") | st.text())
def test_every_text_reads_back_and_none_begins_like_a_formula(text):
    cell = as_cell(text)
    assert from_cell(cell) == text
    if cell[:1] in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"):
        float(cell)


@pytest.mark.parametrize("name", [*FORMULAS, "'=1", '=a,"b"', "''+1"])
def test_a_run_with_such_a_symbol_reads_back_and_has_no_formula(tmp_path, name):
    result = make_result(sessions=5, orders=orders(symbol=name))
    weights = result.weights.set_axis([name, "XLK", "cash"], axis=1)
    events = result.events.assign(detail=name)
    retrains = result.retrains.assign(status=name)
    retrains["symbols"] = [(name, "XLK")] * len(retrains)
    result = replace(result, weights=weights, events=events, retrains=retrains)
    folder = write_run(result, tmp_path / "run")
    for file in folder.glob("*.csv"):
        content = file.read_bytes().decode()
        for row in csv.reader(io.StringIO(content, newline="")):
            for cell in row:
                assert cell[:1] not in tuple("=+-@\t\r") or float(cell) <= 0
    again = read_run(folder)
    assert again.orders["symbol"].tolist() == orders(symbol=name)["symbol"].tolist()
    assert again.weights.columns.tolist() == [name, "XLK", "cash"]
    assert again.events["detail"].tolist() == [name]
    assert set(again.retrains["status"]) == {name}
