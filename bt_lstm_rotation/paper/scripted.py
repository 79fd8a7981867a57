"""Orders of the past, sent again as they were sent.

When an account's strategy is replaced by a new version, what the old one did stays
done. Its code may be gone, so its orders come from the journal, and Backtrader's broker
fills them on the same bars as before.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import backtrader as bt

from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.feeds.naming import FeedLabels
from bt_lstm_rotation.feeds.sessions import SessionClock

__all__ = ["Scripted"]

TYPES = {name: number for number, name in enumerate(bt.Order.ExecTypes)}


class Scripted(bt.Strategy):
    """Sends orders as a journal has them.

    Params:
      - orders: rows ``(session, ref, symbol, side, size, type, price, pricelimit,
        valid)``, by session (())
      - cancelled: rows ``(session, ref)``: orders that were taken back at a close (())
    """

    params = (("orders", ()), ("cancelled", ()))

    def __init__(self) -> None:
        self._sessions = SessionClock(self)
        self._due: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
        for session, *order in self.p.orders:
            self._due[session].append(tuple(order))
        self._taken_back: dict[Any, list[int]] = defaultdict(list)
        for session, ref in self.p.cancelled:
            self._taken_back[session].append(ref)
        self._sent: dict[int, Any] = {}

    def prenext(self) -> None:
        """Send orders before every feed has begun as well."""
        self.next()

    def next(self) -> None:
        """Send the orders of this session, and take back what was taken back."""
        today = self._sessions.today()
        labels = FeedLabels(self)
        feeds = {labels[feed]: feed for feed in self.datas}
        for ref, symbol, side, size, kind, price, limit, valid in self._due.pop(
            today, ()
        ):
            if valid or kind not in TYPES:
                raise JournalError(
                    f"order {ref} of {today} cannot be sent again: {kind} {valid}",
                )
            send = self.buy if side == "buy" else self.sell
            extra: dict[str, Any] = {}
            if kind == "Historical":
                # As `bt_lstm_rotation.rebalancing.delisting` sends them.
                extra = {"histnotify": True, "_checksubmit": False, "session": today}
            self._sent[ref] = send(
                data=feeds[symbol],
                size=size,
                exectype=TYPES[kind],
                price=None if math.isnan(price) else price,
                plimit=None if math.isnan(limit) else limit,
                **extra,
            )
        for ref in self._taken_back.pop(today, ()):
            self.cancel(self._sent[ref])
