"""What each input brings -> tables, a page, and the two files that it leaves."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bt_lstm_rotation.disk import checked_file, disk_errors, write_together
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting.figures import caveat
from bt_lstm_rotation.reporting.files import SURROGATES
from bt_lstm_rotation.reporting.page import MARKS, page
from bt_lstm_rotation.reporting.page.blocks import Block, Section, Table, Words

__all__ = [
    "check_importance_place",
    "importance_page",
    "importance_tables",
    "write_importance",
]

PAGE, DATA = "importance.html", "importance.csv"
COLUMNS: Final = (
    "table",
    "name",
    "kind",
    "members",
    "ic",
    "ic_without",
    "drop",
    "error",
    "t",
    "p",
    "sessions",
    "note",
)
# By it the file is known as ours.
HEAD: Final = ",".join(COLUMNS)
TITLES: Final = {
    "permuted": (
        "Networks as trained, shown values that are not their own",
        "IC without: of forecasts from permuted values. Lost: the mean of the "
        "sessions' differences, with its standard error (equal-weighted cosines). p: "
        "the chance of losing so much of what brings nothing. Columns that say the "
        "same share what they bring.",
    ),
    "refitted": (
        "Networks trained without it",
        "The same of forecasts of a walk forward whose networks never saw it. What "
        "another column can stand in for loses nothing here.",
    ),
}

_Figures = Mapping[str, Any]


def importance_tables(figures: _Figures) -> list[Table]:
    """Return the tables, of figures as ``Importance.figures`` has them."""
    return [
        _table(figures[key], *words) for key, words in TITLES.items() if figures[key]
    ]


def importance_page(figures: _Figures) -> str:
    """Render a page; the same figures give the same text."""
    data, settings = figures["data"], figures["settings"]
    first, *others = figures["sentences"]
    blocks: list[Block] = [Words(first, "strong"), *map(Words, others)]
    if warning := caveat(data["source"]):
        blocks.append(Words(warning, "note"))
    blocks += importance_tables(figures)
    blocks.append(
        Words(
            f"{settings['permutations']:,} permutations, seed {settings['seed']}; "
            f"{len(data['symbols'])} symbols; bars {data['content_hash'][:16]}.",
            "note",
        )
    )
    title = "What each input brings"
    return page(
        title=f"{title}, {data['first_session']} to {data['last_session']}",
        heading=title,
        sections=[Section("", blocks)],
        arrays={},
    )


def check_importance_place(folder: Path) -> None:
    """Raise OutputError if it could not be written there, before the work."""
    for name, marks in ((PAGE, MARKS), (DATA, (HEAD.encode(),))):
        checked_file(folder / name, "what each input brings", marks=marks)


def write_importance(figures: _Figures, folder: Path) -> Path:
    """Write ``importance.csv`` and ``importance.html``; return where the page is.

    Earlier ones of ours are replaced, together.

    Raises
    ------
    OutputError
        If they cannot be written, or something else is there under these names.
    """
    check_importance_place(folder)
    problem = f"what each input brings cannot be written to {folder}"
    with disk_errors(OutputError, problem, "choose a folder that can be written"):
        folder.mkdir(parents=True, exist_ok=True)
        write_together(
            {
                folder / DATA: _csv(figures).encode("utf-8", SURROGATES),
                folder / PAGE: importance_page(figures).encode("utf-8", SURROGATES),
            }
        )
    return folder / PAGE


def _table(rows: Sequence[_Figures], title: str, note: str) -> Table:
    notes = [f"{row['name']}: {row['note']}." for row in rows if row["note"]]
    cells = [
        [
            row["name"],
            row["kind"] if row["kind"] != "group" else ", ".join(row["members"]),
            _number(row["ic"]),
            _number(row["ic_without"]),
            _lost(row),
            _number(row["p"]),
            f"{row['sessions']:,}",
        ]
        for row in rows
    ]
    headings = ["", "What", "IC with", "IC without", "Lost", "p", "Sessions"]
    return Table(headings, cells, "llrrrrr", title, " ".join([note, *notes]))


def _lost(row: _Figures) -> str:
    if row["error"] is None:
        return _number(row["drop"])
    return f"{_number(row['drop'])} ± {_number(row['error'])}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:z.4f}"


def _csv(figures: _Figures) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for key in TITLES:
        for row in figures[key]:
            told = {**row, "table": key, "members": " ".join(row["members"])}
            writer.writerow([told[name] for name in COLUMNS])
    return out.getvalue()
