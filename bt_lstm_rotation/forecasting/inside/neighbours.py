"""The past bars that left a network in a state like today's, and what followed them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Neighbour", "nearest"]

Array = NDArray[np.float64]


class Neighbour(NamedTuple):
    """One past bar.

    `row` and `bar` are its symbol and place among the states; `distance` is in root
    mean squared deviations of a unit.
    """

    row: int
    bar: int
    distance: float


def nearest(states: Array, now: Array, *, count: int, apart: int) -> list[Neighbour]:
    """Find the states that are nearest to one, each unit in its own deviation.

    Parameters
    ----------
    states : (n_symbols, n_bars, units) float64
        Of past bars.
    now : (units,) float64
    count : int
        How many are wanted at most.
    apart : int
        Bars of the same symbol between any two: those next to each other are one
        situation, and what follows them is one outcome.
    """
    scale = states.reshape(-1, states.shape[-1]).std(axis=0)
    scale = np.where(scale > 0, scale, np.inf)
    distances = np.sqrt((((states - now) / scale) ** 2).mean(axis=-1))
    found: list[Neighbour] = []
    for place in np.argsort(distances, axis=None, kind="stable"):
        row, bar = (int(part) for part in np.unravel_index(place, distances.shape))
        if all(row != one.row or abs(bar - one.bar) >= apart for one in found):
            found.append(Neighbour(row, bar, float(distances[row, bar])))
        if len(found) >= count:
            break
    return found
