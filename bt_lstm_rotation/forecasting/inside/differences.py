"""A gradient by central differences, of what has no way back of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["differences"]

Array = NDArray[np.float64]

# In scaled units. In double precision a smooth function's slope is then wrong by about
# a hundred-millionth: of its third derivative above, of rounding below.
STEP: Final = 1e-4

# Numbers in the copies of inputs that are made at once: of a long lookback, all of them
# would fill the memory.
AT_ONCE: Final = 1_000_000


def differences(
    function: Callable[[Array], Array], inputs: Array, columns: Sequence[int]
) -> Array:
    """Return the gradient of a smooth function, in the shape of its inputs.

    Parameters
    ----------
    function : callable
        (..., n_steps, n_columns) float64 -> (...).
    inputs : (..., n_steps, n_columns) float64
    columns : sequence of int
        Those that it reads; the slope of all others is 0.
    """
    made, n_steps = np.zeros_like(inputs), inputs.shape[-2]
    size = max(AT_ONCE // max(inputs.size, 1), 1)
    for first in range(0, n_steps, size):
        bars = np.arange(first, min(first + size, n_steps))
        copies = np.arange(len(bars))
        for column in columns:
            # A copy for each bar, whose own is moved in it.
            moved = np.repeat(inputs[..., None, :, :], len(bars), axis=-3)
            moved[..., copies, bars, column] += STEP
            above = function(moved)
            moved[..., copies, bars, column] -= 2 * STEP
            made[..., bars, column] = (above - function(moved)) / (2 * STEP)
    return made
