"""A curve in one line of text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["sparkline"]

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60


def sparkline(curve: pd.Series[Any], width: int = WIDTH) -> str:
    """Draw a curve with block characters, from its least to its greatest value.

    At most `width` characters; each is the mean of as many values as the next, or one
    more. A constant curve is drawn low, and what is not finite as a space.
    """
    values = curve.to_numpy(dtype="float64")
    parts = np.array_split(values, max(1, min(width, len(values))))
    means = np.array([part.mean() for part in parts if part.size])
    known = np.isfinite(means)
    if not known.any():
        return " " * len(means)
    least, span = means[known].min(), np.ptp(means[known])
    height = np.zeros(len(means), dtype=int)
    if span > 0:
        height[known] = ((means[known] - least) / span * (len(BARS) - 1)).round()
    drawn = zip(height.tolist(), known.tolist(), strict=True)
    return "".join(BARS[level] if there else " " for level, there in drawn)
