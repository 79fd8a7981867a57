"""Returns of sessions, and how they are spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.checks import check_range
from bt_lstm_rotation.measures.flows import growth

__all__ = ["return_quantiles", "session_returns"]

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


def session_returns(
    equity: pd.Series[Any], flows: pd.Series[Any] | None = None
) -> pd.Series[Any]:
    """Return what each session brought, as decimals; the first has none.

    Parameters
    ----------
    equity, flows : Series
        As `bt_lstm_rotation.measures.flows.growth` takes them; raises as it does.

    Returns
    -------
    Series
        One row a session but the first. NaN where it would start from 0 or less, or a
        value is missing.
    """
    if not len(equity):
        return equity.astype("float64")
    curve = growth(equity, flows).astype("float64")
    before = curve.shift()
    returns: pd.Series[Any] = (curve / before.where(before > 0) - 1).iloc[1:]
    return returns


def return_quantiles(
    returns: pd.Series[Any], at: Sequence[float] = QUANTILES
) -> pd.Series[Any]:
    """Return quantiles, indexed by their shares; NaN of no return.

    Parameters
    ----------
    returns : Series
        Decimals; those that are not finite are left out.
    at : sequence of float
        Shares from 0 to 1. Between two returns it is interpolated, in a straight line.

    Raises
    ------
    SpecError
        If a share is not from 0 to 1.
    """
    for share in at:
        check_range("return_quantiles", "at", share, 0, 1)
    values = returns.to_numpy(dtype="float64")
    values = values[np.isfinite(values)]
    found = np.quantile(values, at) if len(values) else np.full(len(at), np.nan)
    return pd.Series(found, index=np.asarray(at, dtype="float64"), name=returns.name)
