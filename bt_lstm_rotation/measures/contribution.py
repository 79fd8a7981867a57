"""What each symbol earned, session by session."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.ledger import Ledger, keep_books

__all__ = ["contributions"]


def contributions(
    account: pd.DataFrame,
    positions: pd.DataFrame,
    orders: pd.DataFrame,
    bars: pd.DataFrame,
    actions: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what each symbol brought the account, in currency.

    Parameters
    ----------
    account, positions, orders, bars, actions : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Returns
    -------
    DataFrame
        One row a session; the first, which is the base, has zeros. One column a symbol,
        those of `positions` first: what its position is worth more, plus what its fills
        brought in, less commission, plus what dividends paid. The last column, "rest"
        (by position, as a feed may be called that), is what makes a row add up to the
        change of equity, less what was paid in: interest, mostly.

    Notes
    -----
    As `bt_lstm_rotation.analyzers.SectorContribution`, but for interest on borrowed
    positions: Backtrader charges it each session, which is in the rest, and names it
    again in the commission of the order that closes the position. There it is the
    symbol's, and the rest has it back.

    An order that several bars filled is dated by the last. Until then its first parts
    earn nothing here, where fills explain the position that a symbol ends with.
    """
    sessions = pd.DatetimeIndex(account.index)
    ledger = keep_books(sessions, positions, orders, bars, actions)
    gains = np.zeros((len(account), len(ledger.symbols) + 1))
    if len(account) > 1:
        gains[1:, :-1] = (
            np.diff(_worth(ledger), axis=0) + (ledger.cash + ledger.paid)[1:]
        )
        equity = account["equity"].to_numpy(dtype="float64")
        flows = account["flows"].to_numpy(dtype="float64")
        gains[1:, -1] = np.diff(equity) - flows[1:] - gains[1:, :-1].sum(axis=1)
    columns = pd.Index([*ledger.symbols, "rest"], dtype=object)
    return pd.DataFrame(gains, index=account.index, columns=columns)


def _worth(ledger: Ledger) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return positions, without shares whose fills are dated later."""
    unbooked = ledger.unbooked
    later = np.where(unbooked[-1] == 0, unbooked, 0.0)
    return ledger.value - np.where(later == 0, 0.0, later * ledger.price)
