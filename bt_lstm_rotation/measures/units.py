"""Bars and positions whose units change at splits and dividends.

They are kept as they were seen: each session in its own units. What goes from one
session to another, such as a return, needs both in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["each_action", "restated_closes", "share_units"]


def each_action(
    actions: pd.DataFrame | None, sessions: pd.Index[Any], symbols: list[str]
) -> Iterator[tuple[Any, int, int]]:
    """Go through a result's splits and dividends, by session.

    Parameters
    ----------
    actions : DataFrame or None
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Yields
    ------
    action : named tuple
        A row of them.
    row : int
        That of the first session in new units; `len(sessions)` if there is none yet.
    column : int
        The symbol's place; those of other symbols are left out.
    """
    if actions is None or not len(actions):
        return
    place = {symbol: column for column, symbol in enumerate(symbols)}
    ordered = actions.sort_values("session", kind="stable")
    rows = pd.DatetimeIndex(sessions).searchsorted(pd.DatetimeIndex(ordered["session"]))
    for action, row in zip(ordered.itertuples(index=False), rows.tolist(), strict=True):
        column = place.get(str(action.symbol))
        if column is not None:
            yield action, row, column


def share_units(
    actions: pd.DataFrame | None, sessions: pd.Index[Any], symbols: list[str]
) -> NDArray[np.float64]:
    """Return how many shares one that was there before has become by each session.

    Returns
    -------
    (n_sessions, n_symbols) float64
        1 up to the first split.
    """
    units = np.ones((len(sessions), len(symbols)))
    for action, row, column in each_action(actions, sessions, symbols):
        units[row:, column] *= action.shares
    return units


def restated_closes(bars: pd.DataFrame, actions: pd.DataFrame | None) -> pd.DataFrame:
    """Return the closes of a result's bars, all in the units of the last.

    One row a session, one column a symbol; of a result without bars, there are none.
    """
    if not len(bars.columns):
        return pd.DataFrame(index=bars.index)
    close = pd.DataFrame(bars["Close"])
    factors = np.ones(close.shape)
    for action, row, column in each_action(actions, close.index, list(close.columns)):
        factors[:row, column] *= action.price
    return close * factors
