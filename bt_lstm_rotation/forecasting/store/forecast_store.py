"""Forecasts and weights on disk, addressed by what they were made from.

An entry is never out of date, only no longer asked for; processes share a folder
without locks, as two that write one entry write the same (decision record 0008); and
the folder may be deleted at any time.

A store saves time and nothing else: a damaged entry is a missing one, and a folder that
cannot be written costs a warning, not the backtest.
"""

from __future__ import annotations

import functools
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

from bt_lstm_rotation.archive import pack, unpack
from bt_lstm_rotation.checks import check_kind
from bt_lstm_rotation.disk import read_regular, write_atomically
from bt_lstm_rotation.errors import OutputError, SpecError
from bt_lstm_rotation.forecasting.store.content_key import content_key

__all__ = ["ForecastStore", "default_folder", "usual_store"]

logger = logging.getLogger(__name__)

# The array by which an entry knows its own key, should its file be moved or copied.
_OWN_KEY = "_key"

_KEY = re.compile(r"[0-9a-f]{64}")
_SHELF = re.compile(r"[0-9a-f]{2}")
_FILE = re.compile(r"([0-9a-f]{64})\.npz|\.([0-9a-f]{64})\.npz\.[0-9a-f]{32}\.tmp")


def default_folder() -> Path:
    """Return the folder in the user's cache folder; it need not exist."""
    cache = platformdirs.user_cache_path("bt-lstm-rotation", appauthor=False)
    return cache / "forecasts"


def usual_store() -> ForecastStore | None:
    """Return the store in the user's cache folder; None, and a warning, if none can be.

    A store saves time: a run without one is none the worse.
    """
    return _store_in(default_folder())


@functools.cache  # so that what is wrong with it is said once
def _store_in(folder: Path) -> ForecastStore | None:
    try:
        return ForecastStore(folder)
    except OutputError as error:
        logger.warning("going on without stored forecasts: %s", error)
        return None


class ForecastStore:
    """A folder of arrays, one file an entry.

    Parameters
    ----------
    folder : Path
        Made when it is first written to.

    Attributes
    ----------
    problems : list of str
        Why entries could not be read or stored, each reason once.

    Raises
    ------
    OutputError
        If `folder`, or what it would be in, is a file.
    """

    key = staticmethod(content_key)

    def __init__(self, folder: Path) -> None:
        valid = "the path of a folder"
        check_kind("ForecastStore", "folder", folder, str | os.PathLike, valid)
        folder = Path(folder)
        for place in (folder, *folder.parents):
            if os.path.exists(place) and not os.path.isdir(place):
                raise OutputError(
                    f"{place} is not a folder; choose another for the forecasts"
                )
        self.folder = folder
        self.problems: list[str] = []

    def get(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Read an entry to the last bit; None where there is none.

        A damaged one is deleted, with a warning, and counts as none.

        Raises
        ------
        SpecError
            If `key` is not a key.
        """
        path = self._path(key)
        with self._disk_problems("read from"):
            try:
                return _entry(key, read_regular(path))
            except FileNotFoundError:
                pass
            except ValueError as error:
                self.discard(key, str(error))
        return None

    def discard(self, key: str, problem: str) -> None:
        """Delete an entry that holds something else than it should, and log it."""
        path = self._path(key)
        logger.warning("stored forecast %s thrown away: %s", path, problem)
        with self._disk_problems("written to"):
            path.unlink(missing_ok=True)

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store an entry; if the disk will not have it, say so and go on.

        Raises
        ------
        SpecError
            If `key` is not a key, or the arrays are not as
            `bt_lstm_rotation.archive.pack` takes them.
        """
        path = self._path(key)
        if _OWN_KEY in arrays:
            raise SpecError("ForecastStore", "a name", _OWN_KEY, "another identifier")
        content = pack({**arrays, _OWN_KEY: np.array(key)})
        with self._disk_problems("written to"):
            path.parent.mkdir(parents=True, exist_ok=True)
            # What a power cut tears, the checksum finds.
            write_atomically(path, content)

    def size(self) -> tuple[int, int]:
        """Count entries and bytes, with what killed processes left half written.

        Raises
        ------
        OutputError
            If the folder cannot be read.
        """
        return self._count(remove=False)

    def clear(self) -> tuple[int, int]:
        """Delete what is stored, and nothing else; count it as in `size`.

        Raises
        ------
        OutputError
            If something cannot be deleted. The rest is then left.
        """
        return self._count(remove=True)

    def _path(self, key: str) -> Path:
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            valid = "64 hexadecimal digits, as ForecastStore.key gives them"
            raise SpecError("ForecastStore", "key", key, valid)
        return self.folder / key[:2] / f"{key}.npz"

    def _count(self, *, remove: bool) -> tuple[int, int]:
        entries = total = 0
        try:
            for file in _own_files(self.folder):
                # Another process's draft may have become an entry by now.
                with suppress(FileNotFoundError):
                    size = file.stat(follow_symlinks=False).st_size
                    if remove:
                        os.unlink(file)
                    entries += file.name.endswith(".npz")
                    total += size
        except OSError as error:
            raise OutputError(
                f"the stored forecasts in {self.folder} cannot be "
                f"{'deleted' if remove else 'counted'} ({error})"
            ) from error
        return entries, total

    @contextmanager
    def _disk_problems(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Without the file's name, which differs each time the reason is the same.
            reason = error.strerror or type(error).__name__
            problem = f"{self.folder} cannot be {done} ({reason})"
            if problem not in self.problems:
                self.problems.append(problem)
                logger.warning("going on without stored forecasts: %s", problem)


def _entry(key: str, content: bytes) -> dict[str, NDArray[Any]]:
    """Unpack an entry; ValueError says why it cannot be believed."""
    arrays = unpack(content)
    own = arrays.pop(_OWN_KEY, None)
    if own is None or str(own) != key:
        raise ValueError("the file is not that of this entry")
    return arrays


def _own_files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Find entries and drafts; links are not followed, and what is gone is left out."""
    for shelf in _listed(folder):
        if _SHELF.fullmatch(shelf.name) and shelf.is_dir(follow_symlinks=False):
            for file in _listed(shelf.path):
                found = _FILE.fullmatch(file.name)
                ours = found and (found[1] or found[2]).startswith(shelf.name)
                if ours and file.is_file(follow_symlinks=False):
                    yield file


def _listed(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
