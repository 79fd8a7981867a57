"""Files of a user's strategy, written from the journal to be run.

What is run is the journal's text. So a folder of copies holds nothing else, not even
what Python has compiled there: a file that somebody has put beside them, or in the
place of one, would be run in its name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from bt_lstm_rotation.disk import disk_errors, write_atomically
from bt_lstm_rotation.errors import JournalError, OutputError

__all__ = ["written_out"]


def written_out(sources: Mapping[str, str], folder: Path) -> Path:
    """Make a folder hold some files and nothing else; return the first of them.

    Parameters
    ----------
    sources : mapping of str to str
        Path below the folder -> text.

    Raises
    ------
    JournalError
        If a path leads out of the folder.
    OutputError
        If the folder cannot be written.
    """
    for name in sources:
        path = PurePosixPath(name)
        if not path.parts or path.is_absolute() or {"..", "."} & set(name.split("/")):
            raise JournalError(f"the journal names a file outside it: {name!r}")
        if not name.isprintable() or "\\" in name or ":" in name:
            raise JournalError(f"the journal names a file that none can have: {name!r}")
    copies = {folder / name: text.encode() for name, text in sources.items()}
    problem = f"the strategy cannot be written to {folder}"
    with disk_errors(OutputError, problem, "free or open the folder"):
        if folder.is_symlink():
            folder.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder, copies)
        for copy, content in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            if not copy.is_file() or copy.read_bytes() != content:
                write_atomically(copy, content)
    return next(iter(copies))


def _clear(folder: Path, copies: Mapping[Path, bytes]) -> None:
    """Remove all but some files, and the folders that these are in."""
    kept = {parent for copy in copies for parent in copy.parents}
    for place, names, files in os.walk(folder, topdown=False):
        for path in (Path(place, name) for name in (*names, *files)):
            is_folder = path.is_dir() and not path.is_symlink()
            if path in kept if is_folder else path in copies and not path.is_symlink():
                continue
            # Another process that runs the account may have been faster.
            with suppress(FileNotFoundError):
                path.rmdir() if is_folder else path.unlink()
