"""An explanation: findings that can be read, as a page or in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bt_lstm_rotation.disk import checked_file, disk_errors, write_together
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.explaining.findings import Findings
from bt_lstm_rotation.explaining.page import findings_page
from bt_lstm_rotation.explaining.words import sentences
from bt_lstm_rotation.reporting.page import MARKS

__all__ = ["Explanation", "check_place"]


@dataclass(frozen=True, eq=False)
class Explanation(Findings):
    """One forecast, opened; its attributes are those of `Findings`."""

    def page(self) -> str:
        """Render it as one self-contained HTML page; the same gives the same text."""
        return findings_page(self)

    def write(self, path: str | Path) -> Path:
        """Write the page, in place of an earlier one; return where it is.

        Raises
        ------
        OutputError
            If it cannot be written, or something else is there.
        """
        file = Path(path)
        real = check_place(file)
        with disk_errors(OutputError, f"the page cannot be written to {file}"):
            real.parent.mkdir(parents=True, exist_ok=True)
            write_together({real: self.page().encode("utf-8", "backslashreplace")})
        return file

    def __str__(self) -> str:
        """Say in a few lines what was forecast, and from what."""
        return "\n".join(sentences(self))


def check_place(file: Path, bars: Path | None = None) -> Path:
    """Return where a page will be, or raise OutputError, before the work.

    `bars` is the folder that they come from, where nothing may be written.
    """
    return checked_file(file, "the page", marks=MARKS, bars=bars)
