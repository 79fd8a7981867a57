"""What a forecaster sees: every symbol's own last bars up to a session.

A window holds no gaps. Each symbol contributes the last `n_bars` bars of its own, so a
session on which it did not trade takes no part in its history; two symbols' bars in one
column may then have different dates, which is why the dates travel with them.

Beside a bar may stand what else was known at its close: an input, such as a line of
Backtrader, or the close of a series that is context. These are *extra* rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.own_bars import OwnBars
from bt_lstm_rotation.periods import MONTH
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import CorporateAction

__all__ = ["BarHistory", "Excerpt", "Window"]


@dataclass(frozen=True, eq=False)
class Window:
    """Bars of several symbols, each symbol's own last ones, oldest first.

    Parameters
    ----------
    symbols : tuple of str
        Sorted by name, so that the order in which feeds were added cannot matter.
    dates : (..., n_symbols, n_bars) datetime64[D]
        The session of each bar. Leading axes, if any, are sessions asked for together.
    bars : (5 + n_extra, ..., n_symbols, n_bars) float64
        Open, high, low, close (currency) and volume (shares), without NaN, and below
        them the extra rows, NaN where these are missing.
    extra : tuple of str
        Names of the extra rows.
    """

    symbols: tuple[str, ...]
    dates: NDArray[np.datetime64] = field(repr=False)
    bars: NDArray[np.float64] = field(repr=False)
    extra: tuple[str, ...] = field(default=(), repr=False)

    @property
    def n_bars(self) -> int:
        """Bars of each symbol."""
        return int(self.dates.shape[-1])

    @property
    def close(self) -> NDArray[np.float64]:
        """Closing prices, (..., n_symbols, n_bars)."""
        close: NDArray[np.float64] = self.bars[3]
        return close

    @property
    def volume(self) -> NDArray[np.float64]:
        """Volumes in shares, (..., n_symbols, n_bars)."""
        volume: NDArray[np.float64] = self.bars[4]
        return volume

    def row(self, name: str) -> NDArray[np.float64]:
        """Return an extra row, (..., n_symbols, n_bars), by its name."""
        row: NDArray[np.float64] = self.bars[5 + self.extra.index(name)]
        return row


class BarHistory:
    """Every symbol's own bars, growing at the end; the one place to look up by date.

    It can be filled from a panel or bar by bar; what it answers for a session is the
    same, because it never looks past it.
    """

    def __init__(self, symbols: Iterable[str], extra: tuple[str, ...] = ()) -> None:
        self.symbols = tuple(sorted(set(symbols)))
        self.extra = extra
        self._series = {symbol: OwnBars(5 + len(extra)) for symbol in self.symbols}

    @classmethod
    def from_panel(cls, panel: PricePanel) -> BarHistory:
        """Take over all bars of a panel."""
        history = cls(panel.symbols)
        for column, symbol in enumerate(panel.symbols):
            rows = panel.traded[:, column]
            history.extend(symbol, panel.sessions[rows], panel.bars[:, rows, column])
        return history

    def extend(
        self, symbol: str, sessions: NDArray[np.datetime64], bars: NDArray[np.float64]
    ) -> None:
        """Add a symbol's next bars.

        Parameters
        ----------
        symbol : str
            One of `symbols`.
        sessions : (n,) datetime64[D]
            Ascending, and not before the symbol's last. A first session equal to the
            last one replaces that bar, as a bar that is still forming does.
        bars : (5 + n_extra, n) float64
            Open, high, low, close and volume, then the extra rows.

        Raises
        ------
        DataError
            If a session does not lie after the one before it.
        """
        self._series[symbol].extend(symbol, sessions, bars)

    def restate(
        self, symbol: str, action: CorporateAction, session: np.datetime64
    ) -> None:
        """Bring a symbol's bars before a session, the first in new units, into them."""
        self._series[symbol].restate(action, session)

    def sessions(self) -> NDArray[np.datetime64]:
        """Return the union of all symbols' sessions, ascending, (n,) datetime64[D]."""
        parts = [series.dates for series in self._series.values()]
        return np.unique(np.concatenate(parts)).astype("datetime64[D]")

    def counts(self, sessions: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Count each symbol's bars up to each session, (n_sessions, n_symbols)."""
        columns = [
            np.searchsorted(series.dates, sessions, side="right")
            for series in self._series.values()
        ]
        return np.stack(columns, axis=1).astype(np.int64)

    def age(self, sessions: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Days since each symbol's last bar, (n_sessions, n_symbols).

        A symbol without a bar so far has the age of a century.
        """
        ages = []
        for series in self._series.values():
            stop = np.searchsorted(series.dates, sessions, side="right")
            if len(series.dates):
                # Before its first bar that is its last one, and not looked at.
                days = (sessions - series.dates[stop - 1]).astype(np.int64)
                ages.append(np.where(stop > 0, days, 36_525))
            else:
                ages.append(np.full(len(sessions), 36_525))
        return np.stack(ages, axis=1).astype(np.int64)

    def gaps(self, symbol: str, session: np.datetime64) -> NDArray[np.float64]:
        """Days between a symbol's last bars up to a session, of at most `MONTH` gaps.

        Its shape is (n,); it is empty before the second bar.
        """
        dates = self._series[symbol].dates
        stop = int(np.searchsorted(dates, session, side="right"))
        last = dates[max(stop - MONTH - 1, 0) : stop]
        return np.diff(last).astype(np.float64)

    def window(
        self, symbols: Sequence[str], sessions: NDArray[np.datetime64], n_bars: int
    ) -> Window:
        """Return the last ``n_bars`` bars of some symbols at some sessions.

        Parameters
        ----------
        symbols : sequence of str
            Sorted; each has at least `n_bars` bars at each of the sessions.
        sessions : (n_sessions,) datetime64[D]
            The window's leading axis. No bar after a session is in its row.
        """
        shape = (len(sessions), len(symbols), n_bars)
        dates = np.empty(shape, dtype="datetime64[D]")
        bars = np.empty((5 + len(self.extra), *shape))
        back = np.arange(-n_bars, 0)
        for row, symbol in enumerate(symbols):
            series = self._series[symbol]
            stop = np.searchsorted(series.dates, sessions, side="right")
            # Of one session it is a slice, which is copied faster than picked bars.
            where: Any = stop[:, None] + back
            if len(stop) == 1:
                where = slice(stop[0] - n_bars, stop[0])
            dates[:, row] = series.dates[where]
            bars[:, :, row] = series.bars[:, where].reshape(len(bars), -1, n_bars)
        return Window(tuple(symbols), dates, bars, self.extra)

    def excerpt(
        self, symbols: Sequence[str], sessions: NDArray[np.datetime64], n_bars: int
    ) -> Excerpt:
        """Return what `window` would, to be made when it is looked at."""
        return Excerpt(self, tuple(symbols), sessions, n_bars)

    def content(
        self, symbols: Sequence[str], sessions: NDArray[np.datetime64], n_bars: int
    ) -> tuple[object, ...]:
        """Return what tells a `window` from others, for the key of an entry.

        It is the same of the same symbols, dates and values, whatever bars there are
        besides.
        """
        parts = []
        for symbol in symbols:
            series = self._series[symbol]
            stop = np.searchsorted(series.dates, sessions, side="right")
            first = int(stop[0]) - n_bars
            parts.append((stop - first).astype("<i8").tobytes())
            parts.append(series.content(first, int(stop[-1])))
        return (tuple(symbols), n_bars, len(sessions), b"".join(parts))


@dataclass(frozen=True, eq=False)
class Excerpt:
    """Some bars of a history, to be looked at, or only told from others.

    They are those of the moment in which they are looked at; the history may have grown
    since it was asked, but must not have been restated.
    """

    history: BarHistory
    symbols: tuple[str, ...]
    sessions: NDArray[np.datetime64]
    n_bars: int

    @cached_property
    def window(self) -> Window:
        """The bars."""
        return self.history.window(self.symbols, self.sessions, self.n_bars)

    @cached_property
    def content(self) -> tuple[object, ...]:
        """What tells them from others; see `BarHistory.content`."""
        return self.history.content(self.symbols, self.sessions, self.n_bars)
