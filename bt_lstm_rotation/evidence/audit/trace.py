"""One run in one world, and all it showed: lines, orders and fills, by session."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.audit.channels import Channel

__all__ = ["CLOSE", "FILL", "OPEN", "Act", "Failure", "Lines", "Trace"]

# Before the broker fills, while it does, and when the strategy decides at the close.
OPEN: Final = 0
FILL: Final = 1
CLOSE: Final = 2


class Act(NamedTuple):
    """An order made or cancelled, or what the broker told of one.

    `at` is the session in Backtrader's days, `phase` when in it, `key` all that is
    compared, and `place` the file and line that asked for it.
    """

    at: float
    phase: int
    kind: str
    key: tuple[Any, ...]
    feed: str
    place: str


@dataclass
class Lines:
    """What a strategy's lines showed, session by session.

    `values` is (n_sessions, n_channels) once the run has ended.
    """

    name: str
    channels: list[Channel]
    first_next: float = math.inf
    dates: list[float] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)

    @property
    def at(self) -> NDArray[np.float64]:
        """When each row was read, ascending."""
        return np.array(self.dates)

    @property
    def values(self) -> NDArray[np.float64]:
        """What was read, (n_sessions, n_channels)."""
        shape = (len(self.rows), len(self.channels))
        return np.array(self.rows, dtype=np.float64).reshape(shape)


class Failure(NamedTuple):
    """An error that ended a run: its text, where, and the session before."""

    text: str
    place: str
    at: float
    error: BaseException


@dataclass
class Trace:
    """All that a run showed."""

    lines: list[Lines] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    failure: Failure | None = None
    # Sessions whose order was filled at the close that it was decided at.
    cheats: list[Act] = field(default_factory=list)
