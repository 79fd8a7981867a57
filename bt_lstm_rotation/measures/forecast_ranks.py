"""What followed the highest forecasts, and what the lowest."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.measures.newey_west import means_with_errors
from bt_lstm_rotation.measures.skill import checked_forecasts, row_ranks

__all__ = ["returns_by_rank"]

MOST_GROUPS = 10

_Floats = NDArray[np.float64]


def returns_by_rank(
    forecast: _Floats, realised: _Floats, *, horizon: int, groups: int | None = None
) -> pd.DataFrame:
    """Return by how much each rank of the forecasts did better than its session.

    Parameters
    ----------
    forecast, realised : (n_sessions, n_symbols) float64
        As `bt_lstm_rotation.measures.skill.skill` takes them; raises as it does.
    horizon : int
        Sessions that a realised return runs over, 1 or more.
    groups : int, optional
        How many ranks to tell apart, 2 or more; by default as many as there are
        symbols, and at most 10, of equal shares of them.

    Returns
    -------
    DataFrame
        Rows 1, the highest forecasts, to `groups`, the lowest, and "spread", the first
        less the last: ``mean`` over sessions of the realised return less the mean of
        the session's, a decimal over the horizon; ``error``, its standard error, which
        allows for returns that overlap (`bt_lstm_rotation.measures.newey_west`);
        ``sessions``, of how many.

    Notes
    -----
    Sessions with one pair, or with all forecasts alike, rank nothing and are left out.
    Where there are fewer symbols than groups, the first is still in the first group and
    the last in the last. Equal forecasts share the group of their mean rank.
    """
    check_whole("returns_by_rank", "horizon", horizon, least=1)
    forecast, realised = checked_forecasts(forecast, realised)
    if groups is None:
        groups = max(2, min(MOST_GROUPS, forecast.shape[1]))
    check_whole("returns_by_rank", "groups", groups, least=2)
    means = _group_means(forecast, realised, groups)
    spread = means[:, 0] - means[:, -1]
    mean, error, count = means_with_errors(
        np.column_stack([means, spread]).T, horizon - 1
    )
    index = pd.Index([*range(1, groups + 1), "spread"], dtype=object, name="rank")
    return pd.DataFrame({"mean": mean, "error": error, "sessions": count}, index=index)


def _group_means(forecast: _Floats, realised: _Floats, groups: int) -> _Floats:
    """Return each group's mean excess, (n_sessions, groups)."""
    pairs = np.isfinite(forecast) & np.isfinite(realised)
    least = np.min(forecast, axis=1, where=pairs, initial=np.inf)
    most = np.max(forecast, axis=1, where=pairs, initial=-np.inf)
    rows = least < most
    pairs, forecast, realised = pairs[rows], forecast[rows], realised[rows]
    count = pairs.sum(axis=1, keepdims=True)
    total = np.where(pairs, realised, 0.0).sum(axis=1, keepdims=True)
    excess = realised - total / count
    rank = row_ranks(-forecast, pairs) - 1
    few = np.rint(rank / (count - 1) * (groups - 1))
    group = np.where(count < groups, few, np.floor(rank * groups / count))
    session, _ = np.nonzero(pairs)
    place = session * groups + group[pairs].astype(np.int64)
    size = len(pairs) * groups
    sums = np.bincount(place, excess[pairs], minlength=size)
    counts = np.bincount(place, minlength=size)
    means = np.full((len(rows), groups), np.nan)
    with np.errstate(invalid="ignore"):
        means[rows] = (sums / counts).reshape(-1, groups)
    return means
