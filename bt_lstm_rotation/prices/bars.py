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

    Parameters
    ----------
    symbol : object
        The name received.

    Returns
    -------
    str
        The same name.

    Raises
    ------
    DataError
        If it is not a string, is empty or over 32 characters, begins with a dot, or
        has a character outside ``A-Z a-z 0-9 ^ . _ = -``.
    """
    if isinstance(symbol, str) and _SYMBOL.fullmatch(symbol):
        return symbol
    raise DataError(
        "not a ticker",
        value=symbol,
        valid="1 to 32 of A-Z a-z 0-9 ^ . _ = -, beginning with a letter, digit or ^",
    )


def adjusted(bars: pd.DataFrame) -> pd.DataFrame:
    """Apply ``Adj Close`` to all four prices, so that returns include dividends.

    Parameters
    ----------
    bars : DataFrame
        Columns ``Open High Low Close Volume`` and ``Adj Close``.

    Returns
    -------
    DataFrame
        Open, High, Low and Close, each times ``Adj Close / Close``, and Volume.

    Notes
    -----
    All four prices are multiplied by the same ratio, so Close equals Adj Close to the
    last rounding, and a High that enclosed the others still does. Volume is left as it
    is: the vendor has adjusted it for splits, and a dividend does not change it.
    """
    ratio = bars[ADJUSTED_CLOSE] / bars["Close"]
    prices = bars[list(PRICES)].mul(ratio, axis=0)
    return prices.assign(Volume=bars["Volume"])


def valid_bars(symbol: str, bars: pd.DataFrame, *, today: dt.date) -> pd.DataFrame:
    """Return one symbol's bars, sorted, dated by session and known to be sound.

    Parameters
    ----------
    symbol : str
        For the messages.
    bars : DataFrame
        Columns ``Open High Low Close Volume`` in any case, indexed by date. Other
        columns are left out. A time zone is allowed; the session is the local date.
    today : date
        No bar may be dated later.

    Returns
    -------
    DataFrame
        The five columns as float64, one row a session, ascending, indexed by naive
        midnight timestamps.

    Raises
    ------
    DataError
        On no data, a missing column, an index that is not dates, duplicate dates whose
        bars differ, a future date, a price that is NaN, infinite, zero or negative, a
        High below Low or not enclosing Open and Close, or a negative volume. The
        message names the first session at fault.
    """
    frame = _five_columns(symbol, bars)
    frame.index = _sessions(symbol, frame.index)
    frame = _one_row_per_session(symbol, frame.sort_index(kind="stable"))
    _check_values(symbol, frame, today)
    return frame


def _five_columns(symbol: str, bars: Any) -> pd.DataFrame:
    if not isinstance(bars, pd.DataFrame):
        raise DataError(
            "bars must be a pandas DataFrame",
            symbol=symbol,
            value=type(bars).__name__,
            valid=f"columns {' '.join(COLUMNS)}, indexed by date",
        )
    if bars.empty:
        raise DataError("no data", symbol=symbol, valid="at least one bar is needed")
    by_name = {str(column).strip().lower(): column for column in bars.columns}
    missing = [name for name in COLUMNS if name.lower() not in by_name]
    if missing:
        raise DataError(
            f"no column {' '.join(missing)}",
            symbol=symbol,
            value=[str(column) for column in bars.columns],
            valid=f"needed in any case: {' '.join(COLUMNS)}",
        )
    five = bars[[by_name[name.lower()] for name in COLUMNS]].set_axis(
        list(COLUMNS), axis=1
    )
    for name in COLUMNS:
        numbers = pd.to_numeric(five[name], errors="coerce")
        text = numbers.isna() & five[name].notna()
        if text.any():
            raise DataError(
                "not a number",
                symbol=symbol,
                session=_day(five.index[int(np.argmax(text.to_numpy()))]),
                field=name,
                value=five[name][text.to_numpy()].iloc[0],
                valid="a decimal number",
            )
        five = five.assign(**{name: numbers.astype("float64")})
    return five


def _sessions(symbol: str, index: pd.Index) -> pd.DatetimeIndex:
    valid = "one date a row, all in one time zone"
    if not isinstance(index, pd.DatetimeIndex):
        if pd.api.types.is_numeric_dtype(index):
            raise DataError(
                "the index is not dates", symbol=symbol, value=index[0], valid=valid
            )
        zones = {getattr(stamp, "tzinfo", None) for stamp in index}
        if len(zones) > 1:
            raise DataError(
                "dates in mixed time zones",
                symbol=symbol,
                value=sorted(str(zone) for zone in zones),
                valid=valid,
            )
        try:
            index = pd.DatetimeIndex(index)
        except (ValueError, TypeError) as error:
            raise DataError(
                "the index is not dates", symbol=symbol, value=index[0], valid=valid
            ) from error
    if index.hasnans:
        row = int(np.argmax(index.isna()))
        raise DataError(f"row {row + 1} has no date", symbol=symbol, valid=valid)
    return index.tz_localize(None).normalize().as_unit("ns").rename(None)


def _one_row_per_session(symbol: str, frame: pd.DataFrame) -> pd.DataFrame:
    if frame.index.is_unique:
        return frame
    distinct = frame.reset_index().drop_duplicates().set_index("index")
    repeated = distinct.index.duplicated()
    if repeated.any():
        session = distinct.index[repeated][0]
        raise DataError(
            "two different bars for one session",
            symbol=symbol,
            session=_day(session),
            value=distinct.loc[session, "Close"].tolist(),
            valid="one bar a session, or exact copies",
        )
    return distinct.rename_axis(None)


def _check_values(symbol: str, frame: pd.DataFrame, today: dt.date) -> None:
    def reject(bad: pd.Series[bool], problem: str, field: str, valid: str) -> None:
        rows = np.flatnonzero(bad.to_numpy())
        if rows.size:
            raise DataError(
                problem,
                symbol=symbol,
                session=_day(frame.index[rows[0]]),
                field=field,
                value=float(frame[field].iloc[rows[0]]),
                valid=valid,
            )

    last = frame.index[-1]
    if last.date() > today:
        raise DataError(
            "a bar dated in the future",
            symbol=symbol,
            session=_day(last),
            valid=f"the latest possible session is {today.isoformat()}",
        )
    positive = "a price is a finite number above 0"
    for name in PRICES:
        reject(frame[name].isna(), "a missing price (NaN)", name, positive)
        reject(np.isinf(frame[name]), "an infinite price", name, positive)
        reject(frame[name] <= 0, "a price of zero or below", name, positive)
    counted = "a volume is a finite number of shares, 0 or more"
    reject(~np.isfinite(frame["Volume"]), "not a volume", "Volume", counted)
    reject(frame["Volume"] < 0, "a negative volume", "Volume", counted)
    slack = ROUNDING * frame["High"]
    reject(
        frame["High"] < frame["Low"] - slack, "High below Low", "High", "High >= Low"
    )
    for name in ("Open", "Close"):
        over = frame[name] > frame["High"] + slack
        under = frame[name] < frame["Low"] - slack
        reject(over | under, f"{name} outside Low..High", name, "Low <= it <= High")


def _day(stamp: Any) -> str:
    return stamp.date().isoformat() if isinstance(stamp, pd.Timestamp) else str(stamp)
