"""The hash of an entry covers the hash of the one before: a chain to the start."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

__all__ = ["DAMAGE", "ORIGIN", "entry_hash"]

# What stands for the hash before the first.
ORIGIN = "0" * 64

# Whatever SQLite, or we, may trip over in a damaged database.
DAMAGE = (sqlite3.Error, ValueError, TypeError, OverflowError, MemoryError)


def entry_hash(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain values as JSON with sorted keys and no spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
