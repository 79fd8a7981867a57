"""Whether forecasts came true, and whether they did better than saying nothing.

The information coefficient is the correlation, across symbols on one session, between
forecasts and the returns that followed [1]_. Rotation lives on it alone: it needs to
know which sector does better, and not by how much.

References
----------
.. [1] R. C. Grinold and R. N. Kahn, Active Portfolio Management, 2nd edition,
   McGraw-Hill 2000, chapter 6.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.prices.panel import PricePanel

__all__ = [
    "MIN_PAIRS",
    "checked_forecasts",
    "realised_returns",
    "returns_ahead",
    "row_ranks",
    "session_ic",
    "skill",
]

# Two points always lie on a line: their correlation is 1 or -1 and says nothing.
MIN_PAIRS = 3

_Floats = NDArray[np.float64]


def realised_returns(panel: PricePanel, horizon: int) -> _Floats:
    """Return what each symbol earned over the horizon that begins at each session.

    Parameters
    ----------
    horizon : int
        Bars, each symbol's own: a session without a bar does not count. SpecError
        unless it is a whole number of at least 1.

    Returns
    -------
    (n_sessions, n_symbols) float64
        Decimal returns from a bar's close to the close `horizon` bars later. NaN where
        a symbol has no bar, and where the later one does not exist yet.
    """
    check_whole("realised_returns", "horizon", horizon, least=1)
    return returns_ahead(np.where(panel.traded, panel.close, np.nan), horizon)


def returns_ahead(close: _Floats, horizon: int) -> _Floats:
    """Return what each column earned over the horizon that begins at each row.

    Parameters
    ----------
    close : (n_sessions, n_symbols) float64
        Currency; NaN where a symbol has no bar.
    horizon : int
        Bars, each symbol's own.

    Returns
    -------
    (n_sessions, n_symbols) float64
        As `realised_returns`.
    """
    realised = np.full(close.shape, np.nan)
    for column in range(close.shape[1]):
        rows = np.flatnonzero(~np.isnan(close[:, column]))
        own = close[rows, column]
        realised[rows[:-horizon], column] = own[horizon:] / own[:-horizon] - 1
    return realised


def skill(forecast: _Floats, realised: _Floats) -> dict[str, float | None]:
    """Compare forecasts with what was realised.

    Parameters
    ----------
    forecast, realised : (n_sessions, n_symbols) float64
        Decimal returns over the horizon. A pair with a NaN or infinite side is left
        out.

    Returns
    -------
    dict of str to float or None
        - ``ic``: mean over sessions of the correlation across symbols
        - ``rank_ic``: the same of ranks, equal values sharing their average rank
        - ``hit_ratio``: share of pairs of the same sign; 0 agrees with 0 alone
        - ``mse_ratio``: mean squared error over the mean squared realised return; a
          forecast of 0 everywhere has 1, and a better one less
        - ``sessions``: how many of them the two correlations are a mean of
        - ``observations``: how many pairs there are

        None where there is nothing to measure.

    Raises
    ------
    DataError
        If the two are not numbers of one two-dimensional shape.

    Notes
    -----
    Sessions with fewer than 3 pairs, or with all forecasts or all realised returns
    alike, have no correlation and are left out of both means. Returns over a horizon
    of h sessions overlap on h - 1 of them, so sessions are not independent: their
    number over h is nearer to the evidence that they hold.
    """
    forecast, realised = checked_forecasts(forecast, realised)
    pairs = np.isfinite(forecast) & np.isfinite(realised)
    correlated = _correlated(forecast, realised, pairs)
    x, y, both = forecast[correlated], realised[correlated], pairs[correlated]
    forecasts, returns = forecast[pairs], realised[pairs]
    figures: dict[str, float] = {
        "ic": _mean(_correlations(x, y, both)),
        "rank_ic": _mean(_correlations(row_ranks(x, both), row_ranks(y, both), both)),
        "hit_ratio": _mean(np.sign(forecasts) == np.sign(returns)),
        "mse_ratio": _squared_error(forecasts, returns),
        "sessions": len(both),
        "observations": len(forecasts),
    }
    return {
        name: value if math.isfinite(value) else None for name, value in figures.items()
    }


def session_ic(forecast: _Floats, realised: _Floats, *, ranks: bool = False) -> _Floats:
    """Return each session's correlation across symbols, those that ``ic`` is a mean of.

    Parameters
    ----------
    forecast, realised : (n_sessions, n_symbols) float64
        As `skill` takes them; raises as it does.
    ranks : bool
        Whether to correlate ranks, as ``rank_ic`` does.

    Returns
    -------
    (n_sessions,) float64
        NaN where there is none.
    """
    forecast, realised = checked_forecasts(forecast, realised)
    pairs = np.isfinite(forecast) & np.isfinite(realised)
    rows = _correlated(forecast, realised, pairs)
    x, y, both = forecast[rows], realised[rows], pairs[rows]
    if ranks:
        x, y = row_ranks(x, both), row_ranks(y, both)
    found = np.full(len(forecast), np.nan)
    found[rows] = _correlations(x, y, both)
    return found


def _correlated(
    forecast: _Floats, realised: _Floats, pairs: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell which sessions have a correlation."""
    enough = pairs.sum(axis=1) >= MIN_PAIRS
    both: NDArray[np.bool_] = (
        enough & _spread(forecast, pairs) & _spread(realised, pairs)
    )
    return both


