"""The files of an audit: a script that shows a leak, and the outcome as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from bt_lstm_rotation.disk import checked_file, disk_errors, write_atomically
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.evidence.audit.findings import AuditReport

__all__ = ["check_files", "write_files"]

SCRIPT, OUTCOME = "the script", "the outcome"
# By which an earlier file is known to be ours.
MARKS: Final = {SCRIPT: (b'"""A leak, shown by runs',), OUTCOME: (b'"outcome": ',)}


def check_files(script: Path, outcome: Path | None, *, bars: Path | None) -> None:
    """Refuse, before the work, what could only fail after it.

    Raises
    ------
    OutputError
        If a file cannot be written, is in the folder of the bars, or would take the
        place of something else.
    """
    for path, what in ((script, SCRIPT), (outcome, OUTCOME)):
        if path is not None:
            checked_file(path, what, marks=MARKS[what], bars=bars)


def write_files(
    report: AuditReport, script: Path, outcome: Path | None
) -> dict[str, Path]:
    """Write what there is; return what -> where.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    shown = next((f.script for f in report.findings if f.script), None)
    texts = {} if shown is None else {SCRIPT: (script, shown)}
    if outcome is not None:
        texts[OUTCOME] = outcome, json.dumps(report.to_dict(), indent=1) + "\n"
    written = {}
    for what, (path, text) in texts.items():
        place = checked_file(path, what, marks=MARKS[what])
        with disk_errors(OutputError, f"{what} cannot be written to {path}"):
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(place, text.encode("utf-8", "surrogateescape"))
        written[what] = path
    return written
