"""One symbol's daily bars: what makes them valid.

Everything that enters the package passes here once. Backtrader itself checks nothing:
its feeds take missing closes, duplicates and unsorted dates without a word.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError

__all__ = ["ADJUSTED_CLOSE", "COLUMNS", "adjusted", "check_symbol", "valid_bars"]

COLUMNS = ("Open", "High", "Low", "Close", "Volume")
ADJUSTED_CLOSE = "Adj Close"
PRICES = COLUMNS[:4]

# Vendors round adjusted prices field by field (Yahoo stores 32-bit floats), which can
# leave High an ulp under Close. A relative 1e-6 is ten such ulps, and far below a tick.
ROUNDING = 1e-6

_SYMBOL = re.compile(r"[A-Za-z0-9^][A-Za-z0-9^._=-]{0,31}")


def check_symbol(symbol: object) -> str:
    """Return ``symbol`` if it is a ticker that is safe in a path and in a URL.

    Raises DataError if it is not a string, is empty or over 32 characters, begins with
    a dot, or has a character outside ``A-Z a-z 0-9 ^ . _ = -``.
    """
    if isinstance(symbol, str) and _SYMBOL.fullmatch(symbol):
        return symbol
    raise DataError(
        "not a ticker",
        value=symbol,
        valid="1 to 32 of A-Z a-z 0-9 ^ . _ = -, beginning with a letter, digit or ^",
    )


def adjusted(bars: pd.DataFrame, *, symbol: str | None = None) -> pd.DataFrame:
    """Apply ``Adj Close`` to all four prices, so that returns include dividends.

    Parameters
    ----------
    bars : DataFrame
        Columns ``Open High Low Close Volume`` and ``Adj Close`` in any case.

    Returns
    -------
    DataFrame
        Open, High, Low and Close, each times ``Adj Close / Close``, and Volume as it
        is: the vendor has adjusted it for splits, and dividends do not change it.

    Raises
    ------
    DataError
        On no data, a missing column, and a Close or Adj Close that is NaN, infinite,
        zero or negative.
    """
    frame = _numeric(symbol, bars, (*COLUMNS, ADJUSTED_CLOSE))
    for name in ("Close", ADJUSTED_CLOSE):
        _check_price(symbol, frame, name)
    ratio = frame[ADJUSTED_CLOSE] / frame["Close"]
    prices = frame[list(PRICES)].mul(ratio.to_numpy(), axis=0)
    return prices.assign(Volume=frame["Volume"])


def valid_bars(symbol: str, bars: pd.DataFrame, *, today: dt.date) -> pd.DataFrame:
    """Return one symbol's bars, sorted, dated by session and known to be valid.

    Parameters
    ----------
    bars : DataFrame
        Columns ``Open High Low Close Volume`` in any case, indexed by date. Other
        columns are left out. A time zone is allowed; the session is the local date.
    today : date
        No bar may be dated later.

    Returns
    -------
    DataFrame
        Float64, one row a session, ascending, indexed by naive midnight timestamps.

    Raises
    ------
    DataError
        On no data, a missing column, an index that is not dates, duplicate dates whose
        bars differ, a future date, a price that is NaN, infinite, zero or negative, a
        High below Low or not enclosing Open and Close, or a volume that is NaN,
        infinite or negative. The message names the first session with that fault.
    """
    frame = _numeric(symbol, bars, COLUMNS)
    frame.index = _sessions(symbol, frame.index)
    frame = _one_row_per_session(symbol, frame.sort_index(kind="stable"))
    _check_values(symbol, frame, today)
    return frame


def _numeric(symbol: str | None, bars: Any, names: tuple[str, ...]) -> pd.DataFrame:
    if not isinstance(bars, pd.DataFrame):
        raise DataError(
            "bars must be a pandas DataFrame",
            symbol=symbol,
            value=type(bars).__name__,
            valid=f"columns {' '.join(names)}, indexed by date",
        )
    if bars.empty:
        raise DataError("no data", symbol=symbol, valid="at least one bar is needed")
    spelled = [str(column).strip().lower() for column in bars.columns]
    missing = [name for name in names if name.lower() not in spelled]
    repeated = [name for name in names if spelled.count(name.lower()) > 1]
    if missing or repeated:
        wrong = " ".join(missing or repeated)
        raise DataError(
            f"no column {wrong}" if missing else f"more than one column {wrong}",
            symbol=symbol,
            value=[str(column) for column in bars.columns],
            valid=f"needed once each, in any case: {' '.join(names)}",
        )
    columns = {name: bars.iloc[:, spelled.index(name.lower())] for name in names}
    numbers = {name: _numbers(symbol, name, columns[name]) for name in names}
    return pd.DataFrame(numbers, index=bars.index)


def _numbers(
    symbol: str | None, name: str, column: pd.Series[Any]
) -> NDArray[np.float64]:
    # pandas turns dates into nanoseconds and booleans into 0 and 1 without a word.
    types = pd.api.types
    numeric = types.is_numeric_dtype(column) and column.dtype.kind in "iuf"
    if not (numeric or types.is_object_dtype(column) or types.is_string_dtype(column)):
        raise DataError(
            "not numbers",
            symbol=symbol,
            field=name,
            value=str(column.dtype),
            valid="decimal numbers",
        )
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
    text = np.isnan(numbers) & column.notna().to_numpy()
    if text.any():
        row = int(np.argmax(text))
        raise DataError(
            "not a number",
            symbol=symbol,
            session=_day(column.index[row]),
            field=name,
            value=column.iloc[row],
            valid="a decimal number",
        )
    if not numeric:
        # pandas 2 converts text an ulp off; float() rounds correctly in any version.
        cells = zip(column, column.notna(), strict=True)
        return np.array([float(cell) if known else np.nan for cell, known in cells])
    return numbers


def _sessions(symbol: str, index: pd.Index[Any]) -> pd.DatetimeIndex:
    valid = "one date a row (see pandas.to_datetime), all in one time zone"

    def rejected(problem: str, value: object = None) -> DataError:
        return DataError(problem, symbol=symbol, value=value, valid=valid)

    if not isinstance(index, pd.DatetimeIndex):
        # Nothing is guessed: pandas reads 01/02/2020 as January, 5 as 1970, and "now".
        for stamp in index:
            if not (stamp is None or isinstance(stamp, dt.date)):
                raise rejected("the index is not dates", stamp)
        dated = [stamp for stamp in index if not pd.isna(stamp)]
        zones = {str(getattr(stamp, "tzinfo", None)) for stamp in dated}
        if len(zones) > 1:
            raise rejected("dates in mixed time zones", sorted(zones))
    try:
        stamps = pd.DatetimeIndex(index).tz_localize(None).normalize().as_unit("ns")
    except pd.errors.OutOfBoundsDatetime as error:
        raise rejected("a date outside 1678 to 2261", str(error)) from error
    if stamps.hasnans:
        raise rejected(f"row {int(np.argmax(stamps.isna())) + 1} has no date")
    # Neither a name nor a frequency: they depend on how the frame was made.
    return pd.DatetimeIndex(stamps.to_numpy())


def _one_row_per_session(symbol: str, frame: pd.DataFrame) -> pd.DataFrame:
    if frame.index.is_unique:
        return frame
    distinct = frame.rename_axis("session").reset_index().drop_duplicates()
    repeated = distinct["session"].duplicated(keep=False)
    if repeated.any():
        session = distinct.loc[repeated, "session"].iloc[0]
        copies = distinct[distinct["session"] == session]
        name = next(n for n in COLUMNS if len(copies[n].drop_duplicates()) > 1)
        raise DataError(
            "two different bars for one session",
            symbol=symbol,
            session=_day(session),
            field=name,
            value=copies[name].tolist(),
            valid="one bar a session, or exact copies",
        )
    return distinct.set_index("session").rename_axis(None)


def _check_values(symbol: str, frame: pd.DataFrame, today: dt.date) -> None:
    last = frame.index[-1]
    if last.date() > dt.date(today.year, today.month, today.day):
        raise DataError(
            "a bar dated in the future",
            symbol=symbol,
            session=_day(last),
            valid=f"the latest possible session is {today:%Y-%m-%d}",
        )
    for name in PRICES:
        _check_price(symbol, frame, name)
    volume = frame["Volume"]
    counted = "a volume is a finite number of shares, 0 or more"
    _reject(symbol, frame, ~np.isfinite(volume), "not a volume", "Volume", counted)
    _reject(symbol, frame, volume < 0, "a negative volume", "Volume", counted)
    high, low = frame["High"], frame["Low"]
    slack = ROUNDING * high
    below = high < low - slack
    _reject(symbol, frame, below, "High below Low", "High", "at least Low, {Low}")
    enclosed = "from Low {Low} to High {High}"
    for name in ("Open", "Close"):
        outside = (frame[name] > high + slack) | (frame[name] < low - slack)
        _reject(symbol, frame, outside, f"{name} outside Low..High", name, enclosed)


def _check_price(symbol: str | None, frame: pd.DataFrame, name: str) -> None:
    price = frame[name]
    positive = "a price is a finite number above 0"
    _reject(symbol, frame, price.isna(), "a missing price (NaN)", name, positive)
    _reject(symbol, frame, np.isinf(price), "an infinite price", name, positive)
    _reject(symbol, frame, price <= 0, "a price of zero or below", name, positive)


def _reject(
    symbol: str | None,
    frame: pd.DataFrame,
    bad: pd.Series[bool],
    problem: str,
    field: str,
    valid: str,
) -> None:
    """Raise for the first bad row; ``valid`` may name its other fields in braces."""
    rows = np.flatnonzero(bad.to_numpy())
    if rows.size:
        bar = frame.iloc[rows[0]]
        raise DataError(
            problem,
            symbol=symbol,
            session=_day(frame.index[rows[0]]),
            field=field,
            value=float(bar[field]),
            valid=valid.format_map(bar),
        )


def _day(stamp: Any) -> str:
    return stamp.date().isoformat() if isinstance(stamp, pd.Timestamp) else str(stamp)
