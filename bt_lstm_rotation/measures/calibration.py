"""Whether what was forecast is, on average, what came."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.measures.skill import MIN_PAIRS, checked_forecasts

__all__ = ["calibration"]

_Floats = NDArray[np.float64]


def calibration(
    forecast: _Floats, realised: _Floats, symbols: Sequence[str]
) -> pd.DataFrame:
    """Fit realised = intercept + slope x forecast for each symbol [1]_.

    Parameters
    ----------
    forecast, realised : (n_sessions, n_symbols) float64
        As `bt_lstm_rotation.measures.skill.skill` takes them; raises as it does.
    symbols : sequence of n_symbols str

    Returns
    -------
    DataFrame
        Indexed by ``symbol``: ``slope``; ``intercept``, a decimal return over the
        horizon; ``n``, of how many pairs. Forecasts that can be taken at their word
        have a slope of 1 and an intercept of 0; above 1 they are too timid, below it
        too bold. NaN of fewer than 3 pairs, and of forecasts that are all alike.

    References
    ----------
    .. [1] J. Mincer and V. Zarnowitz, "The evaluation of economic forecasts", in
       Economic Forecasts and Expectations, NBER 1969.
    """
    forecast, realised = checked_forecasts(forecast, realised)
    pairs = np.isfinite(forecast) & np.isfinite(realised)
    n = pairs.sum(axis=0)
    x, y = (np.where(pairs, side, 0.0) for side in (forecast, realised))
    least = np.min(forecast, axis=0, where=pairs, initial=np.inf)
    most = np.max(forecast, axis=0, where=pairs, initial=-np.inf)
    fitted = (n >= MIN_PAIRS) & (least < most)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean_x, mean_y = x.sum(axis=0) / n, y.sum(axis=0) / n
        dx, dy = (
            np.where(pairs, side - mean, 0.0)
            for side, mean in ((x, mean_x), (y, mean_y))
        )
        # In units of the largest deviation, so that tiny ones do not vanish in squares.
        unit = np.abs(dx).max(axis=0, initial=0.0)
        slope = (dx / unit * dy).sum(axis=0) / ((dx / unit) ** 2).sum(axis=0) / unit
        intercept = mean_y - slope * mean_x
    return pd.DataFrame(
        {
            "slope": np.where(fitted, slope, np.nan),
            "intercept": np.where(fitted, intercept, np.nan),
            "n": n,
        },
        index=pd.Index([*symbols], dtype=object, name="symbol"),
    )
