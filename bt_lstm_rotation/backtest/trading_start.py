"""Hold anybody's strategy back until a session, without a change to it.

Bars before the start of a backtest are history: indicators warm up on them and networks
are trained on them, but nothing is traded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bt_lstm_rotation.feeds.sessions import session_of

__all__ = ["starting_at"]


def starting_at(strategy: Any, session: np.datetime64) -> Any:
    """Derive a strategy, of the same name, that does nothing before a session.

    ``prenext``, ``nextstart``, ``next`` and ``notify_timer`` are held back until that
    close. Where ``nextstart`` falls before the session, it is called on it instead. The
    class has the strategy as its `held_back`.
    """
    base: Any = strategy
    missed: set[int] = set()

    def has_begun(self: Any) -> bool:
        return bool(session_of(self.datetime[0]) >= session)

    def prenext(self: Any) -> None:
        if has_begun(self):
            base.prenext(self)

    def nextstart(self: Any) -> None:
        if has_begun(self):
            base.nextstart(self)
        else:
            missed.add(id(self))

    def next_(self: Any) -> None:
        if has_begun(self):
            late = id(self) in missed
            missed.discard(id(self))
            (base.nextstart if late else base.next)(self)

    def notify_timer(self: Any, timer: Any, when: Any, *args: Any, **kws: Any) -> None:
        # A timer rings before the strategy's own date is today's.
        if np.datetime64(when.date(), "D") >= session:
            base.notify_timer(self, timer, when, *args, **kws)

    class Delayed(base):
        pass

    # Not written inside the class: there, bt.SignalStrategy's metaclass would take
    # `next` for what its own `next` calls, and the two would call each other.
    Delayed.prenext, Delayed.nextstart, Delayed.next = prenext, nextstart, next_
    Delayed.notify_timer = notify_timer
    Delayed.held_back = base
    Delayed.__name__ = Delayed.__qualname__ = strategy.__name__
    return Delayed
