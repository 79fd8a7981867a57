"""Round trips: from no position in a symbol to none again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.ledger import TOLERANCE, fills

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


def round_trips(orders: pd.DataFrame, bars: pd.DataFrame) -> pd.DataFrame:
    """Return every round trip, by the session that it began.

    Parameters
    ----------
    orders, bars : DataFrame
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
        - ``gain``: currency, after commission; slippage is in the prices
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

    References
    ----------
    .. [1] J. Sweeney, Campaign Trading, Wiley 1996, chapter 3.
    """
    filled = fills(orders)
    rows: list[dict[str, Any]] = []
    for symbol, own in filled.groupby("symbol", sort=False):
        prices = _Prices.of(bars, symbol)
        rows += [trip.row(symbol, prices) for trip in _trips(own)]
    rows.sort(key=lambda row: row["entered"])
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


@dataclass
class _Trip:
    """A round trip in the making; sizes are in shares, above 0."""

    sign: float
    entered: pd.Timestamp
    left: pd.Timestamp | None = None
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

    def add(self, size: float, fill: Any) -> None:
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

    def _leave(self, size: float, price: float) -> None:
        self.exit_size += size
        self.exit_sum += size * price
        self.received += size * price * self.multiplier
        self.last_exit = price

    def row(self, symbol: Any, prices: _Prices) -> dict[str, Any]:
        """Measure it, by the bars it was held for."""
        still = self.left is None
        if still:
            self._leave(self.held, prices.mark)
        entry = self.entry_sum / self.entry_size
        gain = self.sign * (self.received - self.paid) - self.commission
        begin, end = prices.rows(self.entered, self.left)
        lowest = np.fmin.reduce(prices.low[begin:end], initial=self.last_exit)
        highest = np.fmax.reduce(prices.high[begin:end], initial=self.last_exit)
        ends = [self.sign * (price - entry) for price in (lowest, highest)]
        base = (abs(entry) or math.nan) if prices.known else math.nan
        return {
            "symbol": symbol,
            "side": "long" if self.sign > 0 else "short",
            "entered": self.entered,
            "left": self.left,
            "sessions": end - begin,
            "size": self.largest,
            "entry": entry,
            "exit": self.exit_sum / self.exit_size,
            "gain": gain,
            "costs": self.commission + self.slippage,
            "return": gain / (abs(self.paid) or math.nan),
            "mae": min(0.0, *ends) / base,
            "mfe": max(0.0, *ends) / base,
            "open": still,
        }


def _trips(own: pd.DataFrame) -> Iterator[_Trip]:
    """Go through one symbol's fills, by session."""
    trip: _Trip | None = None
    fill: Any
    for fill in own.itertuples():
        sign, rest = math.copysign(1.0, fill.size), abs(fill.size)
        if trip is not None and sign != trip.sign:
            closed = min(rest, trip.held)
            trip.add(-closed, fill)
            rest -= closed
            if trip.held <= TOLERANCE * trip.largest:
                trip.left = fill.session
                yield trip
                trip = None
        # Of sums of floats something may be left that is no position.
        if rest > TOLERANCE * abs(fill.size):
            if trip is None:
                trip = _Trip(sign, fill.session)
            trip.add(rest, fill)
    if trip is not None:
        yield trip


@dataclass(frozen=True)
class _Prices:
    """One symbol's bars, (n_sessions,) each."""

    sessions: pd.DatetimeIndex
    low: Any
    high: Any
    mark: float

    @property
    def known(self) -> bool:
        """Whether there is any bar."""
        return math.isfinite(self.mark)

    @classmethod
    def of(cls, bars: pd.DataFrame, symbol: Any) -> _Prices:
        if not len(bars) or ("Close", symbol) not in bars.columns:
            sessions = pd.DatetimeIndex(np.asarray(bars.index, dtype="datetime64[ns]"))
            nothing = np.full(len(bars), math.nan)
            return cls(sessions, nothing, nothing, math.nan)
        low, high, close = (
            bars[price, symbol].to_numpy(dtype="float64")
            for price in ("Low", "High", "Close")
        )
        known = close[np.isfinite(close)]
        mark = float(known[-1]) if len(known) else math.nan
        return cls(pd.DatetimeIndex(bars.index), low, high, mark)

    def rows(self, entered: pd.Timestamp, left: pd.Timestamp | None) -> tuple[int, int]:
        """Return the first row it was held at the close of, and one after the last."""
        begin = int(self.sessions.searchsorted(entered))
        end = len(self.sessions) if left is None else self.sessions.searchsorted(left)
        return begin, int(end)
