"""New York's sessions of 2024, written out by hand from the exchange's own notice."""

from __future__ import annotations

import datetime as dt

import numpy as np

HOLIDAYS = [
    "2024-01-01",
    "2024-01-15",
    "2024-02-19",
    "2024-03-29",
    "2024-05-27",
    "2024-06-19",
    "2024-07-04",
    "2024-09-02",
    "2024-11-28",
    "2024-12-25",
]
EARLY = {dt.date(2024, 7, 3), dt.date(2024, 11, 29), dt.date(2024, 12, 24)}
SUMMER = dt.date(2024, 3, 10), dt.date(2024, 11, 3)  # Sundays, when clocks are set

_DAYS = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[D]")
SESSIONS: list[dt.date] = _DAYS[np.is_busday(_DAYS, holidays=HOLIDAYS)].tolist()


def close_of(session: dt.date) -> dt.datetime:
    """16:00, or 13:00 on an early close, 4 hours behind UTC in summer and else 5."""
    hour = 13 if session in EARLY else 16
    behind = 4 if SUMMER[0] <= session < SUMMER[1] else 5
    return dt.datetime.combine(session, dt.time(hour + behind), dt.UTC)
