"""One symbol's bars, growing at the end, and what tells them from others.

Windows that follow each other hold nearly the same bars. For the key of what is made
from them, bars are hashed in pieces that are cut by their dates, each once.
"""

from __future__ import annotations

import bisect
import hashlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.corporate_actions import CorporateAction, restated

__all__ = ["OwnBars"]

# Days of a piece: short beside the windows of fits, and long beside a bar.
PIECE = 64


class OwnBars:
    """One symbol's bars in arrays that double when they are full.

    Parameters
    ----------
    rows : int
        Values that a bar has, its extra ones included.
    """

    def __init__(self, rows: int) -> None:
        self._size = 0
        self._dates = np.empty(64, dtype="datetime64[D]")
        self._bars = np.empty((rows, 64))
        # Of so many bars, the rows at which pieces begin; and hashes, by first row and
        # by the one after the last.
        self._pieces: tuple[int, list[int]] = (0, [])
        self._hashes: dict[tuple[int, int], bytes] = {}

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """The session of each bar, (n,) datetime64[D]."""
        return self._dates[: self._size]

    @property
    def bars(self) -> NDArray[np.float64]:
        """The bars, (rows, n)."""
        return self._bars[:, : self._size]

    def extend(
        self, symbol: str, sessions: NDArray[np.datetime64], bars: NDArray[np.float64]
    ) -> None:
        """Add the next bars (`BarHistory.extend`)."""
        if not len(sessions):
            return
        backward = np.flatnonzero(sessions[1:] <= sessions[:-1])
        if len(backward):
            raise _too_late(symbol, sessions[backward[0] + 1], sessions[backward[0]])
        if self._size and sessions[0] <= (last := self._dates[self._size - 1]):
            if sessions[0] < last:
                raise _too_late(symbol, sessions[0], last)
            self._size -= 1
            self._forget()
        size = self._size + len(sessions)
        while size > len(self._dates):
            self._dates = np.concatenate([self._dates, np.empty_like(self._dates)])
            self._bars = np.concatenate([self._bars, np.empty_like(self._bars)], axis=1)
        self._dates[self._size : size] = sessions
        self._bars[:, self._size : size] = bars
        self._size = size

    def restate(self, action: CorporateAction, session: np.datetime64) -> None:
        """Bring the bars before a session into the units of that one."""
        self.bars[:5] = restated(self.dates, self.bars[:5], [(session, action)])
        self._forget()

    def content(self, first: int, stop: int) -> bytes:
        """Hash the bars from row `first` to before `stop`, and their dates.

        It is the same of the same bars, whatever bars there are besides.
        """
        size, begins = self._pieces
        if size != self._size:
            piece = self.dates.astype(np.int64) // PIECE
            begins = (np.flatnonzero(np.diff(piece)) + 1).tolist()
            self._pieces = (self._size, begins)
        inside = slice(bisect.bisect(begins, first), bisect.bisect_left(begins, stop))
        edges = [first, *begins[inside], stop]
        return hashlib.sha256(b"".join(map(self._hash, pairwise(edges)))).digest()

    def _hash(self, piece: tuple[int, int]) -> bytes:
        """Hash the bars of one piece, or of a part of it, once."""
        found = self._hashes.get(piece)
        if found is None:
            dates, bars = self._dates[slice(*piece)], self._bars[:, slice(*piece)]
            # Bars of as many bytes are told apart by their shape and kind.
            head = f"{bars.shape} {bars.dtype.str} {dates.dtype.str} "
            whole = head.encode() + dates.tobytes() + bars.tobytes()
            found = self._hashes[piece] = hashlib.sha256(whole).digest()
        return found

    def _forget(self) -> None:
        self._pieces = (0, [])
        self._hashes.clear()


def _too_late(symbol: str, session: np.datetime64, last: np.datetime64) -> DataError:
    return DataError(
        "a bar that comes after one as late or later",
        symbol=symbol,
        session=str(session),
        valid=f"the next session is after {last}",
    )
