"""Named arrays as bytes that notice their own damage.

An uncompressed npz archive, followed by its SHA-256, which is compared before anything
is parsed. ``np.load`` reads it too: to it, the checksum is an end it does not need.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.wording import in_words

__all__ = ["PLAIN_KINDS", "pack", "plain_array", "unpack"]

# Booleans, numbers, dates, bytes and text: their bytes are all there is to them.
# Objects would be pickled, and the elements of a StringDType are pointers.
PLAIN_KINDS = "biufcmMSU"

_DIGEST_BYTES = hashlib.sha256().digest_size
_SUFFIX = ".npy"
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays as bytes; the same arrays give the same bytes.

    They may have any shape, and hold booleans, numbers, dates, bytes or fixed-width
    text. Raises SpecError for any other, and for a name that is not an identifier.
    """
    for name, array in arrays.items():
        _check(name, array)
    archive = io.BytesIO()
    # Not np.savez: it pickles objects, and a name may be that of its own arguments.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as members:
        for name, array in arrays.items():
            with members.open(f"{name}{_SUFFIX}", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    body = archive.getvalue()
    return body + hashlib.sha256(body).digest()


def unpack(content: bytes) -> dict[str, NDArray[Any]]:
    """Undo `pack`: the same arrays to the last bit, in the same order.

    Raises ValueError if the content is damaged, or nothing that `pack` gives, whatever
    its checksum.
    """
    body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("the file is damaged, its checksum does not match")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as members:
            return {
                info.filename.removesuffix(_SUFFIX): _read(members, info)
                for info in members.infolist()
            }
    except ValueError:
        raise
    # Readers of zip files and of arrays raise as they please at what neither wrote.
    except Exception as error:
        problem = f"the file is not an archive of arrays ({in_words(error)})"
        raise ValueError(problem) from error


def plain_array(
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    dtype: type[np.generic],
    shape: tuple[int | None, ...],
) -> NDArray[Any]:
    """Return one of some arrays; ValueError unless it has this type and shape.

    A length of None may be any. Numbers are finite.
    """
    array = arrays.get(name)
    if array is None:
        raise ValueError(f"no {name} among {', '.join(arrays) or 'no arrays'}")
    alike = array.ndim == len(shape) and all(
        wanted in (None, there)
        for wanted, there in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not alike:
        what = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"{name} are {what}, not {np.dtype(dtype)} of {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} are not finite")
    return array


def _check(name: str, array: NDArray[Any]) -> None:
    # Anything else than an identifier might be a path, or end in the suffix itself.
    if not isinstance(name, str) or not name.isidentifier():
        raise SpecError("archive", "the name of an array", name, "an identifier")
    # Exactly: a masked array, for one, would lose its mask without a word.
    if type(array) is not np.ndarray or array.dtype.kind not in PLAIN_KINDS:
        got = str(array.dtype) if type(array) is np.ndarray else type(array).__name__
        valid = "a NumPy array of truths, numbers, dates, bytes or text"
        raise SpecError("archive", name, got, valid)


def _read(members: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    encrypted = info.flag_bits & 1
    if info.compress_type != zipfile.ZIP_STORED or encrypted:
        raise ValueError(f"the file has a member that is not plain ({info.filename})")
    content = io.BytesIO(members.read(info))
    version = np.lib.format.read_magic(content)
    if version not in _HEADERS:
        raise ValueError(f"the file has an array of an unknown version {version}")
    shape, _, dtype = _HEADERS[version](content)
    # Before room is made for it: a header may speak of terabytes.
    told = math.prod(shape) * dtype.itemsize
    there = len(content.getbuffer()) - content.tell()
    if dtype.kind not in PLAIN_KINDS or min(shape, default=0) < 0 or told != there:
        what = f"{info.filename} is said to be {dtype} of shape {shape}"
        raise ValueError(f"the file has an array that is not plain ({what})")
    content.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
    return array
