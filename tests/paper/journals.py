"""Small journals, and what is compared of them."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.schema import TABLES
from bt_lstm_rotation.paper.transaction import Transaction

MORNING = dt.datetime(2020, 1, 2, 6, 30, tzinfo=dt.UTC)
FIRST_DAY = dt.date(2020, 1, 2)

# A row of every table.
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "configurations": [('{"top": 3}',)],
    "sources": [("mine.py", "class Mine: ...\n")],
    "bars": [
        ("2020-01-02", "XLE", 60.5, 61.0, 60.0, 60.25, 1e6),
        ("2020-01-02", "XLK", math.nan, math.nan, math.nan, math.nan, 0.0),
    ],
    "actions": [("XLE", 0.5, 2.0, 0.0)],
    "fits": [
        (
            "model",
            "2020-01-02",
            "ok",
            "2016-01-04",
            None,
            "XLE XLK",
            1000,
            1.5,
            math.nan,
            "2020-01-02",
            b"weights" * 100,
        )
    ],
    "forecasts": [("model", "XLE", 0.01, 0.0), ("model", "XLK", -0.01, 0.002)],
    "targets": [("XLE", 0.98)],
    "orders": [
        (2, "XLE", "sell", 9.0, "Limit", 62.0, math.nan, 737_000.5, 1, 1),
        (3, "XLE", "buy", 10.0, "Market", math.nan, math.nan, math.nan, None, None),
    ],
    "changed": [(2, 18.0, 31.0, math.nan)],
    "outcomes": [(1, "Completed", 10.0, 60.5, 0.6, 0.3)],
    "events": [("halt", None, "no bar")],
    "positions": [("XLE", 10.0, 60.5, 602.5)],
    "account": [(99_395.0, 99_997.5)],
    "notes": [("late", "XLK", "the bar came a day later")],
    "expectations": [('{"ic": 0.02}',)],
}


def start(rows: Any = ROWS) -> Transaction:
    return Transaction("start", FIRST_DAY, MORNING, "0.1.0", rows)


def session(number: int, rows: Any = ROWS) -> Transaction:
    """The transaction of a number above 1."""
    later = dt.timedelta(days=number - 1)
    return Transaction("session", FIRST_DAY + later, MORNING + later, "0.1.0", rows)


def make(folder: Path, n_transactions: int, rows: Any = ROWS) -> Path:
    with Journal.create(folder, start(rows)) as journal:
        for number in range(2, n_transactions + 1):
            journal.append(session(number, rows))
    return folder


def content_of(journal: Journal) -> list[Any]:
    """All that it holds, in a form in which NaN equals itself."""
    return [
        journal.transactions(),
        *(repr(journal.rows(table)) for table in TABLES),
    ]


def contents(folder: Path) -> list[Any]:
    with Journal.open(folder) as journal:
        return content_of(journal)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
