"""How many sessions ahead a leak looks, by bisection on where the future begins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bt_lstm_rotation.evidence.audit.comparing import Difference
from bt_lstm_rotation.evidence.audit.rows import World
from bt_lstm_rotation.evidence.audit.runs import Runs

__all__ = ["how_far"]


def how_far(runs: Runs, difference: Difference, world: World) -> tuple[int, bool]:
    """Return how many sessions after its own a difference depends on.

    The second value tells whether that is all there are.
    """
    place = int(np.searchsorted(runs.dates, difference.at))
    # In the last session there is no future that could be taken away.
    farthest = len(runs.dates) - 2 - place
    at_least = max(int(np.searchsorted(runs.dates, world.known)) - place, 0)

    def depends(later: int) -> bool:
        known = float(runs.dates[place + later])
        opened = None if world.opened is None else runs.next_date(known)
        apart = runs.seen_in(replace(world, known=known, opened=opened))
        return any(
            d.at <= difference.at and d.kind == difference.kind and not d.is_rounding
            for d in apart or ()
        )

    if farthest <= at_least:
        return max(farthest, at_least) + 1, True
    if depends(farthest):
        return farthest + 1, True
    low, high, step = at_least, farthest, 1
    while low + step < high:
        if not depends(low + step):
            high = low + step
            break
        low, step = low + step, step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if depends(middle) else (low, middle)
    return low + 1, False
