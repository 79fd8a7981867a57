"""Orders that are handed to somebody else's broker: all of them, at least once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from bt_lstm_rotation.disk import write_atomically
from bt_lstm_rotation.paper.names import HANDED
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.paper.tickets import Ticket

__all__ = ["OrderSink", "hand_over"]

logger = logging.getLogger(__name__)

OrderSink = Callable[[Sequence[Ticket]], object]


def hand_over(
    sink: OrderSink | None, tickets: Sequence[Ticket], record: Record, folder: Path
) -> None:
    """Hand over the orders of the last session, unless that has been done.

    It is noted once the sink is done with them: if it fails, or the process is killed
    before, the next step hands them over again.
    """
    if sink is None or not record.sessions:
        return
    number, _ = record.sessions[-1]
    # Not its date: a session that was lost and made again has orders of its own.
    mark = record.transactions[number - 1].hash.encode()
    path = folder / HANDED
    try:
        if path.read_bytes() == mark:
            return
    except FileNotFoundError:
        pass
    sink(tickets)
    try:
        write_atomically(path, mark)
    except OSError as error:
        logger.warning("orders will be handed over again: %s: %s", path, error)
