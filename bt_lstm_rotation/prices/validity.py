"""Which bars of a running feed are valid.

A source's invalid bars raise an error (`bars.py`). In a running Cerebro it is too late
for that: an invalid bar counts as no bar at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.prices.bars import ROUNDING

__all__ = ["BarValidator", "is_valid"]


def is_valid(bars: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which bars, (5, ...) from open to volume, are valid: (...) bool.

    Prices are finite and above 0, Low and High enclose Open and Close up to rounding,
    and the volume is finite and not negative.
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


class BarValidator:
    """Tells which bars of one feed are valid, as they come.

    A feed that has never shown a volume has none, which is no fault; a volume that goes
    missing later is a fault of the bar.
    """

    def __init__(self) -> None:
        self._has_volume = False

    def is_valid(self, bars: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which of the feed's next bars, (5, n), are valid: (n,) bool.

        As long as there has been no volume, it becomes 0, in `bars` itself.
        """
        has_volume = np.logical_or.accumulate(~np.isnan(bars[4])) | self._has_volume
        bars[4] = np.where(has_volume, bars[4], 0.0)
        self._has_volume |= bool(has_volume.any())
        return is_valid(bars)
