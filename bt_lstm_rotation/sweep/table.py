"""A CSV file of trials that grows by a row at a time, and survives a killed process."""

from __future__ import annotations

import csv
import errno
import io
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bt_lstm_rotation.disk import (
    disk_errors,
    hidden_beside,
    kind_of,
    read_regular,
    write_atomically,
)
from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.escaping import as_cell, from_cell

__all__ = ["TrialTable"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrialTable:
    """A CSV file with one row a trial; every method may raise OutputError.

    The first column names the trial, and no cell contains a line break. The file and
    its folder are made when it is first written.
    """

    file: Path
    columns: Sequence[str]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes off the file; OutputError if one is at work on it."""
        place = hidden_beside(self.file, ".lock")
        lock = FileLock(place)
        with self._disk_errors():
            # A lock empties its file, and that of another's that a link leads to.
            if (kind := kind_of(place)) not in (None, "a file"):
                raise OSError(errno.EINVAL, f"{place.name} beside it is {kind}")
            self.file.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                problem = f"another sweep is at work on {self.file}"
                raise OutputError(
                    f"{problem}; wait for it, or choose another"
                ) from error
        try:
            yield
        finally:
            lock.release()

    def read(self) -> dict[str, list[str]]:
        """Read trial -> all its cells, in the file's order.

        A last row that was cut off half-way is left out, and a warning logged.
        OutputError if the file has other columns.
        """
        with self._disk_errors():
            try:
                content = read_regular(self.file)
            except FileNotFoundError:
                return {}
        if not content:
            return {}
        header, _, body = content.partition(b"\n")
        if header + b"\n" != self._line(self.columns):
            shown = header[:200].decode(errors="backslashreplace")
            raise OutputError(
                f"{self.file} has other columns than this sweep (it begins {shown!r}); "
                "choose another file"
            )
        whole, _, torn = body.rpartition(b"\n")
        if torn:
            logger.warning(
                "%s: the last row is cut off, its trial runs anew", self.file
            )
        rows = {}
        text = whole.decode("utf-8", errors="backslashreplace")
        for number, cells in enumerate(csv.reader(text.splitlines()), start=2):
            if len(cells) != len(self.columns):
                raise OutputError(
                    f"{self.file}: line {number} has {len(cells)} cells, not "
                    f"{len(self.columns)}; delete the line, and its trial runs anew"
                )
            rows[cells[0]] = [from_cell(cell) for cell in cells]
        return rows

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        """Replace the file, in one move, by one of these rows."""
        lines = [self._line(cells) for cells in (self.columns, *rows)]
        with self._disk_errors():
            write_atomically(self.file, b"".join(lines), alone=True)

    def append(self, cells: Sequence[str]) -> None:
        """Add a row; when this returns it is on disk."""
        with self._disk_errors(), self.file.open("ab") as file:
            file.write(self._line(cells))
            file.flush()
            os.fsync(file.fileno())

    def _line(self, cells: Sequence[str]) -> bytes:
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator="\n").writerow(map(as_cell, cells))
        return line.getvalue().encode("utf-8")

    def _disk_errors(self) -> AbstractContextManager[None]:
        return disk_errors(OutputError, f"{self.file} cannot be used")
