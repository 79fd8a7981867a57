"""Columns to a mean of 0 and a deviation of 1; what is missing becomes the mean."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["scale_of", "scaled", "unless_constant"]

Array = NDArray[np.float64]

# What rounding leaves of a constant, such as a volume that is always 1; of one above 1,
# as a share of it.
ROUNDING: Final = 1e-12


def scale_of(columns: Array) -> tuple[Array, Array]:
    """Return mean and deviation of (n_symbols, n_bars, n_columns), a column each.

    NaN does not count, and a column that is nothing else has a mean of 0.
    """
    absent = np.isnan(columns)
    if not absent.any():
        mean = columns.mean(axis=(0, 1))
        return mean, unless_constant(columns.std(axis=(0, 1)), mean)
    count = np.maximum((~absent).sum(axis=(0, 1)), 1)
    mean = np.where(absent, 0.0, columns).sum(axis=(0, 1)) / count
    square = np.where(absent, 0.0, columns - mean) ** 2
    return mean, unless_constant(np.sqrt(square.sum(axis=(0, 1)) / count), mean)


def scaled(columns: Array, mean: Array, scale: Array) -> NDArray[np.float32]:
    """Scale columns of (..., n_columns); NaN becomes 0, which is the mean."""
    values = ((columns - mean) / scale).astype(np.float32)
    absent = np.isnan(values)
    if absent.any():
        values[absent] = 0.0
    return values


def unless_constant(deviation: Array, mean: Array) -> Array:
    """Leave a constant as it is: divided by 1, it becomes zero and says nothing."""
    rounding = ROUNDING * np.maximum(np.abs(mean), 1.0)
    return np.where(deviation > rounding, deviation, 1.0)
