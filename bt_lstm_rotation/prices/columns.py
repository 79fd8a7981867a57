"""Which column of a table is which: the spellings of the vendors, and numbers.

Only letters count, in any case: ``Adj. Close``, ``adjClose`` and ``5. adjusted close``
are what a table of names says they are. A column that looks like an adjusted close and
is not in the table is an error: passed over, it would turn splits into losses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError

__all__ = [
    "ADJUSTED_CLOSE",
    "COLUMNS",
    "PRICES",
    "SPELLINGS",
    "adjusted_columns",
    "check_frame",
    "letters",
    "named",
    "numeric",
]

COLUMNS = ("Open", "High", "Low", "Close", "Volume")
PRICES = COLUMNS[:4]
ADJUSTED_CLOSE = "Adj Close"

# Yahoo, EODHD, Alpha Vantage, Tiingo, Stooq, Nasdaq, Quandl's WIKI, Sharadar.
SPELLINGS = {
    "open": "Open",
    "openprice": "Open",
    "high": "High",
    "highprice": "High",
    "low": "Low",
    "lowprice": "Low",
    "close": "Close",
    "closeprice": "Close",
    "closingprice": "Close",
    "closelast": "Close",
    "volume": "Volume",
    "vol": "Volume",
    "adjclose": ADJUSTED_CLOSE,
    "adjcloseprice": ADJUSTED_CLOSE,
    "adjclosingprice": ADJUSTED_CLOSE,
    "adjustedclose": ADJUSTED_CLOSE,
    "adjustedcloseprice": ADJUSTED_CLOSE,
    "adjustedclosingprice": ADJUSTED_CLOSE,
    "closeadj": ADJUSTED_CLOSE,
    "closeadjusted": ADJUSTED_CLOSE,
    "closepriceadj": ADJUSTED_CLOSE,
    "closepriceadjusted": ADJUSTED_CLOSE,
}

# A file dates its rows by the first of these that it has.
DATES = ("date", "datetime", "timestamp", "time")

# What else of a bar a vendor adjusts, or adjusts by: no adjusted close.
OTHER_WORDS = ("open", "high", "low", "vol", "factor", "ratio", "coef", "split", "div")
OTHER_ADJUSTED = frozenset({"adjo", "adjh", "adjl", "adjv"})

# What a vendor, pandas or a spreadsheet writes for a number that is not known.
UNKNOWN = frozenset({"", "-", "nan", "null", "none", "n/a", "na", "#n/a", "<na>"})


def letters(label: object) -> str:
    """Reduce a column's name to its letters, in lower case."""
    return re.sub(r"[^a-z]", "", str(label).lower())


def named(
    symbol: str | None, labels: Iterable[object], *, adjusted_close: bool = True
) -> dict[str, int]:
    """Find columns by name: ``Date``, `COLUMNS` and ``Adj Close`` -> position.

    Raises DataError if a name comes twice, or, with `adjusted_close`, a column looks
    like an adjusted close and is in no known spelling.
    """
    found: dict[str, int] = {}
    known = list(labels)
    spelled = [letters(label) for label in known]
    date = next((name for name in DATES if name in spelled), None)
    for number, (label, spelling) in enumerate(zip(known, spelled, strict=True)):
        name = "Date" if spelling == date else SPELLINGS.get(spelling)
        if name == ADJUSTED_CLOSE and not adjusted_close:
            continue
        if name is None:
            continue
        if name in found:
            first = known[found[name]]
            raise DataError(
                f"more than one column {name}",
                symbol=symbol,
                field=name,
                value=[str(first), str(label)],
                valid="each column once",
            )
        found[name] = number
    if adjusted_close and "Close" in found:
        _check_adjusted(symbol, known)
    return found


def _check_adjusted(symbol: str | None, labels: list[object]) -> None:
    for label in labels:
        if letters(label) not in SPELLINGS and _looks_adjusted(letters(label)):
            raise DataError(
                f"a column that may be an adjusted close: {str(label)[:60]!r}",
                symbol=symbol,
                value=[str(other) for other in labels],
                valid="call it 'Adj Close' if it is one, or remove it",
            )


def adjusted_columns(labels: Iterable[object]) -> list[str]:
    """List the columns that are an adjusted close, or look like one."""
    return [
        str(label)
        for label in labels
        if SPELLINGS.get(letters(label)) == ADJUSTED_CLOSE
        or _looks_adjusted(letters(label))
    ]


def _looks_adjusted(spelling: str) -> bool:
    # Sharadar's closeunadj says that it is none.
    if "adj" not in spelling or "unadj" in spelling:
        return False
    if any(word in spelling for word in ("close", "closing", "price", "last")):
        return True
    return spelling not in OTHER_ADJUSTED and not any(
        word in spelling for word in OTHER_WORDS
    )


