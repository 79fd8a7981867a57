"""A window in pieces that filters run over side by side: in a part of the steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pieces"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Bars of a window in pieces, each behind as many bars that led up to it.

    A filter begins at rest at least as many bars before a bar as a forecast reads;
    bars before the first say nothing.

    Parameters
    ----------
    returns, weights : (2 * length, n_symbols, n_pieces) float64
    n_bars : int
        Of the window.
    """

    returns: Array
    weights: Array
    n_bars: int

    @classmethod
    def of(cls, returns: Array, weights: Array, length: int) -> Pieces:
        """Cut (n_symbols, n_bars) into pieces of so many bars."""
        n_bars = returns.shape[1]
        length = min(length, n_bars)
        front = length + -n_bars % length

        def cut(values: Array) -> Array:
            padded = np.pad(values, ((0, 0), (front, 0)))
            every = np.lib.stride_tricks.sliding_window_view(padded, 2 * length, axis=1)
            return np.ascontiguousarray(np.moveaxis(every[:, ::length], -1, 0))

        return cls(cut(returns), cut(weights), n_bars)

    def joined(self, values: Array) -> Array:
        """Put what was made of pieces together, (n_symbols, n_bars)."""
        later = np.moveaxis(values[len(values) // 2 :], 0, -1)
        whole: Array = later.reshape(len(later), -1)[:, -self.n_bars :]
        return whole
