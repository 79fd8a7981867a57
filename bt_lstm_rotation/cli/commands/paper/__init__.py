"""``paper``: the same strategy, one session after the other, on a simulated account."""

from __future__ import annotations

import argparse

from bt_lstm_rotation.cli.commands.paper import daily, keeping, opening, showing

SUMMARY = "trade on paper, one session after the other"
DESCRIPTION = (
    "Trade a strategy on a simulated account, one session after the other, in a "
    "journal that survives anything."
)
EPILOG = """\
examples:
  %(prog)s start first --data yahoo --strategy lstm_top3_monthly --cash 100000
  %(prog)s step first                     once a day after the close, from cron
  %(prog)s status first
  %(prog)s orders first --out tickets     what to place before the next open
  %(prog)s watch first                    the same as step, after each close

exit codes: 0 done, 1 a fault of ours, 2 bad usage or bad data, 4 nothing was recorded
because bars are missing still (ask again later), 5 another process is at work on it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be done with an account, each with options of its own."""
    actions = parser.add_subparsers(
        title="actions",
        description="each has its own options; see ACTION --help",
        dest="action",
        metavar="ACTION",
        required=True,
    )
    for room in (opening, daily, showing, keeping):
        room.add_actions(actions)


def run(arguments: argparse.Namespace) -> int | None:
    """Do it; return an exit code if it is not 0."""
    code: int | None = arguments.act(arguments)
    return code
