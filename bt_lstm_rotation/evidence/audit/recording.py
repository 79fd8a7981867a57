"""What is noted while a Cerebro runs: the lines of each session, and all orders."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import backtrader as bt

from bt_lstm_rotation.evidence.audit.channels import channels_of
from bt_lstm_rotation.evidence.audit.places import place_of
from bt_lstm_rotation.evidence.audit.trace import CLOSE, FILL, OPEN, Act, Lines, Trace
from bt_lstm_rotation.feeds.naming import feed_name

__all__ = ["LineReader", "OrderRecorder"]


class LineReader(bt.Analyzer):
    """Reads all lines after the strategy has decided, and hears of its orders."""

    params = (("trace", None), ("until", math.inf), ("prepare", None))

    def __init__(self) -> None:
        self._lines = Lines(type(self.strategy).__name__, [])

    def start(self) -> None:
        """Find the lines, once the strategy has made its indicators."""
        self._lines.channels = channels_of(self.strategy)
        self.p.trace.lines.append(self._lines)
        cerebro = self.strategy.env
        if self.p.prepare is not None and len(self.p.trace.lines) == len(
            cerebro.runningstrats
        ):
            self.p.prepare(cerebro)

    def prenext(self) -> None:
        """Read the lines, though the strategy waits for more bars."""
        self._read()

    def nextstart(self) -> None:
        """Read the lines for the first time that the strategy decides."""
        self.next()

    def next(self) -> None:
        """Read the lines after the strategy has decided."""
        self._lines.first_next = min(self._lines.first_next, self.strategy.datetime[0])
        self._read()

    def notify_order(self, order: Any) -> None:
        """Note what the broker tells of an order."""
        self.strategy.env.broker.recorded.told(order)

    def _read(self) -> None:
        now = self.strategy.datetime[0]
        if now > self.p.until:
            self.strategy.env.runstop()
            return
        self._lines.dates.append(now)
        self._lines.rows.append([channel.read() for channel in self._lines.channels])


class OrderRecorder:
    """Notes orders as they are made, and what the broker tells of them."""

    def __init__(self, cerebro: Any, trace: Trace) -> None:
        self._cerebro, self._trace = cerebro, trace
        self._numbers: dict[int, int] = {}
        self._made: dict[int, Act] = {}
        self._filled_at = -math.inf
        broker = cerebro.broker
        broker.recorded = self
        self._next = broker.next
        self._cancel = broker.cancel
        broker.next, broker.cancel = self.next, self.cancel
        broker.buy = self._making("buy", broker.buy)
        broker.sell = self._making("sell", broker.sell)

    def _now(self) -> float:
        # Not by feed.datetime[0], which takes several times as long.
        lines = (feed.lines.datetime for feed in self._cerebro.datas)
        dates = (line.array[line._idx] for line in lines if line.lencount)
        return max(dates, default=-math.inf)

    def next(self) -> None:
        """Fill orders, and note when that was."""
        self._filled_at = self._now()
        self._next()

    def _phase(self) -> int:
        return OPEN if self._now() > self._filled_at else CLOSE

    def _making(self, side: str, make: Callable[..., Any]) -> Callable[..., Any]:
        def making(owner: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
            place = place_of(sys._getframe(1))
            at, phase = self._now(), self._phase()
            order = make(owner, data, *args, **kwargs)
            number = self._number(order)
            given = tuple(self._plain(value) for value in args)
            named = tuple((k, self._plain(v)) for k, v in sorted(kwargs.items()))
            act = Act(at, phase, side, (number, given, named), feed_name(data), place)
            self._trace.acts.append(act)
            if order is not None:
                self._made[order.ref] = act
            return order

        return making

    def cancel(self, order: Any, *args: Any, **kwargs: Any) -> Any:
        """Note that an order is cancelled, and cancel it."""
        key = (self._number(order),)
        name = feed_name(order.data)
        place = place_of(sys._getframe(1))
        act = Act(self._now(), self._phase(), "cancel", key, name, place)
        self._trace.acts.append(act)
        return self._cancel(order, *args, **kwargs)

    def told(self, order: Any) -> None:
        """Note what the broker tells of an order, and whether that was a cheat."""
        made = self._made.get(order.ref)
        done = order.executed
        status = order.getstatusname()
        key = (self._number(order), status, done.size, done.price, done.comm, done.pnl)
        place = "" if made is None else made.place
        act = Act(self._now(), FILL, "fill", key, feed_name(order.data), place)
        self._trace.acts.append(act)
        is_filled = status in ("Partial", "Completed") and done.dt is not None
        is_cheat = is_filled and done.dt <= order.created.dt
        if is_cheat and made is not None and made.phase == CLOSE:
            self._trace.cheats.append(made)

    def _number(self, order: Any) -> int:
        return self._numbers.setdefault(getattr(order, "ref", -1), len(self._numbers))

    def _plain(self, value: Any) -> Any:
        """Return what an argument says, wherever objects are in memory."""
        if isinstance(value, bt.OrderBase):
            return f"order {self._number(value)}"
        if isinstance(value, bool | str | type(None)):
            return value
        try:
            return float(value)
        except (TypeError, ValueError):
            return str(value) if hasattr(value, "isoformat") else type(value).__name__
