"""``paper status``, ``orders``, ``report``, ``export`` and ``list``, to look at."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bt_lstm_rotation.cli.commands.paper.accounts import action, add_day, session
from bt_lstm_rotation.cli.inputs import bars_folder
from bt_lstm_rotation.cli.values import new_folder

if TYPE_CHECKING:
    from bt_lstm_rotation.paper import PaperSession

__all__ = ["add_actions"]


def add_actions(actions: Any) -> None:
    """Add the actions."""
    status = action(
        actions, "status", _status, "Show what an account holds, and what comes next"
    )
    add_day(status)
    orders = action(
        actions, "orders", _orders, "Show the orders for the next open, to place them"
    )
    orders.add_argument(
        "--out",
        type=new_folder,
        metavar="DIR",
        help="where orders.csv and orders.json go, in place of earlier ones "
        "(default: beside the journal)",
    )
    action(
        actions,
        "report",
        _report,
        "Render the report so far, and the backtest of the same sessions beside it",
    )
    export = action(
        actions, "export", _export, "Write the files that a backtest leaves"
    )
    export.add_argument(
        "--out",
        type=new_folder,
        required=True,
        metavar="DIR",
        help="where they go: a new folder, an empty one, or that of a run, whose files "
        "are kept in DIR/earlier-1 (required)",
    )
    action(actions, "list", _list, "List the accounts", named=False)


def _status(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.telling import print_status

    print_status(session(arguments).status())


def _orders(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.telling import print_tickets
    from bt_lstm_rotation.paper.tickets import check_tickets, write_tickets
    from bt_lstm_rotation.reporting import print_line

    account = session(arguments)
    folder = arguments.out or account.folder
    bars = _bars_of(account)
    check_tickets(folder, bars=bars)
    tickets = account.tickets()
    files = write_tickets(tickets, folder, bars=bars)
    print_tickets(tickets)
    for file in files:
        print_line(str(file))


def _report(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.reports import report
    from bt_lstm_rotation.reporting import print_line

    for file in report(session(arguments)):
        print_line(str(file))


def _export(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.reporting import RunFolder, print_line

    account = session(arguments)
    with RunFolder(arguments.out, bars=_bars_of(account)) as place:
        place.write(account.replayed().result)
    print_line(str(place.folder))


def _bars_of(account: PaperSession) -> Path | None:
    """Return the folder that an account's bars come from, if there is one still."""
    from bt_lstm_rotation.errors import SourceError

    try:
        return bars_folder(account.record().configuration.data)
    except SourceError:
        return None


def _list(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.names import default_root, session_names
    from bt_lstm_rotation.paper.telling import print_accounts

    root: Path = arguments.root or default_root()
    print_accounts(root, session_names(root))
