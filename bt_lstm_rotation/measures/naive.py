"""What forecasts scored beside those that anybody could have made."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.measures.skill import checked_forecasts, skill

__all__ = ["own_means_so_far", "scores_beside_naive"]

SCORES = ("hit_ratio", "mse_ratio", "ic", "rank_ic", "observations")

_Floats = NDArray[np.float64]


def scores_beside_naive(
    forecast: _Floats, realised: _Floats, *, horizon: int
) -> pd.DataFrame:
    """Score forecasts and four naive ones on the same pairs.

    Parameters
    ----------
    forecast, realised : (n_sessions, n_symbols) float64
        As `bt_lstm_rotation.measures.skill.skill` takes them; raises as it does.
    horizon : int
        Bars that a realised return runs over, 1 or more.

    Returns
    -------
    DataFrame
        Columns ``hit_ratio, mse_ratio, ic, rank_ic, observations``, as
        `bt_lstm_rotation.measures.skill.skill` defines them, NaN where there is none;
        rows:

        - "forecast"
        - "nothing": a return of 0, which has no direction to hit or miss
        - "always up": a direction and no size, and so a hit ratio alone
        - "session's mean": for every symbol the mean of the session's forecasts, which
          ranks nothing
        - "own mean so far": the mean of what a symbol realised and was known by then,
          from where there is any: its observations can be fewer
    """
    check_whole("scores_beside_naive", "horizon", horizon, least=1)
    forecast, realised = checked_forecasts(forecast, realised)
    pairs = np.isfinite(forecast) & np.isfinite(realised)
    # Forecasts whose return is not known yet are no part of a session's mean.
    said, came = np.where(pairs, forecast, np.nan), np.where(pairs, realised, np.nan)
    count = pairs.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        mean = np.where(pairs, forecast, 0.0).sum(axis=1, keepdims=True) / count
    rows = {
        "forecast": skill(said, came),
        "nothing": skill(np.zeros(came.shape), came) | {"hit_ratio": None},
        "always up": skill(np.ones(came.shape), came) | {"mse_ratio": None},
        "session's mean": skill(mean + np.zeros(came.shape), came),
        "own mean so far": skill(own_means_so_far(came, horizon), came),
    }
    for name in ("nothing", "always up", "session's mean"):
        rows[name] |= {"ic": None, "rank_ic": None}
    return pd.DataFrame(
        [[_number(row[score]) for score in SCORES] for row in rows.values()],
        index=list(rows),
        columns=list(SCORES),
    )


def own_means_so_far(realised: _Floats, horizon: int) -> _Floats:
    """Return the mean of what each symbol had realised, and was known, at each session.

    Parameters
    ----------
    realised : (n_sessions, n_symbols) float64
        Decimal returns over the horizon that begins at a session; NaN for none.
    horizon : int
        Bars, 1 or more. A return is taken for known `horizon` of the symbol's own
        returns later, which is never too early.

    Returns
    -------
    (n_sessions, n_symbols) float64
        NaN where nothing is known yet, and where a symbol has no return itself.
    """
    means = np.full(realised.shape, np.nan)
    for column in range(realised.shape[1]):
        rows = np.flatnonzero(np.isfinite(realised[:, column]))
        own = realised[rows, column]
        so_far = own.cumsum() / np.arange(1, len(own) + 1)
        means[rows[horizon:], column] = so_far[:-horizon]
    return means


def _number(value: float | None) -> float:
    return math.nan if value is None else value
