"""One call for bars from anywhere: a source by name, a folder, or memory."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bt_lstm_rotation.checks import check_date, check_flag
from bt_lstm_rotation.errors import DataError, SourceError, closest
from bt_lstm_rotation.prices.assembly import assembled
from bt_lstm_rotation.prices.dates import latest_date
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.frames import tables_of
from bt_lstm_rotation.prices.panel import PricePanel
from bt_lstm_rotation.prices.simulated import MARKET, WORLDS, simulated_market
from bt_lstm_rotation.prices.symbols import distinct_symbols

if TYPE_CHECKING:
    from bt_lstm_rotation.prices.yahoo import YahooPrices

__all__ = ["BENCHMARKS", "SIMULATED", "SPDR_SECTORS", "folder_of", "load_prices"]

# The nine Select Sector SPDR funds that have traded since December 1998.
SPDR_SECTORS = ("XLB", "XLE", "XLF", "XLI", "XLK", "XLP", "XLU", "XLV", "XLY")

# The simulated sources, and the world of each.
SIMULATED = {"simulated": "linear", **{f"simulated:{name}": name for name in WORLDS}}

# What a source's sectors are compared with, unless it is said.
BENCHMARKS = {**dict.fromkeys(SIMULATED, MARKET), "yahoo": "SPY"}

SOURCES = (*BENCHMARKS, "folder:PATH")


def load_prices(
    data: str | os.PathLike[str] | pd.DataFrame | Mapping[str, pd.DataFrame],
    symbols: Sequence[str] | None = None,
    *,
    benchmark: str | None = None,
    context: Sequence[str] = (),
    start: dt.date | None = None,
    end: dt.date | None = None,
    seed: int = 0,
    adjust: bool = True,
    today: dt.date | None = None,
    yahoo: YahooPrices | None = None,
) -> PricePanel:
    """Load bars, as far back as they go, check them, and align them by session.

    Parameters
    ----------
    data : str, path, DataFrame, or mapping of str to DataFrame
        ``"yahoo"``, ``"simulated"``, ``"simulated:WORLD"``, ``"folder:PATH"`` or the
        path of a folder; or bars in memory: a frame a symbol, or one for all as
        ``yfinance.download`` gives it. `prices.simulated` lists the worlds.
    symbols : sequence of str, optional
        Which, in this order. Default: all there are; of Yahoo the nine SPDR sectors.
        The name of a single frame that has none, such as ``Ticker.history`` gives.
    benchmark : str, optional
        One symbol more, which comes last. Default without `symbols`: MARKET of the
        simulated market, SPY of Yahoo.
    context : sequence of str
        Symbols that come behind these, and are not traded either: what forecasts read
        besides. Of the simulated markets, the world of context has CONTEXT.
    start, end : date, optional
        First and last session; bars before and after are not checked.
    seed : int
        Of the simulated market.
    adjust : bool
        Whether an Adj Close, in a folder or in memory, is applied to all four prices.
    today : date, optional
        No bar in a folder or in memory may be dated later; by default the latest date
        on Earth.
    yahoo : YahooPrices, optional
        A cache and a connection of one's own.

    Raises
    ------
    SourceError
        If there is no such source, or it cannot deliver.
    DataError
        If `symbols` is empty, a single text or has repetitions, or a symbol is unknown,
        or bars are invalid, dated after `today`, or all after `end`.
    SpecError
        If an argument is of the wrong kind.
    """
    for name, day in (("start", start), ("end", end), ("today", today)):
        check_date("load_prices", name, day)
    check_flag("load_prices", "adjust", adjust)
    latest = latest_date(dt.datetime.now().astimezone()) if today is None else today
    if isinstance(data, pd.DataFrame | Mapping):
        names = _all(symbols, benchmark, context)
        tables = tables_of(data, names, adjusted_close=adjust)
        panel = assembled(tables, today=latest, adjust=adjust, source="memory")
    elif (folder := folder_of(data)) is not None:
        names = _all(symbols, benchmark, context)
        panel = load_folder(
            folder, names, start=start, end=end, today=latest, adjust=adjust
        )
    elif data == "yahoo":
        if symbols is None:
            symbols = SPDR_SECTORS
            benchmark = BENCHMARKS[data] if benchmark is None else benchmark
        names = _all(symbols, benchmark, context) or ()
        from bt_lstm_rotation.prices.yahoo import YahooPrices

        return (yahoo or YahooPrices()).load(names, start=start, end=end)
    else:
        panel = simulated_market(SIMULATED[str(data)], seed=seed).bars(
            _context(context)
        )
        panel = panel.select(_all(symbols, benchmark, context) or panel.symbols)
    for known in (_context(context), () if benchmark is None else (benchmark,)):
        if known:
            panel.select(known)  # raises if one is unknown
    return panel.between(start, end)


def folder_of(data: object) -> Path | None:
    """Return the folder that is meant; None for a source by name.

    Raises SourceError or DataError if neither is.
    """
    if isinstance(data, os.PathLike):
        data = f"folder:{os.fsdecode(data)}"
    if not isinstance(data, str):
        raise DataError(
            "no bars to load",
            value=type(data).__name__,
            valid="'yahoo', 'simulated', the path of a folder, a dict of name -> "
            "DataFrame, or one DataFrame as yfinance gives it",
        )
    if data in BENCHMARKS:
        return None
    kind, _, path = data.partition(":")
    if kind == "folder" and path:
        return Path(path)
    if os.path.isdir(data):
        return Path(data)
    known = closest(data, SOURCES)
    raise SourceError(f"no data source or folder {data!r}; {known}")


def _all(
    symbols: Sequence[str] | None, benchmark: str | None, context: Sequence[str]
) -> tuple[str, ...] | None:
    """Put context and the benchmark behind the symbols, unless they are among them."""
    if symbols is None:
        return None
    names = distinct_symbols(symbols)
    names = (*names, *(name for name in _context(context) if name not in names))
    if benchmark is None or benchmark in names:
        return names
    return distinct_symbols([*names, benchmark])


def _context(context: Sequence[str]) -> tuple[str, ...]:
    """Return the names of context; DataError if it is no list of names."""
    is_none = isinstance(context, list | tuple) and not context
    return () if is_none else distinct_symbols(context)
