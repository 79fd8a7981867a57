"""What is left of a damaged journal, in all files that may have a part of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from bt_lstm_rotation.append_only.chain import DAMAGE
from bt_lstm_rotation.errors import JournalError
from bt_lstm_rotation.paper.chain import Walk, verified
from bt_lstm_rotation.paper.image import in_memory, merged, wal_size
from bt_lstm_rotation.paper.names import BACKUP, DRAFT, JOURNAL, SEAL
from bt_lstm_rotation.paper.schema import Schema, version_of
from bt_lstm_rotation.paper.seal import Seal, read_seal
from bt_lstm_rotation.paper.transaction import Entry

__all__ = ["known_seal", "longest", "reading", "sources"]


def sources(folder: Path, schema: Schema) -> dict[str, Walk]:
    """Follow the chain of each file that may hold one, whatever its seal says.

    By the file's name: the journal, its backup, and what an unfinished restoring left.
    """
    found = {}
    for name in (JOURNAL, BACKUP, DRAFT):
        path = folder / name
        if path.exists():
            with reading(path, schema) as read:
                found[name] = (
                    Walk([], read) if isinstance(read, str) else verified(read, schema)
                )
    return found


@contextmanager
def reading(path: Path, schema: Schema) -> Iterator[sqlite3.Connection | str]:
    """Open a file that may be damaged, in memory; or say why it cannot be opened."""
    try:
        connection = in_memory(_whole(path))
    except (*DAMAGE, OSError) as error:
        yield f"it cannot be read ({error})"
        return
    with closing(connection):
        try:
            if version_of(connection) < schema.version:
                schema.migrate(connection)
        except DAMAGE as error:
            yield f"it cannot be read ({error})"
            return
        yield connection


def known_seal(folder: Path) -> Seal | None:
    """Read what was sealed; None where that is not known."""
    try:
        return read_seal(folder / SEAL)
    except (ValueError, OSError):
        return None


def longest(folder: Path, found: Mapping[str, Walk]) -> tuple[str, list[Entry]]:
    """Choose the longest chain, and name its file; none may contradict the seal.

    JournalError if there is none, or if it cannot be told which one it is.
    """
    known = known_seal(folder)
    chains = {name: walk.entries for name, walk in found.items() if walk.entries}
    if not chains:
        problem = "nothing of it can be restored, and it has to be started again"
        raise JournalError(problem, name=folder.name)
    for name in list(chains):
        if _contradicts(chains[name], known):
            del chains[name]
    if not chains:
        problem = "no file holds what was sealed, and nothing can be restored"
        raise JournalError(problem, name=folder.name)
    best = max(chains, key=lambda name: len(chains[name]))
    for name, entries in chains.items():
        if chains[best][: len(entries)] != entries:
            problem = f"{best} and {name} are of two accounts; move one of them away"
            raise JournalError(problem, name=folder.name)
    return best, chains[best]


def _contradicts(entries: list[Entry], known: Seal | None) -> bool:
    if known is None or known.number > len(entries):
        return False
    return entries[known.number - 1].hash != known.hash


def _whole(path: Path) -> bytes:
    # SQLite may fail on a damaged file that can be followed for a while.
    try:
        return merged(path) if wal_size(path) else path.read_bytes()
    except sqlite3.Error:
        return path.read_bytes()
