"""The bars of a Backtrader feed as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.feeds.naming import FIELDS
from bt_lstm_rotation.feeds.sessions import dates_of

__all__ = ["last_bar", "loaded_bars"]


def loaded_bars(feed: Any) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Return all bars of a feed that Backtrader has loaded ahead of the run.

    Returns
    -------
    sessions : (n_bars,) datetime64[D]
    bars : (5, n_bars) float64
        Open, high, low, close and volume, unchecked.
    """
    numbers = np.array(feed.lines.datetime.array)[: feed.buflen()]
    columns = [getattr(feed.lines, field).array for field in FIELDS]
    bars = np.array(columns)[:, : feed.buflen()]
    return dates_of(feed).sessions(numbers), bars


def last_bar(feed: Any) -> NDArray[np.float64]:
    """Return the bar that a feed shows now, (5, 1)."""
    return np.array([[getattr(feed.lines, field)[0]] for field in FIELDS])
