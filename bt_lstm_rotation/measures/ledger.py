"""Orders -> fills, and fills beside the positions that they explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.measures.units import each_action, share_units

__all__ = [
    "TOLERANCE",
    "Ledger",
    "columns_of",
    "fills",
    "held_values",
    "keep_books",
    "last_closes",
    "prices_of",
]

# Shares and amounts that are sums of others, and as large, agree to this relative size.
TOLERANCE = 1e-9

_Floats = NDArray[np.float64]


def fills(orders: pd.DataFrame) -> pd.DataFrame:
    """Return what was filled, by session, and in the order of submission within it.

    Parameters
    ----------
    orders : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Returns
    -------
    DataFrame
        One row an order that was filled: ``symbol``; ``submitted`` and ``session``,
        datetime64[ns]; ``size`` in shares, below 0 if sold; ``price``, ``multiplier``,
        ``commission`` and ``slippage`` as orders have them; ``value``, what was traded,
        in currency, 0 or above.
    """
    kept = ["symbol", "submitted", "session", "size"]
    numbers = ["price", "multiplier", "commission", "slippage", "value"]
    if not len(orders):
        return pd.DataFrame(columns=[*kept, *numbers]).astype(
            {"submitted": "datetime64[ns]", "session": "datetime64[ns]"}
            | dict.fromkeys(["size", *numbers], "float64")
        )
    sign = np.where(orders["side"] == "buy", 1.0, -1.0)
    table = orders[["symbol", *numbers[:-1]]].assign(
        submitted=pd.to_datetime(orders["submitted"]).dt.as_unit("ns"),
        session=pd.to_datetime(orders["executed"]).dt.as_unit("ns"),
        size=orders["filled"].astype("float64") * sign,
    )
    table["value"] = (table["size"] * table["price"] * table["multiplier"]).abs()
    done = (orders["filled"] > 0) & table["session"].notna()
    table = table.loc[done, [*kept, *numbers]].sort_values("session", kind="stable")
    return table.reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class Ledger:
    """Positions, and the fills that made them, one row a session, one column a symbol.

    Parameters
    ----------
    symbols : list of str
        Those of the positions, and then what was only traded between closes.
    value : (n_sessions, n_symbols) float64
        Positions at the close, in currency.
    price : (n_sessions, n_symbols) float64
        What a share is worth then: its last close times its multiplier; NaN before it
        has one.
    booked : (n_sessions, n_symbols) float64
        Shares by fills: those of the first session, and what was filled since, after
        the splits on the way; NaN where the first are not known.
    cash : (n_sessions, n_symbols) float64
        What fills brought in, after commission, in currency.
    paid : (n_sessions, n_symbols) float64
        What splits and dividends brought in, in currency.
    units : (n_sessions, n_symbols) float64
        How many shares one that was there before any split has become.
    row : (n_fills,) int64
        The session at whose close the account has each of `fills`; below 0 for those
        that the first session's positions have in them.
    """

    symbols: list[str]
    value: _Floats
    price: _Floats
    booked: _Floats
    cash: _Floats
    paid: _Floats
    units: _Floats
    row: NDArray[np.int64]

    @property
    def unbooked(self) -> _Floats:
        """Shares that no fill explains; 0 where they are rounding or not known."""
        shares = _shares(self.value, self.price)
        gap = shares - self.booked
        size = np.fmax(np.abs(shares), np.abs(self.booked))
        largest = np.max(np.nan_to_num(size), axis=0, initial=0.0)
        real = np.abs(gap) > TOLERANCE * largest
        return np.where(real, gap, 0.0)


def keep_books(
    sessions: pd.DatetimeIndex,
    positions: pd.DataFrame,
    orders: pd.DataFrame,
    bars: pd.DataFrame,
    actions: pd.DataFrame | None = None,
) -> Ledger:
    """Lay positions and fills out side by side.

    Parameters
    ----------
    sessions : DatetimeIndex
        Those of the account.
    positions, orders, bars, actions : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Notes
    -----
    A fill at the very close at which its order was sent (cheat-on-close) is in the
    account a session later than its date. Where the dates of all such fills explain
    positions better when they are moved on by one session, they are.
    """
    filled = fills(orders)
    held = [str(symbol) for symbol in positions.columns[:-1]]
    symbols = list(dict.fromkeys([*held, *filled["symbol"]]))
    value = np.zeros((len(sessions), len(symbols)))
    value[:, : len(held)] = held_values(positions, len(sessions))
    column = columns_of(filled, symbols)
    multiplier = np.ones(len(symbols))
    multiplier[column] = filled["multiplier"]
    price = last_closes(bars, sessions, symbols) * multiplier
    known = _shares(value, price)
    units = share_units(actions, sessions, symbols)
    # Parts of a lot leave the position without an order.
    paid, paid_out = np.zeros(value.shape), np.zeros(value.shape)
    for action, at_row, at_column in each_action(actions, sessions, symbols):
        if at_row < len(sessions):
            paid[at_row, at_column] += action.cash
            exact = action.size_before * action.shares
            paid_out[at_row, at_column] += action.size_after - exact

    def books(delay: int) -> Ledger:
        row = _rows(filled, sessions, delay)
        bought, cash = paid_out.copy(), np.zeros(value.shape)
        own = (row >= 0) & (row < len(sessions))
        at = row[own], column[own]
        signed = filled["size"].to_numpy()
        spent = signed * (filled["price"] * filled["multiplier"]).to_numpy()
        np.add.at(bought, at, signed[own])
        np.add.at(cash, at, -(spent + filled["commission"].to_numpy())[own])
        booked = (known[:1] / units[:1] + (bought / units).cumsum(axis=0)) * units
        return Ledger(symbols, value, price, booked, cash, paid, units, row)

    ledger = books(delay=0)
    if (filled["submitted"] == filled["session"]).any():
        moved = books(delay=1)
        if (moved.unbooked != 0).sum() < (ledger.unbooked != 0).sum():
            return moved
    return ledger


def held_values(positions: pd.DataFrame, n_sessions: int) -> _Floats:
    """Return positions without cash, (n_sessions, n_symbols), in currency.

    Of a result that has no positions, there are no symbols.
    """
    if not positions.size:
        return np.zeros((n_sessions, max(0, positions.shape[1] - 1)))
    # By position, as a feed may be called "cash".
    return positions.iloc[:, :-1].to_numpy(dtype="float64")


def last_closes(
    bars: pd.DataFrame, sessions: pd.DatetimeIndex, symbols: list[str]
) -> _Floats:
    """Return each symbol's close, or the last before; (n_sessions, n_symbols)."""
    if not len(bars) or not len(sessions):
        return np.full((len(sessions), len(symbols)), np.nan)
    close = prices_of(bars, "Close", symbols).ffill()
    return close.reindex(sessions, method="ffill").to_numpy(dtype="float64")


