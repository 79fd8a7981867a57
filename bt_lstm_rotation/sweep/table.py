"""A CSV file of trials that grows by a row at a time, and survives a killed process."""

from __future__ import annotations

import codecs
import csv
import errno
import hashlib
import io
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
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

__all__ = ["SEAL", "TrialTable", "sealed"]

logger = logging.getLogger(__name__)

# The last column: by it a row is known to be as it was written.
SEAL = "checksum"


@dataclass(frozen=True)
class TrialTable:
    """A CSV file with one row a trial; every method may raise OutputError.

    The first column names the trial, and no cell contains a line break. A last column,
    `SEAL`, has a checksum of the others. The file and its folder are made when it is
    first written. `is_sound` says whether cells can be those of a row.
    """

    file: Path
    columns: Sequence[str]
    is_sound: Callable[[Sequence[str]], bool] = bool

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

    def read(self) -> tuple[dict[str, list[str]], list[list[str]]]:
        """Read the rows, in the file's order: trial -> its cells, and those in doubt.

        A row in doubt is not as it was written, or `is_sound` does not take it: a
        warning names its line, and it is returned with all it has. So is a last row
        that was cut off half-way, which is left out. The file is read as editors and
        spreadsheets save it, with another separator or end of line, and a mark of its
        encoding.

        Raises OutputError if the file has other columns, or a line is no row.
        """
        with self._disk_errors():
            try:
                content = read_regular(self.file)
            except FileNotFoundError:
                return {}, []
        if not content:
            return {}, []
        header, *lines = re.split("\r\n|\n|\r", _decoded(content))
        separator = self._separator(header)
        believed, doubted = {}, []
        for number, line in enumerate(lines, start=2):
            is_last = number == len(lines) + 1  # it had no end: cut off, or never there
            if not line.strip(f" {separator}"):
                continue
            cells = self._cells(line, separator, number, may_be_torn=is_last)
            *row, seal = cells or [""]
            if cells and seal == sealed(row) and self.is_sound(row):
                believed[row[0]] = row
            elif is_last:
                problem = "the last row is cut off, its trial runs anew"
                logger.warning("%s: %s", self.file, problem)
            else:
                problem = "is not as it was written; if it is asked for, it runs anew"
                logger.warning("%s: line %d %s", self.file, number, problem)
                doubted.append(cells)
        return believed, doubted

    def _separator(self, header: str) -> str:
        """Find what stands between the columns; OutputError if they are others."""
        for separator in ",;\t":
            with suppress(csv.Error, StopIteration):
                names = next(csv.reader([header], delimiter=separator))
                if _without_empty_ends(names, len(self._all)) == self._all:
                    return separator
        raise OutputError(
            f"{self.file} has other columns than this sweep (it begins "
            f"{header[:200]!r}); choose another file"
        )

    def _cells(
        self, line: str, separator: str, number: int, *, may_be_torn: bool
    ) -> list[str]:
        """Take a line apart; empty if it is torn, OutputError if it is no row."""
        try:
            (cells,) = csv.reader([line], delimiter=separator)
            cells = _without_empty_ends(cells, len(self._all))
            problem = f"has {len(cells)} cells, not {len(self._all)}"
        except (csv.Error, ValueError) as error:
            cells, problem = [], f"cannot be read ({error})"
        if len(cells) == len(self._all):
            return [from_cell(cell) for cell in cells]
        if may_be_torn:
            return []
        raise OutputError(
            f"{self.file}: line {number} {problem}; delete the line, and its trial "
            "runs anew"
        )

    @property
    def _all(self) -> list[str]:
        return [*self.columns, SEAL]

    def write(
        self, rows: Iterable[Sequence[str]], doubted: Iterable[Sequence[str]] = ()
    ) -> None:
        """Replace the file, in one move, by one of these rows and those in doubt."""
        lines = [self._line(self._all), *map(self._sealed, rows)]
        lines += map(self._line, doubted)
        with self._disk_errors():
            write_atomically(self.file, b"".join(lines), alone=True)

    def append(self, cells: Sequence[str]) -> None:
        """Add a row; when this returns it is on disk."""
        with self._disk_errors(), self.file.open("ab") as file:
            file.write(self._sealed(cells))
            file.flush()
            os.fsync(file.fileno())

    def _sealed(self, cells: Sequence[str]) -> bytes:
        return self._line([*cells, sealed(cells)])

    def _line(self, cells: Sequence[str]) -> bytes:
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator="\n").writerow(map(as_cell, cells))
        return line.getvalue().encode("utf-8")

    def _disk_errors(self) -> AbstractContextManager[None]:
        return disk_errors(OutputError, f"{self.file} cannot be used")


def sealed(cells: Sequence[str]) -> str:
    """Return the checksum of a row's cells, which no spreadsheet takes for a number."""
    digest = hashlib.sha256("\x1f".join(cells).encode("utf-8", "surrogatepass"))
    return f"x{digest.hexdigest()[:15]}"


def _decoded(content: bytes) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if wide else "utf-8-sig"
    return content.decode(encoding, errors="backslashreplace")


def _without_empty_ends(cells: list[str], count: int) -> list[str]:
    """Leave out cells beyond a count, which spreadsheets add, if they are empty."""
    return cells if any(cells[count:]) else cells[:count]
