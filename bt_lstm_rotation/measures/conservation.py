"""Whether splits and dividends took nothing away, and gave nothing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.ledger import last_closes
from bt_lstm_rotation.measures.tally import Check, relative, tally
from bt_lstm_rotation.measures.units import each_action

__all__ = ["conservation"]


def conservation(actions: pd.DataFrame | None, bars: pd.DataFrame) -> list[Check]:
    """Check that shares and cash are worth what the shares before them were.

    Parameters
    ----------
    actions, bars : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Returns
    -------
    list of Check
        One, at the last closes before; none if there were no actions.
    """
    if actions is None or not len(actions):
        return []
    symbols = list(dict.fromkeys(actions["symbol"]))
    close = last_closes(bars, pd.DatetimeIndex(bars.index), symbols).copy()
    found, places = [], []
    for action, row, column in each_action(actions, bars.index, symbols):
        last = close[row - 1, column] if row else math.nan
        if action.size_before or action.size_after:
            after = action.size_after * last * action.price + action.cash
            found.append((after, action.size_before * last))
            places.append(f"{action.session:%Y-%m-%d} {action.symbol}")
        if row:  # another one of the same session begins where this one ends
            close[row - 1, column] *= action.price
    after, before = np.array(found, dtype="float64").reshape(-1, 2).T
    known = np.flatnonzero(np.isfinite(before))
    apart = relative(after[known], before[known], np.abs(after[known]))
    note = f"{actions['cash'].sum():,.2f} paid in cash"
    if unknown := len(before) - len(known):
        note += f"; {unknown:,} left out: no close is known"
    name = "Splits and dividends keep what is held"
    return [tally(name, apart, lambda wrong: places[known[wrong]], note)]
