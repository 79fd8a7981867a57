"""The three sources behind one name: ``simulated``, ``yahoo`` or ``folder:PATH``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bt_lstm_rotation.errors import SourceError, closest
from bt_lstm_rotation.prices.folder import load_folder
from bt_lstm_rotation.prices.panel import PricePanel, distinct_symbols
from bt_lstm_rotation.prices.simulated import MARKET, SimulatedMarket
from bt_lstm_rotation.prices.yahoo import YahooPrices

__all__ = ["SPDR_SECTORS", "Request", "load_prices"]

# The nine Select Sector SPDR funds that have traded since December 1998.
SPDR_SECTORS = ("XLB", "XLE", "XLF", "XLI", "XLK", "XLP", "XLU", "XLV", "XLY")
SPDR_BENCHMARK = "SPY"

SOURCES = ("simulated", "yahoo", "folder:PATH")


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which bars are wanted.

    Parameters
    ----------
    data : str
        ``"simulated"``, ``"yahoo"`` or ``"folder:PATH"``.
    symbols : sequence of str, optional
        What is traded. Default: all sectors of the simulated market, the nine SPDR
        sectors, or every file of the folder.
    benchmark : str, optional
        What it is compared with. Default: the simulated market, SPY, or nothing.
    adjust : bool
        Whether a folder's Adj Close is applied to all four prices.
    """

    data: str = "simulated"
    symbols: Sequence[str] | None = None
    benchmark: str | None = None
    end: dt.date | None = None
    seed: int = 0
    adjust: bool = True


def load_prices(
    request: Request, *, today: dt.date, yahoo: YahooPrices | None = None
) -> tuple[PricePanel, str | None]:
    """Load bars: what is traded and, last, the benchmark, whose name comes with them.

    They begin as early as the source does: bars before a backtest's start are history
    for its first fits.

    Raises
    ------
    SourceError
        If there is no such source, or it cannot deliver.
    DataError
        If `symbols` is empty, a single text or has repetitions, or a symbol is unknown,
        or bars are invalid, or dated after `today`.
    """
    kind, _, path = request.data.partition(":")
    if kind == "folder" and path:
        symbols = _all(request.symbols, request.benchmark)
        panel = load_folder(Path(path), symbols, today=today, adjust=request.adjust)
        return panel, request.benchmark
    if request.data == "yahoo":
        benchmark = request.benchmark or SPDR_BENCHMARK
        wanted = SPDR_SECTORS if request.symbols is None else request.symbols
        symbols = _all(wanted, benchmark)
        return (yahoo or YahooPrices()).load(symbols or (), end=request.end), benchmark
    if request.data == "simulated":
        panel = SimulatedMarket(seed=request.seed).panel()
        benchmark = request.benchmark or MARKET
        symbols = _all(request.symbols, benchmark)
        return panel.select(symbols or panel.symbols), benchmark
    known = closest(request.data, SOURCES)
    raise SourceError(f"no data source {request.data!r}; {known}")


def _all(symbols: Sequence[str] | None, benchmark: str | None) -> list[str] | None:
    """Put the benchmark behind the symbols, unless it is one of them."""
    if symbols is None:
        return None
    names = distinct_symbols(symbols)
    return [*names, *({benchmark} - {None, *names})]  # type: ignore[list-item]
