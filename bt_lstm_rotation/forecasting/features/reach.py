"""How far a feature looks ahead, and how far it reaches back, measured and refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features.scene import Scene, made_scene
from bt_lstm_rotation.forecasting.features.subject import Subject, differ, scale

__all__ = ["refuse_ahead", "refuse_warmup"]

Array = NDArray[np.float64]

# Bars on which it is measured how far a feature reaches back.
LONGEST: Final = 5_000

CAUSAL = "what stands at a bar may be made of that bar and of earlier ones only"
BY_DATE = (
    "bars in one column may be of different dates, so symbols are compared by date, as "
    "bt_lstm_rotation.forecasting.features.deviation does"
)


def refuse_ahead(
    subject: Subject, scene: Scene, before: Array, at: tuple[int, int], how: str
) -> NoReturn:
    """Say how far ahead of a bar, a symbol and a column, its value is made.

    `how` is ``"scrambled"`` or ``"cut off"``, of the later bars that it depends on.
    """
    symbol, column = at
    n_ahead = scene.window.n_bars - 1 - column

    def moves(ahead: int) -> bool:
        """Whether the value depends on what lies so many bars ahead, or farther."""
        for future in range(len(scene.futures)):
            if how == "scrambled":
                last = scene.window.dates[symbol, column + ahead - 1]
                after = subject.values(scene.scrambled(last, future))
            else:
                after = subject.values(scene.part(slice(0, column + ahead)))
            rounding = scale(before)
            if differ(before[at][None], after[at][None], rounding).any():
                return True
        return False

    ahead = max(_largest(moves, n_ahead), 1)
    bars = "1 bar" if ahead == 1 else f"{ahead} bars"
    if ahead >= n_ahead:
        bars = f"to the last bar that it is given, {bars}"
    compares = subject.feature.cross_sectional
    subject.refuse(
        f"looks {bars} ahead: its value changes when later bars are {how}",
        f"{CAUSAL}; {BY_DATE}" if compares else CAUSAL,
        session=str(scene.window.dates[symbol, column]),
        ahead=ahead,
    )


def _largest(holds: Callable[[int], bool], most: int) -> int:
    """Return the largest number up to `most` for which something holds; 0 for none.

    It holds for all smaller ones as well.
    """
    low, high = 0, 1
    while high <= most and holds(high):
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def refuse_warmup(subject: Subject) -> NoReturn:
    """Measure how many bars a value really depends on, and say so."""
    scene = made_scene(LONGEST + subject.warmup, extra=subject.extra)
    whole = subject.values(scene.window)
    rounding, needed = scale(whole), 0
    for start in (1, 97, 255, 751):
        after = subject.values(scene.part(slice(start, None)))
        changed = differ(whole[:, start:], after, rounding).any(axis=0)
        changed |= ~np.isfinite(after).all(axis=0)
        if changed.any():
            needed = max(needed, int(np.flatnonzero(changed)[-1]) + 1)
    valid = f"warmup is {subject.warmup}; give it warmup={needed}"
    reach = f"reaches back {needed:,} bars, until its value is settled to 1e-9"
    if needed >= LONGEST // 2:
        reach = f"depends on where its bars begin, {LONGEST // 2:,} bars ago or more"
        valid = "let it forget: a mean over so many bars, or one that decays"
    subject.refuse(reach, valid, needed=needed)
