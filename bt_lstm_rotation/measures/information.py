"""The information coefficient over time, by month, and on chosen sessions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.monthly import month_numbers, year_by_month
from bt_lstm_rotation.measures.newey_west import means_with_errors
from bt_lstm_rotation.measures.skill import session_ic

__all__ = [
    "ic_by_month",
    "ic_on_sessions",
    "rank_autocorrelation",
    "rolling_ic",
    "wide_forecasts",
]

WINDOW = 126  # sessions
BAND = 2.0  # standard errors

_Floats = NDArray[np.float64]


def wide_forecasts(forecasts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lay forecasts, and what was realised, out as `skill` takes them.

    Parameters
    ----------
    forecasts : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Returns
    -------
    forecast, realised : DataFrame
        One row a session, ascending, one column a symbol, in the order in which they
        first appear; NaN where there is none.

    Raises
    ------
    DataError
        If a symbol has two forecasts of one session.
    """
    if not len(forecasts):
        empty = pd.DataFrame(
            index=pd.DatetimeIndex([], name="session"), dtype="float64"
        )
        return empty, empty.copy()
    days = pd.DatetimeIndex(forecasts["session"])
    row, sessions = pd.factorize(days, sort=True)
    column, symbols = pd.factorize(forecasts["symbol"].to_numpy(dtype=object))
    place = row * len(symbols) + column
    if np.bincount(place).max() > 1:
        raise DataError(
            "two forecasts of one symbol and session", valid="one row for each"
        )
    frames = []
    for name in ("forecast", "realised"):
        table = np.full((len(sessions), len(symbols)), np.nan)
        table[row, column] = forecasts[name].to_numpy(dtype="float64")
        index = pd.DatetimeIndex(sessions, name="session")
        columns = pd.Index(symbols, dtype=object)
        frames.append(pd.DataFrame(table, index=index, columns=columns))
    return frames[0], frames[1]


def rolling_ic(
    ic: pd.Series[Any], *, horizon: int, window: int = WINDOW
) -> pd.DataFrame:
    """Put each session's coefficient beside the mean of those up to it.

    Parameters
    ----------
    ic : Series
        One value a session (`bt_lstm_rotation.measures.skill.session_ic`), NaN where
        there is none.
    horizon : int
        Sessions that a realised return runs over, 1 or more.
    window : int
        Sessions, 2 or more.

    Returns
    -------
    DataFrame
        ``ic``; ``mean`` of the window; ``lower`` and ``upper``, two standard errors
        from it, which allow for returns that overlap
        (`bt_lstm_rotation.measures.newey_west`, with `horizon` - 1 lags). NaN until the
        window is full, and where less than half of it is known.
    """
    check_whole("rolling_ic", "horizon", horizon, least=1)
    check_whole("rolling_ic", "window", window, least=2)
    values = ic.to_numpy(dtype="float64")
    table = pd.DataFrame(
        np.nan, index=ic.index, columns=["ic", "mean", "lower", "upper"]
    )
    table["ic"] = values
    if len(values) >= window:
        found = means_with_errors(sliding_window_view(values, window), horizon - 1)
        mean, error, count = found
        mean = np.where(2 * count >= window, mean, np.nan)
        band = [mean, mean - BAND * error, mean + BAND * error]
        table.iloc[window - 1 :, 1:] = np.column_stack(band)
    return table


def ic_by_month(ic: pd.Series[Any]) -> pd.DataFrame:
    """Return the mean coefficient of each month, and of each year.

    Parameters
    ----------
    ic : Series
        One value a session, of ranks or not, indexed by session; NaN where there is
        none.

    Returns
    -------
    DataFrame
        One row a year, columns 1 to 12 and "year", which is the mean over its sessions;
        NaN where none is known.
    """
    sessions = pd.DatetimeIndex(ic.index)
    months = ic.groupby(month_numbers(sessions)).mean()
    return year_by_month(months, ic.groupby(sessions.year.to_numpy()).mean())


def ic_on_sessions(
    forecast: _Floats, realised: _Floats, chosen: NDArray[np.bool_], *, horizon: int
) -> pd.DataFrame:
    """Compare the coefficient on some sessions with that on all.

    Parameters
    ----------
    forecast, realised : (n_sessions, n_symbols) float64
        As `bt_lstm_rotation.measures.skill.skill` takes them.
    chosen : (n_sessions,) bool
        Those on which it mattered: the ones of decisions.
    horizon : int
        Sessions that a realised return runs over, 1 or more.

    Returns
    -------
    DataFrame
        Rows "all" and "chosen": ``ic`` and ``rank_ic``, means over sessions;
        ``ic_error`` and ``rank_ic_error``, their standard errors, which allow for
        returns that overlap (`bt_lstm_rotation.measures.newey_west`, with `horizon` - 1
        lags); ``sessions``, of how many. Chosen sessions that lie a horizon apart do
        not overlap, and their errors are the usual ones, s / sqrt(n).
    """
    check_whole("ic_on_sessions", "horizon", horizon, least=1)
    chosen = np.asarray(chosen, dtype=bool)
    if chosen.shape != np.shape(forecast)[:1]:
        raise DataError(
            "not of the forecasts' sessions",
            field="chosen",
            value=chosen.shape,
            valid="one truth value a session",
        )
    some = np.where(chosen[:, None], forecast, np.nan)
    rows = [_means(said, realised, horizon) for said in (forecast, some)]
    return pd.DataFrame(rows, index=["all", "chosen"])


def _means(forecast: _Floats, realised: _Floats, horizon: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in ("ic", "rank_ic"):
        ic = session_ic(forecast, realised, ranks=name == "rank_ic")
        mean, error, count = means_with_errors(ic, horizon - 1)
        found |= {name: float(mean), f"{name}_error": float(error)}
        found["sessions"] = int(count)
    return found


def rank_autocorrelation(forecast: _Floats, lag: int = 1) -> _Floats:
    """Return how alike forecasts rank symbols as they did some sessions before.

    Parameters
    ----------
    forecast : (n_sessions, n_symbols) float64
        NaN where there is none.
    lag : int
        Sessions, 1 or more.

    Returns
    -------
    (n_sessions,) float64
        Correlation of ranks, from -1 to 1: what stays at 1 asks for no turnover. NaN in
        the first `lag` sessions, and where ``rank_ic`` would have none.
    """
    check_whole("rank_autocorrelation", "lag", lag, least=1)
    found = np.full(len(forecast), np.nan)
    if len(forecast) > lag:
        found[lag:] = session_ic(forecast[lag:], forecast[:-lag], ranks=True)
    return found
