"""The key of a stored forecast: a hash of spec, seed, bars and code.

Where it is the same, so is the forecast.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from pathlib import Path

import numpy as np

from bt_lstm_rotation._version import __version__
from bt_lstm_rotation.archive import PLAIN_KINDS
from bt_lstm_rotation.errors import SpecError

__all__ = ["content_key", "package_hash", "settings_key", "source_hash"]

PACKAGE = Path(__file__).parents[2]


def content_key(kind: str, *parts: object) -> str:
    """Hash what an entry is made from, to 64 hexadecimal digits.

    Another order, type, dtype, shape or bit gives another key, and so does other code
    in ``bt_lstm_rotation.forecasting``. The code of a spec defined elsewhere, and the
    versions of TensorFlow and NumPy, are not in it.

    Parameters
    ----------
    kind : str
        What the entry is, for example ``"fit"``.
    *parts : object
        All that it depends on: None, str, bytes, int, float, NumPy arrays and scalars
        of plain values, dataclasses such as specs, and tuples of these.

    Raises
    ------
    SpecError
        If a part is of another type, whose content is not known to be all of it.
    """
    return _digest((kind, _forecasting_code(), *parts)).hex()


def settings_key(kind: str, *parts: object) -> str:
    """Hash settings alone, as `content_key` does, whatever code makes of them."""
    return _digest((kind, *parts)).hex()


@functools.cache
def _forecasting_code() -> str:
    """Hash the source of all that decides a forecast."""
    # The calendar says when a fit is made; all else is in this room.
    return source_hash(PACKAGE / "forecasting", PACKAGE / "periods.py")


@functools.cache
def package_hash() -> str:
    """Hash the source of the whole package."""
    return source_hash(PACKAGE)


def source_hash(*places: Path) -> str:
    """Hash the package's version and source files, to 64 hexadecimal digits.

    Of a folder, the whole tree counts, and each file's place as well as its content.
    Where no source is installed, the version stands for it.
    """
    files = [file for place in places for file in (place, *place.rglob("*.py"))]
    sources = tuple(
        (file.relative_to(PACKAGE).as_posix(), file.read_bytes())
        for file in sorted(files)
        if file.is_file()
    )
    return _digest((__version__, sources)).hex()


def _digest(part: object) -> bytes:
    """Hash a value by its type and content.

    Every piece is preceded by its length, and a value within another is hashed by
    itself first, so no two values are spelled alike.
    """
    kind = type(part)
    spelled = hashlib.sha256()
    for piece in (f"{kind.__module__}.{kind.__qualname__}".encode(), *_pieces(part)):
        spelled.update(len(piece).to_bytes(8, "big"))
        spelled.update(piece)
    return spelled.digest()


def _says(field: dataclasses.Field[object], part: object) -> bool:
    """Whether a field is part of the content: not if it is left out of comparisons.

    One that is derived of others counts only if there is something in it: so a key is
    what it was before there was such a field.
    """
    derived = field.metadata.get("derived", False)
    return field.compare and not (derived and not getattr(part, field.name))


def _pieces(part: object) -> list[bytes]:
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        names = sorted(
            field.name for field in dataclasses.fields(part) if _says(field, part)
        )
        return [_digest((name, getattr(part, name))) for name in names]
    # Before int, float, str and bytes, of which some NumPy scalars are kinds. Exactly
    # an array: the bytes of a masked one do not say what is masked.
    if type(part) is np.ndarray or isinstance(part, np.generic):
        if part.dtype.kind in PLAIN_KINDS:
            shape = repr(part.shape)
            return [part.dtype.str.encode(), shape.encode(), part.tobytes()]
    elif part is None:
        return []
    elif isinstance(part, str):
        return [part.encode("utf-8", errors="surrogatepass")]
    elif isinstance(part, bytes):
        return [part]
    elif isinstance(part, int | float):
        # repr() refuses an int of more than 4,300 digits.
        return [(hex(part) if isinstance(part, int) else part.hex()).encode()]
    elif isinstance(part, tuple):
        return [_digest(item) for item in part]
    valid = "None, str, bytes, a number, a plain NumPy array, a dataclass or a tuple"
    raise SpecError("content_key", "a part", type(part).__name__, valid)
