"""Where the ledger is, unless somebody says otherwise."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import platformdirs

from bt_lstm_rotation.checks import check_kind
from bt_lstm_rotation.trials.ledger import TrialLedger

__all__ = ["VARIABLE", "default_file", "ledger_of", "usual_ledger"]

# Of the environment: another file for the ledger, or "off" for none.
VARIABLE = "BT_LSTM_ROTATION_LEDGER"
OFF = "off"


def default_file() -> Path:
    """Return where the ledger is in the user's data folder; it need not exist."""
    data = platformdirs.user_data_path("bt-lstm-rotation", appauthor=False)
    return data / "trials.sqlite"


def usual_ledger() -> TrialLedger | None:
    """Return the ledger in use; None if the environment switches it off."""
    told = os.environ.get(VARIABLE, "").strip()
    if told.lower() == OFF:
        return None
    return _ledger_in(Path(told) if told else default_file())


@functools.cache  # so that what is wrong with it is said once
def _ledger_in(file: Path) -> TrialLedger:
    return TrialLedger(file)


def ledger_of(owner: str, given: object) -> TrialLedger | None:
    """Return the ledger that an argument means: True the usual one, False none.

    Raises SpecError if it is none of these.
    """
    valid = "a TrialLedger, True for the usual one, or False for none"
    check_kind(owner, "ledger", given, TrialLedger | bool, valid)
    if isinstance(given, TrialLedger):
        return given
    return usual_ledger() if given else None
