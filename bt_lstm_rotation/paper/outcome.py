"""What a step has done."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from bt_lstm_rotation.paper.tickets import Ticket

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What a step has done.

    Parameters
    ----------
    sessions : tuple of date
        Those that were recorded, in order.
    tickets : tuple of Ticket
        The orders for the next open.
    waiting : str
        Why the next finished session could not be recorded; empty if there is none.
    next_close : datetime
        When the next session closes, UTC.
    """

    sessions: tuple[dt.date, ...]
    tickets: tuple[Ticket, ...]
    waiting: str
    next_close: dt.datetime

    def __str__(self) -> str:
        """Say it in one line."""
        parts = []
        if self.sessions:
            more = f" to {self.sessions[-1]}" if len(self.sessions) > 1 else ""
            parts.append(f"recorded {self.sessions[0]}{more}")
            parts.append(f"{len(self.tickets)} orders for the next open")
        if self.waiting:
            parts.append(f"waiting: {self.waiting}")
        return "; ".join(parts) or "nothing is due"
