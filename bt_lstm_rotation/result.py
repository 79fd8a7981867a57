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
        One row a session, indexed by it, all in currency: ``equity``; ``cash``;
        ``benchmark``, what the same capital and flows would be worth in it (NaN without
        one, and after its last bar); ``flows``, what was paid in by that close,
        withdrawals below 0. The first row is the close at which the first decision
        could be made.
    weights : DataFrame
        One row a session, one column a symbol and ``cash``, and one for the benchmark
        if the strategy held it: share of equity at the close, as a decimal. A row adds
        up to 1, but for futures and leverage, whose exposure is not paid for; see
        `bt_lstm_rotation.analyzers.Weights`.
    orders : DataFrame
        One row an order: ``ref, symbol, submitted, side, size, status, executed,
        filled, price, commission, slippage, multiplier``; see
        `bt_lstm_rotation.analyzers.OrderRecord`.
    forecasts : DataFrame
        One row a forecast: ``session, symbol, forecast, realised``, decimal returns
        over the horizon; ``realised`` is NaN until it has matured. Of an ensemble also
        ``dispersion``, the deviation of its members' forecasts.
    retrains : DataFrame
        One row a fit: ``session, first_bar, last_target, symbols, n_bars, first_loss,
        last_loss, seconds, status, served_by``; see
        `bt_lstm_rotation.forecasting.FitRecord`.
    events : DataFrame
        One row for each thing that kept a rebalance from going smoothly: ``session,
        kind, symbol, detail``; see `bt_lstm_rotation.rebalancing.RebalanceEvent`.
    summary : dict
        What ``summary.json`` holds: ``command, strategy, spec, data, broker, account,
        metrics, benchmark, forecast, orders, training, timing, versions, notes``.
        Rates are decimals, amounts are currency, and what is not defined is None.
        ``command`` starts the run again, and ``notes`` are sentences that a reader of
        the figures has to know.
    positions : DataFrame
        Columns as `weights` has them: what was held of each at the close, in currency,
        and cash.
    bars : DataFrame
        Of each session all bars, the benchmark's included: one column for each of
        ``Open, High, Low, Close, Volume`` and symbol, named (price, symbol); NaN where
        a symbol had none. Bars that were kept as they were seen are in the units of
        their session; `actions` lead from one to the next.
    actions : DataFrame
        One row a split or dividend that the account went through: ``session``, whose
        bar is the first in new units; ``symbol``; ``price``, the factor on all prices
        before; ``shares``, new ones for each old one; ``cash``, what was paid in all,
        in currency; ``size_before`` and ``size_after``, shares held. Empty where prices
        were adjusted for both beforehand, as in a backtest.
    importance : DataFrame
        One row for each thing that the network read, if that was asked for, two if
        networks were also trained without it, and else empty: ``table, name, kind,
        members, ic, ic_without, drop, error, t, p, sessions, note``
        (docs/importance.md).
    """

    account: pd.DataFrame = field(repr=False)
    weights: pd.DataFrame = field(repr=False)
    orders: pd.DataFrame = field(repr=False)
    forecasts: pd.DataFrame = field(repr=False)
    retrains: pd.DataFrame = field(repr=False)
    events: pd.DataFrame = field(repr=False)
    summary: dict[str, Any]
    positions: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    bars: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    actions: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    importance: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    def __repr__(self) -> str:
        name = str((self.summary.get("strategy") or {}).get("name", "no strategy"))
        metrics = self.summary.get("metrics") or {}
        parts = [name if name.isprintable() else ascii(name)]
        if len(self.account):
            first, last = self.account.index[[0, -1]]
            parts.append(f"{first:%Y-%m-%d} to {last:%Y-%m-%d}")
        if (total := metrics.get("total_return")) is not None:
            parts.append(f"total return {total:+,.1%}")
        if (sharpe := metrics.get("sharpe")) is not None:
            parts.append(f"Sharpe {sharpe:.2f}")
        return f"BacktestResult({', '.join(parts)})"
