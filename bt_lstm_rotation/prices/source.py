"""Bars as the command line asks for them: by the name of a source, with a benchmark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_lstm_rotation.prices import loading
from bt_lstm_rotation.prices.loading import BENCHMARKS, SPDR_SECTORS
from bt_lstm_rotation.prices.panel import PricePanel

if TYPE_CHECKING:
    from bt_lstm_rotation.prices.yahoo import YahooPrices

__all__ = ["SPDR_SECTORS", "Request", "load_prices"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which bars are wanted.

    Parameters
    ----------
    data : str
        ``"simulated"``, ``"simulated:WORLD"``, ``"yahoo"`` or ``"folder:PATH"``.
    symbols : sequence of str, optional
        What is traded. Default: all sectors of the simulated market, the nine SPDR
        sectors, or every file of the folder.
    benchmark : str, optional
        What it is compared with. Default: the simulated market, SPY, or nothing.
    context : sequence of str
        What forecasts read besides, and is not traded.
    start, end : date, optional
        First and last session.
    seed : int
        Of the simulated market.
    adjust : bool
        Whether a folder's Adj Close is applied to all four prices.
    """

    data: str = "simulated"
    symbols: Sequence[str] | None = None
    benchmark: str | None = None
    context: Sequence[str] = ()
    start: dt.date | None = None
    end: dt.date | None = None
    seed: int = 0
    adjust: bool = True


def load_prices(
    request: Request, *, today: dt.date, yahoo: YahooPrices | None = None
) -> tuple[PricePanel, str | None]:
    """Load what is traded and, last, the benchmark, whose name comes with them.

    Raises as `bt_lstm_rotation.load_prices` does.
    """
    benchmark = request.benchmark
    if benchmark is None:
        benchmark = BENCHMARKS.get(request.data)
    panel = loading.load_prices(
        request.data,
        request.symbols,
        benchmark=benchmark,
        context=request.context,
        start=request.start,
        end=request.end,
        seed=request.seed,
        adjust=request.adjust,
        today=today,
        yahoo=yahoo,
    )
    return panel, benchmark
