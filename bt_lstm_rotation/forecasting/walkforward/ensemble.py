"""What the members of an ensemble say together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_and_deviation"]


def mean_and_deviation(members: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and deviation over the first axis, by additions in a fixed order."""
    total = np.zeros_like(members[0])
    for member in members:
        total = total + member
    mean = total / len(members)
    square = np.zeros_like(mean)
    for member in members:
        square = square + (member - mean) ** 2
    return np.stack([mean, np.sqrt(square / len(members))])
