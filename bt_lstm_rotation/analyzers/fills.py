"""Every part of every fill, on the session that it changed the account."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from bt_lstm_rotation.analyzers.derived import DerivedAnalyzer
from bt_lstm_rotation.analyzers.orders import OrderHistory
from bt_lstm_rotation.feeds.naming import feed_name
from bt_lstm_rotation.feeds.sessions import SessionClock
from bt_lstm_rotation.rebalancing.schemes import multiplier_of

__all__ = ["Fill", "FillHistory", "executions"]


@dataclass(frozen=True)
class Fill:
    """What one bar filled of one order.

    Parameters
    ----------
    session : date
        At whose close the account has it.
    order : int
        Number of the order, from 1 on, as in `OrderRecord`.
    symbol : str
        Name of its feed.
    size : float
        Shares, below 0 if sold.
    price : float
        In currency.
    multiplier : float
        What a price of 1 is worth, in currency: 1, but for futures.
    commission, slippage : float
        In currency, as in `OrderRecord`.
    """

    session: dt.date
    order: int
    symbol: str
    size: float
    price: float
    multiplier: float
    commission: float
    slippage: float

    @property
    def traded_value(self) -> float:
        """What it was worth, in currency, 0 or above."""
        return abs(self.size) * self.price * self.multiplier


class FillHistory(DerivedAnalyzer):
    """Every fill of the strategy's own orders, one entry a bar that filled some of it.

    ``get_analysis()`` gives a list of `Fill`. An order that is filled by three bars has
    three, where `OrderHistory` gives one row with the last one's date.
    """

    def __init__(self) -> None:
        super().__init__()
        self._fills: list[Fill] = []
        self._orders = OrderHistory()
        self._sessions = SessionClock(self.strategy)
        self._numbers: dict[int, int] = {}
        self._slipped: dict[int, float] = {}
        self._waiting: list[Fill] = []

    def notify_order(self, order: Any) -> None:
        """Take what is new; the child has been told before."""
        number = self._numbers.setdefault(order.ref, len(self._numbers) + 1)
        parts = executions(order)
        if not parts:
            return
        slipped = self._orders.get_analysis()[number - 1].slippage
        slippage = slipped - self._slipped.get(number, 0.0)
        self._slipped[number] = slipped
        whole = sum(part.size for part in parts)
        scheme = self.strategy.broker.getcommissioninfo(order.data)
        self._waiting += [
            Fill(
                session=dt.date.min,
                order=number,
                symbol=feed_name(order.data),
                size=float(part.size),
                price=float(part.price),
                multiplier=multiplier_of(scheme),
                commission=float(part.comm),
                slippage=slippage * part.size / whole,
            )
            for part in parts
        ]

    def next(self) -> None:
        """Date what was filled: it is told before the session is known."""
        if self._waiting:
            today = self._sessions.today()
            self._fills += [replace(fill, session=today) for fill in self._waiting]
            self._waiting.clear()

    def analysis(self) -> list[Fill]:
        """Return the record."""
        return list(self._fills)


def executions(order: Any) -> list[Any]:
    """Return the parts of a notified order that were filled since the last notice."""
    return [part for part in order.executed.iterpending() if part is not None]
