"""Whether a strategy does the same where the future is hidden, cut off or altered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bt_lstm_rotation.evidence.audit.ahead import how_far
from bt_lstm_rotation.evidence.audit.blindfold import blindfold
from bt_lstm_rotation.evidence.audit.comparing import Difference, differences
from bt_lstm_rotation.evidence.audit.controlling import fires_at, fires_blind
from bt_lstm_rotation.evidence.audit.docket import Docket
from bt_lstm_rotation.evidence.audit.rows import WHOLE, World
from bt_lstm_rotation.evidence.audit.running import run_world
from bt_lstm_rotation.evidence.audit.runs import SEED, Runs
from bt_lstm_rotation.evidence.audit.sessions import Probe

__all__ = ["look_at_session", "look_blind"]


def look_blind(runs: Runs, docket: Docket) -> None:
    """See whether anything is read before its session, in all sessions at once."""
    if not fires_blind(runs):
        return
    docket.controls.append("bars hidden until their session")
    for mirrored in (False, True):
        hidden = World(seed=SEED, mirrored=mirrored)

        def hide(cerebro: Any, hidden: World = hidden) -> None:
            blindfold(cerebro, hidden)

        trace = run_world(
            lambda: runs.scene.cerebro(WHOLE), modes=runs.modes, prepare=hide
        )
        apart = [d for d in differences(runs.base, trace) if not d.is_rounding]
        for difference in apart[:1]:
            world = runs.world(difference.at, cut=runs.can_cut)
            docket.add_difference(runs, difference, world)


def look_at_session(runs: Runs, docket: Docket, probe: Probe) -> bool:
    """Take the future away after a session; return whether that could be seen.

    It is cut off, where it can be, and altered both ways: the sign of a return that is
    read ahead turns in one of the two. That a row of a table will come is told from
    what hangs on where the data end by leaving out the rows, and not the bars.
    """
    worlds = [runs.world(probe.at, cut=True)] if runs.can_cut else []
    worlds += [
        runs.world(probe.at, cut=False, mirrored=mirrored) for mirrored in (False, True)
    ]
    if runs.tables:
        worlds.append(replace(worlds[-1], gone=True))
    if not fires_at(runs, worlds):
        return False
    docket.controls.append("the future taken away")
    seen = [(world, runs.seen_in(world)) for world in worlds]
    for world, apart in seen:
        elsewhere = any(found for other, found in seen if other is not world)
        for difference in apart or ():
            if difference.is_rounding:
                docket.notes.append(f"{difference.name} rounds otherwise at times")
            elif not elsewhere and _is_only_the_end(runs, difference, world):
                docket.ends.append(
                    f"it acts on the last bar there is ({difference.name}), as one "
                    "does that closes its positions where the data end"
                )
            else:
                docket.add_difference(runs, difference, world)
    return any(apart is not None for _, apart in seen)


def _is_only_the_end(runs: Runs, difference: Difference, world: World) -> bool:
    """Whether it hangs on where the data end, and on nothing that comes after."""
    if difference.kind == "failure" or not world.is_cut:
        return False
    ahead, to_end = how_far(runs, difference, world)
    return ahead <= 2 and not to_end
