"""Round trips: from no position in a symbol to none again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.ledger import TOLERANCE, fills
from bt_lstm_rotation.measures.symbol_prices import ShareChange, SymbolPrices

__all__ = ["round_trips"]

COLUMNS = {
    "symbol": "object",
    "side": "object",
    "entered": "datetime64[ns]",
    "left": "datetime64[ns]",
    "sessions": "int64",
    "size": "float64",
    "entry": "float64",
    "exit": "float64",
    "gain": "float64",
    "costs": "float64",
    "return": "float64",
    "mae": "float64",
    "mfe": "float64",
    "open": "bool",
}


def round_trips(
    orders: pd.DataFrame, bars: pd.DataFrame, actions: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return every round trip, by the session that it began.

    Parameters
    ----------
    orders, bars, actions : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Returns
    -------
    DataFrame
        One row a round trip:

        - ``symbol``; ``side``, "long" or "short"
        - ``entered``, ``left``: sessions, datetime64; NaT if it is open still
        - ``sessions``: at how many closes it was held
        - ``size``: the most shares held, above 0
        - ``entry``, ``exit``: average prices of what made the position larger, and
          smaller; what is held still leaves at its last close
        - ``gain``: currency, after commission, dividends included; slippage is in the
          prices
        - ``costs``: commission and slippage, in currency
        - ``return``: gain over what all entries were worth, a decimal
        - ``mae``, ``mfe``: maximum adverse and favourable excursion, the worst and best
          price against `entry`, decimals of at most and at least 0 [1]_
        - ``open``: whether it is held still

        What is not known is NaN, such as the mark of a symbol without bars.

    Notes
    -----
    A fill that takes a position through zero ends one round trip and begins the next,
    and shares its costs by size. Excursions are those of the bars from the session of
    entry up to the one before the exit, of which only the fill's price counts: the rest
    of that bar came later.

    Where shares split on the way, sizes and prices are in those of the end. Parts of a
    share that were paid out leave at the last close before it, in new units.

    References
    ----------
    .. [1] J. Sweeney, Campaign Trading, Wiley 1996, chapter 3.
    """
    rows: list[dict[str, Any]] = []
    for symbol, own in _by_symbol(fills(orders), bars).items():
        prices = SymbolPrices.of(bars, symbol, actions)
        # In one session, shares change before any are traded.
        moves: list[_Fill | ShareChange] = [*prices.changes(actions), *own]
        moves.sort(key=lambda move: move.session)
        rows += [trip.measured(symbol, prices) for trip in _trips(moves)]
    rows.sort(key=lambda row: row["entered"])
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=kind)
            for name, kind in COLUMNS.items()
        }
    )


class _Fill(NamedTuple):
    """A row of `fills`, and that of its session among the bars."""

    session: np.datetime64
    row: int
    size: float
    price: float
    multiplier: float
    commission: float
    slippage: float


def _by_symbol(filled: pd.DataFrame, bars: pd.DataFrame) -> dict[str, list[_Fill]]:
    sessions = filled["session"].to_numpy()
    row = np.zeros(len(filled), dtype=np.int64)
    if len(bars):
        row = bars.index.to_numpy().searchsorted(sessions)
    numbers = [filled[name].to_list() for name in _Fill._fields[2:]]
    found: dict[str, list[_Fill]] = {}
    for symbol, *fill in zip(
        filled["symbol"].to_list(), sessions, row.tolist(), *numbers, strict=True
    ):
        found.setdefault(symbol, []).append(_Fill(*fill))
    return found


