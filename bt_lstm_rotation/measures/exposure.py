"""How much of an account was invested, how much was traded, and what that cost."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bt_lstm_rotation.measures.ledger import fills, held_values

__all__ = ["break_even", "exposure", "trading_by_month"]


def exposure(account: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    """Return how much was invested at each close.

    Parameters
    ----------
    account, positions : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Returns
    -------
    DataFrame
        One row a session: ``gross``, the sum of all positions, shorts counted as much
        as longs, over equity, a decimal; ``net``, with shorts below 0; both NaN where
        equity is not above 0; ``held``, whether there was any position.
    """
    values = held_values(positions, len(account))
    equity = account["equity"].to_numpy(dtype="float64")
    base = np.where(equity > 0, equity, np.nan)
    return pd.DataFrame(
        {
            "gross": np.abs(values).sum(axis=1) / base,
            "net": values.sum(axis=1) / base,
            "held": (values != 0).any(axis=1),
        },
        index=account.index,
    )


def trading_by_month(account: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return how much was traded in each month, and what it cost.

    Parameters
    ----------
    account, orders : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Returns
    -------
    DataFrame
        One row a month from the first session's to the last's, indexed by its first
        day:

        - ``traded``: what was bought plus what was sold, in currency
        - ``turnover``: half of it over the mean equity of the month's sessions, a
          decimal; NaN where that is not above 0, or there is none
        - ``commission``, ``slippage``, ``costs``: in currency, ``costs`` being both
        - ``costs_so_far``: in currency

        What was filled before the first session, or after the last, counts in the first
        month or the last, so that sums are those of all orders.
    """
    names = ["commission", "slippage"]
    if not len(account):
        columns = ["traded", "turnover", *names, "costs", "costs_so_far"]
        none = pd.DatetimeIndex([], dtype="datetime64[ns]", name="month")
        return pd.DataFrame(columns=columns, index=none, dtype="float64")
    month = pd.DatetimeIndex(account.index).to_period("M")
    months = pd.period_range(month[0], month[-1], freq="M", name="month")
    filled = fills(orders)
    filled_in = pd.PeriodIndex(filled["session"], freq="M")
    place = np.clip(months.get_indexer(filled_in), 0, None)
    place[filled_in > months[-1]] = len(months) - 1
    sums = {
        name: np.bincount(place, filled[name], minlength=len(months))
        for name in ["value", *names]
    }
    equity = account["equity"].groupby(month).mean().reindex(months).to_numpy()
    costs = sums["commission"] + sums["slippage"]
    return pd.DataFrame(
        {
            "traded": sums["value"],
            "turnover": sums["value"] / 2 / np.where(equity > 0, equity, np.nan),
            **{name: sums[name] for name in names},
            "costs": costs,
            "costs_so_far": costs.cumsum(),
        },
        index=months.to_timestamp().as_unit("ns"),
    )


def break_even(account: pd.DataFrame, orders: pd.DataFrame) -> dict[str, float | None]:
    """Return the costs at which all gains would have been spent.

    Parameters
    ----------
    account, orders : DataFrame
        As `bt_lstm_rotation.result.BacktestResult` has them.

    Returns
    -------
    dict of str to float or None
        - ``gain``: change of equity less what was paid in, in currency
        - ``traded``: what was bought plus what was sold, in currency
        - ``costs``: commission and slippage, in currency; they are part of `gain`
        - ``cost_rate``: costs over what was traded, a decimal
        - ``break_even``: (gain + costs) over what was traded, the rate at which the
          same trades would have gained nothing; below 0 if they lost without costs
        - ``multiple``: how many times the costs paid that is

        None where there is nothing to divide by.

    Notes
    -----
    It is of the first order: the same shares at the same prices, so that costs do not
    compound.
    """
    filled = fills(orders)
    traded = float(filled["value"].sum())
    costs = float((filled["commission"] + filled["slippage"]).sum())
    equity, flows = (account[name].to_numpy() for name in ("equity", "flows"))
    gain = float(equity[-1] - equity[0] - flows[1:].sum()) if len(equity) else 0.0
    rates = {
        "cost_rate": _over(costs, traded),
        "break_even": _over(gain + costs, traded),
        "multiple": _over(gain + costs, costs),
    }
    return {"gain": gain, "traded": traded, "costs": costs, **rates}


def _over(amount: float, base: float) -> float | None:
    ratio = amount / base if base > 0 else math.nan
    return ratio if math.isfinite(ratio) else None
