"""Trials as CSV: all rows out, and Sharpe ratios from elsewhere in."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bt_lstm_rotation.disk import (
    checked_file,
    disk_errors,
    read_regular,
    write_atomically,
)
from bt_lstm_rotation.errors import DataError, OutputError
from bt_lstm_rotation.escaping import as_cell, from_cell
from bt_lstm_rotation.forecasting.store.content_key import settings_key
from bt_lstm_rotation.result import BacktestResult
from bt_lstm_rotation.trials.database import COLUMNS
from bt_lstm_rotation.trials.ledger import Kept
from bt_lstm_rotation.trials.record import TrialRecord, marks_of_bars
from bt_lstm_rotation.wording import closest

__all__ = ["export_trials", "read_trials"]

_EXPORTED = ("number", *(name for name in COLUMNS if name not in ("marks", "returns")))
_MARK = ",".join(_EXPORTED[:5]).encode()

# Bytes and rows of a file, letters of a cell.
_LARGEST, _ROWS, _LONGEST = 20_000_000, 100_000, 500

# Of a year: what is larger is a return, or a per cent.
_HIGHEST = 50.0


def export_trials(rows: Sequence[Kept], file: Path) -> Path:
    """Write rows as CSV, all columns but returns and marks; return where.

    It replaces an earlier export, and no other file: OutputError.
    """
    place = checked_file(file, "the trials", marks=[_MARK])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_EXPORTED)
    for row in rows:
        told = {"number": row.number, "hash": row.hash, "written": row.written}
        cells = [told.get(name, getattr(row.trial, name, "")) for name in _EXPORTED]
        writer.writerow([_cell(value) for value in cells])
    with disk_errors(OutputError, f"the trials cannot be written to {file}"):
        write_atomically(place, text.getvalue().encode())
    return place


def read_trials(file: Path, run: BacktestResult) -> list[TrialRecord]:
    """Read trials that were made elsewhere, on the bars of a run.

    Parameters
    ----------
    file : Path
        CSV with a header: ``sharpe``, of a year, and if it has them ``name`` and
        ``length``, in sessions. Other columns are passed over.
    run : BacktestResult
        Its bars and sessions are those of the trials.

    Raises
    ------
    DataError
        If a row cannot be read: which one, and why.
    OutputError
        If the file cannot be read.
    """
    with disk_errors(OutputError, f"{file} cannot be read"):
        content = read_regular(file)
    if len(content) > _LARGEST:
        problem = f"{file} is larger than {_LARGEST:,} bytes"
        raise DataError(problem, value=len(content))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8", valid=str(error)) from error
    lines = _lines(text, file)
    return [
        _record(number, cells, hashlib.sha256(content).hexdigest(), run)
        for number, cells in lines
    ]


def _lines(text: str, file: Path) -> list[tuple[int, dict[str, str]]]:
    if "\0" in text:
        raise DataError(f"{file} has zero bytes", valid="a CSV file of text")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    header: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(cells, file)
                continue
            where = f"line {reader.line_num}"
            if len(cells) != len(header):
                told = f"{len(header)} cells, as in the header"
                problem = f"{where} of {file} has another number of cells"
                raise DataError(problem, value=len(cells), valid=told)
            if len(found) == _ROWS:
                raise DataError(f"{file} has more than {_ROWS:,} rows")
            found.append((reader.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        problem = f"line {reader.line_num} of {file} is no CSV"
        raise DataError(problem, valid=str(error)) from error
    if not found:
        valid = "a header with the column sharpe, and a row for each trial"
        raise DataError(f"{file} has no trials", valid=valid)
    return found


def _header(cells: Sequence[str], file: Path) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    if "sharpe" not in names:
        valid = f"a header with the column sharpe; {closest('sharpe', names)}"
        raise DataError(f"{file} has no column sharpe", valid=valid)
    twice = {name for name in names if name and names.count(name) > 1}
    for name in ("sharpe", "name", "length"):
        if name in twice:
            raise DataError(f"{file} has the column {name} twice")
    return names


def _record(
    number: int, cells: dict[str, str], digest: str, run: BacktestResult
) -> TrialRecord:
    where = f"line {number}"
    for name in ("sharpe", "name", "length"):
        if len(cells.get(name, "")) > _LONGEST:
            problem = f"{where}: {name} has more than {_LONGEST} letters"
            raise DataError(problem, value=len(cells[name]))
    sharpe = _sharpe(where, cells["sharpe"])
    length = _length(where, cells.get("length", ""))
    name = from_cell(cells.get("name", "").strip())
    data, account = run.summary["data"], run.account
    traded = [str(symbol) for symbol in data["symbols"]]
    configuration = settings_key("imported", digest, number, name)
    return TrialRecord(
        kind="imported",
        key=settings_key("trial", data["content_hash"], configuration),
        configuration=configuration,
        data=data["content_hash"],
        source=str(data["source"]),
        symbols=json.dumps(traded),
        benchmark=data["benchmark"],
        marks=marks_of_bars(run.bars, traded) if len(run.bars) else None,
        strategy=name or f"{where} of a file",
        annual_sharpe=sharpe,
        length=length,
        first=str(account.index[0].date()),
        last=str(account.index[-1].date()),
    )


def _sharpe(where: str, cell: str) -> float:
    text = cell.strip()
    valid = "a Sharpe ratio of a year, with a point, such as 0.85"
    if not text:
        hint = f"{valid}; leave out trials that have none"
        raise DataError(f"{where}: sharpe is empty", valid=hint)
    try:
        # What Python takes for a number besides: 1_000, and other people's digits.
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not abs(number) <= _HIGHEST:
        hint = f"{valid}, between -{_HIGHEST:g} and {_HIGHEST:g}"
        raise DataError(f"{where}: sharpe is not valid", value=text, valid=hint)
    return number


def _length(where: str, cell: str) -> int | None:
    text = cell.strip()
    if not text:
        return None
    digits = text.isascii() and text.isdigit() and len(text) <= 6
    if not digits or int(text) == 0:
        valid = "a whole number of sessions, below 1,000,000"
        raise DataError(f"{where}: length is not valid", value=text, valid=valid)
    return int(text)


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return as_cell(value) if isinstance(value, str) else str(value)
