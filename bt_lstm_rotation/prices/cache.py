"""Bars on disk, one file a symbol, shared by processes.

A file is an :mod:`~bt_lstm_rotation.archive`, which notices its own damage: then it is
thrown away, and the caller fetches again.

A cache saves time and nothing else: one that can be read is served, and what cannot be
read or written costs a warning, not the run.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from bt_lstm_rotation.archive import pack, unpack
from bt_lstm_rotation.disk import read_regular, write_atomically
from bt_lstm_rotation.errors import SourceError
from bt_lstm_rotation.prices.bars import check_symbol
from bt_lstm_rotation.prices.history import RAW_COLUMNS, CoveredBars
from bt_lstm_rotation.wording import in_words

__all__ = ["BarsCache"]

logger = logging.getLogger(__name__)

# Counts up when the arrays change, so that an older file is replaced, not misread.
_VERSION = 1

# Windows gives these names to devices, with any extension.
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM\d|LPT\d)(\.|$)")


@dataclass(frozen=True)
class BarsCache:
    """A folder of bars, one file a symbol, made when it is first used.

    `lock_seconds` is how long to wait for another process at work on the same symbol,
    and `problems` is why bars could not be read or kept, each reason once.
    """

    folder: Path
    lock_seconds: float = 300.0
    problems: list[str] = field(default_factory=list, compare=False)

    def path(self, symbol: str) -> Path:
        """Name the file of one symbol; DataError if it is no ticker.

        Upper-case letters, digits and ``. _ = -`` stand for themselves; the rest is
        percent-encoded, lower-case letters too, as some file systems see no case.
        """
        name = check_symbol(symbol)
        device = bool(_DEVICE.match(name))
        plain = re.sub(r"[^A-Z0-9._=-]", lambda m: f"%{ord(m[0]):02X}", name)
        stem = f"%{ord(name[0]):02X}{name[1:]}" if device else plain
        return self.folder / f"{stem}.npz"

    @contextmanager
    def locked(self, symbol: str) -> Iterator[None]:
        """Keep other processes and threads away from one symbol's file.

        Held from reading to writing, it also keeps two processes that start together
        from fetching the same bars twice. Where nothing can be written, there is
        nothing to keep them from. Raises SourceError if another process holds it for
        `lock_seconds`.
        """
        path = self.path(symbol)
        with ExitStack() as held:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                lock = FileLock(path.with_name(f"{path.name}.lock"))
                held.enter_context(lock.acquire(timeout=self.lock_seconds))
            except Timeout as error:
                raise SourceError(
                    f"{symbol}: another process has been at work on its cached bars "
                    f"for over {self.lock_seconds:g} seconds; end it, or choose "
                    f"another cache folder than {self.folder}"
                ) from error
            except (OSError, NotImplementedError):  # a disk that knows no locks
                pass
            yield

    def read(self, symbol: str) -> CoveredBars | None:
        """Read one symbol's bars, if there are any; the caller holds its lock.

        A damaged file is deleted with a warning, and counts as none.
        """
        path = self.path(symbol)
        with self._disk_problems("read from"):
            try:
                content = read_regular(path)
            except (FileNotFoundError, NotADirectoryError):
                return None
            try:
                return _decoded(symbol, content)
            except Exception as error:  # its checksum may be right, its inside is not
                problem = error if isinstance(error, ValueError) else in_words(error)
                logger.warning("%s: cached bars thrown away: %s", symbol, problem)
                path.unlink()
        return None

    def write(self, symbol: str, covered: CoveredBars) -> None:
        """Replace one symbol's bars at once; the caller holds its lock.

        If the disk will not have them, the old file is still whole.
        """
        with self._disk_problems("written to"):
            # What a power cut tears, the checksum finds.
            content = _encoded(symbol, covered)
            with suppress(FileExistsError):  # no folder, as writing will say
                self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path(symbol), content, alone=True)

    @contextmanager
    def _disk_problems(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            problem = f"the cache folder {self.folder} cannot be {done} ({reason})"
            if problem not in self.problems:
                self.problems.append(problem)
                logger.warning("going on without it: %s", problem)


def _encoded(symbol: str, covered: CoveredBars) -> bytes:
    return pack(
        {
            "version": np.array(_VERSION),
            "symbol": np.array(symbol),
            "covered": np.array([covered.first, covered.last], dtype="datetime64[D]"),
            "sessions": covered.bars.index.to_numpy().astype("datetime64[D]"),
            "bars": covered.bars[list(RAW_COLUMNS)].to_numpy(dtype="float64"),
        }
    )


def _decoded(symbol: str, content: bytes) -> CoveredBars:
    """Undo ``_encoded``; an error, of any kind, says why it cannot be done."""
    arrays = unpack(content)
    if int(arrays["version"]) != _VERSION:
        raise ValueError(f"the file has another layout than version {_VERSION}")
    if str(arrays["symbol"]) != symbol:
        raise ValueError(f"the file holds the bars of {arrays['symbol']}")
    first, last = arrays["covered"].tolist()
    sessions = arrays["sessions"]
    dated = arrays["covered"].dtype == sessions.dtype == np.dtype("datetime64[D]")
    if not dated or not len(sessions) or not first <= last:
        raise ValueError("the file has no sessions, or dates that are none")
    if np.isnat(sessions).any() or (np.diff(sessions) <= np.timedelta64(0, "D")).any():
        raise ValueError("the file's sessions do not ascend")
    if arrays["bars"].dtype != np.float64:
        raise ValueError("the file has bars that are no numbers")
    bars = pd.DataFrame(
        arrays["bars"],
        index=pd.DatetimeIndex(arrays["sessions"]).as_unit("ns"),
        columns=list(RAW_COLUMNS),
    )
    return CoveredBars(bars, first, last)
