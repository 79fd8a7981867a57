"""What an account does not do."""

from __future__ import annotations

from dataclasses import replace

from bt_lstm_rotation.errors import JournalError, SpecError
from bt_lstm_rotation.paper.configuration import Configuration
from bt_lstm_rotation.paper.record import Record

__all__ = ["refuse_other_account", "refuse_stopped"]

# Of a configuration, what a new version may change.
CHANGES = ("strategy", "settings", "stake", "sizer", "seed")


def refuse_stopped(record: Record) -> None:
    """Raise JournalError if the account was stopped."""
    if record.stopped is not None:
        raise JournalError(
            f"the account was stopped after {record.stopped}; its report and exports "
            "are still there, and paper start begins another one"
        )


def refuse_other_account(now: Configuration, new: Configuration) -> None:
    """Raise SpecError if a version would be another account."""
    same = replace(new, **{name: getattr(now, name) for name in CHANGES})
    if same != now:
        raise SpecError(
            "paper version", "a change", same, f"of {', '.join(CHANGES)} alone"
        )
