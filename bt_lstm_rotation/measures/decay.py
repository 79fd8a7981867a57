"""How the information coefficient decays as returns run over more bars."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.measures.newey_west import means_with_errors
from bt_lstm_rotation.measures.skill import (
    MIN_PAIRS,
    checked_forecasts,
    returns_ahead,
    session_ic,
)

__all__ = ["ic_by_horizon"]

HORIZONS = range(1, 64)

# Squared deviations as small as this, beside the squared mean, may be rounding alone;
# and of the smallest floats, squares lose their digits.
DOUBTFUL, SMALLEST = 1e-20, 1e-280

_Floats = NDArray[np.float64]


def ic_by_horizon(
    forecast: _Floats,
    close: _Floats,
    horizons: Iterable[int] = HORIZONS,
    *,
    ranks: bool = False,
) -> pd.DataFrame:
    """Correlate forecasts with what was earned over each of some horizons.

    Parameters
    ----------
    forecast, close : (n_sessions, n_symbols) float64
        Of the same sessions and symbols. A close, in currency, is NaN where a symbol
        has no bar.
    horizons : iterable of int
        Bars, 1 or more; each symbol's own, as
        `bt_lstm_rotation.measures.skill.returns_ahead` counts them.
    ranks : bool
        Whether to correlate ranks, which takes several times as long.

    Returns
    -------
    DataFrame
        Indexed by ``horizon``: ``ic``, the mean over sessions; ``error``, its standard
        error, which allows for returns that overlap
        (`bt_lstm_rotation.measures.newey_west`, with ``horizon`` - 1 lags);
        ``sessions``, of how many.

    Raises
    ------
    DataError
        If the two are not numbers of one two-dimensional shape.
    SpecError
        If a horizon is impossible.
    """
    forecast, close = checked_forecasts(forecast, close)
    ahead, rows = _Ahead(close), []
    # A symbol a row, so that sums over symbols run along the sessions.
    wide = np.ascontiguousarray(forecast.T)
    for horizon in horizons:
        check_whole("ic_by_horizon", "horizon", horizon, least=1)
        realised = ahead.returns(horizon)
        if ranks:
            ic = session_ic(forecast, realised.T, ranks=True)
        else:
            ic = _session_ic(wide, realised)
        mean, error, count = means_with_errors(ic, horizon - 1)
        rows.append((horizon, float(mean), float(error), int(count)))
    columns = ["horizon", "ic", "error", "sessions"]
    table = pd.DataFrame(rows, columns=columns).astype(
        {"horizon": "int64", "ic": "float64", "error": "float64", "sessions": "int64"}
    )
    return table.set_index("horizon")


class _Ahead:
    """`returns_ahead` at once for all symbols whose bars have no gaps."""

    def __init__(self, close: _Floats) -> None:
        self._close = np.ascontiguousarray(close.T)
        known = ~np.isnan(self._close)
        begun = np.maximum.accumulate(known, axis=1)
        goes_on = np.maximum.accumulate(known[:, ::-1], axis=1)[:, ::-1]
        self._gaps = (begun & goes_on & ~known).any(axis=1)

    def returns(self, horizon: int) -> _Floats:
        """Return decimal returns over the horizon, (n_symbols, n_sessions)."""
        close, gaps = self._close, self._gaps
        realised = np.full(close.shape, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            realised[:, :-horizon] = close[:, horizon:] / close[:, :-horizon] - 1
        if gaps.any():
            realised[gaps] = returns_ahead(close[gaps].T, horizon).T
        return realised


def _session_ic(forecast: _Floats, realised: _Floats) -> _Floats:
    """Return what `session_ic` does of the transposed: in a third of the time."""
    pairs = np.isfinite(forecast) & np.isfinite(realised)
    count = pairs.sum(axis=0)
    sure = count >= MIN_PAIRS
    sides, squares = [], []
    with np.errstate(all="ignore"):
        for side in (forecast, realised):
            paired = np.where(pairs, side, 0.0)
            mean = paired.sum(axis=0) / count
            deviations = np.where(pairs, paired - mean, 0.0)
            square = np.einsum("ks,ks->s", deviations, deviations)
            sure &= (square > DOUBTFUL * count * mean**2) & (square > SMALLEST)
            sides.append(deviations)
            squares.append(square)
        norms = np.sqrt(squares[0]) * np.sqrt(squares[1])
        ic: _Floats = np.einsum("ks,ks->s", *sides) / norms
    sure &= np.isfinite(ic)
    ic = np.where(count >= MIN_PAIRS, np.clip(ic, -1, 1), np.nan)
    doubtful = np.flatnonzero((count >= MIN_PAIRS) & ~sure)
    ic[doubtful] = session_ic(forecast[:, doubtful].T, realised[:, doubtful].T)
    return ic
