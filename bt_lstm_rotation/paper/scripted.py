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

__all__ = ["Idle", "Scripted"]

TYPES = {name: number for number, name in enumerate(bt.Order.ExecTypes)}

# What a stop that trails began with is not recorded.
TRAILING = ("StopTrail", "StopTrailLimit")


class Idle(bt.Strategy):
    """Does nothing: what stands for a strategy before its first session."""

    def __init__(self) -> None:
        pass


class Scripted(bt.Strategy):
    """Sends orders as a journal has them.

    Params:
      - orders: rows ``(session, ref, symbol, side, size, type, price, pricelimit,
        valid, parent, oco)``, by session (())
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
        due = self._due.pop(today, [])
        # A bracket is sent with the last of its orders.
        last = {parent or ref: ref for ref, *_, parent, _ in due}
        for ref, symbol, side, size, kind, price, limit, valid, parent, oco in due:
            if kind in TRAILING or kind not in TYPES:
                raise JournalError(
                    f"order {ref} of {today}, to {side} {size:.12g} {symbol}, is a "
                    f"{kind}, which cannot be sent again as it was; an account that "
                    "has sent one keeps its strategy"
                )
            extra: dict[str, Any] = {}
            if kind == "Historical":
                # As `bt_lstm_rotation.rebalancing.delisting` sends them.
                extra = {"histnotify": True, "_checksubmit": False, "session": today}
            send = self.buy if side == "buy" else self.sell
            order = send(
                data=feeds[symbol],
                size=size,
                exectype=TYPES[kind],
                price=_known(price),
                plimit=_known(limit),
                parent=self._sent.get(parent),
                oco=self._sent.get(oco),
                transmit=last[parent or ref] == ref,
                **extra,
            )
            # As the broker compares it; what it was given as may have been a span.
            order.valid = _known(valid)
            self._sent[ref] = order
        for ref in self._taken_back.pop(today, ()):
            self.cancel(self._sent[ref])


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number
