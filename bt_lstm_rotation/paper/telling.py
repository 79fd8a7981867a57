"""What a person reads in the terminal about a paper account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bt_lstm_rotation.errors import RotationError
from bt_lstm_rotation.paper.outcome import Outcome
from bt_lstm_rotation.paper.recovery import Restored
from bt_lstm_rotation.paper.session import PaperSession
from bt_lstm_rotation.paper.status import Status
from bt_lstm_rotation.paper.tickets import Ticket
from bt_lstm_rotation.reporting import print_line, print_table, standard_output

__all__ = [
    "outcome_lines",
    "print_accounts",
    "print_status",
    "print_tickets",
    "restored_lines",
]

# Notes that are shown in a status; the journal has them all.
NOTES = 5


def outcome_lines(account: PaperSession, outcome: Outcome) -> Iterator[str]:
    """Say what a step did, and what it will do next."""
    record = account.record()
    for day in outcome.sessions:
        rows = record.rows[day]
        ((cash, equity),) = rows["account"]
        filled = [row for row in rows["outcomes"] if row[1] == "Completed"]
        failed = [row for row in rows["outcomes"] if row[1] in ("Margin", "Rejected")]
        parts = [f"{len(filled)} filled"] if filled else []
        parts += [f"{len(failed)} rejected"] if failed else []
        parts += [f"{len(rows['orders'])} sent"] if rows["orders"] else []
        did = f"; orders: {', '.join(parts)}" if parts else ""
        yield f"{day}  equity {equity:,.2f}, cash {cash:,.2f}{did}"
    notes = {number: day for number, day in record.sessions if day in outcome.sessions}
    for number, kind, symbol, detail in record.tables["notes"]:
        if number in notes:
            yield f"Note       {notes[number]} {symbol}: {kind}, {detail}"
    for number, symbol, price, shares, paid in record.tables["actions"]:
        if number in notes:
            yield (
                f"Adjusted   {notes[number]} {symbol}: prices times {price:.6g}, "
                f"shares times {shares:.6g}, {paid:.6g} paid a share"
            )
    if not outcome.sessions and not outcome.waiting:
        yield f"Nothing    is due: {record.last} is recorded"
    if outcome.waiting:
        yield f"Waiting    {outcome.waiting}"
    for ticket in outcome.tickets:
        yield f"Next open  {_spelled(ticket)}"
    if outcome.sessions and not outcome.tickets:
        yield "Next open  no orders"
    yield f"Next close {_moment(outcome.next_close)}"


def restored_lines(restored: Restored) -> Iterator[str]:
    """Say what a restoring has kept, and what is lost."""
    if not restored.moved:
        yield f"Sound      {restored.kept:,} transactions; nothing was changed"
        return
    yield f"Restored   {restored.kept:,} transactions, from {restored.source}"
    for place in restored.moved:
        yield f"Aside      {place}"
    if restored.lost:
        days = ", ".join(map(str, restored.sessions))
        which = f", {days}" if days else ""
        yield f"Lost       {restored.lost:,} transactions{which}; paper step makes them"


def print_status(status: Status) -> None:
    """Print where an account stands."""
    print_line(f"Account    {status.name}, in {status.folder}")
    ended = " (stopped)" if status.stopped else ""
    since = f"{status.begins} to {status.last}" if status.begins else "not begun"
    print_line(f"Strategy   {status.strategy}, version {status.versions}{ended}")
    print_line(f"Sessions   {status.sessions:,}, {since}")
    against = (
        ""
        if status.benchmark_return is None
        else f"; benchmark {status.benchmark_return:+.2%}"
    )
    print_line(
        f"Equity     {status.equity:,.2f}, cash {status.cash:,.2f}, "
        f"{status.total_return:+.2%} since the beginning{against}"
    )
    if status.positions:
        rows = [
            (
                held.symbol,
                f"{held.shares:,.12g}",
                f"{held.price:,.2f}",
                f"{held.value:,.2f}",
            )
            for held in status.positions
        ]
        headings = ("Symbol", "Shares", "Price paid", "Value")
        print_table(
            standard_output(), "Positions", headings, rows, numbers=headings[1:]
        )
    if status.tickets:
        print_tickets(status.tickets)
    else:
        print_line("Orders     none wait for the next open")
    rebalance = status.next_rebalance or "when the strategy decides"
    print_line(f"Rebalance  next at the close of {rebalance}")
    print_line(f"Last fit   {status.last_fit or 'none'}")
    print_line(f"Next close {_moment(status.next_close)}")
    for line in status.drift:
        print_line(f"Drift      {line}")
    for day, note in status.notes[-NOTES:]:
        print_line(f"Note       {day} {note}")
    for part in status.left_out:
        print_line(f"Left out   {part}")


def print_tickets(tickets: Sequence[Ticket]) -> None:
    """Print the orders for the next open."""
    if not tickets:
        print_line("No orders wait for the next open")
        return
    rows = [
        (
            ticket.id,
            ticket.side,
            f"{ticket.shares:,.12g}",
            ticket.symbol,
            _terms(ticket),
            "" if ticket.close is None else f"{ticket.close:,.2f}",
            "" if ticket.value is None else f"{ticket.value:,.2f}",
        )
        for ticket in tickets
    ]
    headings = ("Order", "Side", "Shares", "Symbol", "Type", "Last close", "Value")
    opens = tickets[0].opens
    title = f"Orders for the open of {opens or 'the next session'}"
    numbers = ("Shares", "Last close", "Value")
    print_table(standard_output(), title, headings, rows, numbers=numbers)


def print_accounts(root: Path, names: Iterable[str]) -> None:
    """Print a table of accounts; one that cannot be read says why."""
    rows = []
    for name in names:
        try:
            status = PaperSession(name, root=root).status()
        except RotationError as error:
            rows.append((name, "", "", "", " ".join(str(error).split())))
            continue
        equity = f"{status.equity:,.2f}"
        state = "stopped" if status.stopped else ""
        rows.append((name, status.strategy, str(status.last), equity, state))
    if not rows:
        print_line(f"No accounts in {root}")
        return
    headings = ("Account", "Strategy", "Last session", "Equity", "State")
    print_table(
        standard_output(), f"Accounts in {root}", headings, rows, numbers=["Equity"]
    )


def _spelled(ticket: Ticket) -> str:
    terms = "" if ticket.type == "Market" else f", {_terms(ticket)}"
    worth = "" if ticket.value is None else f", about {ticket.value:,.2f}"
    return f"{ticket.side} {ticket.shares:,.12g} {ticket.symbol}{terms}{worth}"


def _terms(ticket: Ticket) -> str:
    """Say what kind of order it is, at what price, until when and after which other."""
    parts = [ticket.type]
    if ticket.price is not None:
        parts[0] += f" at {ticket.price:,.6g}"
    if ticket.limit is not None:
        parts.append(f"limit {ticket.limit:,.6g}")
    if ticket.valid is not None:
        parts.append(f"until {ticket.valid:%Y-%m-%d}")
    if ticket.parent is not None:
        parts.append(f"once {ticket.parent} is filled")
    if ticket.oco is not None:
        parts.append(f"one of the group {ticket.oco}")
    return ", ".join(parts)


def _moment(when: dt.datetime) -> str:
    return f"{when.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
