"""Frames with an adjusted close, which Backtrader's feeds pass over without a word.

A split or a dividend then looks like a loss, to the forecast and to the account.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.stamps import first_feed, frame_of
from bt_lstm_rotation.prices.columns import adjusted_columns

__all__ = ["warn_of_unadjusted"]

logger = logging.getLogger(__name__)

# A relative difference; a dividend of one basis point. Vendors' rounding is below it.
SAME_PRICE = 1e-4

# Set on a feed that has been looked at, by whichever strategy came first.
_LOOKED_AT = "_looked_at_for_adjusted_close"


def warn_of_unadjusted(feeds: Iterable[Any]) -> None:
    """Warn, once a feed, of an adjusted close in its DataFrame that is not its close.

    Feeds that are made of anything else are passed over.
    """
    for feed in feeds:
        frame, source = frame_of(feed), first_feed(feed)
        if frame is None or hasattr(source, _LOOKED_AT):
            continue
        setattr(source, _LOOKED_AT, True)
        place = _close_of(source, frame)
        if place is None:
            continue
        for label, apart in _adjusted(frame, place):
            name = feed_name(feed)
            logger.warning(
                "%s: %s is not applied, and up to %.2f%% off the close that is used: "
                "dividends and splits look like losses; bt_lstm_rotation.load_prices"
                "({%r: frame}).frames() applies it",
                name,
                label,
                100 * apart,
                name,
            )
            break


def _close_of(feed: Any, frame: Any) -> int | None:
    """Return the position of the column that a feed reads its close from, if any."""
    columns = list(frame.columns)
    mapped = getattr(feed, "_colmapping", None)
    if mapped is None:  # PandasDirectData counts the index as column 0
        place = getattr(feed.p, "close", 0)
        place = place - 1 if isinstance(place, int) else None
    else:
        place = mapped.get("close")
    if isinstance(place, str):
        known = [str(label).lower() for label in columns]
        place = known.index(place.lower()) if place.lower() in known else None
    return place if place is not None and 0 <= place < len(columns) else None


def _adjusted(frame: Any, place: int) -> list[tuple[str, float]]:
    """Find adjusted closes that differ; (name, largest relative difference) each."""
    close = _numbers(frame, place)
    found = []
    for number, label in enumerate(frame.columns):
        if number == place or not adjusted_columns([label]):
            continue
        with np.errstate(all="ignore"):
            apart = np.abs(_numbers(frame, number) / close - 1)
        largest = float(np.max(apart[np.isfinite(apart)], initial=0.0))
        if largest > SAME_PRICE:
            found.append((str(label), largest))
    return sorted(found, key=lambda pair: -pair[1])


def _numbers(frame: Any, place: int) -> Any:
    numbers = pd.to_numeric(frame.iloc[:, place], errors="coerce")
    return numbers.to_numpy("float64", na_value=np.nan)
