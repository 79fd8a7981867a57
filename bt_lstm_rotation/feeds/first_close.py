"""The close at which a strategy decides first, if its first fill is to be on a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import numpy as np

from bt_lstm_rotation.feeds.sessions import dates_of

__all__ = ["first_close"]


def first_close(feeds: Iterable[Any], start: dt.date) -> dt.date:
    """Return the last session before a date, by the calendars of the feeds themselves.

    A feed has a calendar where a DataFrame names its dates before a bar is loaded, so
    that the answer is the same in every mode. Where none has a session before the date,
    it is the weekday before. Only dates count, never prices.

    Parameters
    ----------
    feeds : iterable of bt.DataBase
        Those that are traded.
    start : date
        The first session on which an order can be filled.

    Returns
    -------
    date
        Data may begin after it; then the first session decides.

    Raises
    ------
    DataError
        If a feed's dates cannot be known, as `dates_of` says.
    """
    day = np.datetime64(start, "D")
    calendars = [known for feed in feeds if (known := dates_of(feed).known) is not None]
    before = [session for known in calendars for session in known[known < day][-1:]]
    weekday = np.busday_offset(day, -1, roll="forward")
    close: object = max(before, default=weekday).astype(object)
    # Before the year 1 there is no date, and no session either.
    return close if isinstance(close, dt.date) else dt.date.min
