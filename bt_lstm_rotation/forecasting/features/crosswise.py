"""Symbols compared with each other, date by date.

Sums over symbols are loops of elementwise additions: a NumPy reduction may add in
another order when the shape differs, and a forecast's last bit would then depend on
which other sessions were computed with it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["across", "centred_rank", "deviation"]

Array = NDArray[np.float64]


def deviation(values: Array, dates: NDArray[np.datetime64]) -> Array:
    """Difference to the mean over the symbols that have a bar on the same date.

    All arrays are (..., n_symbols, n_bars).
    """
    return across(_less_mean, values, dates)


def across(
    compare: Callable[[Array], Array], values: Array, dates: NDArray[np.datetime64]
) -> Array:
    """Compare symbols with each other, date by date.

    Where their dates differ, each window is laid out by date with NaN in the holes,
    which `compare` leaves out.
    """
    if (dates == dates[..., :1, :]).all():
        return compare(values)
    result = np.empty_like(values)
    rows = np.arange(values.shape[-2])[:, None]
    for at in np.ndindex(values.shape[:-2]):
        days, columns = np.unique(dates[at], return_inverse=True)
        columns = columns.reshape(values.shape[-2:])
        grid = np.full((values.shape[-2], len(days)), np.nan)
        grid[rows, columns] = values[at]
        result[at] = compare(grid)[rows, columns]
    return result


def centred_rank(grid: Array) -> Array:
    """Share of the others that are beaten, less a half: from -0.5 to 0.5."""
    rows: Array = np.moveaxis(grid, -2, -1)
    table = pd.DataFrame(rows.reshape(-1, rows.shape[-1])).rank(axis=1)
    ranks: Array = table.to_numpy().reshape(rows.shape)
    ranks = np.moveaxis(ranks, -1, -2)
    others = np.sum(~np.isnan(grid), axis=-2, keepdims=True) - 1
    # Ranks begin at 1, and equal values share theirs: halves at most, so it is exact.
    share = (2 * (ranks - 1) - others) / np.maximum(2 * others, 1)
    return np.where(np.isnan(grid), 0.0, share)


def _less_mean(grid: Array) -> Array:
    there = ~np.isnan(grid)
    total = np.zeros_like(grid[..., 0, :])
    for row in range(grid.shape[-2]):
        total = total + np.where(there[..., row, :], grid[..., row, :], 0.0)
    count = np.maximum(there.sum(axis=-2), 1)
    centred: Array = grid - (total / count)[..., None, :]
    return centred
