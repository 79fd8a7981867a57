"""Tables of text: drawn in a terminal, plain aligned columns in a pipe or a file."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bt_lstm_rotation.escaping import printable

__all__ = ["print_table"]

GAP = "  "


def print_table(
    console: Console,
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
) -> None:
    """Print rows of texts; headings in `numbers` stand over right-aligned columns.

    Where the console is not a terminal, a row is one line, however long.
    """
    # An escape sequence in somebody's text would be obeyed by the terminal, and a line
    # break would make two rows of one.
    lines = [[printable(cell) for cell in cells] for cells in rows]
    if console.is_terminal:
        table = Table(title=Text(printable(title)), title_justify="left")
        for heading in headings:
            side = "right" if heading in numbers else "left"
            table.add_column(Text(printable(heading)), justify=side)  # type: ignore[arg-type]
        for cells in lines:
            # Text and not str, in which rich would read [red] as an order.
            table.add_row(*map(Text, cells))
        console.print(table)
    else:
        right = [heading in numbers for heading in headings]
        plain = _aligned([list(map(printable, headings)), *lines], right)
        for line in (printable(title), *plain):
            console.print(Text(line), soft_wrap=True)


def _aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for cells in rows:
        padded = []
        for cell, width, on_right in zip(cells, widths, right, strict=True):
            # A Chinese letter takes two columns.
            room = " " * (width - cell_len(cell))
            padded.append(room + cell if on_right else cell + room)
        lines.append(GAP.join(padded).rstrip())
    return lines
