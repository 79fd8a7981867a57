"""Bars of feeds judged beside their neighbours, as those of files are.

What is found is warned of once a feed, and never ends a run: a feed's bars may lie
beyond what the run shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.feeds.stamps import first_feed
from bt_lstm_rotation.prices.findings import Finding, finding, warn
from bt_lstm_rotation.prices.neighbours import judged
from bt_lstm_rotation.prices.validity import is_carried

__all__ = ["findings_of", "mark_as_judged", "warn_of_findings"]

# Set on a feed: the messages that have been logged of it; None if all have been.
_LOGGED = "_logged_findings"


def findings_of(
    name: str, sessions: NDArray[np.datetime64], bars: NDArray[np.float64]
) -> tuple[Finding, ...]:
    """Judge one feed's bars, (5, n_bars) from open to volume, one a session.

    What is an error in a file is a finding here, of the rule ``"impossible"``. Bars
    without four prices above 0 that floats can carry are passed over.
    """
    valid = is_carried(bars[:4]).all(axis=0)
    try:
        return judged(name, sessions[valid], bars[:, valid])
    except DataError as error:
        day = np.array([error.session], dtype="datetime64[D]")
        return (finding(name, "impossible", day, math.nan, error.problem),)


def warn_of_findings(feed: Any, findings: Sequence[Finding]) -> None:
    """Log a feed's findings, except for those that have been logged of it before."""
    source = first_feed(feed)
    logged: frozenset[str] | None = getattr(source, _LOGGED, frozenset())
    if findings and logged is not None:
        warn(found for found in findings if found.message not in logged)
        setattr(source, _LOGGED, logged | {found.message for found in findings})


def mark_as_judged(feed: Any) -> None:
    """Note that a feed's bars were judged, and warned of, before it was made."""
    setattr(feed, _LOGGED, None)
