"""What a strategy holds, as shares of equity."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from bt_lstm_rotation.rebalancing.account import Account

__all__ = ["Holdings"]


class Holdings:
    """A strategy's positions, valued at the last sound close that each feed has shown.

    Parameters
    ----------
    strategy : bt.Strategy
        Whose feeds and broker are read. Nothing is ever changed.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._account = Account(strategy)
        self._closes: dict[Any, float] = {}

    def observe(self) -> None:
        """Remember this session's closes; to be called every session."""
        self._account.observe()
        for feed in self._strategy.datas:
            close = self._account.close(feed)
            if close is not None:
                self._closes[feed] = close

    def shares(self) -> dict[Any, float]:
        """Return what is held at this close.

        Returns
        -------
        dict of feed to float
            Share of equity, negative for a short position; feeds without a position are
            left out. Empty too if there is no equity to have a share of.

        Raises
        ------
        DataError
            If the broker's cash is not a number.
        """
        self.observe()
        equity, _ = self._account.equity()
        held = {}
        for feed in self._strategy.datas:
            position = self._position(feed)
            if position is not None and position.size and equity > 0:
                # Never seen with a sound close: all there is to go by is what was paid.
                close = self._closes.get(feed, position.price)
                held[feed] = float(position.size * close / equity)
        return held

    def _position(self, feed: Any) -> Any:
        # In a backtest, asking for a position creates one, and 0 shares at a close of
        # NaN make the portfolio's value NaN.
        broker = self._strategy.broker
        if isinstance(broker, bt.brokers.BackBroker) and feed not in broker.positions:
            return None
        return self._strategy.getposition(feed)
