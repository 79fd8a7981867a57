"""What a damaged journal still says, and a sound one made of it."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

from bt_lstm_rotation.append_only.chain import DAMAGE
from bt_lstm_rotation.disk import write_atomically
from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.paper.chain import Walk, days_after, rows_of, verified
from bt_lstm_rotation.paper.image import in_memory, wal_size
from bt_lstm_rotation.paper.journal import Journal
from bt_lstm_rotation.paper.lock import writer
from bt_lstm_rotation.paper.names import BACKUP, DRAFT, JOURNAL, check_files
from bt_lstm_rotation.paper.schema import SCHEMA, Schema
from bt_lstm_rotation.paper.seal import Boundary, Seal, seal, unobserved
from bt_lstm_rotation.paper.soundness import check_there
from bt_lstm_rotation.paper.survey import known_seal, longest, reading, sources
from bt_lstm_rotation.paper.transaction import Entry
from bt_lstm_rotation.paper.writing import (
    disk_problems,
    put_in_place,
    write_new,
)

__all__ = ["Report", "Restored", "last_sound", "restore", "verify_chain"]

_NONE = Walk([], None)


class Report(NamedTuple):
    """What a full verification has found.

    Parameters
    ----------
    number : int
        Transactions that are sound, from the first on.
    last : Entry or None
        The last of them.
    problem : str or None
        Why it goes no further; None if all is sound.
    backup : Entry or None
        The last sound transaction of the backup.
    """

    number: int
    last: Entry | None
    problem: str | None
    backup: Entry | None


class Restored(NamedTuple):
    """What a restoring has kept.

    Parameters
    ----------
    kept : int
        Transactions, from the first on.
    source : str
        The name of the file they come from.
    lost : int
        Transactions that there were after them, as far as is known.
    sessions : tuple of date
        Those of the lost ones that could still be read.
    moved : tuple of Path
        Where the damaged files are now; none if the journal was sound.
    """

    kept: int
    source: str
    lost: int
    sessions: tuple[dt.date, ...]
    moved: tuple[Path, ...]


def verify_chain(folder: Path, *, schema: Schema = SCHEMA) -> Report:
    """Verify every page and every hash of a journal, whatever its seal says.

    Raises JournalError if there is no journal, or a file is none.
    """
    check_files(folder)
    check_there(folder)
    found = sources(folder, schema)
    own = found.get(JOURNAL, Walk([], "its file is missing"))
    backup = found.get(BACKUP, _NONE)
    return Report(len(own.entries), own.last, own.problem, backup.last)


def last_sound(folder: Path, *, schema: Schema = SCHEMA) -> Entry | None:
    """Return the last transaction of a journal that can be read and has its hash."""
    return verify_chain(folder, schema=schema).last


def restore(
    folder: Path,
    *,
    now: dt.datetime,
    schema: Schema = SCHEMA,
    boundary: Boundary = unobserved,
) -> Restored:
    """Make a sound journal of what is left of a damaged one, or of its backup.

    Of a sound one, nothing is changed. If the process is killed, what it has done is
    not in the way of another try.

    Parameters
    ----------
    now : datetime
        With its time zone, for whoever meets the lock.

    Raises
    ------
    JournalError
        If nothing of it is sound, or it is of a later version.
    HeldError
        If another process is at work on it.
    OutputError
        If the disk will not have it.
    """
    check_there(folder)
    with writer(folder, purpose="restore", now=now):
        try:
            with Journal.open(folder, writing=True, schema=schema) as journal:
                return Restored(journal.head.number, JOURNAL, 0, (), ())
        except JournalError as error:
            if not error.restorable:
                raise
        with disk_problems(f"the journal in {folder} cannot be restored"):
            return _restored(folder, schema, boundary)


def _restored(folder: Path, schema: Schema, boundary: Boundary) -> Restored:
    found = sources(folder, schema)
    known = known_seal(folder)
    name, entries = longest(folder, found)
    draft = folder / DRAFT
    with reading(folder / name, schema) as source:
        if isinstance(source, str):
            raise JournalError(source, name=folder.name)
        parts = ((entry, rows_of(source, entry.number, schema)) for entry in entries)
        write_new(draft, parts, schema, boundary)
    content = _verified_draft(draft, entries, schema)
    lost, sessions = _lost(folder, len(entries), known, schema)
    moved = [_copied(folder, BACKUP)] if found.get(BACKUP, _NONE).problem else []
    # The journal goes last: until then it is refused, as it does not have this seal.
    seal(folder, content, Seal.of(content, entries[-1], schema.version), boundary)
    boundary("before moving")
    moved += [_moved(folder, JOURNAL)] if JOURNAL in found else []
    boundary("after moving")
    put_in_place(draft, folder / JOURNAL)
    return Restored(len(entries), name, lost, sessions, tuple(moved))


def _verified_draft(draft: Path, entries: list[Entry], schema: Schema) -> bytes:
    content = draft.read_bytes()
    try:
        with closing(in_memory(content)) as connection:
            good = verified(connection, schema) == Walk(entries, None)
    except DAMAGE:
        good = False
    if not good:
        problem = "the disk did not keep what was written to it"
        raise JournalError(problem, name=draft.parent.name)
    return content


def _lost(
    folder: Path, kept: int, known: Seal | None, schema: Schema
) -> tuple[int, tuple[dt.date, ...]]:
    later: dict[int, dt.date] = {}
    for name in (JOURNAL, BACKUP):
        if (folder / name).exists():
            with reading(folder / name, schema) as source:
                if not isinstance(source, str):
                    later |= days_after(source, kept)
    last = max(kept, *later, 0 if known is None else known.number)
    return last - kept, tuple(later[number] for number in sorted(later))


def _copied(folder: Path, name: str) -> Path:
    free = _free(folder, name)
    write_atomically(free, (folder / name).read_bytes())
    return free


def _moved(folder: Path, name: str) -> Path:
    free = _free(folder, name)
    # The log stays with it, and goes first: a later journal must not find it.
    if wal_size(folder / name):
        os.replace(folder / f"{name}-wal", f"{free}-wal")
    os.replace(folder / name, free)
    return free


def _free(folder: Path, name: str) -> Path:
    suffix = "" if name == JOURNAL else f"-{Path(name).stem}"
    names = (f"damaged-{number}{suffix}.sqlite" for number in count(1))
    return next(folder / file for file in names if not os.path.lexists(folder / file))