def check_frame(symbol: str | None, bars: Any, names: tuple[str, ...]) -> None:
    """Raise DataError if `bars` is no frame."""
    if not isinstance(bars, pd.DataFrame):
        raise DataError(
            "bars must be a pandas DataFrame",
            symbol=symbol,
            value=type(bars).__name__,
            valid=f"columns {' '.join(names)}, indexed by date",
        )


def numeric(symbol: str | None, bars: Any, names: tuple[str, ...]) -> pd.DataFrame:
    """Pick columns of a frame by name, as float64; a Volume that is absent is NaN.

    Raises DataError if `bars` is no frame or has no rows, a column is missing or comes
    twice, or a cell is no number. Empty cells and the like are NaN.
    """
    check_frame(symbol, bars, names)
    if bars.empty:
        raise DataError("no data", symbol=symbol, valid="at least one bar is needed")
    table = _of_one_ticker(symbol, bars)
    found = named(symbol, table.columns, adjusted_close=ADJUSTED_CLOSE in names)
    missing = [name for name in names if name not in found and name != "Volume"]
    if missing:
        raise DataError(
            f"no column {' '.join(missing)}",
            symbol=symbol,
            value=[str(column) for column in table.columns],
            valid=f"needed once each, in any case: {' '.join(names)}",
        )
    columns = {name: table.iloc[:, found[name]] for name in names if name in found}
    numbers = {name: _numbers(symbol, name, cells) for name, cells in columns.items()}
    absent = np.full(len(table), np.nan)
    return pd.DataFrame(
        {name: numbers.get(name, absent) for name in names}, index=table.index
    )


def _of_one_ticker(symbol: str | None, bars: pd.DataFrame) -> pd.DataFrame:
    """Take the tickers off the two-storey columns that ``yfinance.download`` gives."""
    if bars.columns.nlevels != 2:
        return bars
    for level in (0, 1):
        tickers = bars.columns.get_level_values(1 - level).unique()
        if "close" in {letters(name) for name in bars.columns.get_level_values(level)}:
            if len(tickers) > 1:
                raise DataError(
                    "bars of several tickers in one frame",
                    symbol=symbol,
                    value=[str(ticker) for ticker in tickers],
                    valid="one frame a symbol, such as "
                    f"frame.xs({str(tickers[0])!r}, axis=1, level={1 - level})",
                )
            return bars.set_axis(bars.columns.get_level_values(level), axis=1)
    return bars


def _numbers(
    symbol: str | None, name: str, column: pd.Series[Any]
) -> NDArray[np.float64]:
    # pandas turns dates into nanoseconds and booleans into 0 and 1 without a word.
    types = pd.api.types
    is_number = types.is_numeric_dtype(column) and column.dtype.kind in "iuf"
    is_text = types.is_object_dtype(column) or types.is_string_dtype(column)
    if not (is_number or is_text):
        raise DataError(
            "not numbers",
            symbol=symbol,
            field=name,
            value=str(column.dtype),
            valid="decimal numbers",
        )
    if is_text:
        # Arrow's strings, which pandas 3 reads, are slow to walk one by one.
        column = column.astype(object)
        if (plain := _plain_numbers(column)) is not None:
            return plain
    try:
        converted = pd.to_numeric(column, errors="coerce")
    except OverflowError as error:
        raise DataError(
            "an integer too large",
            symbol=symbol,
            field=name,
            valid="numbers that fit a float64",
        ) from error
    numbers = converted.to_numpy("float64", na_value=np.nan)
    unread = np.isnan(numbers) & column.notna().to_numpy()
    for row in np.flatnonzero(unread).tolist():
        if not _is_unknown(column.iloc[row]):
            raise DataError(
                "not a number",
                symbol=symbol,
                session=_day(column.index[row]),
                field=name,
                value=column.iloc[row],
                valid="a decimal number",
            )
    if is_text:
        # pandas 2 converts text an ulp off; float() rounds correctly in any version.
        cells = zip(column, np.isnan(numbers), strict=True)
        return np.array([np.nan if unknown else float(cell) for cell, unknown in cells])
    return numbers


def _plain_numbers(column: pd.Series[Any]) -> NDArray[np.float64] | None:
    """Read texts if all are finite numbers, in a third of the time."""
    cells = column.to_numpy()
    try:
        joined = "".join(cells)
        # What else `float` would take: 1_000, and digits of other scripts.
        if "_" in joined or not joined.isascii():
            return None
        numbers = cells.astype(np.float64)
    except (TypeError, ValueError):
        return None
    return numbers if np.isfinite(numbers).all() else None


def _is_unknown(cell: object) -> bool:
    return isinstance(cell, str) and cell.strip().lower() in UNKNOWN


def _day(stamp: Any) -> str:
    return stamp.date().isoformat() if isinstance(stamp, pd.Timestamp) else str(stamp)
