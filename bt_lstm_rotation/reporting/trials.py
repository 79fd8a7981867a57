"""The table that a sweep ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from bt_lstm_rotation.escaping import printable_line
from bt_lstm_rotation.reporting.figures import FORECAST, METRICS
from bt_lstm_rotation.reporting.tables import print_table

__all__ = ["print_trials"]

MEASURES = ("total_return", "sharpe", "max_drawdown", "ic")
FIGURES = {figure.key: figure for figure in METRICS + FORECAST}

# More than a screen is not read, and the file has them all.
MOST_ROWS = 30
# Letters of a status, which says what went wrong and may be long.
LONGEST = 60


def print_trials(
    console: Console,
    trials: pd.DataFrame,
    grid: Mapping[str, Sequence[Any]],
    file: Path,
) -> None:
    """Print the first rows of a sweep: what varies, what it gave, and its status.

    Parameters
    ----------
    trials : DataFrame
        As `bt_lstm_rotation.sweep.run_sweep` returns it.
    grid : mapping of str to sequence
        Setting -> its values; those of one value are left out.
    file : Path
        Where all rows and columns are.
    """
    varying = [name for name, values in grid.items() if len(values) > 1]
    shown: list[Any] = trials.head(MOST_ROWS).to_dict("records")
    rows = [
        [
            *(str(row[name]).strip() for name in varying),
            *(FIGURES[name].of(row) for name in MEASURES),
            _short(row["status"]),
        ]
        for row in shown
    ]
    headings = [*varying, *MEASURES, "status"]
    print_table(console, "Trials", headings, rows, numbers=MEASURES)
    if left := len(trials) - len(shown):
        # Unbroken, so that a long path can be copied.
        line = f"{left:,} more {'row is' if left == 1 else 'rows are'} in {file}"
        console.print(
            printable_line(line), soft_wrap=True, markup=False, highlight=False
        )


def _short(status: str) -> str:
    return status if len(status) <= LONGEST else f"{status[: LONGEST - 3]}..."
