"""What each input brings -> tables, a page, and the two files that it leaves."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bt_lstm_rotation.disk import checked_file, disk_errors, write_together
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting.figures import caveat
from bt_lstm_rotation.reporting.files import IMPORTANCE, SURROGATES
from bt_lstm_rotation.reporting.page import MARKS, page
from bt_lstm_rotation.reporting.page.blocks import Block, Section, Table, Words
from bt_lstm_rotation.reporting.page.importance import (
    TITLES,
    importance_chart,
    importance_table,
)

__all__ = [
    "check_importance_place",
    "importance_page",
    "importance_tables",
    "write_importance",
]

PAGE, DATA = "importance.html", IMPORTANCE
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
_Figures = Mapping[str, Any]


def importance_tables(figures: _Figures) -> list[Table]:
    """Return the tables, of figures as ``Importance.figures`` has them."""
    return [importance_table(kind, figures[kind]) for kind in TITLES if figures[kind]]


def importance_page(figures: _Figures) -> str:
    """Render a page; the same figures give the same text."""
    data, settings = figures["data"], figures["settings"]
    first, *others = figures["sentences"]
    blocks: list[Block] = [Words(first, "strong"), *map(Words, others)]
    if warning := caveat(data["source"]):
        blocks.append(Words(warning, "note"))
    blocks += importance_tables(figures)
    blocks += importance_chart({kind: figures[kind] for kind in TITLES})
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
    """Raise OutputError if it could not be written there, before the work.

    A run's folder has a table of its own under that name.
    """
    if (folder / "summary.json").exists():
        raise OutputError(f"{folder} is a run's own; choose another folder")
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


def _csv(figures: _Figures) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for key in TITLES:
        for row in figures[key]:
            told = {**row, "table": key, "members": " ".join(row["members"])}
            writer.writerow([told[name] for name in COLUMNS])
    return out.getvalue()
