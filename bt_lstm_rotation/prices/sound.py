"""Which bars are sound, where nobody can be told to mend them.

Bars from a source are refused with an error (`bars.py`). Bars that somebody's own feed
brings into a running Cerebro cannot be: an unsound one counts as no bar at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.prices.bars import ROUNDING

__all__ = ["sound"]


def sound(bars: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which bars could be the bars of a session.

    Parameters
    ----------
    bars : (5, ...) float64
        Open, high, low, close and volume.

    Returns
    -------
    (...) bool
        True where prices are finite and above 0, Low and High enclose Open and Close up
        to rounding, and the volume is finite and not negative.
    """
    prices, volume = bars[:4], bars[4]
    positive = (np.isfinite(prices) & (prices > 0)).all(axis=0)
    # A price of 1 stands in for what would warn when it is compared: inf less inf.
    opened, high, low, close = np.where(positive, prices, 1.0)
    slack = ROUNDING * high
    highest = np.maximum(np.maximum(opened, close), low)
    lowest = np.minimum(np.minimum(opened, close), high)
    enclosed = (highest <= high + slack) & (lowest >= low - slack)
    counted = np.isfinite(volume) & (volume >= 0)
    verdict: NDArray[np.bool_] = positive & enclosed & counted
    return verdict
