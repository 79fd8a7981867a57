"""DataFrames with dates, as a world has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.audit.rows import Rows, World
from bt_lstm_rotation.periods import EPOCH

__all__ = ["dates_of_rows", "is_bars", "is_table", "table_in_world"]

DAY = 86_400_000_000_000


def is_table(value: Any) -> bool:
    """Whether it is a DataFrame or a Series."""
    return isinstance(value, pd.DataFrame | pd.Series)


def is_bars(table: Any) -> bool:
    """Whether it has closes, and may be a feed's."""
    names = [table.name] if table.ndim == 1 else table.columns
    return "close" in {str(name).lower() for name in names}


def dates_of_rows(table: Any) -> NDArray[np.float64] | None:
    """Return when each row is dated, in UTC and Backtrader's days; None if none is.

    The index says so, a level of it, or else the first column of dates.
    """
    index = table.index
    levels = [index.get_level_values(n) for n in range(index.nlevels)]
    columns = [table[name] for name in table] if table.ndim == 2 else []
    for dates in (*levels, *(pd.Index(column) for column in columns)):
        if isinstance(dates, pd.PeriodIndex):
            dates = dates.to_timestamp(how="end")
        if isinstance(dates, pd.DatetimeIndex):
            if dates.tz is not None:
                dates = dates.tz_convert("UTC").tz_localize(None)
            nanoseconds = dates.as_unit("ns").to_numpy().astype(np.int64)
            return np.asarray(nanoseconds / DAY + EPOCH)
    return None


def table_in_world(
    table: Any, world: World, stream: int, at: NDArray[np.float64] | None = None
) -> Any:
    """Return the rows of a world, and those that are altered in it.

    `at` says when the rows are dated, if they do not say so themselves. A table without
    dates is the same in every world.
    """
    at = dates_of_rows(table) if at is None else at
    if at is None or world == World():
        return table.copy()
    order = np.argsort(at, kind="stable")
    whole = (table.to_frame() if table.ndim == 1 else table).iloc[order]
    numbers = [n for n, kind in enumerate(whole.dtypes) if kind.kind in "fiu"]
    names = tuple(str(whole.columns[n]).lower() for n in numbers)
    values = whole.iloc[:, numbers].to_numpy().astype(np.float64)
    rows = Rows(names, values, at[order])
    if world.gone and not is_bars(table):
        world = World(world.known, since=world.since)
    first = int(np.searchsorted(rows.at, world.since))
    part = rows.in_world(world, stream)
    kept = whole.iloc[first : first + len(part)].copy()
    altered = part.values  # noqa: PD011  (no pandas object)
    changed = np.flatnonzero(part.at > world.known)
    if len(changed):
        for place, n in enumerate(numbers):
            column = kept.iloc[:, n].to_numpy().copy()
            column[changed] = altered[changed, place]
            kept.isetitem(n, column)
    return kept.iloc[:, 0].rename(table.name) if table.ndim == 1 else kept
