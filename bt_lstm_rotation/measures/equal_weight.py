"""What holding the same symbols in equal parts would have given, at no cost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["equal_weight"]


def equal_weight(close: pd.DataFrame, capital: float = 1.0) -> pd.Series[Any]:
    """Hold all symbols that have a price in equal parts, evened out once a month.

    Parameters
    ----------
    close : DataFrame
        Currency, one row a session, one column a symbol; NaN where it has no bar.
    capital : float
        Currency, at the first session's close.

    Returns
    -------
    Series
        Currency, with the sessions of `close`. Parts are evened out at the last close
        of each month, among the symbols that have had a price by then; a symbol without
        a bar keeps its last price. NaN until the first price.

    Notes
    -----
    V[t] = V[b] mean(C[t, k] / C[b, k]), over the symbols k that have a price at b, the
    last close of the month before t.
    """
    prices = close.ffill().to_numpy(dtype="float64")
    known = np.isfinite(prices)
    worth = np.full(len(prices), np.nan)
    (begun,) = np.nonzero(known.any(axis=1))
    if begun.size:
        worth[begun[0]] = capital
        months = pd.DatetimeIndex(close.index).to_period("M").asi8
        ends = np.flatnonzero(months[1:] != months[:-1])
        bases = [begun[0], *ends[ends > begun[0]]]
        for base, end in pairwise([*bases, len(prices) - 1]):
            held = known[base]
            steps = prices[base + 1 : end + 1, held] / prices[base, held]
            worth[base + 1 : end + 1] = worth[base] * steps.mean(axis=1)
    return pd.Series(worth, index=close.index)
