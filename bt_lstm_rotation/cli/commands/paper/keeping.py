"""``paper verify`` and ``restore``: is a journal sound, and what to do if not."""

from __future__ import annotations

import argparse
from typing import Any

from bt_lstm_rotation.cli.commands.paper.accounts import action, session

__all__ = ["add_actions"]


def add_actions(actions: Any) -> None:
    """Add the actions."""
    action(
        actions,
        "verify",
        _verify,
        "Prove that a journal is whole, and that the account comes out of it again",
    )
    action(
        actions,
        "restore",
        _restore,
        "Go on from the last sound session of a damaged journal or its backup",
    )


def _verify(arguments: argparse.Namespace) -> None:
    from bt_lstm_rotation.paper.verifying import verify
    from bt_lstm_rotation.reporting import print_line

    for line in verify(session(arguments)):
        print_line(line)


def _restore(arguments: argparse.Namespace) -> None:
    import datetime as dt

    from bt_lstm_rotation.paper.recovery import restore
    from bt_lstm_rotation.paper.telling import restored_lines
    from bt_lstm_rotation.reporting import print_line

    account = session(arguments)
    for line in restored_lines(restore(account.folder, now=dt.datetime.now(dt.UTC))):
        print_line(line)
