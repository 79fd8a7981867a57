"""A process that adds trials: FILE NAME COUNT; says so after each."""

from __future__ import annotations

import sys
from pathlib import Path

from made import trial

from bt_lstm_rotation.trials import TrialLedger

if __name__ == "__main__":
    file, name, count = sys.argv[1:]
    ledger = TrialLedger(Path(file), patience=60.0)
    for number in range(int(count)):
        problem = ledger.keep(lambda at=number: [trial(at, key=f"{name}-{at}")])
        sys.stdout.write(f"{problem or number}\n")
        sys.stdout.flush()
