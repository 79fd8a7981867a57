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

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.periods import MONTH
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.prices.corporate_actions import CorporateAction, restated

__all__ = ["BarHistory", "Window"]


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
        self._series = {symbol: _Series(5 + len(extra)) for symbol in self.symbols}

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
        series = self._series[symbol]
        series.bars[:5] = restated(series.dates, series.bars[:5], [(session, action)])

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
            where = stop[:, None] + back
            dates[:, row] = series.dates[where]
            bars[:, :, row] = series.bars[:, where]
        return Window(tuple(symbols), dates, bars, self.extra)


class _Series:
    """One symbol's bars in arrays that double when they are full."""

    def __init__(self, rows: int) -> None:
        self._size = 0
        self._dates = np.empty(64, dtype="datetime64[D]")
        self._bars = np.empty((rows, 64))

    @property
    def dates(self) -> NDArray[np.datetime64]:
        return self._dates[: self._size]

    @property
    def bars(self) -> NDArray[np.float64]:
        return self._bars[:, : self._size]

    def extend(
        self, symbol: str, sessions: NDArray[np.datetime64], bars: NDArray[np.float64]
    ) -> None:
        if not len(sessions):
            return
        backward = np.flatnonzero(sessions[1:] <= sessions[:-1])
        if len(backward):
            raise _too_late(symbol, sessions[backward[0] + 1], sessions[backward[0]])
        if self._size and sessions[0] <= (last := self._dates[self._size - 1]):
            if sessions[0] < last:
                raise _too_late(symbol, sessions[0], last)
            self._size -= 1
        size = self._size + len(sessions)
        while size > len(self._dates):
            self._dates = np.concatenate([self._dates, np.empty_like(self._dates)])
            self._bars = np.concatenate([self._bars, np.empty_like(self._bars)], axis=1)
        self._dates[self._size : size] = sessions
        self._bars[:, self._size : size] = bars
        self._size = size


def _too_late(symbol: str, session: np.datetime64, last: np.datetime64) -> DataError:
    return DataError(
        "a bar that comes after one as late or later",
        symbol=symbol,
        session=str(session),
        valid=f"the next session is after {last}",
    )
