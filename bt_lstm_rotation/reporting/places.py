"""What may stand where a run is to be written: nothing, or a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from bt_lstm_rotation.disk import is_same_folder, kind_of, read_regular
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting.files import OWN_FILES
from bt_lstm_rotation.reporting.moving import FOUND

__all__ = ["check_not_bars", "check_place"]

EARLIER: Final = re.compile(r"earlier-\d+")
# In a folder of bars, what would be taken for the bars of a symbol.
BARS: Final = (".csv", ".parquet")

# Parts of every summary that there has been.
PARTS: Final = {"strategy", "data", "metrics"}

ADVICE: Final = "choose a new folder, an empty one, or that of a run"


def check_place(folder: Path, target: Path) -> None:
    """Raise OutputError if something is there that is no run's."""
    kind = kind_of(target)
    if kind is None:
        return
    if kind != "a folder":
        raise OutputError(f"{folder} is {kind}; choose a folder for the run")
    found = sorted(entry.name for entry in target.iterdir())
    found = [n for n in found if not n.startswith(".") and not EARLIER.fullmatch(n)]
    problem = f"the run cannot be written to {folder}"
    for name in OWN_FILES.intersection(found):
        if (kind := kind_of(target / name)) != "a file":
            raise OutputError(f"{problem} ({name} in it is {kind}); {ADVICE}")
    if found and not _holds_run(target, set(found)):
        listed = next(iter(sorted(OWN_FILES.intersection(found)) or found))
        reason = f"it holds something else than a run, such as {listed}"
        raise OutputError(f"{problem} ({reason}); {ADVICE}")


def _holds_run(target: Path, found: set[str]) -> bool:
    if {*FOUND, "bars.npz"} <= found:  # whatever has become of its summary
        return True
    try:
        summary = json.loads(read_regular(target / "summary.json"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(summary, dict) and summary.keys() >= PARTS


def check_not_bars(target: Path, bars: Path | None) -> None:
    """Raise OutputError if a run would stand among the bars."""
    if bars is None:
        return
    taken = target.suffix.lower() in BARS and is_same_folder(target.parent, bars)
    if taken or is_same_folder(target, bars):
        raise OutputError(f"{bars} is where the bars are; choose a folder for the run")
