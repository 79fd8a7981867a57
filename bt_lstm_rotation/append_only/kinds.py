"""What a column holds: how it is checked, stored and hashed."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from bt_lstm_rotation.checks import is_number

__all__ = [
    "BLOB",
    "DAY",
    "NUMBER",
    "OPTIONAL_DAY",
    "OPTIONAL_TEXT",
    "OPTIONAL_WHOLE",
    "TEXT",
    "WHOLE",
    "Kind",
]


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Parameters
    ----------
    sql : str
        What follows the column's name in SQL; ``{name}`` stands for that name.
    valid : str
        What it takes, for an error.
    take : callable
        A caller's value -> the value to store; ValueError or TypeError refuses it.
    encode : callable
        A stored value, not NULL -> what stands for it in JSON; TypeError where it is
        of another kind, which only damage explains.
    """

    sql: str
    valid: str
    take: Callable[[Any], Any]
    encode: Callable[[Any], Any]


def _optional(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else take(value)


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    value.encode()  # half of a surrogate pair has no place in a file
    return str(value)


def _day(value: Any) -> str:
    text = _text(value)
    if dt.date.fromisoformat(text).isoformat() != text:
        raise ValueError("another way to write a date")
    return text


def _whole(value: Any) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError("no whole number")
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError("more than 64 bits")
    return number


def _number(value: Any) -> float:
    if not is_number(value):
        raise TypeError("no number")
    number = float(value)
    if math.isinf(number):
        raise ValueError("infinite")
    return number


def _blob(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("no bytes")
    return bytes(value)


def _digest(value: Any) -> str:
    return hashlib.sha256(value).hexdigest()


_UNICODE = "a text that can be written as UTF-8"
_DATE = "an ISO date, as 2020-01-31"

TEXT = Kind("TEXT NOT NULL", _UNICODE, _text, _same)
OPTIONAL_TEXT = Kind("TEXT", f"{_UNICODE}, or None", _optional(_text), _same)
DAY = Kind("TEXT NOT NULL", _DATE, _day, _same)
OPTIONAL_DAY = Kind("TEXT", f"{_DATE}, or None", _optional(_day), _same)
WHOLE = Kind("INTEGER NOT NULL", "a whole number of 64 bits", _whole, _same)
OPTIONAL_WHOLE = Kind("INTEGER", f"{WHOLE.valid}, or None", _optional(_whole), _same)
BLOB = Kind("BLOB", "bytes, or None", _optional(_blob), _digest)

# Not REAL: SQLite keeps 3.0 as a whole number there, and -0.0 would come back as 0.0.
# NaN is stored as NULL, as SQLite does by itself.
NUMBER = Kind(
    "ANY CHECK (typeof({name}) IN ('real', 'null'))",
    "a finite number, or NaN for none",
    _number,
    float.hex,
)
