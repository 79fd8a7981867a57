"""Whether an ensemble knows when it is wrong: its members' spread beside its errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole

__all__ = ["error_by_dispersion"]

_Floats = NDArray[np.float64]


def error_by_dispersion(
    dispersion: _Floats, forecast: _Floats, realised: _Floats, groups: int = 5
) -> pd.DataFrame:
    """Compare how far members were apart with how far their mean was off.

    Parameters
    ----------
    dispersion, forecast, realised : arrays of one shape, float64
        Decimal returns over the horizon. A triple with a NaN or infinite part is left
        out.
    groups : int
        2 or more.

    Returns
    -------
    DataFrame
        Rows 1, the least dispersed, to `groups`, of equally many forecasts each up to
        one: ``dispersion``, its mean; ``error``, the root of the mean squared error;
        ``n``, of how many. Without as many forecasts as groups there are no rows.

    Raises
    ------
    SpecError
        If `groups` is no such number.
    """
    check_whole("error_by_dispersion", "groups", groups, least=2)
    known = np.isfinite(dispersion) & np.isfinite(forecast) & np.isfinite(realised)
    spread = dispersion[known]
    squares = (forecast[known] - realised[known]) ** 2
    columns = ["dispersion", "error", "n"]
    if len(spread) < groups:
        return pd.DataFrame(columns=columns, dtype="float64")
    parts = np.array_split(np.argsort(spread, kind="stable"), groups)
    rows = [
        (spread[part].mean(), float(np.sqrt(squares[part].mean())), len(part))
        for part in parts
    ]
    index = pd.RangeIndex(1, groups + 1, name="group")
    return pd.DataFrame(rows, index=index, columns=columns)
