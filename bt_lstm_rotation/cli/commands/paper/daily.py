"""``paper step`` and ``watch``: what is done after each close."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from bt_lstm_rotation.cli.commands.paper.accounts import (
    action,
    add_day,
    add_work,
    session,
)
from bt_lstm_rotation.cli.options import WAITING
from bt_lstm_rotation.cli.values import names

if TYPE_CHECKING:
    from bt_lstm_rotation.paper import Outcome, PaperSession

__all__ = ["add_actions", "told"]


def add_actions(actions: Any) -> None:
    """Add the actions."""
    step = action(
        actions, "step", _step, "Do every finished session that is not recorded yet"
    )
    add_day(step)
    step.add_argument(
        "--accept",
        type=names,
        default=(),
        metavar="A,B",
        help="symbols whose next bars are believed although they look wrong "
        "(default: none)",
    )
    add_work(step)
    watch = action(
        actions, "watch", _watch, "Stay, and do a step after each close until stopped"
    )
    add_work(watch)


def told(account: PaperSession, outcome: Outcome) -> int | None:
    """Print what a step did and what comes next; return the exit code."""
    from bt_lstm_rotation.paper.telling import outcome_lines
    from bt_lstm_rotation.reporting import print_line

    for line in outcome_lines(account, outcome):
        print_line(line)
    return WAITING if outcome.waiting and not outcome.sessions else None


def _step(arguments: argparse.Namespace) -> int | None:
    account = session(arguments)
    return told(account, account.step(accepted=arguments.accept))


def _watch(arguments: argparse.Namespace) -> None:
    import threading

    import numpy as np

    from bt_lstm_rotation.paper.clock import SystemClock
    from bt_lstm_rotation.paper.watching import Backoff, watch
    from bt_lstm_rotation.reporting import print_line

    account = session(arguments)
    with account.held("watch"):
        watch(
            account.step,
            account.market(),
            SystemClock(),
            stop=threading.Event(),
            retry=Backoff(np.random.default_rng()),
            tell=print_line,
        )
