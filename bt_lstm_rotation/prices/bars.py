"""One symbol's daily bars: what makes them valid, and what is left out of them.

Everything that enters the package passes here once. Backtrader itself checks nothing:
its feeds take missing closes, duplicates and unsorted dates without a word.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.adjustment import adjusted, judged_adjustment
from bt_lstm_rotation.prices.columns import (
    ADJUSTED_CLOSE,
    COLUMNS,
    adjusted_columns,
    numeric,
)
from bt_lstm_rotation.prices.dates import sessions_of
from bt_lstm_rotation.prices.findings import Finding, finding, warn
from bt_lstm_rotation.prices.neighbours import judged
from bt_lstm_rotation.prices.validity import (
    check_carried,
    first_fault,
    has_price,
    is_carried,
    is_valid,
    known_volume,
)

__all__ = [
    "ADJUSTED_CLOSE",
    "COLUMNS",
    "adjusted",
    "adjusted_bars",
    "check_symbol",
    "check_usable",
    "examined_bars",
    "one_row_per_session",
    "valid_bars",
]

logger = logging.getLogger(__name__)

_SYMBOL = re.compile(r"[A-Za-z0-9^][A-Za-z0-9^._=-]{0,31}")

# A few bad rows in twenty years are a vendor's slips, and are left out. Where more than
# this share of the bars is invalid, the table is not what it seems. A fifth of Yahoo's
# ^GSPC, and up to a third of an old share's bars, have an Open of 0.
MOSTLY = 0.5


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


def valid_bars(symbol: str, bars: pd.DataFrame, *, today: dt.date) -> pd.DataFrame:
    """Return one symbol's valid bars, sorted and dated by session.

    Invalid bars are left out, with one warning that counts them; rows without any price
    before the first bar and after the last without a word. A volume that is missing,
    infinite or negative becomes 0, with a warning where there are other volumes.

    Parameters
    ----------
    bars : DataFrame
        Columns ``Open High Low Close`` and perhaps ``Volume``, as vendors spell them,
        indexed by date. Other columns are left out. A time zone is allowed; the session
        is the local date.
    today : date
        No bar may be dated later.

    Returns
    -------
    DataFrame
        Float64, one row a session, ascending, indexed by naive midnight timestamps.

    Raises
    ------
    DataError
        On no data, a missing column, a cell that is no number, an index that is not
        dates or at a midnight elsewhere, duplicate dates whose bars differ, a future
        date, or if more than half of the bars are invalid.
    """
    frame, found = examined_bars(symbol, bars, today=today)
    warn(found)
    return frame


def examined_bars(
    symbol: str, bars: pd.DataFrame, *, today: dt.date
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return what `valid_bars` does, and what it would warn of."""
    frame, found = _checked_bars(symbol, bars, COLUMNS)
    _check_future(symbol, frame, today)
    if passed_over := adjusted_columns(bars.columns):
        logger.warning(
            "%s: %s is not applied; prices.bars.adjusted(frame) applies Adj Close",
            symbol,
            " and ".join(passed_over),
        )
    return frame, found


