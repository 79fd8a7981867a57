"""Aligned bars: sessions x symbols, open to volume, and nothing else.

A `PricePanel` is the one form in which bars travel through the package. Its rows are
the union of its symbols' sessions; where a symbol has no bar, because it is not listed
yet, halted or gone, all five fields are NaN and `traded` is False. Nothing is ever
filled in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_date, listed
from bt_lstm_rotation.errors import DataError, SpecError, closest
from bt_lstm_rotation.prices.bars import COLUMNS, examined_bars
from bt_lstm_rotation.prices.findings import Finding, warn
from bt_lstm_rotation.prices.neighbours import judged
from bt_lstm_rotation.prices.symbols import distinct_symbols
from bt_lstm_rotation.prices.validity import check_carried

__all__ = ["PricePanel", "distinct_symbols"]


@dataclass(frozen=True, eq=False)
class PricePanel:
    """Daily bars of several symbols, aligned by session.

    Parameters
    ----------
    sessions : (n_sessions,) datetime64[D]
        Ascending, without repetition.
    symbols : tuple of str
        The columns' names.
    bars : (5, n_sessions, n_symbols) float64
        Open, high, low, close (currency) and volume (shares); NaN where no bar.
    source : str
        Where the bars come from, in words; it takes no part in the content hash.
    findings : tuple of Finding
        What is odd about the bars beside their neighbours; no part of the hash either.

    Notes
    -----
    The constructor checks shapes only, so that a window of a panel costs nothing. Bars
    that come from outside are checked by :meth:`from_frames`.
    """

    sessions: NDArray[np.datetime64]
    symbols: tuple[str, ...]
    bars: NDArray[np.float64] = field(repr=False)
    source: str = "memory"
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for name, value, kind, valid in (
            ("sessions", self.sessions, np.ndarray, "an array of datetime64[D]"),
            ("symbols", self.symbols, tuple | list, "a tuple of names"),
            ("bars", self.bars, np.ndarray, "an array of float64"),
        ):
            if not isinstance(value, kind) or not np.ndim(value):
                raise DataError("no bars", field=name, value=value, valid=valid)
        expected = (len(COLUMNS), len(self.sessions), len(self.symbols))
        if self.bars.shape != expected:
            raise DataError(
                "bars do not fit sessions and symbols",
                value=self.bars.shape,
                valid=f"shape {expected}",
            )

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[str, pd.DataFrame],
        *,
        today: dt.date,
        source: str = "memory",
        findings: Iterable[Finding] = (),
    ) -> PricePanel:
        """Validate one frame a symbol, judge it, and align them by session.

        Parameters
        ----------
        frames : mapping of str to DataFrame
            Symbol -> bars, as `bt_lstm_rotation.prices.bars.valid_bars` takes them.
        today : date
            No bar may be dated later.
        findings : iterable of Finding
            What is known to be odd about them already.

        Raises
        ------
        DataError
            On no frame at all, on a symbol that is not a name, on whatever `valid_bars`
            refuses, and on a price that no market can have reached and left within two
            bars.

        Notes
        -----
        Frames may be in different time zones: a bar's session is its local date. What
        is odd beside its neighbours or left out is logged, and kept as `findings`.
        """
        if not isinstance(today, dt.date) or today != today:  # pandas' NaT
            raise SpecError("PricePanel", "today", today, "a datetime.date")
        symbols = distinct_symbols(frames)
        if not isinstance(frames, Mapping | pd.DataFrame):
            valid_ = "a dict of name -> DataFrame"
            raise DataError("no frames", value=frames, valid=valid_)
        found = listed("PricePanel", "findings", findings, "a list of findings")
        seen = [examined_bars(name, frames[name], today=today) for name in symbols]
        valid = [frame for frame, _ in seen]
        dates = [frame.index.to_numpy() for frame in valid]
        found += [one for _, odd in seen for one in odd]
        for name, days, frame in zip(symbols, dates, valid, strict=True):
            found += judged(name, days.astype("datetime64[D]"), frame.to_numpy().T)
        warn(found)
        sessions = np.unique(np.concatenate(dates))
        bars = np.full((len(COLUMNS), len(sessions), len(symbols)), np.nan)
        for column, frame in enumerate(valid):
            rows = np.searchsorted(sessions, dates[column])
            bars[:, rows, column] = frame.to_numpy().T
        return cls(
            sessions=sessions.astype("datetime64[D]"),
            symbols=symbols,
            bars=bars,
            source=source,
            findings=tuple(found),
        )

    def __len__(self) -> int:
        return len(self.sessions)

    def check_carried(self) -> None:
        """Raise DataError for a price of a size that no figure can be made of."""
        for column, symbol in enumerate(self.symbols):
            prices = dict(zip(COLUMNS, self.bars[:4, :, column], strict=False))
            check_carried(symbol, self.sessions, prices)

    def __repr__(self) -> str:
        symbols, sessions = len(self.symbols), len(self)
        span = f", {self.sessions[0]} to {self.sessions[-1]}" if sessions else ""
        source = self.source if self.source.isprintable() else ascii(self.source)
        return (
            f"PricePanel({symbols:,} symbol{'s' * (symbols != 1)}, "
            f"{sessions:,} session{'s' * (sessions != 1)}{span}, {source})"
        )

    @property
    def open(self) -> NDArray[np.float64]:
        """Opening prices, (n_sessions, n_symbols)."""
        return self._field(0)

    @property
    def high(self) -> NDArray[np.float64]:
        """Highest prices, (n_sessions, n_symbols)."""
        return self._field(1)

    @property
    def low(self) -> NDArray[np.float64]:
        """Lowest prices, (n_sessions, n_symbols)."""
        return self._field(2)

    @property
    def close(self) -> NDArray[np.float64]:
        """Closing prices, (n_sessions, n_symbols)."""
        return self._field(3)

    @property
    def volume(self) -> NDArray[np.float64]:
        """Volumes in shares, (n_sessions, n_symbols)."""
        return self._field(4)

    @property
    def traded(self) -> NDArray[np.bool_]:
        """Where there is a bar, (n_sessions, n_symbols)."""
        return np.logical_not(np.isnan(self.close))

    def _field(self, number: int) -> NDArray[np.float64]:
        field_: NDArray[np.float64] = self.bars[number]
        return field_

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of symbols, sessions and bars, as 64 hex digits.

        Neither the source counts, nor how NaN is represented in memory.
        """
        digest = hashlib.sha256()
        # The lengths are part of the text, so no two panels run into each other.
        names = tuple(str(symbol) for symbol in self.symbols)
        digest.update(repr((names, self.bars.shape)).encode())
        digest.update(self.sessions.astype("<M8[D]").tobytes())
        # NaN has many bit patterns and zero has two: adding 0.0 turns -0.0 into 0.0.
        canonical = np.where(np.isnan(self.bars), np.nan, self.bars + 0.0)
        digest.update(canonical.astype("<f8").tobytes())
        return digest.hexdigest()

    def frame(self, symbol: str) -> pd.DataFrame:
        """One symbol's own bars, ``Open High Low Close Volume`` by session.

        Raises
        ------
        DataError
            If the symbol is unknown.
        """
        column = self.select([symbol])
        rows = column.traded[:, 0]
        return pd.DataFrame(
            column.bars[:, rows, 0].T,
            index=pd.DatetimeIndex(column.sessions[rows]).as_unit("ns"),
            columns=list(COLUMNS),
        )

    def frames(self) -> dict[str, pd.DataFrame]:
        """Each symbol's own bars, as `frame` gives them.

        Their ``attrs["source"]`` is the panel's, so that a report of a script that is
        fed with them can say where its bars come from.
        """
        frames = {symbol: self.frame(symbol) for symbol in self.symbols}
        for frame in frames.values():
            frame.attrs["source"] = self.source
        return frames

    def select(self, symbols: Iterable[str]) -> PricePanel:
        """Keep these symbols, in this order, and the sessions on which any has a bar.

        Raises
        ------
        DataError
            If a symbol is unknown (the closest known one is named) or comes twice, or
            if none is given.
        """
        names = distinct_symbols(symbols)
        for name in names:
            if name not in self.symbols:
                raise DataError(
                    "unknown symbol", value=name, valid=closest(name, self.symbols)
                )
        bars = self.bars[:, :, [self.symbols.index(name) for name in names]]
        rows = ~np.isnan(bars[3]).all(axis=1)
        kept = tuple(found for found in self.findings if found.symbol in names)
        return replace(
            self,
            sessions=self.sessions[rows],
            symbols=names,
            bars=bars[:, rows],
            findings=kept,
        )

    def rows(self, start: int, stop: int) -> PricePanel:
        """Sessions ``start`` to ``stop - 1`` by position, as a view."""
        sessions = self.sessions[start:stop]
        return replace(
            self,
            sessions=sessions,
            bars=self.bars[:, start:stop],
            findings=tuple(f for f in self.findings if _is_about(f, sessions)),
        )

    def between(
        self, start: dt.date | None = None, end: dt.date | None = None
    ) -> PricePanel:
        """Sessions from ``start`` to ``end``, both included, as a view.

        Raises
        ------
        DataError
            If no session lies between them; the message names those there are.
        """
        for name, day in (("start", start), ("end", end)):
            check_date("PricePanel.between", name, day)
        first, stop = 0, len(self)
        if start is not None:
            first = int(np.searchsorted(self.sessions, np.datetime64(start, "D")))
        if end is not None:
            stop = int(np.searchsorted(self.sessions, np.datetime64(end, "D"), "right"))
        if first >= stop:
            known = (
                f"{self.sessions[0]} to {self.sessions[-1]}" if len(self) else "none"
            )
            raise DataError(
                "no session in the range asked for",
                value=f"{start or 'first'} to {end or 'last'}",
                valid=f"sessions are {known}",
            )
        return self.rows(first, stop)


def _is_about(found: Finding, sessions: NDArray[np.datetime64]) -> bool:
    if not len(sessions):
        return False
    first, last = np.datetime64(found.first, "D"), np.datetime64(found.last, "D")
    return bool(first <= sessions[-1] and last >= sessions[0])
