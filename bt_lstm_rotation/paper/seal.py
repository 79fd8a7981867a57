"""The seal: what the journal's file was when it was last written, to the last byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from bt_lstm_rotation.disk import write_atomically, write_together
from bt_lstm_rotation.paper.names import BACKUP, BACKUP_SEAL, SEAL
from bt_lstm_rotation.paper.transaction import Entry

__all__ = ["Boundary", "Seal", "backed_up", "read_seal", "seal", "unobserved"]

# Is told what is about to be done, or has been done: tests stop the process there.
Boundary = Callable[[str], None]


def unobserved(_: str) -> None:
    """Go on."""


@dataclass(frozen=True)
class Seal:
    """What it says: the version of the tables, the last transaction, and the file."""

    schema: int
    number: int
    hash: str
    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes, head: Entry, schema: int) -> Seal:
        """Seal a journal's bytes."""
        digest = hashlib.sha256(content).hexdigest()
        return cls(schema, head.number, head.hash, len(content), digest)

    def to_bytes(self) -> bytes:
        """Write it, with a checksum of its own; the same seal gives the same bytes."""
        told = asdict(self)
        own = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        return json.dumps({**told, "own": own}, indent=1).encode() + b"\n"

    def fits(self, content: bytes) -> bool:
        """Whether these are the bytes that were sealed."""
        same = self.size == len(content)
        return same and self.sha256 == hashlib.sha256(content).hexdigest()


def read_seal(path: Path) -> Seal | None:
    """Read a seal; None if there is none, ValueError if it is damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        told = json.loads(content)
        found = Seal(**{field.name: told[field.name] for field in fields(Seal)})
        same = found.to_bytes() == content
    except (ValueError, TypeError, LookupError, RecursionError):
        same = False
    if not same:
        raise ValueError("its seal is damaged")
    return found


def seal(
    folder: Path, content: bytes, made: Seal, boundary: Boundary = unobserved
) -> None:
    """Write the seal of the journal's bytes, then a copy of both; OSError if not."""
    boundary("before seal")
    write_atomically(folder / SEAL, made.to_bytes(), alone=True)
    boundary("after seal")
    copies = {folder / BACKUP: content, folder / BACKUP_SEAL: made.to_bytes()}
    boundary("before backup")
    write_together(copies, alone=True)
    boundary("after backup")


def backed_up(folder: Path, content: bytes) -> bool:
    """Whether the backup is that of the sealed journal with these bytes."""
    try:
        seals = [(folder / name).read_bytes() for name in (SEAL, BACKUP_SEAL)]
        return seals[0] == seals[1] and (folder / BACKUP).read_bytes() == content
    except OSError:
        return False
