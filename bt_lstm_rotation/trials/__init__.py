"""A ledger of every trial made on some bars, whoever remembers it."""

from bt_lstm_rotation.trials.counted import counted, recorded
from bt_lstm_rotation.trials.ledger import Kept, TrialLedger, Verified
from bt_lstm_rotation.trials.places import default_file, ledger_of, usual_ledger
from bt_lstm_rotation.trials.record import (
    KINDS,
    TrialRecord,
    code_of_classes,
    trial_of,
    uncounted,
)

__all__ = [
    "KINDS",
    "Kept",
    "TrialLedger",
    "TrialRecord",
    "Verified",
    "code_of_classes",
    "counted",
    "default_file",
    "ledger_of",
    "recorded",
    "trial_of",
    "uncounted",
    "usual_ledger",
]
