"""Feeds and columns that move before the market does.

Cutting off the future trusts the dates: a bar that is dated a day early is still there.
But what is dated early moves with tomorrow. The return of one feed is compared with the
next returns of another, and of all others together, and a column that was worked out
before the run with those of every feed (`forecasting.walkforward.leading`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.audit.rows import AMOUNTS, PRICES, Rows
from bt_lstm_rotation.forecasting.walkforward.leading import (
    ENOUGH,
    HORIZONS,
    correlation,
    lead_of,
)

__all__ = ["Lead", "leading_columns", "leading_feeds", "shifted"]


class Lead(NamedTuple):
    """What moves `ahead` bars before what, and how closely."""

    name: str
    follower: str
    ahead: int
    correlation: float
    same_day: float


def leading_feeds(feeds: Sequence[Rows]) -> list[Lead]:
    """Return the feeds that lead: another, or what the others say together."""
    found = []
    for leader in feeds:
        others = [rows for rows in feeds if rows is not leader]
        leads = [_lead(leader, [follower]) for follower in others]
        if others[1:]:
            leads.append(_lead(leader, others))
        known = [lead for lead in leads if lead is not None]
        if known:
            found.append(max(known, key=lambda lead: lead.correlation))
    return found


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
                value = correlation(values[mine[inside]], coming)
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


def _lead(leader: Rows, followers: Sequence[Rows]) -> Lead | None:
    every = [leader, *followers]
    if any("close" not in rows.names for rows in every):
        return None
    shared = reduce(np.intersect1d, [rows.at for rows in every])
    if len(shared) < ENOUGH + len(every):
        return None
    first, *others = (_returns(rows, shared) for rows in every)
    found = lead_of(first, others)
    if found is None:
        return None
    name = followers[0].name if len(followers) == 1 else "the others"
    return Lead(leader.name, name, found.bars, found.correlation, found.same_day)


def _returns(rows: Rows, dates: NDArray[np.float64]) -> NDArray[np.float64]:
    close = rows.values[np.searchsorted(rows.at, dates), rows.names.index("close")]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(close[1:] / close[:-1] - 1.0)
