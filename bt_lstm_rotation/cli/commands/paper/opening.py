"""``paper start``, ``version`` and ``stop``: what an account is, and until when."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any, NoReturn

from bt_lstm_rotation.cli.commands.paper.accounts import (
    action,
    add_day,
    add_work,
    session,
)
from bt_lstm_rotation.cli.commands.paper.daily import told
from bt_lstm_rotation.cli.ledger_options import add_no_ledger
from bt_lstm_rotation.cli.options import (
    add_bars,
    add_context,
    add_forecaster,
    add_orders,
    add_set,
    add_strategy,
    settings_of,
)
from bt_lstm_rotation.cli.values import given

__all__ = ["add_actions"]


def add_actions(actions: Any) -> None:
    """Add the actions."""
    start = action(actions, "start", _start, "Open an account and make its first step")
    add_bars(start, span=False)
    add_context(start, daily=True)
    trading = add_orders(start)
    trading.add_argument(
        "--seed",
        type=int,
        default=0,
        help="random seed of the network and the simulated market "
        "(default: %(default)s)",
    )
    add_forecaster(trading)
    add_set(trading)
    _add_no_features(trading)
    days = start.add_argument_group("days")
    add_day(days)
    days.add_argument(
        "--calendar",
        type=given,
        metavar="NAME",
        help="when sessions close: an exchange's code such as XNYS, 24/7, weekdays, or "
        "bars for the dates that have bars (default: what the bars fit)",
    )
    days.add_argument(
        "--deadline",
        type=float,
        default=48.0,
        metavar="HOURS",
        help="how long after a close a missing bar is waited for, before the session "
        "is recorded without it (default: %(default)g)",
    )
    add_work(start)
    add_no_ledger(start)
    version = action(
        actions, "version", _version, "Go on with a changed strategy, from now on"
    )
    add_strategy(version, default=None)
    add_forecaster(version)
    add_set(version)
    _add_no_features(version)
    add_day(version)
    stop = action(actions, "stop", _stop, "End an account for good; its files stay")
    add_day(stop)


def _add_no_features(parser: argparse._ActionsContainer) -> None:
    """Add an option that says where an account's features are, and not here."""
    parser.add_argument(
        "--features",
        type=_in_the_strategys_file,
        metavar="FILE.py",
        help="not taken: an account keeps a copy of its strategy's file, so features "
        "of your own are made, or imported, there (default: none)",
    )


def _in_the_strategys_file(text: str) -> NoReturn:
    raise argparse.ArgumentTypeError(
        "an account keeps a copy of its strategy's file and of what that imports from "
        f"its folder: make or import the features of {text!r} there"
    )


def _start(arguments: argparse.Namespace) -> int | None:
    from bt_lstm_rotation.paper import Configuration
    from bt_lstm_rotation.reporting import print_line

    wanted = Configuration(
        data=arguments.data,
        symbols=arguments.symbols,
        benchmark=arguments.benchmark,
        context=tuple(arguments.context),
        strategy=arguments.strategy,
        settings=settings_of(arguments),
        cash=arguments.cash,
        commission=arguments.commission,
        slippage=arguments.slippage,
        stake=arguments.stake,
        sizer=arguments.sizer,
        seed=arguments.seed,
        adjust=not arguments.unadjusted,
        calendar=arguments.calendar,
        deadline=arguments.deadline,
    )
    account = session(arguments).start(wanted, ledger=not arguments.no_ledger)
    frozen = account.record().configuration
    print_line(f"Account    {account.name}, in {account.folder}")
    names = ", ".join(frozen.symbols or ())
    against = "" if frozen.benchmark is None else f", against {frozen.benchmark}"
    print_line(f"Trades     {names}{against}; sessions of {frozen.calendar}")
    if frozen.context:
        print_line(f"Reads      {', '.join(frozen.context)} besides")
    return told(account, account.step())


def _version(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.reporting import print_line

    account = session(arguments)
    wanted = account.record().configuration
    if arguments.strategy is not None:
        wanted = replace(wanted, strategy=arguments.strategy, settings=())
    if settings := settings_of(arguments):
        wanted = replace(wanted, settings=settings)
    last = account.declare_version(wanted)
    print_line(f"{wanted.strategy} decides from the session after {last} on")


def _stop(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.reporting import print_line

    account = session(arguments)
    print_line(f"{account.name} was stopped after {account.stop()}")
