"""Years as rows, months as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.measures.flows import growth
from bt_lstm_rotation.measures.performance import period_returns, yearly_returns

__all__ = ["month_numbers", "monthly_returns", "year_by_month"]

MONTHS = range(1, 13)


def monthly_returns(
    equity: pd.Series[Any], flows: pd.Series[Any] | None = None
) -> pd.DataFrame:
    """Return what each month brought, and each year.

    Parameters
    ----------
    equity, flows : Series
        As `bt_lstm_rotation.measures.flows.growth` takes them; raises as it does.

    Returns
    -------
    DataFrame
        One row a year, columns 1 to 12 and "year": decimals, as
        `bt_lstm_rotation.measures.performance.period_returns` has them. NaN for months
        without a session.
    """
    if not len(equity):
        return year_by_month(equity.astype("float64"), equity.astype("float64"))
    curve = growth(equity, flows)
    months = period_returns(curve, month_numbers(pd.DatetimeIndex(curve.index)))
    return year_by_month(months, yearly_returns(curve))


def month_numbers(sessions: pd.DatetimeIndex) -> NDArray[np.int64]:
    """Return the number of each session's month, 12 times the year and 0 to 11."""
    return (12 * sessions.year + sessions.month - 1).to_numpy(dtype="int64")


def year_by_month(months: pd.Series[Any], years: pd.Series[Any]) -> pd.DataFrame:
    """Lay values out by year and month, with each year's own beside its months.

    Parameters
    ----------
    months : Series
        Indexed by `month_numbers`, each once.
    years : Series
        Indexed by year, each once: as many rows as there are years in either.
    """
    number = np.asarray(months.index, dtype="int64") if len(months) else np.arange(0)
    found = sorted({*(number // 12).tolist(), *(years.index if len(years) else [])})
    index = pd.Index(found, dtype="int64", name="year")
    table = np.full((len(index), len(MONTHS)), np.nan)
    values = months.to_numpy(dtype="float64")
    table[index.get_indexer(pd.Index(number // 12)), number % 12] = values
    frame = pd.DataFrame(table, index=index, columns=pd.Index([*MONTHS], dtype=object))
    frame["year"] = years.reindex(index).to_numpy() if len(years) else np.nan
    return frame
