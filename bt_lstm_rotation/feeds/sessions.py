"""The session that a bar of a feed belongs to."""

from __future__ import annotations

import datetime as dt

import numpy as np

from bt_lstm_rotation.checks import check_date
from bt_lstm_rotation.periods import EPOCH

__all__ = ["as_session", "session_of"]


def session_of(number: float) -> np.datetime64:
    """Return the session of one of Backtrader's date numbers."""
    return np.datetime64(int(number) - EPOCH, "D")


def as_session(
    date: dt.date | None, owner: str = "LSTMForecast"
) -> np.datetime64 | None:
    """Return a date as NumPy has it; SpecError if it is neither a date nor None."""
    check_date(owner, "start", date)
    return None if date is None else np.datetime64(date, "D")
