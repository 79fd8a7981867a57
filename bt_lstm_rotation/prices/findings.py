"""What is odd about bars, or was left out of them: warned of, and kept with them."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Finding", "finding", "warn"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """One thing that a rule found in one symbol's bars.

    Parameters
    ----------
    rule : str
        ``"reversed jump"``, ``"split not applied"``, ``"scale change"``, ``"jump"``,
        ``"identical bars"``, ``"false adjustment"`` or ``"shifted week"``; of what was
        left out, ``"invalid bars"``, ``"no prices"`` or ``"unknown volume"``.
    first, last : date
        The sessions it is about, both included.
    size : float
        A factor on the price; of identical bars, shifted weeks and what was left out
        the number of bars.
    message : str
        All of it in a sentence.
    """

    symbol: str
    rule: str
    first: dt.date
    last: dt.date
    size: float
    message: str


def finding(
    symbol: str,
    rule: str,
    sessions: NDArray[np.datetime64],
    size: float,
    what: str,
) -> Finding:
    """Make a finding about some sessions, ascending; `what` goes on after the dates."""
    first, last = (_date(session) for session in (sessions[0], sessions[-1]))
    when = f"{first}" if first == last else f"{first} to {last}"
    message = f"{symbol} {when}: {what} ({rule})"
    return Finding(symbol, rule, first, last, float(size), message)


def warn(findings: Iterable[Finding]) -> None:
    """Log a warning for each symbol and rule: the first finding, and how many more."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for found in findings:
        groups.setdefault((found.symbol, found.rule), []).append(found)
    for same in groups.values():
        more = f"; {len(same) - 1} more to {same[-1].last}" if len(same) > 1 else ""
        logger.warning("%s%s; see docs/bars.md", same[0].message, more)


def _date(session: np.datetime64) -> dt.date:
    day: Any = session.astype("datetime64[D]").astype(object)
    return dt.date(day.year, day.month, day.day)
