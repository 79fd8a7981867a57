"""Features of the calendar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.window import Window

__all__ = ["turn_of_month"]

Array = NDArray[np.float64]

# Sessions at a month's beginning that belong to its turn.
FIRST = 3


def turn_of_month(window: Window) -> Array:
    """1 on the last session of a month and on the first three of the next, else 0.

    Stocks have risen around the turn (Lakonishok and Smidt, "Are seasonal anomalies
    real? A ninety-year perspective", Review of Financial Studies 1(4), 1988). Which
    session is the last is told by weekdays, as nobody knows on the day whether the
    next one will be traded; which are the first, by the symbol's own bars.
    """
    dates = window.dates
    if (dates == dates[..., :1, :]).all():  # one row stands for all
        dates = dates[..., :1, :]
    month = dates.astype("datetime64[M]")
    following = np.busday_offset(dates, 1, roll="backward").astype("datetime64[M]")
    turn = (following > month).astype(np.float64)
    turn[..., :FIRST] = np.nan
    begun = month[..., FIRST:] > month[..., :-FIRST]
    turn[..., FIRST:] = np.where(begun, 1.0, turn[..., FIRST:])
    return np.broadcast_to(turn, window.dates.shape).copy()
