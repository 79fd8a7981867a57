"""Tables of text: aligned, one line a row, and harmless whatever is in them."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from bt_lstm_rotation.reporting.tables import print_table


def printed(headings, rows, *, terminal=False, width=80, **how) -> str:
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=width, color_system=None
    )
    print_table(console, "Title", headings, rows, **how)
    return console.file.getvalue()


def test_in_a_pipe_columns_are_aligned_and_numbers_to_the_right():
    text = printed(
        ["name", "value", "status"],
        [["a", "1.25", "ok"], ["long name", "-10.00", ""]],
        numbers=["value"],
    )
    assert text.splitlines() == [
        "Title",
        "name        value  status",
        "a            1.25  ok",
        "long name  -10.00",
    ]


def test_in_a_pipe_a_long_row_stays_one_line():
    long = "word " * 100
    text = printed(["name", "meaning"], [["a", long], ["b", "short"]], width=40)
    assert text.splitlines()[2] == f"a     {long}".rstrip()
    assert len(text.splitlines()) == 4


def test_wide_letters_take_two_columns():
    lines = printed(["name", "x"], [["日本", "1"], ["a", "1"]]).splitlines()[2:]
    assert len({cell_len(line) for line in lines}) == 1
    assert len({len(line) for line in lines}) == 2


def test_in_a_terminal_a_table_is_drawn_and_long_cells_are_broken():
    text = printed(["name", "meaning"], [["a", "word " * 30]], terminal=True, width=40)
    assert "│ a" in text
    assert all(len(line) <= 40 for line in text.splitlines())
    assert text.count("word") == 30


@pytest.mark.parametrize("terminal", [False, True])
def test_a_table_without_rows_has_its_headings(terminal):
    text = printed(["name", "meaning"], [], terminal=terminal)
    assert "name" in text
    assert "meaning" in text


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("[red]x[/red]", "[red]x[/red]"),
        ("[/]", "[/]"),
        (":smile:", ":smile:"),
        ("a\nb", r"'a\nb'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("\ud800", r"'\ud800'"),
        ("\u202egnp", r"'\u202egnp'"),
    ],
)
def test_nothing_in_a_cell_is_obeyed(terminal, cell, shown):
    text = printed([cell, "y"], [[cell, "1"]], terminal=terminal, numbers=["y"])
    assert text.count(shown) == 2
    assert "\x1b[31" not in text
