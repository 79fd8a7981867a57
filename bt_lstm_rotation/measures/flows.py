"""Money paid in or taken out is no return: curves with it left out (time-weighted)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.errors import DataError

__all__ = ["growth", "with_flows", "worth_after"]

# A quotient of two amounts of currency carries about 2e-16 of rounding.
ROUNDING = 1e-14


def growth(
    equity: pd.Series[Any], flows: pd.Series[Any] | None = None
) -> pd.Series[Any]:
    """Return what the first value of a curve would be worth without later flows.

    Parameters
    ----------
    equity : Series
        Currency, one value a session, flows included.
    flows : Series, optional
        Currency, with the same sessions: what arrived in each by its close, withdrawals
        below 0. The first is part of the base, and left alone.

    Returns
    -------
    Series
        E[0] Π (1 + r), with r[t] = (E[t] - F[t]) / E[t-1] - 1. An account that is empty
        earns 0; one that has lost all it had stays there, whatever is paid in later.
        Without flows it is `equity` itself.

    Raises
    ------
    DataError
        If `flows` has other sessions than `equity`, or one is not finite.
    """
    if flows is None:
        return equity
    valid = "a Series of currency with equity's sessions, 0 where nothing flowed"
    if not isinstance(flows, pd.Series):
        raise DataError("not a series", value=type(flows).__name__, valid=valid)
    if not flows.index.equals(equity.index):
        raise DataError("flows have other sessions", value=len(flows), valid=valid)
    arrived = flows.to_numpy(dtype="float64")
    if not np.isfinite(arrived).all():
        raise DataError("a flow is not finite", valid="currency, 0 for none")
    if not arrived[1:].any():
        return equity
    values = equity.to_numpy(dtype="float64")
    earned = values[1:] - arrived[1:]
    before = values[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = earned / before
    # What only flowed has not moved, in spite of the rounding of the sums.
    steps[(arrived[1:] != 0) & (np.abs(steps - 1) < ROUNDING)] = 1.0
    # An account that was emptied has nothing to lose, and a debt has no return.
    steps[before <= 0] = 1.0
    if (lost := np.flatnonzero(steps <= 0)).size:
        steps[lost[0] + 1 :] = 1.0
    worth = values[0] * np.append(1.0, np.cumprod(steps))
    return pd.Series(worth, index=equity.index, name=equity.name)


def with_flows(index: pd.Series[Any], flows: pd.Series[Any]) -> pd.Series[Any]:
    """Return what a curve would be worth had it been given the same flows.

    The inverse of `growth`. NaN from where a withdrawal would have left nothing.
    """
    values, arrived = index.to_numpy(dtype="float64"), flows.to_numpy(dtype="float64")
    worth = values.copy()
    for row in range(1, len(values)):
        step = values[row] / values[row - 1]
        worth[row] = worth_after(worth[row - 1], step, arrived[row])
    return pd.Series(worth, index=index.index, name=index.name)


def worth_after(worth: float, step: float, flow: float) -> float:
    """Return what a curve is worth after a session; NaN, and from then on, if nothing.

    Parameters
    ----------
    worth, flow : float
        Currency: at the close before, and what arrived since.
    step : float
        Price over the price before.
    """
    after = worth * step + flow
    return after if after > 0 else math.nan
