"""A folder of daily bars: one CSV or Parquet file a symbol, named after it.

The columns are Yahoo's, as any vendor spells them: ``Date Open High Low Close`` and, if
there are any, ``Volume`` and ``Adj Close``, in any order. docs/bars.md has it all.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from bt_lstm_rotation.errors import DataError, SourceError, closest
from bt_lstm_rotation.prices.assembly import assembled
from bt_lstm_rotation.prices.bars import check_symbol
from bt_lstm_rotation.prices.dates import sessions_of
from bt_lstm_rotation.prices.panel import PricePanel
from bt_lstm_rotation.prices.symbols import distinct_symbols
from bt_lstm_rotation.prices.tables import read_table

__all__ = ["load_folder"]

SUFFIXES = (".csv", ".parquet")


def load_folder(
    path: str | os.PathLike[str],
    symbols: Iterable[str] | None = None,
    *,
    start: dt.date | None = None,
    end: dt.date | None = None,
    today: dt.date,
    adjust: bool = True,
) -> PricePanel:
    """Read daily bars from a folder with one file a symbol.

    Parameters
    ----------
    path : path
        A symbol's file is ``SYMBOL.csv`` or ``SYMBOL.parquet``; if no name is spelled
        exactly so, the only one that differs in case is taken.
    symbols : iterable of str, optional
        In this order; by default all there are, sorted. Hidden files are left out.
    start, end : date, optional
        Bars before and after are left out, unchecked.
    today : date
        No bar may be dated later; `latest_date` is the latest there is on Earth.
    adjust : bool
        Whether to apply ``Adj Close`` to all four prices. Symbols without it are used
        as they are, which is logged, and said in the panel's `source`.

    Raises
    ------
    SourceError
        If there is no such folder, no bars in it, or a file cannot be read.
    DataError
        If a symbol is not a ticker, is unknown or has two files, if a file is not a
        table with the columns needed or a date is not an ISO date (the message shows
        the file, the row and its text; a CSV file's header is row 1), and on whatever
        `PricePanel.from_frames` refuses.
    MissingExtraError
        If a file is Parquet and pyarrow is not installed.
    """
    folder = Path(path)
    files = _files(folder)
    known = {file.stem for file in files}
    names = distinct_symbols(sorted(known) if symbols is None else symbols)
    chosen = {name: _file_of(check_symbol(name), files) for name in names}
    _check_one_symbol_a_file(chosen)
    tables = {
        name: _read(name, file, start=start, end=end, adjusted_close=adjust)
        for name, file in chosen.items()
    }
    return assembled(tables, today=today, adjust=adjust, source=f"folder {folder}")


def _read(
    symbol: str,
    file: Path,
    *,
    start: dt.date | None,
    end: dt.date | None,
    adjusted_close: bool,
) -> pd.DataFrame:
    """Read a file's rows of sessions from one date to another."""
    table = read_table(
        symbol, file, adjusted_close=adjusted_close, start=start, end=end
    )
    if start is None and end is None:
        return table
    sessions = sessions_of(symbol, table.index)
    kept = np.ones(len(sessions), dtype=bool)
    if start is not None:
        kept &= sessions >= pd.Timestamp(start)
    if end is not None:
        kept &= sessions <= pd.Timestamp(end)
    if len(table) and not kept.any():
        raise DataError(
            "no session in the range asked for",
            symbol=symbol,
            value=f"{start or 'first'} to {end or 'last'}",
            valid=f"its bars are {sessions.min():%F} to {sessions.max():%F}",
        )
    return table[kept]


def _files(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except (OSError, ValueError) as error:
        message = f"{folder} cannot be read as a folder of bars: {error}"
        raise SourceError(message) from error
    files = [
        entry
        for entry in entries
        if entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".")
    ]
    if not files:
        raise SourceError(f"no bars in {folder}: one SYMBOL.csv or SYMBOL.parquet each")
    return files


def _file_of(symbol: str, files: list[Path]) -> Path:
    exact = [file for file in files if file.stem == symbol]
    found = exact or [file for file in files if file.stem.lower() == symbol.lower()]
    if not found:
        known = {file.stem for file in files}
        raise DataError(
            "no file for this symbol", symbol=symbol, valid=closest(symbol, known)
        )
    if len(found) > 1:
        raise DataError(
            "more than one file for this symbol",
            symbol=symbol,
            value=[file.name for file in found],
            valid="one file a symbol",
        )
    return found[0]


def _check_one_symbol_a_file(chosen: dict[str, Path]) -> None:
    by_file: dict[Path, str] = {}
    for symbol, file in chosen.items():
        first = by_file.setdefault(file, symbol)
        if first != symbol:
            raise DataError(
                f"two symbols read from {file.name}",
                value=[first, symbol],
                valid="each file once",
            )
