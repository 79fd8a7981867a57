"""Options about the ledger of trials."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bt_lstm_rotation.cli.values import new_file

if TYPE_CHECKING:
    from bt_lstm_rotation.trials import TrialLedger

__all__ = ["add_ledger", "add_no_ledger", "ledger_file"]


def add_no_ledger(parser: argparse._ActionsContainer) -> None:
    """Add the option that keeps a run out of the ledger."""
    parser.add_argument(
        "--no-ledger",
        action="store_true",
        help="do not count it among the trials on these bars (default: it is added to "
        "a ledger, which the command trials shows)",
    )


def add_ledger(parser: argparse._ActionsContainer) -> None:
    """Add the option that names a ledger."""
    parser.add_argument(
        "--ledger",
        type=new_file,
        metavar="FILE",
        help="the ledger to look at (default: the one in use, in the user's data "
        "folder, or where BT_LSTM_ROTATION_LEDGER says)",
    )


def ledger_file(arguments: argparse.Namespace) -> TrialLedger:
    """Return the ledger that is meant, be it switched off for runs."""
    from bt_lstm_rotation.trials import TrialLedger, default_file, usual_ledger

    if arguments.ledger is not None:
        return TrialLedger(arguments.ledger)
    return usual_ledger() or TrialLedger(default_file())
