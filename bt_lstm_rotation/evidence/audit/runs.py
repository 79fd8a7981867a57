"""The runs that an audit compares: one of the world as it is, and those of others."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import backtrader as bt
import numpy as np

from bt_lstm_rotation.evidence.audit.comparing import Difference, differences
from bt_lstm_rotation.evidence.audit.control import MODES, in_control_of
from bt_lstm_rotation.evidence.audit.inputs import numbers_at_hand, watched
from bt_lstm_rotation.evidence.audit.places import place_of
from bt_lstm_rotation.evidence.audit.rows import WHOLE, Rows, World
from bt_lstm_rotation.evidence.audit.running import run_world
from bt_lstm_rotation.evidence.audit.scenes import Recorded, Scene
from bt_lstm_rotation.evidence.audit.trace import OPEN, Trace
from bt_lstm_rotation.feeds.naming import feed_name

__all__ = ["SEED", "Runs"]

SEED: Final = 20_190_628
# About half a minute of Backtrader's time.
BARS_TO_RUN: Final = 250_000


class Runs:
    """A scene, and its run in the world as it is.

    Attributes
    ----------
    base : Trace
        Of that run.
    dates : (n_sessions,) float64
        Its sessions, ascending.
    is_recorded : bool
        Whether the feeds were there before the audit, and not made of tables in it.
    is_default_mode : bool
        Whether bars are loaded, and indicators calculated, ahead of the run.
    feeds : list of Rows
        The bars of its feeds.
    tables : list of (n_rows,) float64
        When rows of the tables besides the bars are dated.
    can_cut : bool
        Whether the future can be cut off: a bar that is being resampled needs a next.
    orders_at_open : bool
        Whether anything is ordered before the fills of a session.
    inputs : list of str
        Files and connections that its code opened.
    numbers : dict of str to object
        What was worked out before the run, by name.
    """

    def __init__(self, scene: Scene, modes: Mapping[str, Any]) -> None:
        self.scene, self.modes = scene, dict(modes)
        self.is_recorded = isinstance(scene, Recorded)
        self.tables = scene.dates_of_tables()
        with watched() as inputs:
            self.base = self._of_base()
        self.inputs = inputs
        dated = [part.at for part in self.base.lines]
        self.dates = np.unique(np.concatenate(dated or [np.empty(0)]))
        self.orders_at_open = any(act.phase == OPEN for act in self.base.acts)

    def _of_base(self) -> Trace:
        seen: list[Any] = []

        def make() -> Any:
            seen[:] = [self.scene.cerebro(WHOLE)]
            return seen[0]

        trace = run_world(make, modes=self.modes)
        self.feeds, self.can_cut, self.numbers = [], True, {}
        self.is_default_mode = True
        if seen:
            default = getattr(seen[0], "_dorunonce", True)
            self.is_default_mode = default and getattr(seen[0], "_dopreload", True)
            self.feeds = [rows_of(feed) for feed in self._with_bars(seen[0]).datas]
            self.can_cut = not any(
                feed._clone or feed._filters or feed._ffilters for feed in seen[0].datas
            )
            self.numbers = numbers_at_hand(seen[0])
        return trace

    def _with_bars(self, ran: Any) -> Any:
        """Return a Cerebro that has been run, and has all bars in memory."""
        lines = (line for feed in ran.datas for line in feed.lines)
        if all(line.mode == bt.LineBuffer.UnBounded for line in lines):
            return ran
        loaded: list[Any] = []

        def make() -> Any:
            loaded[:] = [self.scene.cerebro(WHOLE)]
            return loaded[0]

        run_world(in_control_of(make), modes=MODES)
        return loaded[0]

    def again(self) -> list[Difference]:
        """Run the same world once more; return how it differs."""
        other = run_world(lambda: self.scene.cerebro(WHOLE), modes=self.modes)
        return differences(self.base, other)

    def run(self, world: World) -> Trace:
        """Run a world up to where its future begins."""
        until = world.known if world.opened is None else world.opened
        return run_world(
            lambda: self.scene.cerebro(world), until=until, modes=self.modes
        )

    def seen_in(self, world: World) -> list[Difference] | None:
        """Return how a world's run differs up to what is known; None if it has none."""
        trace = self.run(world)
        if _is_void(trace) and not world.is_cut:
            world = replace(world, tail=None)
            trace = self.run(world)
        if _is_void(trace):
            return None
        return differences(self.base, trace, world.known, opened=world.opened)

    def next_date(self, at: float) -> float:
        """Return the session after one."""
        place = int(np.searchsorted(self.dates, at, "right"))
        return float(self.dates[place]) if place < len(self.dates) else math.inf

    def world(self, known: float, *, cut: bool, mirrored: bool = False) -> World:
        """Return the world of which all is known up to a session."""
        if cut:
            return World(known)
        opened = self.next_date(known) if self.orders_at_open else None
        return World(known, SEED, mirrored, opened=opened)

    def usual_probes(self) -> int:
        """Return how many sessions to look at by default: 24 to 8, by the bars."""
        bars = len(self.dates) * len(self.feeds)
        return min(24, max(8, BARS_TO_RUN // max(bars, 1)))

    def places(self) -> dict[str, str]:
        """Return line -> the file and line that made it, in a run of one session."""
        if not len(self.dates):
            return {}

        def make() -> Any:
            cerebro = self.scene.cerebro(WHOLE)
            cerebro.strats[:] = [
                [(_noting(kind), args, kwargs) for kind, args, kwargs in added]
                for added in cerebro.strats
            ]
            return cerebro

        trace = run_world(make, until=float(self.dates[0]), modes=self.modes)
        return {c.name: c.place for part in trace.lines for c in part.channels}


def _is_void(trace: Trace) -> bool:
    """Whether a run failed before its first session, as one of too few bars does."""
    return trace.failure is not None and not math.isfinite(trace.failure.at)


def rows_of(feed: Any) -> Rows:
    """Return a feed's bars: those it plays, or those in memory after a run."""
    rows: Rows | None = getattr(feed, "world_rows", None)
    if rows is not None:
        return replace(rows, name=feed_name(feed))
    names = tuple(feed.getlinealiases())
    values = np.array([list(line.array) for line in feed.lines], dtype=np.float64).T
    at = values[:, names.index("datetime")]
    return Rows(names, values[at == at], at[at == at], feed_name(feed))


def _noting(kind: Any) -> Any:
    """Derive a strategy that notes where each of its indicators is made."""

    def addindicator(self: Any, indicator: Any) -> None:
        indicator.made_at = place_of(sys._getframe(1))
        kind.addindicator(self, indicator)

    names = {"addindicator": addindicator, "__module__": kind.__module__}
    return type(kind)(kind.__name__, (kind,), names)
