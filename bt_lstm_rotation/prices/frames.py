"""Bars in memory, in the forms that pandas and yfinance give them -> a table a symbol.

``yfinance.download`` gives one frame for all tickers, with columns of two storeys and a
row for each date on which any of them traded; ``Ticker.history`` gives one without the
ticker's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bt_lstm_rotation.errors import DataError, closest
from bt_lstm_rotation.prices.columns import (
    COLUMNS,
    PRICES,
    SPELLINGS,
    check_frame,
    letters,
    named,
)
from bt_lstm_rotation.prices.symbols import distinct_symbols

__all__ = ["tables_of"]


def tables_of(
    data: pd.DataFrame | Mapping[str, pd.DataFrame],
    symbols: Sequence[str] | None = None,
    *,
    adjusted_close: bool,
) -> dict[str, pd.DataFrame]:
    """Take bars in memory apart: symbol -> its own rows, columns in our spelling.

    Parameters
    ----------
    data : DataFrame, or mapping of str to DataFrame
        A frame for all symbols, of two storeys of columns, one for one symbol, or one
        each.
    symbols : sequence of str, optional
        Which, in this order; the name, if there is one frame and it has none.
    adjusted_close : bool
        Whether ``Adj Close`` is wanted; it is left out if not.

    Raises
    ------
    DataError
        If there are no bars, a symbol is not a name, is unknown or comes twice, a frame
        has no name, or its columns are not those of bars.
    """
    if isinstance(data, pd.DataFrame):
        frames = _apart(data, symbols)
    else:
        frames = dict(zip(distinct_symbols(data), data.values(), strict=True))
    if symbols is not None:
        names = distinct_symbols(symbols)
        for name in names:
            if name not in frames:
                raise DataError(
                    "unknown symbol", value=name, valid=closest(name, frames)
                )
        frames = {name: frames[name] for name in names}
    return {
        name: _table(name, frame, adjusted_close=adjusted_close)
        for name, frame in frames.items()
    }


def _apart(
    frame: pd.DataFrame, symbols: Sequence[str] | None
) -> dict[str, pd.DataFrame]:
    """Take a frame of all symbols apart, or name that of a single one."""
    level = _level_of_tickers(frame)
    if level is None:
        names = () if symbols is None else distinct_symbols(symbols)
        if len(names) == 1:
            return {names[0]: frame}
        raise DataError(
            f"one frame of bars, and {'several names' if names else 'no name'} for it",
            value=list(names) or [str(label) for label in frame.columns[:12]],
            valid="give its name, load_prices(frame, symbols=['XLK']), or a dict of "
            "name -> frame",
        )
    tickers = distinct_symbols(frame.columns.get_level_values(level).unique())
    labels = frame.columns.get_level_values(level)
    own = {
        ticker: frame.loc[:, labels == ticker].droplevel(level, axis=1)
        for ticker in tickers
    }
    if len(own) > 1:
        # A row on which only others traded is no hole in a symbol's bars.
        own = {ticker: _priced(bars) for ticker, bars in own.items()}
    return own


def _priced(bars: pd.DataFrame) -> pd.DataFrame:
    prices = [SPELLINGS.get(letters(label)) in PRICES for label in bars.columns]
    there = bars.loc[:, prices].notna().any(axis=1).to_numpy()
    return bars[there] if there.any() else bars


def _level_of_tickers(frame: pd.DataFrame) -> int | None:
    """Say which storey of the columns has the tickers; None if there is only one."""
    levels = range(frame.columns.nlevels)
    if len(levels) == 1:
        return None
    storeys = [map(letters, frame.columns.get_level_values(level)) for level in levels]
    of_prices = [level for level in levels if "close" in storeys[level]]
    if len(levels) != 2 or len(of_prices) != 1:
        raise DataError(
            "columns that are not those of bars",
            value=[str(label) for label in frame.columns[:12]],
            valid="two storeys, as yfinance.download gives them: prices (Open, High, "
            "Low, Close) in one, tickers in the other",
        )
    return 1 - of_prices[0]


def _table(symbol: str, frame: Any, *, adjusted_close: bool) -> pd.DataFrame:
    """Keep the columns that are known, in our spelling."""
    check_frame(symbol, frame, COLUMNS)
    if _level_of_tickers(frame) is not None:
        bars = _apart(frame, None)
        if len(bars) > 1:
            raise DataError(
                "bars of several tickers in one frame",
                symbol=symbol,
                value=list(bars),
                valid="load_prices(frame), which takes it apart",
            )
        (frame,) = bars.values()
    found = named(symbol, frame.columns, adjusted_close=adjusted_close)
    found.pop("Date", None)  # the index has the dates
    table: pd.DataFrame = frame.iloc[:, list(found.values())]
    return table.set_axis(list(found), axis=1)
