"""Whether the figures of a run fit together, recomputed from its own records."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.measures.conservation import conservation
from bt_lstm_rotation.measures.contribution import contributions
from bt_lstm_rotation.measures.flows import growth
from bt_lstm_rotation.measures.ledger import (
    TOLERANCE,
    Ledger,
    columns_of,
    fills,
    held_values,
    keep_books,
    prices_of,
)
from bt_lstm_rotation.measures.tally import Check, relative, single, tally

__all__ = ["Check", "check_book"]

NOT_PAID = "futures or leverage: positions are not paid for in full"

_Floats = NDArray[np.float64]


def check_book(
    account: pd.DataFrame,
    weights: pd.DataFrame,
    positions: pd.DataFrame,
    orders: pd.DataFrame,
    bars: pd.DataFrame,
    *,
    costs: float | None,
    total_return: float | None,
    events: pd.DataFrame | None = None,
    actions: pd.DataFrame | None = None,
    intraday: bool = False,
) -> list[Check]:
    """Check a run's records against each other.

    Parameters
    ----------
    account, weights, positions, orders, bars, events, actions : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.
    costs, total_return : float or None
        As the ``metrics`` of its summary have them.
    intraday : bool
        Whether a session had several bars, of which an order sent in one is filled in
        the next: only fills before their order are wrong then.

    Returns
    -------
    list of Check
        Equity, weights, their sums, positions, fills, costs and returns, in this order;
        and where there were any, what splits and dividends kept.

    Notes
    -----
    Amounts are compared relative to the larger of equity and the amount itself. Futures
    and positions on leverage are not paid for in full, so that cash and positions are
    not equity: that is taken to be so if an order has a multiplier other than 1, or
    they differ on most of the sessions on which something is held. Equity is then
    checked by its changes, which have to be what fills and prices explain.
    """
    sessions = pd.DatetimeIndex(account.index)
    ledger = keep_books(sessions, positions, orders, bars, actions)
    filled = fills(orders)
    paid_in_full = _paid_in_full(account, positions, filled)
    if paid_in_full:
        equity = _equity(account, positions)
    else:
        equity = _equity_by_fills(account, positions, orders, bars, actions)
    return [
        equity,
        _weights(account, weights, positions),
        _sums(account, weights, paid_in_full=paid_in_full),
        _positions(account, ledger, filled),
        _fills(account, ledger, filled, bars, events, intraday=intraday),
        _costs(filled, costs),
        _total_return(account, total_return),
        *conservation(actions, bars),
    ]


def _gap(account: pd.DataFrame, positions: pd.DataFrame) -> _Floats:
    """Return by how much cash and positions miss equity, relative to the largest."""
    values = held_values(positions, len(account))
    cash, equity = (account[name].to_numpy("float64") for name in ("cash", "equity"))
    size = np.fmax(np.abs(values).max(axis=1, initial=0.0), np.abs(cash))
    return relative(cash + values.sum(axis=1), equity, size)


def _paid_in_full(
    account: pd.DataFrame, positions: pd.DataFrame, filled: pd.DataFrame
) -> bool:
    if (filled["multiplier"] != 1).any():
        return False
    held = (held_values(positions, len(account)) != 0).any(axis=1)
    gaps = _gap(account, positions) > TOLERANCE
    # One session alone is rather a mistake in it.
    return not (held.sum() > 1 and gaps[held].mean() > 0.5)


def _equity(account: pd.DataFrame, positions: pd.DataFrame) -> Check:
    return tally(
        "Cash plus positions is equity",
        _gap(account, positions),
        _day(account.index),
    )


def _equity_by_fills(
    account: pd.DataFrame,
    positions: pd.DataFrame,
    orders: pd.DataFrame,
    bars: pd.DataFrame,
    actions: pd.DataFrame | None,
) -> Check:
    gains = contributions(account, positions, orders, bars, actions).to_numpy()
    equity = account["equity"].to_numpy(dtype="float64")
    values = held_values(positions, len(account))
    size = np.fmax(np.abs(values).max(axis=1, initial=0.0), np.abs(equity))
    size[1:] = np.fmax(size[1:], size[:-1])
    rest = relative(gains[:, -1], np.zeros(len(gains)), size)
    return tally(
        "Fills and prices explain equity",
        rest[1:],
        _day(account.index[1:]),
        f"{NOT_PAID}; fills do not explain interest, nor margins that move",
    )


def _weights(
    account: pd.DataFrame, weights: pd.DataFrame, positions: pd.DataFrame
) -> Check:
    equity = account["equity"].to_numpy(dtype="float64")
    owned = equity != 0
    name = "Weights are positions over equity"
    if weights.shape != positions.shape:
        return Check(name, 0, int(owned.sum()), math.inf, "their columns differ")
    said = weights.to_numpy(dtype="float64")[owned]
    found = positions.to_numpy(dtype="float64")[owned] / equity[owned, None]
    worst = relative(said, found, np.ones(said.shape)).max(axis=1, initial=0.0)
    return tally(name, worst, _day(account.index[owned]))


def _sums(account: pd.DataFrame, weights: pd.DataFrame, *, paid_in_full: bool) -> Check:
    name = "Weights add up to 1"
    if not paid_in_full:
        return Check(name, 0, 0, None, None, f"left out: {NOT_PAID}")
    owned = account["equity"].to_numpy(dtype="float64") != 0
    said = weights.to_numpy(dtype="float64")[owned]
    size = np.abs(said).max(axis=1, initial=1.0)
    apart = relative(said.sum(axis=1), np.ones(len(said)), size)
    return tally(name, apart, _day(account.index[owned]))


def _positions(account: pd.DataFrame, ledger: Ledger, filled: pd.DataFrame) -> Check:
    low, high = ledger.booked.copy(), ledger.booked.copy()
    for _, symbol, size, begin, end in _waiting(account, ledger, filled):
        units = ledger.units[begin : end + 1, symbol]
        then = size * units[: end - begin] / units[-1]
        low[begin:end, symbol] += np.minimum(then, 0.0)
        high[begin:end, symbol] += np.maximum(then, 0.0)
    ends = np.stack([low, high]) * ledger.price
    least, most = ends.min(axis=0), ends.max(axis=0)
    equity = np.abs(account["equity"].to_numpy(dtype="float64"))[:, None]
    largest = np.abs(ledger.value).max(axis=0, initial=0.0)
    outside = np.maximum(np.maximum(least - ledger.value, ledger.value - most), 0.0)
    apart = relative(outside, np.zeros(outside.shape), np.fmax(equity, largest))
    shares = np.fmax(np.abs(low), np.abs(high))
    some = TOLERANCE * np.max(np.nan_to_num(shares), axis=0, initial=0.0)
    held = (ledger.value != 0) | (shares > some)
    known = np.isfinite(ledger.booked) & np.isfinite(ledger.price)
    unknown = int((held & ~known)[1:].sum())
    row, column = np.nonzero((held & known)[1:])
    day = _day(account.index[1:])

    def place(wrong: int) -> str:
        return f"{day(row[wrong])} {ledger.symbols[column[wrong]]}"

    note = f"{unknown:,} left out: no close is known" if unknown else ""
    name = "Positions are what fills add up to"
    return tally(name, apart[row + 1, column], place, note)


def _waiting(
    account: pd.DataFrame, ledger: Ledger, filled: pd.DataFrame
) -> list[tuple[int, int, float, int, int]]:
    """Return fills that may have begun before their date.

    Each is its number, its symbol's, its shares, and the rows of closes before it.
    """
    sessions = pd.DatetimeIndex(account.index)
    column = columns_of(filled, ledger.symbols)
    sent = sessions.searchsorted(pd.DatetimeIndex(filled["submitted"]), side="right")
    waited = np.flatnonzero(sent < ledger.row)
    sizes = filled["size"].to_numpy()
    return [
        (n, int(column[n]), float(sizes[n]), int(sent[n]), int(ledger.row[n]))
        for n in waited.tolist()
    ]


def _fills(
    account: pd.DataFrame,
    ledger: Ledger,
    filled: pd.DataFrame,
    bars: pd.DataFrame,
    events: pd.DataFrame | None,
    *,
    intraday: bool,
) -> Check:
    name = "Fills lie in their bar, after their order"
    symbols = list(dict.fromkeys(filled["symbol"]))
    low, high = (_at(bars, price, filled, symbols) for price in ("Low", "High"))
    price = filled["price"].to_numpy()
    outside = np.maximum(np.maximum(low - price, price - high), 0.0)
    apart = relative(outside, np.zeros(len(filled)), np.abs(price))
    sent, came = (filled[name].to_numpy() for name in ("submitted", "session"))
    at_once = sent > came if intraday else sent >= came
    apart[at_once] = math.inf
    judged = np.isfinite(low) & np.isfinite(high)
    corrected = judged & _corrected(filled, events)
    averaged = np.zeros(len(filled), dtype=bool)
    unbooked = ledger.unbooked != 0
    for number, symbol, _, begin, end in _waiting(account, ledger, filled):
        averaged[number] = judged[number] and unbooked[begin:end, symbol].any()
    kept = np.flatnonzero(judged & ~corrected & ~averaged)
    parts = (
        (int((~judged).sum()), "left out: no bar on that session"),
        (int(corrected.sum()), "left out: they correct a settlement"),
        (int(averaged.sum()), "left out: filled in parts, at an average price"),
        (int(at_once[kept].sum()), "not after their order's session"),
    )
    note = "; ".join(f"{count:,} {what}" for count, what in parts if count)

    def place(wrong: int) -> str:
        fill = filled.iloc[kept[wrong]]
        return f"{fill['session']:%Y-%m-%d} {fill['symbol']}"

    return tally(name, apart[kept], place, note)


def _at(
    bars: pd.DataFrame, price: str, filled: pd.DataFrame, symbols: list[str]
) -> _Floats:
    """Return a price of each fill's bar; NaN where there is none."""
    found = np.full(len(filled), np.nan)
    if len(bars) and len(filled):
        table = prices_of(bars, price, symbols).to_numpy(dtype="float64")
        row = bars.index.get_indexer(pd.DatetimeIndex(filled["session"]))
        column = columns_of(filled, symbols)
        found[row >= 0] = table[row[row >= 0], column[row >= 0]]
    return found


