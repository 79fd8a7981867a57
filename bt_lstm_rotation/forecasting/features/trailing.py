"""Sums and maxima over the last bars, the same to the last bit in any company.

Each is made by elementwise steps in an order that depends on the size alone. What is
before the first whole stretch of bars carries no meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["trailing_max", "trailing_mean", "trailing_sum"]

Array = NDArray[np.float64]


def trailing_mean(values: Array, size: int) -> Array:
    """Mean of the last ``size`` values; the first ``size - 1`` carry no meaning."""
    total = values.copy()
    for lag in range(1, size):
        total[..., lag:] += values[..., :-lag]
    return total / size


def trailing_sum(values: Array, size: int) -> Array:
    """Sum of the last ``size`` values, in as many steps as `size` has binary digits."""
    return _doubling(np.add, values, size)


def trailing_max(values: Array, size: int) -> Array:
    """Greatest of the last ``size`` values."""
    return _doubling(np.maximum, values, size)


def _doubling(step: Callable[..., Any], values: Array, size: int) -> Array:
    """Put stretches of 1, 2, 4, ... bars together to one of `size`."""
    stretch, length = values, 1
    result, done = None, 0
    while True:
        if size & length:
            result = stretch if result is None else step(result, _back(stretch, done))
            done += length
        if length * 2 > size:
            return np.array(result)
        stretch = step(stretch, _back(stretch, length))
        length *= 2


def _back(values: Array, bars: int) -> Array:
    """Move values so many bars back; what they leave has none."""
    moved = np.full_like(values, np.nan)
    if bars < values.shape[-1]:
        moved[..., bars:] = values[..., : values.shape[-1] - bars]
    return moved
