"""A result -> files that people, spreadsheets and programs can read.

The same result gives the same bytes: dates are ISO, floats are the shortest text that
reads back to the same float, lines end in a line feed, and nothing is dated or random.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from bt_lstm_rotation.archive import pack
from bt_lstm_rotation.escaping import as_cell
from bt_lstm_rotation.reporting.page import page_of_words, render
from bt_lstm_rotation.result import BacktestResult

__all__ = ["ACTIONS", "IMPORTANCE", "OWN_FILES", "SOMETIMES", "write_files"]

logger = logging.getLogger(__name__)

# Written where there are any: of most runs, prices are adjusted beforehand.
ACTIONS: Final = "actions.csv"
# Written where it was asked for.
IMPORTANCE: Final = "importance.csv"
SOMETIMES: Final = (ACTIONS, IMPORTANCE)

# All that a run may leave.
OWN_FILES: Final = frozenset(
    {
        *("equity.csv", "weights.csv", "positions.csv", "orders.csv", "forecasts.csv"),
        *("retrains.csv", "events.csv", *SOMETIMES, "bars.npz"),
        "report.html",
        "summary.json",
    }
)

# What UTF-8 cannot hold, half of a surrogate pair in a feed's name, is written as an
# escape: an hour's run is not to be lost to a name.
SURROGATES: Final = "backslashreplace"


def write_files(result: BacktestResult, folder: Path) -> list[str]:
    """Write the files, and return their names, ``summary.json`` last.

    In ``summary.json`` NaN is null and an infinite number is text; a value that JSON
    has no form for is written as the name of its type, and a warning logged.
    """
    columns = ["equity", "benchmark"]
    if "flows" in result.account and result.account["flows"].any():
        columns.append("flows")  # a figure of the report depends on it
    tables = {
        "equity.csv": result.account[columns].rename_axis("session"),
        "weights.csv": result.weights.rename_axis("session"),
        "positions.csv": result.positions.rename_axis("session"),
        "orders.csv": result.orders,
        "forecasts.csv": result.forecasts,
        "retrains.csv": result.retrains,
        "events.csv": result.events,
    }
    others = {ACTIONS: result.actions, IMPORTANCE: result.importance}
    tables |= {name: table for name, table in others.items() if len(table)}
    for name, table in tables.items():
        _write_table(table, folder / name)
    (folder / "bars.npz").write_bytes(_packed(result.bars))
    summary = json.dumps(_plain(result.summary), allow_nan=False, indent=2)
    texts = {"report.html": _page(result), "summary.json": f"{summary}\n"}
    for name, text in texts.items():
        content = text.encode("utf-8", errors=SURROGATES)
        (folder / name).write_bytes(content)
    return [*tables, "bars.npz", *texts]


def _page(result: BacktestResult) -> str:
    """Draw the page; what a run has found is not to be lost to a drawing that fails."""
    try:
        return render(result)
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        logger.error(
            "report.html could not be drawn (%s); all else of the run is written",
            reason,
        )
        return page_of_words("A page that could not be drawn", reason)


class _LineFeeds(io.StringIO):
    """Rows that end in a line feed, of cells that are quoted for any line break.

    A writer quotes for what its own rows end in, and is told of both: each row is
    written in one go.
    """

    BREAK: Final = "\r\n"

    def write(self, row: str) -> int:
        return super().write(f"{row.removesuffix(self.BREAK)}\n")


def _write_table(table: pd.DataFrame, file: Path) -> None:
    rows = _LineFeeds(newline="")
    indexed = table.index.name == "session"
    _written_out(table).to_csv(rows, index=indexed, lineterminator=rows.BREAK)
    file.write_bytes(rows.getvalue().encode("utf-8", SURROGATES))


def _packed(bars: pd.DataFrame) -> bytes:
    """Pack bars as arrays: ``sessions``, ``symbols``, and one for each price."""
    prices = bars.columns.get_level_values(0).unique()
    symbols = bars[prices[0]].columns
    values = bars.to_numpy(dtype="float64").reshape(len(bars), len(prices), -1)
    return pack(
        {
            "sessions": bars.index.to_numpy().astype("datetime64[D]"),
            "symbols": symbols.to_numpy(dtype="str"),
            **{
                price.lower(): np.ascontiguousarray(values[:, place])
                for place, price in enumerate(prices)
            },
        }
    )


def _written_out(table: pd.DataFrame) -> pd.DataFrame:
    """Replace dates and lists by their text, and what a spreadsheet would obey."""
    # By position, as a feed may be called "cash" and weights have a column for cash.
    columns = [table.iloc[:, place] for place in range(table.shape[1])]
    written = pd.concat([_texts(column) for column in columns], axis=1)
    written.columns = pd.Index([_cell(name) for name in table.columns], dtype=object)
    return written


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    # ``to_csv`` writes floats, and columns that are dates, as they have to be.
    if column.dtype != object and not isinstance(column.dtype, pd.StringDtype):
        return column
    # Not ``map``, after which pandas guesses a type again.
    cells = [_cell(value) for value in column.to_numpy(dtype=object)]
    return pd.Series(cells, index=column.index, name=column.name, dtype=object)


def _cell(value: Any) -> Any:
    if isinstance(value, tuple | list):
        value = " ".join(map(str, value))
    if isinstance(value, str):
        return as_cell(value)
    return _date_text(value) if isinstance(value, dt.date | np.datetime64) else value


def _plain(value: Any, where: str = "summary") -> Any:
    """Return a value as JSON has it; what is not a number becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part, f"{where}.{key}") for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part, where) for part in value]
    if isinstance(value, np.bool_ | np.integer | np.floating):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dt.date | np.datetime64):
        return _date_text(value)
    # Somebody's own spec can hold anything. Its type has no address in it, as its text
    # may have, and would be the same tomorrow.
    text = f"<{type(value).__name__}>"
    logger.warning("%s has no form in JSON and is written as %s", where, text)
    return text


def _date_text(value: dt.date | np.datetime64) -> str | None:
    if pd.isna(value):
        return None
    return pd.Timestamp(value).isoformat().removesuffix("T00:00:00")
