"""Hold anybody's strategy back until a session, without a change to it.

Bars before the start of a backtest are history: indicators warm up on them and networks
are trained on them, but nothing is traded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bt_lstm_rotation.feeds import session_of

__all__ = ["starting_at"]


def starting_at(strategy: Any, session: np.datetime64) -> Any:
    """Derive a strategy that does nothing before a session.

    Parameters
    ----------
    strategy : type of bt.Strategy
        Whose ``prenext``, ``nextstart`` and ``next`` are held back; all else is as it
        was, its parameters included.
    session : datetime64[D]
        The first close at which it may decide.

    Returns
    -------
    type of bt.Strategy
        With the same name. Where ``nextstart`` falls before the session, it is called
        on it instead.
    """
    base: Any = strategy
    missed: set[int] = set()

    def has_begun(self: Any) -> bool:
        return bool(session_of(self.datetime[0]) >= session)

    class Held(base):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

        def prenext(self) -> None:
            if has_begun(self):
                super().prenext()

        def nextstart(self) -> None:
            if has_begun(self):
                super().nextstart()
            else:
                missed.add(id(self))

        def next(self) -> None:
            if has_begun(self):
                late = id(self) in missed
                missed.discard(id(self))
                (super().nextstart if late else super().next)()

    Held.__name__ = Held.__qualname__ = strategy.__name__
    return Held
