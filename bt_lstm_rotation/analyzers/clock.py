"""One clock for an analyzer and its children."""

from __future__ import annotations

from typing import Any

from bt_lstm_rotation.feeds.sessions import SessionClock

__all__ = ["clock_of"]


def clock_of(analyzer: Any) -> SessionClock:
    """Return the clock of an analyzer's parent, or one of its own without such.

    How a feed is dated takes a look at all of its dates: once for a report is enough.
    """
    shared = getattr(analyzer._parent, "sessions", None)
    if isinstance(shared, SessionClock):
        return shared
    return SessionClock(analyzer.strategy)
