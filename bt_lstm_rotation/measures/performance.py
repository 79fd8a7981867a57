"""What an equity curve says: how much it grew, how roughly, and at what turnover.

Every rate is a decimal, returns are simple, and there is no riskless rate. What a curve
does not define is None and never NaN or infinite, so that it can be written as JSON.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError
from bt_lstm_rotation.measures.annualisation import (
    DAYS_A_YEAR,
    annual_factor,
    check_periods_a_year,
    measured_periods,
)
from bt_lstm_rotation.measures.flows import ROUNDING, growth

__all__ = [
    "checked_curve",
    "drawdown",
    "performance",
    "period_returns",
    "yearly_returns",
]

MEASURES = (
    "total_return",
    "cagr",
    "annual_volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "turnover",
)


def performance(
    equity: pd.Series[Any],
    *,
    traded_value: float,
    costs: float,
    flows: pd.Series[Any] | None = None,
    periods_a_year: float | None = None,
) -> dict[str, float | None]:
    """Measure an equity curve.

    Parameters
    ----------
    equity : Series
        Currency, one value a session, indexed by session. The first is the base.
    traded_value : float
        What was bought plus what was sold, in currency.
    costs : float
        What trading cost, in currency; it is part of `equity` already.
    flows : Series, optional
        What was paid in (withdrawals below 0) by each session's close, in currency,
        with the sessions of `equity`; it is part of `equity`, and no return.
    periods_a_year : float, optional
        Sessions a year, 0.1 to 366. By default it is measured
        (`bt_lstm_rotation.measures.annualisation`).

    Returns
    -------
    dict of str to float or None
        With r the returns (E[t] - F[t]) / E[t-1] - 1 where F is what flowed, G the
        product of all 1 + r so far (E over its first value, where nothing flowed), m
        the mean of r and s its deviation (``ddof=1``), n the periods a year, and years
        the calendar days from first to last over 365.25:

        - ``total_return``: G[last] - 1
        - ``cagr``: G[last] ** (1 / years) - 1
        - ``annual_volatility``: s sqrt(n)
        - ``sharpe``: m / s sqrt(n) [1]_
        - ``sortino``: m / sqrt(mean(min(r, 0)²)) sqrt(n) [2]_
        - ``max_drawdown``: the least of G[t] / max(G[first..t]) - 1, 0 or below
        - ``calmar``: cagr / abs(max_drawdown), over the whole curve [3]_
        - ``turnover``: traded_value / 2 / mean(E) / years, one way, 1 being a whole
          portfolio a year
        - ``costs``: as given
        - ``periods_a_year``: n

    Raises
    ------
    DataError
        If `equity` is not a series of finite numbers over ascending sessions, `flows`
        has other sessions, or `traded_value`, `costs` or a flow is not finite.
    SpecError
        If `periods_a_year` is impossible.

    Notes
    -----
    A ratio over no risk is None: sharpe, sortino and calmar of a constant curve. Of one
    session, or of a curve that does not begin above 0, every measure is None. A curve
    that falls to 0 or below is ruined: it has a total return and a drawdown, but rates
    and ratios are None.

    References
    ----------
    .. [1] W. F. Sharpe, "The Sharpe ratio", Journal of Portfolio Management 21(1),
       1994.
    .. [2] F. A. Sortino and L. N. Price, "Performance measurement in a downside risk
       framework", Journal of Investing 3(3), 1994.
    .. [3] T. W. Young, "Calmar ratio: a smoother tool", Futures 20(1), 1991.
    """
    values = checked_curve(equity)
    for name, amount in (("traded_value", traded_value), ("costs", costs)):
        if not math.isfinite(amount):
            raise DataError(f"{name} is not finite", value=amount, valid="currency")
    check_periods_a_year("performance", periods_a_year)
    if periods_a_year is None:
        periods_a_year = measured_periods(pd.DatetimeIndex(equity.index))
    curve = growth(equity, flows)
    capital, values = values, curve.to_numpy(dtype="float64")
    measured = dict.fromkeys(MEASURES, math.nan)
    if len(values) > 1 and values[0] > 0:
        # What is too large for a float is infinite, and becomes None with the rest.
        with np.errstate(over="ignore", invalid="ignore"):
            days = (equity.index[-1] - equity.index[0]) / pd.Timedelta(days=1)
            years = days / DAYS_A_YEAR
            measured["total_return"] = values[-1] / values[0] - 1
            measured["max_drawdown"] = drawdown(curve).min()
            if values.min() > 0:
                annual = annual_factor(periods_a_year)
                measured |= _rates(values, years, measured["max_drawdown"], annual)
                measured["turnover"] = traded_value / 2 / capital.mean() / years
    measured["costs"] = costs
    measured["periods_a_year"] = math.nan if periods_a_year is None else periods_a_year
    return {
        name: float(value) if math.isfinite(value) else None
        for name, value in measured.items()
    }


def _rates(
    values: NDArray[np.float64], years: float, max_drawdown: float, annual: float
) -> dict[str, float]:
    """Measure a curve of at least two values, all above 0."""
    returns = values[1:] / values[:-1] - 1
    mean = returns.mean()
    deviation = returns.std(ddof=1) if len(returns) > 1 else math.nan
    downside = np.sqrt(np.mean(np.minimum(returns, 0) ** 2))
    # Logarithms first: the quotient of two floats may be too large for a float.
    cagr = np.expm1((np.log(values[-1]) - np.log(values[0])) / years)
    return {
        "cagr": cagr,
        "annual_volatility": deviation * annual,
        "sharpe": _over_risk(mean, deviation) * annual,
        "sortino": _over_risk(mean, downside) * annual,
        "calmar": _over_risk(cagr, -max_drawdown),
    }


def _over_risk(gain: float, risk: float) -> float:
    return gain / risk if risk > ROUNDING else math.nan


def drawdown(equity: pd.Series[Any]) -> pd.Series[Any]:
    """Return how far each value lies below the highest so far: decimals of 0 or below.

    -0.25 is a quarter below the peak. The first value, in currency, must be above 0.
    """
    return equity / equity.cummax() - 1


def yearly_returns(equity: pd.Series[Any]) -> pd.Series[Any]:
    """Return what each calendar year brought: `period_returns`, indexed by year."""
    _check_sessions(equity)
    return period_returns(equity, pd.DatetimeIndex(equity.index).year.to_numpy())


def period_returns(equity: pd.Series[Any], period: NDArray[Any]) -> pd.Series[Any]:
    """Return what each period brought, as decimals indexed by period.

    Parameters
    ----------
    equity : Series
        Currency, one value a session, indexed by session. The first is the base.
    period : (n_sessions,) ndarray
        Which period each session is part of, ascending.

    Returns
    -------
    Series
        From the last value of the period before, or from the base, to the last value of
        the period. A first period of the base alone is left out. NaN where a return
        would start from 0 or less, or a value is missing.

    Raises
    ------
    DataError
        If `equity` is empty or not indexed by ascending sessions.
    """
    _check_sessions(equity)
    rows = np.append(np.flatnonzero(period[1:] != period[:-1]), len(period) - 1)
    ends = equity.iloc[rows]
    bases = equity.iloc[np.append(0, rows[:-1])].to_numpy(dtype="float64")
    ratios = ends.to_numpy(dtype="float64") / np.where(bases > 0, bases, np.nan)
    # The base can be the only row of the first period, and then it is its own end.
    kept = rows > 0
    return pd.Series(ratios[kept] - 1, index=period[rows[kept]], name=equity.name)


def checked_curve(equity: pd.Series[Any]) -> NDArray[np.float64]:
    """Return a curve's values.

    Raises
    ------
    DataError
        If it is not a series of finite numbers over ascending sessions.
    """
    _check_sessions(equity)
    try:
        values = equity.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(
            "equity is not numbers",
            value=str(equity.dtype),
            valid="floats, in currency",
        ) from error
    broken = np.flatnonzero(~np.isfinite(values))
    if broken.size:
        raise DataError(
            "equity is not finite",
            session=str(equity.index[broken[0]].date()),
            value=float(values[broken[0]]),
            valid="a finite amount of currency a session",
        )
    return values


def _check_sessions(equity: pd.Series[Any]) -> None:
    valid = "a pandas Series, one row a session, indexed by ascending dates"
    if not isinstance(equity, pd.Series):
        raise DataError("not a series", value=type(equity).__name__, valid=valid)
    if equity.empty:
        raise DataError("no data", valid=valid)
    index = equity.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError("not dates", value=str(index.dtype), valid=valid)
    if index.hasnans or not (index.is_monotonic_increasing and index.is_unique):
        raise DataError("sessions missing, repeated or out of order", valid=valid)