def adjusted_bars(
    symbol: str, bars: pd.DataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """Apply ``Adj Close`` to the valid bars, and judge it; raises as `valid_bars`."""
    frame, found = _checked_bars(symbol, bars, (*COLUMNS, ADJUSTED_CLOSE))
    found += judged_adjustment(symbol, frame)
    return adjusted(frame, symbol=symbol), found


def _checked_bars(
    symbol: str, bars: pd.DataFrame, names: tuple[str, ...]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Keep the valid bars; return them, and what was left out or is not known."""
    frame = numeric(symbol, bars, names)
    frame.index = sessions_of(symbol, frame.index)
    frame = frame.sort_index(kind="stable")
    check_carried(symbol, frame.index.to_numpy(), _prices(frame))
    found: list[Finding] = []
    for keep in (_rows_with_prices, _valid_rows, _with_volumes):
        frame, odd = keep(symbol, frame)
        found += odd
    return one_row_per_session(symbol, frame), found


def _rows_with_prices(
    symbol: str, frame: pd.DataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    there = has_price(frame.to_numpy().T)
    rows = np.flatnonzero(there)
    if not rows.size:
        raise DataError(
            "no data: none of its rows has a price",
            symbol=symbol,
            valid="at least one bar is needed",
        )
    inside = frame.index[rows[0] : rows[-1]][~there[rows[0] : rows[-1]]]
    # A session may have its bar beside an empty row.
    inside = inside.difference(frame.index[there])
    what = f"{_counted(len(inside), 'session')} without prices left out"
    return frame[there], _odd(symbol, "no prices", inside, what)


def _odd(symbol: str, rule: str, rows: pd.Index[Any], what: str) -> list[Finding]:
    """Return the finding about some rows, if there are any."""
    if not len(rows):
        return []
    return [finding(symbol, rule, rows.to_numpy(), len(rows), what)]


def check_usable(symbol: str, bars: pd.DataFrame) -> None:
    """Raise DataError if bars with ``Adj Close`` would be refused as a whole.

    They are float64, by session, and each has a price.
    """
    check_carried(symbol, bars.index.to_numpy(), _prices(bars))
    good = _good(bars)
    _check_share(symbol, bars, good)
    prices = adjusted(bars[good], symbol=symbol)
    sessions = prices.index.to_numpy().astype("datetime64[D]")
    judged(symbol, sessions, prices.to_numpy().T)


def _prices(frame: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    names = [name for name in frame.columns if name != "Volume"]
    return {name: frame[name].to_numpy() for name in names}


def _good(frame: pd.DataFrame) -> NDArray[np.bool_]:
    prices = frame.drop(columns="Volume").to_numpy().T
    # Adj Close, where it is there, is judged as a price of its own.
    others = is_carried(prices[4:]).all(axis=0)
    good: NDArray[np.bool_] = is_valid(prices) & others
    return good


def _check_share(symbol: str, frame: pd.DataFrame, good: NDArray[np.bool_]) -> None:
    bad = frame[~good]
    if len(bad) > MOSTLY * len(frame):
        problem, field, valid = first_fault(bad.iloc[0].to_dict())
        raise DataError(
            f"{len(bad)} of {_counted(len(frame), 'bar')} invalid, the first by "
            + problem,
            symbol=symbol,
            session=_day(bad.index[0]),
            field=field,
            value=float(bad[field].iloc[0]),
            valid=valid,
        )


def _valid_rows(symbol: str, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    good = _good(frame)
    if good.all():
        return frame, []
    _check_share(symbol, frame, good)
    bad = frame[~good]
    faults = [first_fault(bad.iloc[row].to_dict())[:2] for row in range(len(bad))]
    counts = Counter(f"{field}: {problem}" for problem, field in faults)
    why = "; ".join(f"{count} x {fault}" for fault, count in counts.items())
    bars = f"{_counted(len(bad), 'bar')} of {len(frame)}"
    what = f"{bars} left out as invalid, {why}"
    return frame[good], _odd(symbol, "invalid bars", bad.index, what)


def _with_volumes(
    symbol: str, frame: pd.DataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    volume = frame["Volume"].to_numpy()
    known = known_volume(volume)
    unknown = frame.index[~known]
    if not (volume[known] > 0).any():  # a series without any has none to miss
        unknown = unknown[:0]
    what = f"{_counted(len(unknown), 'volume')} not known and counted as 0"
    frame = frame.assign(Volume=np.where(known, volume, 0.0))
    return frame, _odd(symbol, "unknown volume", unknown, what)


def one_row_per_session(symbol: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Drop exact copies of bars; DataError if two bars of a session differ."""
    if frame.index.is_unique:
        return frame
    distinct = frame.rename_axis("session").reset_index().drop_duplicates()
    repeated = distinct["session"].duplicated(keep=False)
    if repeated.any():
        session = distinct.loc[repeated, "session"].iloc[0]
        copies = distinct[distinct["session"] == session]
        name = next(n for n in frame.columns if len(copies[n].drop_duplicates()) > 1)
        raise DataError(
            "two different bars for one session",
            symbol=symbol,
            session=_day(session),
            field=name,
            value=copies[name].tolist()[:2],
            valid="one bar a session, or exact copies; of bars shorter than a day make "
            "days first: frame.resample('D')",
        )
    return distinct.set_index("session").rename_axis(None)


def _check_future(symbol: str, frame: pd.DataFrame, today: dt.date) -> None:
    last = frame.index[-1]
    if last.date() > dt.date(today.year, today.month, today.day):
        raise DataError(
            "a bar dated in the future",
            symbol=symbol,
            session=_day(last),
            valid=f"the latest possible session is {today:%Y-%m-%d}",
        )


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _day(stamp: Any) -> str:
    return str(stamp.date())
