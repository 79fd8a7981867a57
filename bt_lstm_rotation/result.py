"""What a backtest leaves: frames and a summary, and no Backtrader object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

__all__ = ["BacktestResult"]


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """A backtest, from the close before its first session to its last close.

    Parameters
    ----------
    account : DataFrame
        One row a session, indexed by it: ``equity`` and ``cash`` in currency, and
        ``benchmark``, what the same capital would be worth in it (NaN without one). The
        first row is the close at which the first decision could be made.
    weights : DataFrame
        One row a session, one column a symbol and ``cash``: share of equity at the
        close, as a decimal.
    orders : DataFrame
        One row an order: ``ref, symbol, submitted, side, size, status, executed,
        filled, price, commission, slippage``; see
        `bt_lstm_rotation.analyzers.OrderRecord`.
    forecasts : DataFrame
        One row a forecast: ``session, symbol, forecast, realised``, decimal returns
        over the horizon; ``realised`` is NaN until it has matured.
    retrains : DataFrame
        One row a fit: ``session, first_bar, last_target, symbols, n_bars, first_loss,
        last_loss, seconds, status, served_by``; see
        `bt_lstm_rotation.forecasting.FitRecord`.
    events : DataFrame
        One row for each thing that kept a rebalance from going smoothly: ``session,
        kind, symbol, detail``; see `bt_lstm_rotation.rebalancing.RebalanceEvent`.
    summary : dict
        What ``summary.json`` holds: ``strategy, spec, data, broker, metrics, benchmark,
        forecast, orders, training, timing, versions``. Rates are decimals, amounts are
        currency, and what is not defined is None.
    """

    account: pd.DataFrame = field(repr=False)
    weights: pd.DataFrame = field(repr=False)
    orders: pd.DataFrame = field(repr=False)
    forecasts: pd.DataFrame = field(repr=False)
    retrains: pd.DataFrame = field(repr=False)
    events: pd.DataFrame = field(repr=False)
    summary: dict[str, Any]
