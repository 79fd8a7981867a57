"""Sums and maxima over the last bars, the same to the last bit in any company.

Each is made by elementwise steps in an order that depends on the size alone. What is
before the first whole stretch of bars carries no meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["trailing_count", "trailing_max", "trailing_mean", "trailing_sum"]

Array = NDArray[np.float64]


def trailing_mean(values: Array, size: int) -> Array:
    """Mean of the last ``size`` values; the first ``size - 1`` carry no meaning."""
    total = values.copy()
    for lag in range(1, size):
        total[..., lag:] += values[..., :-lag]
    return total / size


def trailing_sum(values: Array, size: int) -> Array:
    """Sum of the last ``size`` values, in as many steps as `size` has binary digits."""
    stretch, length = values, 1
    result, done = None, 0
    while True:
        if size & length:
            result = (
                stretch if result is None else _joined(np.add, result, stretch, done)
            )
            done += length
        if length * 2 > size:
            return np.array(result)
        stretch = _joined(np.add, stretch, stretch, length)
        length *= 2


def trailing_count(there: NDArray[np.bool_], size: int) -> Array:
    """Count those of the last ``size`` bars that are there; whole numbers are exact."""
    total = np.cumsum(there, axis=-1, dtype=np.float64)
    count = np.full_like(total, np.nan)
    count[..., size - 1 :] = total[..., size - 1 :]
    count[..., size:] -= total[..., :-size]
    return count


def trailing_max(values: Array, size: int) -> Array:
    """Greatest of the last ``size`` values."""
    stretch, length = values, 1
    while length < size:
        # Two stretches may share bars: that makes no other maximum.
        bars = min(length, size - length)
        stretch = _joined(np.maximum, stretch, stretch, bars)
        length += bars
    return stretch


def _joined(step: Callable[..., Any], late: Array, early: Array, bars: int) -> Array:
    """Put stretches together with those that end so many bars earlier."""
    joined = np.empty_like(late)
    joined[..., :bars] = np.nan
    if bars < late.shape[-1]:
        step(late[..., bars:], early[..., : -bars or None], out=joined[..., bars:])
    return joined
