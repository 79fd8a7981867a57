"""Where a sweep writes, checked before it runs."""

from __future__ import annotations

from pathlib import Path

from bt_lstm_rotation.disk import checked_file, disk_errors, is_same_folder
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.reporting import check_folder

__all__ = ["check_keep", "check_table"]


def check_table(file: Path, *, bars: Path | None = None) -> Path:
    """Return where a table will be written, with all links followed.

    Raises OutputError if it cannot be, or would stand among the bars.
    """
    return checked_file(file, "the trials", bars=bars)


def check_keep(folder: Path, *, bars: Path | None = None) -> None:
    """Raise OutputError if no runs could be kept in a folder, or it is the bars'."""
    with disk_errors(OutputError, f"no runs can be kept in {folder}"):
        if bars is not None and is_same_folder(folder, bars):
            raise OutputError(f"{bars} is where the bars are; choose another folder")
    check_folder(folder / "trial")
