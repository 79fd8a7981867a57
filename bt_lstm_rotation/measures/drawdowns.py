"""The deepest falls of a curve: when each began, where it ended, how long it took."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.performance import checked_curve, drawdown

__all__ = ["Drawdown", "deepest_drawdowns"]


@dataclass(frozen=True)
class Drawdown:
    """A curve's way below one of its peaks.

    Parameters
    ----------
    peak : date
        The last session at the highest value so far.
    trough : date
        The session of the lowest value before it is recovered, the first of several.
    recovery : date or None
        The first session at the peak's value or above; None if there is none yet.
    depth : float
        The trough's value over the peak's - 1, a decimal below 0.
    days : int
        Calendar days from the peak to the recovery, or to the last session.
    """

    peak: dt.date
    trough: dt.date
    recovery: dt.date | None
    depth: float
    days: int


def deepest_drawdowns(worth: pd.Series[Any], count: int = 5) -> list[Drawdown]:
    """Find a curve's deepest drawdowns, deepest first; of equal ones, the earlier.

    Parameters
    ----------
    worth : Series
        Currency, one value a session, indexed by session, the first above 0. What was
        paid in or out is no return: take it out first
        (`bt_lstm_rotation.measures.flows.growth`).
    count : int
        How many at most, 1 or more.

    Raises
    ------
    DataError
        If `worth` is not a series of finite numbers over ascending sessions, or does
        not begin above 0.
    SpecError
        If `count` is no such number.
    """
    check_whole("deepest_drawdowns", "count", count, least=1)
    values = checked_curve(worth)
    if not values[0] > 0:
        raise DataError(
            "a curve does not begin above 0",
            session=str(worth.index[0].date()),
            value=float(values[0]),
            valid="an amount of currency above 0, of which a share can be lost",
        )
    depths = drawdown(worth).to_numpy(dtype="float64")
    sessions = [stamp.date() for stamp in worth.index]
    below = np.concatenate([[False], depths < 0, [False]]).astype(np.int8)
    begins, ends = (np.flatnonzero(np.diff(below) == edge) for edge in (1, -1))
    found = []
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        trough = begin + int(np.argmin(depths[begin:end]))
        recovered = end < len(sessions)
        until = sessions[end] if recovered else sessions[-1]
        found.append(
            Drawdown(
                peak=sessions[begin - 1],
                trough=sessions[trough],
                recovery=until if recovered else None,
                depth=float(depths[trough]),
                days=(until - sessions[begin - 1]).days,
            )
        )
    return sorted(found, key=lambda each: each.depth)[:count]
