"""One file -> a table of bars, indexed by date.

Text is read as text first and converted afterwards, so that nothing is guessed: pandas
alone would take 01/02/2020 for January, and would drop the cell that is one too many
without a word. A file in another form is described in one error, with all that is in
the way, so that a user need not mend it fault after fault.
"""

from __future__ import annotations

import bisect
import csv
import datetime as dt
import io
import re
from pathlib import Path

import pandas as pd

from bt_lstm_rotation.disk import read_regular
from bt_lstm_rotation.errors import DataError, MissingExtraError, SourceError
from bt_lstm_rotation.prices.columns import COLUMNS, letters, named
from bt_lstm_rotation.prices.dates import iso_dates

__all__ = ["read_table"]

_COPIED_DATE = re.compile(
    r"^\"?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{1,2}, \d{4}",
    re.MULTILINE,
)
_OTHER_DATE = re.compile(
    r"^\"?(\d{1,2}[/.]\d{1,2}[/.]\d{4}|\d{4}/\d{1,2}/\d{1,2})", re.MULTILINE
)
_PLAINLY_DATED = re.compile(r"\d{4}-\d\d-\d\d,")
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(,\d{3})+(?!\d)(\.\d+)?")
_QUOTED_THOUSANDS = re.compile(r"\"\d{1,3}(,\d{3})+(\.\d+)?\"")
# Lines without a cell that would be looked at below, as most files have.
_IN_FORM = re.compile(r"(\d{4}-\d\d-\d\d[\d.,:+\- eE]*(\n|$))*+")
_NO_BAR = re.compile(r"\d\s+(dividend|(stock )?splits?)\b", re.IGNORECASE)

WANTED = f"a comma-separated header with Date {' '.join(COLUMNS)}"


