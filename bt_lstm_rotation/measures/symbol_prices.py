"""One symbol's prices, and the splits and dividends on their way."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.measures.units import each_action, share_units

__all__ = ["ShareChange", "SymbolPrices"]


class ShareChange(NamedTuple):
    """A split or a dividend.

    `row` is that of its session among the bars, `action` a row of a result's actions,
    and `close` the last close before it, in new units.
    """

    session: np.datetime64
    row: int
    action: Any
    close: float


@dataclass(frozen=True)
class SymbolPrices:
    """One symbol's bars, each in its own units, (n_sessions,) each; NaN where none.

    `units` says how many shares one that was there at first has become.
    """

    sessions: pd.Index[Any]
    symbol: str
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    close: NDArray[np.float64]
    units: NDArray[np.float64]

    @classmethod
    def of(
        cls, bars: pd.DataFrame, symbol: str, actions: pd.DataFrame | None
    ) -> SymbolPrices:
        """Take a symbol from a result's bars."""
        units = share_units(actions, bars.index, [symbol])[:, 0]
        if not len(bars) or ("Close", symbol) not in bars.columns:
            nothing = np.full(len(bars), math.nan)
            return cls(bars.index, symbol, nothing, nothing, nothing, units)
        low, high, close = (
            bars[price, symbol].to_numpy(dtype="float64")
            for price in ("Low", "High", "Close")
        )
        return cls(bars.index, symbol, low, high, close, units)

    @property
    def mark(self) -> float:
        """Its last close; NaN if there is none."""
        return self.before(len(self.close))

    @property
    def known(self) -> bool:
        """Whether there is any bar."""
        return math.isfinite(self.mark)

    def before(self, row: int) -> float:
        """Return its last close before a session; NaN if there is none."""
        known = self.close[:row][np.isfinite(self.close[:row])]
        return float(known[-1]) if len(known) else math.nan

    def ranges(
        self, begin: int, end: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lows and highs of some sessions, per share of the one at `end`."""
        units = self.units[begin:end] / self.units[: end + 1][-1:]
        return self.low[begin:end] * units, self.high[begin:end] * units

    def changes(self, actions: pd.DataFrame | None) -> Iterator[ShareChange]:
        """Go through the symbol's splits and dividends, by session."""
        close, last = math.nan, -1
        for action, row, _ in each_action(actions, self.sessions, [self.symbol]):
            # A second one of a session goes on from the first.
            close = (close if row == last else self.before(row)) * action.price
            last = row
            yield ShareChange(action.session.to_datetime64(), row, action, close)