def checked_forecasts(forecast: object, realised: object) -> tuple[_Floats, _Floats]:
    """Return both as arrays; raise DataError unless they are of one shape, and 2-D."""
    valid = "two float arrays of one shape (n_sessions, n_symbols)"
    try:
        f, r = np.asarray(forecast, dtype="float64"), np.asarray(realised, "float64")
    except (TypeError, ValueError) as error:
        raise DataError("not numbers", value=str(error), valid=valid) from error
    if f.ndim != 2 or f.shape != r.shape:
        raise DataError("not of one shape", value=(f.shape, r.shape), valid=valid)
    return f, r


def _spread(values: _Floats, pairs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell in which rows the paired values are not all alike, to the last bit."""
    least = np.min(values, axis=1, where=pairs, initial=np.inf)
    most = np.max(values, axis=1, where=pairs, initial=-np.inf)
    spread: NDArray[np.bool_] = least < most
    return spread


def _correlations(x: _Floats, y: _Floats, pairs: NDArray[np.bool_]) -> _Floats:
    """Pearson's correlation of each row's pairs; neither side of them is constant."""
    dx, dy = _deviations(x, pairs), _deviations(y, pairs)
    norms = np.sqrt((dx**2).sum(axis=1)) * np.sqrt((dy**2).sum(axis=1))
    correlations: _Floats = np.clip((dx * dy).sum(axis=1) / norms, -1, 1)
    return correlations


def _deviations(values: _Floats, pairs: NDArray[np.bool_]) -> _Floats:
    """Subtract each row's mean and bring its largest deviation to 1."""
    # Powers of two scale without rounding, so that tiny rows do not vanish in squares.
    paired = np.where(pairs, values, 0.0)
    _, exponents = np.frexp(np.abs(paired).max(axis=1, keepdims=True, initial=0.0))
    paired = np.ldexp(paired, -exponents)
    means = paired.sum(axis=1, keepdims=True) / pairs.sum(axis=1, keepdims=True)
    deviations = np.where(pairs, paired - means, 0.0)
    largest = np.abs(deviations).max(axis=1, keepdims=True, initial=0.0)
    scaled: _Floats = deviations / largest
    return scaled


def row_ranks(values: _Floats, pairs: NDArray[np.bool_]) -> _Floats:
    """Rank each row's pairs; equal values share the mean of their ranks."""
    paired = pd.DataFrame(np.where(pairs, values, np.nan))
    return paired.rank(axis=1).to_numpy()


def _squared_error(forecasts: _Floats, returns: _Floats) -> float:
    largest = np.abs(returns).max(initial=0.0)
    if largest == 0:
        return math.nan
    # Both in units of the largest return. An absurd forecast is infinitely wrong.
    with np.errstate(over="ignore"):
        error = ((forecasts / largest - returns / largest) ** 2).mean()
    return float(error / ((returns / largest) ** 2).mean())


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else math.nan