@dataclass
class _Trip:
    """A round trip in the making; sizes are in shares, above 0."""

    sign: float
    first: _Fill
    last: _Fill | ShareChange | None = None
    held: float = 0.0
    largest: float = 0.0
    entry_size: float = 0.0
    entry_sum: float = 0.0
    exit_size: float = 0.0
    exit_sum: float = 0.0
    last_exit: float = math.nan
    paid: float = 0.0
    received: float = 0.0
    multiplier: float = 1.0
    commission: float = 0.0
    slippage: float = 0.0

    def add(self, size: float, fill: _Fill) -> None:
        """Take a part of a fill; `size` is above 0 if the position grows by it."""
        share = abs(size / fill.size)
        self.commission += share * fill.commission
        self.slippage += share * fill.slippage
        self.multiplier = fill.multiplier
        self.held += size
        if size > 0:
            self.entry_size += size
            self.entry_sum += size * fill.price
            self.paid += size * fill.price * fill.multiplier
            self.largest = max(self.largest, self.held)
        else:
            self._leave(-size, fill.price)

    def change(self, action: Any, price: float) -> None:
        """Go through a split or a dividend; `price` is the last close in new units."""
        self.held *= action.shares
        self.largest *= action.shares
        self.entry_size *= action.shares
        self.exit_size *= action.shares
        self.last_exit /= action.shares
        exact = action.size_before * action.shares
        if not exact:
            return
        # Of a position that is larger than the orders explain, a part.
        part = self.held / abs(exact)
        paid_out = abs(part * (exact - action.size_after))
        self.received += self.sign * part * action.cash
        if paid_out > TOLERANCE * self.largest:
            self.held -= paid_out
            self.exit_size += paid_out
            self.exit_sum += paid_out * price
            self.last_exit = price

    def _leave(self, size: float, price: float) -> None:
        self.exit_size += size
        self.exit_sum += size * price
        self.received += size * price * self.multiplier
        self.last_exit = price

    def measured(self, symbol: str, prices: SymbolPrices) -> dict[str, Any]:
        """Measure it, by the bars it was held for."""
        begin, end = self.first.row, len(prices.low)
        if self.last is None:
            self._leave(self.held, prices.mark)
        else:
            end = self.last.row
        entry = self.entry_sum / self.entry_size
        gain = self.sign * (self.received - self.paid) - self.commission
        low, high = prices.ranges(begin, end)
        lowest = np.fmin.reduce(low, initial=self.last_exit)
        highest = np.fmax.reduce(high, initial=self.last_exit)
        ends = [self.sign * (price - entry) for price in (lowest, highest)]
        base = (abs(entry) or math.nan) if prices.known else math.nan
        return {
            "symbol": symbol,
            "side": "long" if self.sign > 0 else "short",
            "entered": self.first.session,
            "left": None if self.last is None else self.last.session,
            "sessions": end - begin,
            "size": self.largest,
            "entry": entry,
            "exit": self.exit_sum / self.exit_size,
            "gain": gain,
            "costs": self.commission + self.slippage,
            "return": gain / (abs(self.paid) or math.nan),
            "mae": min(0.0, *ends) / base,
            "mfe": max(0.0, *ends) / base,
            "open": self.last is None,
        }


def _trips(moves: list[_Fill | ShareChange]) -> Iterator[_Trip]:
    """Go through one symbol's fills and changes, by session."""
    trip: _Trip | None = None
    for fill in moves:
        if isinstance(fill, ShareChange):
            if trip is not None:
                trip.change(fill.action, fill.close)
                if trip.held <= TOLERANCE * trip.largest:
                    trip.last = fill
                    yield trip
                    trip = None
            continue
        sign, rest = math.copysign(1.0, fill.size), abs(fill.size)
        if trip is not None and sign != trip.sign:
            closed = min(rest, trip.held)
            trip.add(-closed, fill)
            rest -= closed
            if trip.held <= TOLERANCE * trip.largest:
                trip.last = fill
                yield trip
                trip = None
        # Of sums of floats something may be left that is no position.
        if rest > TOLERANCE * abs(fill.size):
            if trip is None:
                trip = _Trip(sign, fill)
            trip.add(rest, fill)
    if trip is not None:
        yield trip