def _corrected(filled: pd.DataFrame, events: pd.DataFrame | None) -> NDArray[np.bool_]:
    """Tell which fills put another price in the place of a settlement's."""
    if events is None or not len(events):
        return np.zeros(len(filled), dtype=bool)
    reopened = events[events["kind"] == "reopened"]
    days = pd.to_datetime(reopened["session"])
    known = set(zip(days, reopened["symbol"], strict=True))
    sent = zip(filled["submitted"], filled["symbol"], strict=True)
    return np.array([order in known for order in sent], dtype=bool)


def _costs(filled: pd.DataFrame, costs: float | None) -> Check:
    found = float((filled["commission"] + filled["slippage"]).sum())
    return single("Costs of orders add up to the run's costs", found, costs)


def _total_return(account: pd.DataFrame, total_return: float | None) -> Check:
    found = None
    if len(account) > 1 and account["equity"].iloc[0] > 0:
        curve = growth(account["equity"], account["flows"]).to_numpy(dtype="float64")
        found = float(curve[-1] / curve[0] - 1)
    name = "Returns of sessions compound to the total return"
    return single(name, found, total_return, least=1.0)


def _day(index: pd.Index[Any]) -> Callable[[int], str]:
    return lambda row: f"{index[row]:%Y-%m-%d}"