def read_table(
    symbol: str,
    file: Path,
    *,
    adjusted_close: bool,
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> pd.DataFrame:
    """Read one CSV or Parquet file: the columns that are known, indexed by date.

    Bars before `start` and after `end` may be left out.

    Raises
    ------
    SourceError
        If the file cannot be read.
    DataError
        If it is no table, has no dates, has a column twice or, with `adjusted_close`,
        one that may be an adjusted close; the message shows the row and its text (a CSV
        file's header is row 1).
    MissingExtraError
        If it is Parquet and pyarrow is not installed.
    """
    try:
        content = read_regular(file)
    except OSError as error:
        reason = error.strerror or error
        raise SourceError(f"{file} cannot be read: {reason}") from error
    if file.suffix.lower() == ".csv":
        table = _read_csv(symbol, file.name, content, start, end)
    else:
        table = _read_parquet(symbol, file.name, content)
    found = named(symbol, table.columns, adjusted_close=adjusted_close)
    if "Date" not in found:
        raise DataError(
            f"{file.name} has no column Date",
            symbol=symbol,
            value=[str(label) for label in table.columns],
            valid=WANTED,
        )
    table = table.iloc[:, list(found.values())].set_axis(list(found), axis=1)
    dates = table.pop("Date")
    if pd.api.types.is_string_dtype(dates):
        return table.set_axis(iso_dates(symbol, file.name, dates), axis=0)
    return table.set_axis(pd.Index(dates), axis=0)


def _read_csv(
    symbol: str, name: str, content: bytes, start: dt.date | None, end: dt.date | None
) -> pd.DataFrame:
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
    numbers = None
    if start is not None or end is not None:
        text, numbers = _between(text, start or dt.date.min, end or dt.date.max)
    _check_form(symbol, name, text)
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
        widths = [len(row) for row in csv.reader(io.StringIO(text, newline=None))]
    except (pd.errors.ParserError, csv.Error) as error:
        raise DataError(
            f"{name} is not a table: {error}",
            symbol=symbol,
            valid="as many cells in each row as in the header",
        ) from error
    # To pandas an absent cell, as in a download cut short, is an empty one.
    whole = cells.shape[1]
    for row, width in enumerate(widths):
        if 1 < width < whole:
            raise DataError(
                f"{name}, row {numbers[row] if numbers else row + 1} is cut short",
                symbol=symbol,
                value=cells.iloc[row, :width].tolist(),
                valid=f"as many cells in each row as in the header, {whole}",
            )
    header, first = _header(symbol, name, cells)
    rows = cells.iloc[first:].set_axis(header, axis=1)
    return rows.set_axis((numbers or range(1, len(cells) + 1))[first:], axis=0)


def _between(text: str, start: dt.date, end: dt.date) -> tuple[str, list[int]]:
    """Leave out bars before and after dates; return the rest and the rows' numbers.

    That is where all rows are plainly dated, in order, and some are left: of any other
    file, all there is to say is said.
    """
    lines = text.split("\n")
    dates = [line[:11] for line in lines[1:]]
    first = bisect.bisect_left(dates, f"{start},")
    after = bisect.bisect_right(dates, f"{end},")
    plain = '"' not in text and all(map(_PLAINLY_DATED.fullmatch, dates))
    if not plain or first >= after or dates != sorted(dates):
        first, after = 0, len(dates)
    # Rows are counted from 1, which is the header's.
    numbers = [1, *range(first + 2, after + 2)]
    return "\n".join(lines[number - 1] for number in numbers), numbers


def _check_form(symbol: str, name: str, text: str) -> None:
    """Describe a file in another form, with all that is in the way of reading it."""
    header, *lines = text.splitlines() or [""]
    body = "\n".join(lines)
    if _IN_FORM.fullmatch(body):
        return
    copied, other = _COPIED_DATE.search(body), _OTHER_DATE.search(body)
    date = copied or other
    first = next(iter(lines), "")
    faults = []
    if "," not in header and (others := [sign for sign in ";|\t" if sign in header]):
        faults.append(f"cells separated by {others[0]!r}")
    # Elsewhere than in the first row it is a slip, which is shown with its number.
    if date is not None and (copied or date.start() < len(first)):
        dates = (_COPIED_DATE.match(x) or _OTHER_DATE.match(x) for x in lines)
        count = sum(map(bool, dates))
        faults.append(f"dates such as {date[0].strip(chr(34))!r} in {count:,} rows")
    # Line by line only where there is something to find: most files are in order.
    suspects = lines if _NO_BAR.search(body) else []
    if between := sum(bool(_NO_BAR.search(line)) for line in suspects):
        rows = "row" if between == 1 else "rows"
        faults.append(f"{between:,} dividend or split {rows} between the bars")
    # Without quotes or tabs, a comma is what separates the cells.
    cells = _THOUSANDS if "\t" in body else _QUOTED_THOUSANDS
    suspects = lines if copied or cells.search(body) else []
    rest = (_COPIED_DATE.sub("", line) for line in suspects)
    commas = [found[0] for line in rest if (found := cells.search(line))]
    if commas:
        faults.append(f"numbers with commas such as {commas[0].strip(chr(34))!r}")
    if not faults:
        return
    if "$" in body:
        faults.append("prices with a currency sign")
    form = "a table copied from Yahoo's page" if copied else "not in the form of Yahoo"
    raise DataError(
        f"{name} is {form}: {'; '.join(faults)}",
        symbol=symbol,
        value=first[:60],
        valid="write dates as YYYY-MM-DD, one bar a row and plain numbers under "
        f"{WANTED}, or let yfinance write the file: yfinance.Ticker({symbol!r})"
        f".history(period='max', auto_adjust=False).to_csv('{symbol}.csv')",
    )


def _header(symbol: str, name: str, cells: pd.DataFrame) -> tuple[list[str], int]:
    """Name the columns, and tell in which row the bars begin, counted from 0.

    ``yfinance.download(...).to_csv()`` writes three rows of header: names, tickers and
    ``Date``, the first two in either order.
    """
    corner = [letters(cell) for cell in cells.iloc[:3, 0]]
    storeys = len(corner) == 3 and corner[2] in ("date", "datetime")
    if not storeys or "ticker" not in corner[:2]:
        return cells.iloc[0].tolist(), 1
    at = corner.index("ticker")
    tickers = list(dict.fromkeys(cells.iloc[at, 1:]))
    if len(tickers) > 1:
        raise DataError(
            f"{name} has the bars of several tickers",
            symbol=symbol,
            value=tickers,
            valid="one file a symbol: frame.xs('XLK', axis=1, level='Ticker')"
            ".to_csv('XLK.csv')",
        )
    return ["Date", *cells.iloc[1 - at, 1:]], 3


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
