"""Whether a journal is what was last written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.append_only.chain import DAMAGE
from bt_lstm_rotation.disk import disk_errors
from bt_lstm_rotation.errors import JournalError, OutputError, closest
from bt_lstm_rotation.paper.chain import Walk, head_of, verified
from bt_lstm_rotation.paper.image import in_memory, in_use, merged, wal_size
from bt_lstm_rotation.paper.names import (
    BACKUP,
    BACKUP_SEAL,
    JOURNAL,
    SEAL,
    check_files,
    session_names,
)
from bt_lstm_rotation.paper.schema import Schema, version_of
from bt_lstm_rotation.paper.seal import Seal, read_seal
from bt_lstm_rotation.paper.survey import longest, sources
from bt_lstm_rotation.paper.transaction import Entry

__all__ = ["Sound", "check_there", "damaged", "sound"]


class Sound(NamedTuple):
    """A journal that can be believed.

    Parameters
    ----------
    content : bytes
        Of its file, with what is committed in the log.
    connection : sqlite3.Connection
        To these bytes in memory; the caller closes it.
    head : Entry
    older : bool
        Whether its tables are of an earlier version.
    sealed : bool
        Whether the seal is that of these bytes, and all of them are in the file.
    """

    content: bytes
    connection: sqlite3.Connection
    head: Entry
    older: bool
    sealed: bool


def sound(folder: Path, schema: Schema) -> Sound:
    """Read a journal if it can be believed.

    The file that is as it was sealed is good. Any other has to be sound in itself, and
    to go on from what was sealed: a process was killed before it could seal.

    Raises
    ------
    JournalError
        If there is none, or it is damaged, or of a later version.
    OutputError
        If the disk cannot be read.
    """
    check_files(folder)
    check_there(folder)
    try:
        with disk_errors(OutputError, f"{folder} cannot be read"):
            # The seal first: what is written meanwhile only goes further than that.
            known = read_seal(folder / SEAL)
            if not (folder / JOURNAL).exists():
                raise ValueError("its file is missing")
            content = (folder / JOURNAL).read_bytes()
            whole = not wal_size(folder / JOURNAL)
        if whole and known is not None and known.fits(content):
            return _as_sealed(folder.name, content, known, schema)
        return _further(folder, content, known, schema)
    except DAMAGE as error:
        own = type(error) is ValueError
        problem = str(error) if own else f"it cannot be read ({error})"
        raise damaged(folder, problem, schema) from error


def damaged(folder: Path, problem: str, schema: Schema) -> JournalError:
    """Return the error that says what is wrong, and how far it can be restored."""
    try:
        _, entries = longest(folder, sources(folder, schema))
    except JournalError as error:
        return JournalError(f"{problem}; {error.problem}", name=folder.name)
    last = entries[-1].session
    return JournalError(problem, name=folder.name, last_sound=last, restorable=True)


def check_there(folder: Path) -> None:
    """Raise JournalError where not a trace of a journal is."""
    if (folder / JOURNAL).exists():
        return
    traces = (SEAL, BACKUP, BACKUP_SEAL)
    if not any((folder / name).exists() for name in traces):
        near = closest(folder.name, session_names(folder.parent))
        raise JournalError(f"there is no journal in {folder}; {near}")


def _as_sealed(name: str, content: bytes, known: Seal, schema: Schema) -> Sound:
    connection = in_memory(content)
    try:
        version = version_of(connection)
        if version != known.schema:
            raise ValueError("its seal is damaged")
        if version > schema.version:
            raise _newer(connection, name)
        if version < schema.version:
            schema.migrate(connection)
        problem = schema.problem(connection)
        head = head_of(connection, schema)
        if problem or head is None:
            raise ValueError(problem or "it is empty")
        if (head.number, head.hash) != (known.number, known.hash):
            raise ValueError("its seal is damaged")
    except BaseException:
        connection.close()
        raise
    return Sound(content, connection, head, version < schema.version, sealed=True)


def _further(folder: Path, file: bytes, known: Seal | None, schema: Schema) -> Sound:
    content = file
    try:
        content = merged(folder / JOURNAL)
    except sqlite3.Error as error:
        if in_use(error):
            raise OutputError(
                f"{folder / JOURNAL} is in use by another program; close it, then try "
                "again"
            ) from error
    connection = in_memory(content)
    try:
        version = version_of(connection)
        if version < schema.version:
            schema.migrate(connection)
        if known is not None and known.schema > schema.version:
            raise _newer(connection, folder.name)
        found = verified(connection, schema)
        problem = found.problem or _unlike(found, file, known, version)
        head = found.last
        if problem or head is None:
            raise ValueError(problem)
    except BaseException:
        connection.close()
        raise
    older = version < schema.version
    return Sound(content, connection, head, older, sealed=False)


def _unlike(found: Walk, file: bytes, known: Seal | None, version: int) -> str | None:
    """Say why a sound chain is not what follows from the seal; None if it is."""
    last = len(found.entries)
    if known is None:
        # Killed between the first transaction and its seal.
        return None if last == 1 else "its seal is missing"
    if known.number > last:
        return f"it ends with transaction {last}, but {known.number} were sealed"
    if known.number < 1 or found.entries[known.number - 1].hash != known.hash:
        return "it is not the journal that was sealed"
    newer = known.number < last or known.schema < version
    if not newer and not known.fits(file):
        return "its bytes are not those that were sealed"
    return None


def _newer(connection: sqlite3.Connection, name: str) -> JournalError:
    wrote = connection.execute("SELECT version FROM transactions ORDER BY number DESC")
    (version,) = wrote.fetchone() or ("unknown",)
    return JournalError(
        f"it was written by version {version} of this package, which is later than "
        f"{__version__}; upgrade to that version or a later one",
        name=name,
    )
