"""Whether probes see what they are for: each is shown a leak that is there for sure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from bt_lstm_rotation.evidence.audit.blindfold import blindfold
from bt_lstm_rotation.evidence.audit.comparing import differences
from bt_lstm_rotation.evidence.audit.control import MODES, in_control_of
from bt_lstm_rotation.evidence.audit.inputs import CONTROL, watched
from bt_lstm_rotation.evidence.audit.leading import leading_feeds, shifted
from bt_lstm_rotation.evidence.audit.rows import WHOLE, Rows, World
from bt_lstm_rotation.evidence.audit.running import run_world
from bt_lstm_rotation.evidence.audit.runs import SEED, Runs
from bt_lstm_rotation.evidence.audit.trace import Trace

__all__ = [
    "controls_of_dates",
    "fires_at",
    "fires_blind",
    "fires_on_cheats",
    "fires_on_files",
]

# The control needs no history; this much is quick to run.
BARS: Final = 5


def fires_at(runs: Runs, worlds: Sequence[World]) -> bool:
    """Whether the control's line and order change where a session's future does."""
    known = worlds[0].known
    # What a function makes of tables may need all of their history.
    since = _before(runs, known) if runs.is_recorded else -math.inf
    base = _controlled(runs, World(since=since), until=known)
    for world in worlds:
        other = _controlled(runs, replace(world, since=since, opened=None), until=known)
        kinds = {
            d.kind
            for d in differences(base, other, known)
            if d.at == known or not runs.is_recorded
        }
        if not {"line", "order"} <= kinds:
            return False
    return True


def fires_blind(runs: Runs) -> bool:
    """Whether the control is seen to read what is hidden, where bars are loaded."""
    if not len(runs.dates):
        return False
    stop = float(runs.dates[min(BARS, len(runs.dates) - 1)])
    base = _controlled(runs, WHOLE, until=stop)
    world = World(seed=SEED)
    other = _controlled(
        runs, WHOLE, until=stop, prepare=lambda cerebro: blindfold(cerebro, world)
    )
    kinds = {d.kind for d in differences(base, other, stop)}
    return {"line", "order"} <= kinds


def fires_on_cheats(runs: Runs) -> bool:
    """Whether an order of the control that is filled at its own close is noticed."""
    if len(runs.dates) < 2:
        return False
    stop = float(runs.dates[min(BARS, len(runs.dates) - 1)])
    trace = _controlled(runs, WHOLE, until=stop, coc=True)
    return bool(trace.cheats)


def fires_on_files(runs: Runs) -> bool:
    """Whether a file that the control reads is noticed."""
    if not len(runs.dates):
        return False
    with watched() as found:
        _controlled(runs, WHOLE, until=float(runs.dates[0]), reads=CONTROL)
    return any(CONTROL in said for said in found)


def controls_of_dates(feeds: Sequence[Rows]) -> bool:
    """Whether bars of one feed, dated early, are seen to lead the true ones."""
    return any(leading_feeds([shifted(rows), rows]) for rows in feeds if len(rows) > 1)


def _before(runs: Runs, known: float) -> float:
    place = int(np.searchsorted(runs.dates, known))
    return float(runs.dates[max(place - BARS, 0)])


def _controlled(
    runs: Runs,
    world: World,
    *,
    until: float,
    prepare: Any = None,
    coc: bool = False,
    **params: Any,
) -> Trace:
    make = in_control_of(lambda: runs.scene.cerebro(world), coc=coc, **params)
    modes = runs.modes | dict(MODES)
    return run_world(make, until=until, modes=modes, prepare=prepare)