def prices_of(bars: pd.DataFrame, price: str, symbols: list[str]) -> pd.DataFrame:
    """Return one price of each session's bars, in columns; NaN where there is none."""
    table: Any = bars[price]
    # Objects: pandas' own kind of text cannot hold every name.
    frame: pd.DataFrame = table.reindex(columns=pd.Index(symbols, dtype=object))
    return frame


def columns_of(filled: pd.DataFrame, symbols: list[str]) -> NDArray[np.int64]:
    """Return each fill's place among the symbols."""
    place = {symbol: column for column, symbol in enumerate(symbols)}
    return np.array([place[name] for name in filled["symbol"]], dtype=np.int64)


def _rows(
    filled: pd.DataFrame, sessions: pd.DatetimeIndex, delay: int
) -> NDArray[np.int64]:
    """Return the row in which the account has each fill; -1 for before."""
    if not len(sessions):
        return np.full(len(filled), -1, dtype=np.int64)
    row = sessions.searchsorted(pd.DatetimeIndex(filled["session"])).astype(np.int64)
    row += delay * (filled["submitted"] == filled["session"]).to_numpy()
    # What was decided at the first close is not yet in its positions.
    decided = (filled["submitted"] >= sessions[0]).to_numpy()
    return np.where(row > 0, row, np.where(decided, min(1, len(sessions) - 1), -1))


def _shares(value: _Floats, price: _Floats) -> _Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = value / price
    return np.where(value == 0, 0.0, np.where(np.isfinite(shares), shares, np.nan))
