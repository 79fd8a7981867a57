"""``paper status``, ``orders``, ``report``, ``export`` and ``list``, to look at."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bt_lstm_rotation.cli.commands.paper.accounts import action, add_day, session
from bt_lstm_rotation.cli.options import new_folder

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
        help="where orders.csv and orders.json go (default: beside the journal)",
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
        help="where they go; of another run that is there, the files are kept in "
        "DIR/earlier-1 (required)",
    )
    action(actions, "list", _list, "List the accounts", named=False)


def _status(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.telling import print_status

    print_status(session(arguments).status())


def _orders(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.telling import print_tickets
    from bt_lstm_rotation.paper.tickets import write_tickets
    from bt_lstm_rotation.reporting import print_line

    account = session(arguments)
    tickets = account.tickets()
    print_tickets(tickets)
    for file in write_tickets(tickets, arguments.out or account.folder):
        print_line(str(file))


def _report(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.reports import report
    from bt_lstm_rotation.reporting import print_line

    for file in report(session(arguments)):
        print_line(str(file))


def _export(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.reporting import print_line, write_run

    result = session(arguments).replayed().result
    print_line(str(write_run(result, arguments.out)))


def _list(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.names import default_root, session_names
    from bt_lstm_rotation.paper.telling import print_accounts

    root: Path = arguments.root or default_root()
    print_accounts(root, session_names(root))
