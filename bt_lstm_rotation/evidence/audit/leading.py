"""Feeds and columns that move before the market does.

Cutting off the future trusts the dates: a bar that is dated a day early is still there.
But what is dated early moves with tomorrow. The return of one feed is correlated with
the next returns of another, and a column that was worked out before the run with those
of every feed. Thresholds are far above what forecasts reach: markets in other time
zones lead each other with about 0.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.audit.rows import AMOUNTS, PRICES, Rows

__all__ = ["Lead", "leading_columns", "leading_feeds", "shifted"]

# Correlations, and pairs of returns that one is worked out of at least.
LEAST, BEYOND, ENOUGH = 0.7, 0.3, 60
BARS_AHEAD = (1, 2, 3)
# Returns over more bars overlap, and correlate by chance sooner.
HORIZONS = {1: 0.7, 5: 0.9, 21: 0.9}


class Lead(NamedTuple):
    """What moves `ahead` bars before what, and how closely."""

    name: str
    follower: str
    ahead: int
    correlation: float
    same_day: float


def leading_feeds(feeds: Sequence[Rows]) -> list[Lead]:
    """Return for each feed that leads another the pair that shows it best."""
    found: dict[str, Lead] = {}
    for leader in feeds:
        for follower in feeds:
            if leader is follower:
                continue
            lead = _lead(leader, follower)
            if lead is not None and (
                leader.name not in found
                or lead.correlation > found[leader.name].correlation
            ):
                found[leader.name] = lead
    return list(found.values())


def shifted(rows: Rows) -> Rows:
    """Return bars dated a bar early, as a control: they lead those that are not."""
    return Rows(rows.names, rows.values[1:], rows.at[:-1], f"{rows.name}, a bar early")


def leading_columns(
    columns: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    feeds: Sequence[Rows],
) -> list[Lead]:
    """Return which columns, name -> (dates, values), hold a feed's next returns."""
    found = []
    for name, (at, values) in columns.items():
        best: Lead | None = None
        for rows in feeds:
            if "close" not in rows.names:
                continue
            close = rows.values[:, rows.names.index("close")]
            shared, mine, theirs = np.intersect1d(at, rows.at, return_indices=True)
            for ahead, least in HORIZONS.items():
                later = theirs + ahead
                inside = later < len(close)
                if len(shared) < ENOUGH or inside.sum() < ENOUGH:
                    continue
                coming = close[later[inside]] / close[theirs[inside]] - 1.0
                value = _correlation(values[mine[inside]], coming)
                if abs(value) >= least and (
                    best is None or abs(value) > abs(best.correlation)
                ):
                    best = Lead(name, rows.name, ahead, value, np.nan)
        if best is not None:
            found.append(best)
    return found


def other_columns(
    feeds: Sequence[Rows],
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the lines of feeds that are no part of a bar, by name."""
    usual = {"datetime", *PRICES, *AMOUNTS}
    return {
        f"{rows.name}.{name}": (rows.at, rows.values[:, column])
        for rows in feeds
        for column, name in enumerate(rows.names)
        if name not in usual
    }


def _lead(leader: Rows, follower: Rows) -> Lead | None:
    shared, mine, theirs = np.intersect1d(leader.at, follower.at, return_indices=True)
    if (
        len(shared) < ENOUGH
        or "close" not in leader.names
        or "close" not in follower.names
    ):
        return None
    first, second = (
        np.diff(rows.values[places, rows.names.index("close")])
        / rows.values[places[:-1], rows.names.index("close")]
        for rows, places in ((leader, mine), (follower, theirs))
    )
    same = _correlation(first, second)
    for ahead in BARS_AHEAD:
        value = _correlation(first[:-ahead], second[ahead:])
        if value >= LEAST and value >= abs(same) + BEYOND:
            return Lead(leader.name, follower.name, ahead, value, same)
    return None


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if len(a) < ENOUGH or not a.std() or not b.std():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
