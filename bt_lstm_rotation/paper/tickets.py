"""Orders for the next open, so that a person, or another broker, can place them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from bt_lstm_rotation.disk import disk_errors, write_together
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.paper.record import Record
from bt_lstm_rotation.prices import PricePanel

__all__ = ["Ticket", "tickets_of", "write_tickets"]


@dataclass(frozen=True)
class Ticket:
    """One order that waits for the next open.

    Parameters
    ----------
    id : str
        The same whenever the order is told of: account and number.
    decided : date
        The session at whose close it was sent.
    opens : date or None
        The session at whose open it is due; None if the calendar does not know it.
    symbol : str
    side : {"buy", "sell"}
    shares : float
    type : str
        In Backtrader's words: Market, Limit, Stop, ...
    price, limit : float or None
        Of a limit or stop, in currency.
    valid : datetime or None
        Until when; None until it is cancelled.
    parent : str or None
        The `id` of the order that has to be filled before; None if it is.
    oco : str or None
        The same of several orders, of which one that is filled ends the others.
    close : float or None
        The last close, in currency.
    value : float or None
        Shares at that close, in currency.
    """

    id: str
    decided: dt.date
    opens: dt.date | None
    symbol: str
    side: str
    shares: float
    type: str
    price: float | None
    limit: float | None
    valid: dt.datetime | None
    parent: str | None
    oco: str | None
    close: float | None
    value: float | None


def tickets_of(
    name: str, record: Record, panel: PricePanel, opens: dt.date | None
) -> tuple[Ticket, ...]:
    """Return what waits for the next open, beside the last closes of a panel."""
    found = []
    waiting = record.pending()
    alive = {row[0] for _, row in waiting}
    leaders = {row[-1] for _, row in waiting}
    for decided, row in waiting:
        ref, symbol, side, size, kind, price, limit, valid, parent, oco = row
        closes = panel.close[panel.traded[:, panel.symbols.index(symbol)]]
        known = closes[:, panel.symbols.index(symbol)]
        close = float(known[-1]) if len(known) else None
        group = ref if oco is None and ref in leaders else oco
        found.append(
            Ticket(
                f"{name}-{ref}",
                decided,
                opens,
                symbol,
                side,
                size,
                kind,
                _known(price),
                _known(limit),
                _moment(valid),
                f"{name}-{parent}" if parent in alive else None,
                None if group is None else f"{name}-{group}",
                close,
                None if close is None else close * size,
            )
        )
    return tuple(found)


def write_tickets(tickets: Sequence[Ticket], folder: Path) -> tuple[Path, Path]:
    """Write ``orders.csv`` and ``orders.json`` to a folder, both or neither.

    Raises OutputError if they cannot be written.
    """
    rows = [
        {name: _plain(value) for name, value in asdict(ticket).items()}
        for ticket in tickets
    ]
    table = io.StringIO()
    names = [field.name for field in fields(Ticket)]
    lines = csv.DictWriter(table, names, lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    listed, sheet = folder / "orders.json", folder / "orders.csv"
    content = json.dumps(rows, indent=2, allow_nan=False)
    with disk_errors(
        OutputError,
        f"the orders cannot be written to {folder}",
        "choose a folder that can be written",
    ):
        folder.mkdir(parents=True, exist_ok=True)
        write_together(
            {sheet: table.getvalue().encode(), listed: f"{content}\n".encode()}
        )
    return sheet, listed


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _moment(days: float) -> dt.datetime | None:
    """Return the moment that Backtrader's number of days stands for."""
    try:
        found = dt.datetime(1, 1, 1) + dt.timedelta(days=days - 1.0)
    except (ValueError, OverflowError):  # none, or beyond all dates
        return None
    return found.replace(microsecond=0)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value
