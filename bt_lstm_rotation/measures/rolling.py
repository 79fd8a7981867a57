"""How roughly a curve went of late, how well for that, and how close to a benchmark."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.measures.annualisation import (
    annual_factor,
    check_periods_a_year,
    measured_periods,
)
from bt_lstm_rotation.measures.distribution import session_returns
from bt_lstm_rotation.measures.flows import ROUNDING
from bt_lstm_rotation.periods import YEAR

__all__ = ["half_a_year", "rolling_measures"]

_Floats = NDArray[np.float64]


def rolling_measures(
    equity: pd.Series[Any],
    benchmark: pd.Series[Any] | None = None,
    *,
    flows: pd.Series[Any] | None = None,
    window: int | None = None,
    periods_a_year: float | None = None,
) -> pd.DataFrame:
    """Measure each window of sessions, at its end.

    Parameters
    ----------
    equity, flows : Series
        As `bt_lstm_rotation.measures.flows.growth` takes them; raises as it does.
    benchmark : Series, optional
        Currency, with the sessions of `equity` and the same flows; NaN beyond its first
        and last bar.
    window : int, optional
        How many returns, 2 or more; by default half a year of them.
    periods_a_year : float, optional
        Sessions a year, 0.1 to 366. By default it is measured
        (`bt_lstm_rotation.measures.annualisation`).

    Returns
    -------
    DataFrame
        Of each session, with r the window's returns and b the benchmark's, s the
        deviation (``ddof=1``) and n the periods a year:

        - ``volatility``: s(r) sqrt(n)
        - ``sharpe``: mean(r) / s(r) sqrt(n)
        - ``beta``: cov(r, b) / var(b)

        NaN until the window is full, where a return in it is missing, and for a ratio
        over no deviation.

    Raises
    ------
    SpecError
        If `window` or `periods_a_year` is impossible.
    """
    sessions = pd.DatetimeIndex(equity.index)
    check_periods_a_year("rolling_measures", periods_a_year)
    if periods_a_year is None:
        periods_a_year = measured_periods(sessions)
    if window is None:
        window = half_a_year(periods_a_year)
    check_whole("rolling_measures", "window", window, least=2)
    table = pd.DataFrame(
        np.nan, index=equity.index, columns=["volatility", "sharpe", "beta"]
    )
    if len(equity) <= window:
        return table
    returns = session_returns(equity, flows).to_numpy()
    windows = sliding_window_view(returns, window)
    annual = annual_factor(periods_a_year)
    mean, deviation = windows.mean(axis=1), windows.std(axis=1, ddof=1)
    table.iloc[window:, 0] = deviation * annual
    table.iloc[window:, 1] = mean / _risk(deviation) * annual
    if benchmark is not None:
        table.iloc[window:, 2] = _beta(windows, _returns_of(benchmark, flows), window)
    return table


def half_a_year(periods_a_year: float | None) -> int:
    """Return how many sessions half a year has, 2 or more: 126 of an exchange's."""
    return max(2, round((periods_a_year or YEAR) / 2))


def _returns_of(benchmark: pd.Series[Any], flows: pd.Series[Any] | None) -> _Floats:
    known = benchmark.dropna()
    returns = session_returns(known, None if flows is None else flows[known.index])
    return returns.reindex(benchmark.index[1:]).to_numpy(dtype="float64")


def _beta(windows: _Floats, benchmark: _Floats, window: int) -> _Floats:
    against = sliding_window_view(benchmark, window)
    r = windows - windows.mean(axis=1, keepdims=True)
    b = against - against.mean(axis=1, keepdims=True)
    risk = _risk(against.std(axis=1, ddof=1))
    beta: _Floats = (r * b).sum(axis=1) / (window - 1) / risk / risk
    return beta


def _risk(deviation: _Floats) -> _Floats:
    """Return deviations; NaN for those that are rounding, as a curve's own are."""
    return np.where(deviation > ROUNDING, deviation, np.nan)
