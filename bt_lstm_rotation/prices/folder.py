"""A folder of daily bars: one CSV or Parquet file a symbol, named after it.

The columns are Yahoo's: ``Date Open High Low Close Volume`` and, if there is one,
``Adj Close``, in any order and case. Text is read as text first and converted
afterwards, so that nothing is guessed: pandas alone would take 01/02/2020 for January,
and would drop the cell that is one too many without a word.
"""

from __future__ import annotations

import datetime as dt
import io
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.errors import DataError, MissingExtraError, SourceError, closest
from bt_lstm_rotation.prices.bars import ADJUSTED_CLOSE, COLUMNS, adjusted, check_symbol
from bt_lstm_rotation.prices.panel import PricePanel, distinct_symbols

__all__ = ["load_folder"]

logger = logging.getLogger(__name__)

SUFFIXES = (".csv", ".parquet")

# One exchange's offset from UTC moves by an hour between winter and summer, and files
# with a time zone carry the offset of each row. More than that is more than one zone.
DAYLIGHT_SAVING = dt.timedelta(hours=1)

Offsets = list[dt.timedelta | None]


def load_folder(
    path: str | os.PathLike[str],
    symbols: Iterable[str] | None = None,
    *,
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
    today : date
        No bar may be dated later.
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
        makes bars invalid.
    MissingExtraError
        If a file is Parquet and pyarrow is not installed.
    """
    folder = Path(path)
    files = _files(folder)
    known = {file.stem for file in files}
    names = distinct_symbols(sorted(known) if symbols is None else symbols)
    chosen = {name: _file_of(check_symbol(name), files) for name in names}
    _check_one_symbol_a_file(chosen)
    tables = {}
    zones: dict[dt.timedelta | None, str] = {}
    for name, file in chosen.items():
        tables[name], offsets = _table(name, file)
        for offset in offsets:
            zones.setdefault(offset, name)
    _check_zones(zones)
    plain = [name for name in names if ADJUSTED_CLOSE not in tables[name]]
    if adjust and plain:
        logger.warning(
            "no Adj Close for %s: prices are used as they are", ", ".join(plain)
        )
    frames = {
        name: adjusted(table, symbol=name) if adjust and name not in plain else table
        for name, table in tables.items()
    }
    source = f"folder {folder}, {_adjustment(adjust, len(plain), len(names))}"
    return PricePanel.from_frames(frames, today=today, source=source)


def _adjustment(adjust: bool, plain: int, total: int) -> str:
    if not adjust:
        return "prices as they are"
    if plain:
        return f"prices as they are for {plain} of {total} symbols without Adj Close"
    return "adjusted by Adj Close"


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


def _table(symbol: str, file: Path) -> tuple[pd.DataFrame, Offsets]:
    """Read one file: its bars indexed by date, and the offsets from UTC in its text."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error}") from error
    read = _read_csv if file.suffix.lower() == ".csv" else _read_parquet
    table = read(symbol, file.name, content)
    found = _named(symbol, table)
    if "Date" not in found:
        raise DataError(
            f"{file.name} has no column Date",
            symbol=symbol,
            value=[str(label) for label in table.columns],
            valid=f"a comma-separated header with Date {' '.join(COLUMNS)}",
        )
    table = table.iloc[:, list(found.values())].set_axis(list(found), axis=1)
    dates = table.pop("Date")
    if not pd.api.types.is_string_dtype(dates):
        return table.set_axis(pd.Index(dates), axis=0), []
    index, offsets = _iso_dates(symbol, file.name, dates)
    return table.set_axis(index, axis=0), offsets


def _read_csv(symbol: str, name: str, content: bytes) -> pd.DataFrame:
    try:
        text = content.decode("utf-8-sig").rstrip()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is not UTF-8 text",
            symbol=symbol,
            value=content[:16],
            valid="a CSV file in UTF-8",
        ) from error
    if "\0" in text:
        # pandas 2 ends a cell there, and what follows in the cell is lost.
        raise DataError(
            f"{name} holds a zero byte", symbol=symbol, valid="a CSV file in UTF-8"
        )
    if not text:
        raise DataError(f"{name} is empty", symbol=symbol, valid="a header and bars")
    try:
        # The header is read as a row, because pandas takes a surplus cell in the first
        # row of bars for an index, and all columns then shift by one.
        cells = pd.read_csv(
            io.StringIO(text),
            header=None,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except pd.errors.ParserError as error:
        raise DataError(
            f"{name} is not a table: {error}",
            symbol=symbol,
            valid="as many cells in each row as in the header",
        ) from error
    rows = cells.iloc[1:].set_axis(cells.iloc[0].tolist(), axis=1)
    return rows.set_axis(range(2, len(cells) + 1), axis=0)


def _read_parquet(symbol: str, name: str, content: bytes) -> pd.DataFrame:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("reading Parquet files", "parquet") from error
    try:
        table = parquet.read_table(io.BytesIO(content))
        # Without pandas' own metadata an index is a column like any other.
        rows: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{name} is not a Parquet file: {error}",
            symbol=symbol,
            valid="one that pyarrow can read",
        ) from error
    return rows.set_axis(range(1, len(rows) + 1), axis=0)


def _named(symbol: str, table: pd.DataFrame) -> dict[str, int]:
    """Find the columns by name, whatever their case, spaces and underscores."""
    known = {_spelling(name): name for name in ("Date", *COLUMNS, ADJUSTED_CLOSE)}
    found: dict[str, int] = {}
    for number, label in enumerate(table.columns):
        name = known.get(_spelling(label))
        if name in found:
            raise DataError(
                "two columns of one name",
                symbol=symbol,
                field=name,
                value=str(label),
                valid="each column once",
            )
        if name is not None:
            found[name] = number
    return found


def _spelling(label: object) -> str:
    return re.sub(r"[\s_]+", "", str(label)).lower()


def _iso_dates(
    symbol: str, name: str, texts: pd.Series[Any]
) -> tuple[pd.DatetimeIndex, Offsets]:
    days = []
    offsets: Offsets = []
    for row, text in texts.items():
        try:
            stamp = dt.datetime.fromisoformat(str(text).strip())
        except ValueError as error:
            raise DataError(
                f"{name}, row {row} is not dated",
                symbol=symbol,
                field="Date",
                value=text,
                valid="an ISO date, YYYY-MM-DD, with or without a time and a zone",
            ) from error
        days.append(stamp.date())
        offsets.append(stamp.utcoffset())
    index = pd.DatetimeIndex(np.array(days, dtype="datetime64[D]"))
    return index, list(dict.fromkeys(offsets))


def _check_zones(zones: dict[dt.timedelta | None, str]) -> None:
    known = [offset for offset in zones if offset is not None]
    mixed = known and (None in zones or max(known) - min(known) > DAYLIGHT_SAVING)
    if mixed:
        raise DataError(
            "dates in mixed time zones",
            value={
                "none" if offset is None else str(dt.timezone(offset)): symbol
                for offset, symbol in zones.items()
            },
            valid="one time zone for all files, or none",
        )
