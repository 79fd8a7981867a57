"""Arguments -> the account that an action is about."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bt_lstm_rotation.cli.parser import Parser
from bt_lstm_rotation.cli.values import date, folder

if TYPE_CHECKING:
    from bt_lstm_rotation.paper import PaperSession

__all__ = ["action", "add_day", "add_work", "session"]

Act = Callable[[argparse.Namespace], int | None]


def action(actions: Any, name: str, act: Act, help_: str, *, named: bool = True) -> Any:
    """Add an action to the list; return its parser."""
    parser: Parser = actions.add_parser(name, help=help_, description=f"{help_}.")
    if named:
        parser.add_argument(
            "name", metavar="NAME", help="the account's name (required)"
        )
    parser.add_argument(
        "--root",
        type=folder,
        metavar="DIR",
        help="the folder that accounts are in (default: one in the user's data folder)",
    )
    parser.set_defaults(act=act)
    return parser


def add_day(parser: argparse.ArgumentParser) -> None:
    """Add the option that says what day it is."""
    parser.add_argument(
        "--today",
        type=date,
        metavar="DATE",
        help="the day that it is taken to be, after its close, to rehearse the past "
        "(default: now, by the clock)",
    )


def add_work(parser: argparse.ArgumentParser) -> None:
    """Add the options of what trains."""
    work = parser.add_argument_group("training")
    work.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="how many fits to run at a time (default: one per core)",
    )
    work.add_argument(
        "--no-store",
        action="store_true",
        help="train everything that is not in the journal (default: what earlier runs "
        "have trained is read from a store, and added to it)",
    )


def session(arguments: argparse.Namespace) -> PaperSession:
    """Find the account that is meant."""
    from bt_lstm_rotation.forecasting import Training, Workers
    from bt_lstm_rotation.forecasting.store import usual_store
    from bt_lstm_rotation.paper import PaperSession

    training = None
    if getattr(arguments, "no_store", None) is not None:
        store = None if arguments.no_store else usual_store()
        training = Training(workers=Workers(jobs=arguments.jobs), store=store)
    today: dt.date | None = getattr(arguments, "today", None)
    return PaperSession(
        arguments.name, root=arguments.root, today=today, training=training
    )
