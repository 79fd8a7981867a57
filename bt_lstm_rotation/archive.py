"""Named arrays as bytes that notice their own damage.

An npz archive of plain arrays, uncompressed, followed by the SHA-256 of that archive.
The checksum is compared before anything is parsed, so that a damaged file is never half
believed. NumPy alone reads it: to ``np.load`` the checksum is an end it does not need.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError

__all__ = ["PLAIN_KINDS", "pack", "unpack"]

# Truths, numbers, dates, bytes and text: their bytes are all there is to them. Objects
# would be pickled, and the elements of a StringDType are pointers.
PLAIN_KINDS = "biufcmMSU"

_DIGEST_BYTES = hashlib.sha256().digest_size
_SUFFIX = ".npy"


def pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write arrays as bytes; the same arrays give the same bytes.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Of any shape, of truths, numbers, dates, bytes or fixed-width text.

    Returns
    -------
    bytes

    Raises
    ------
    SpecError
        If a name is not an identifier, or a value not such an array.
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
    """Undo `pack`.

    Parameters
    ----------
    content : bytes
        The whole of what `pack` gave.

    Returns
    -------
    dict of str to ndarray
        The same arrays, dtype and shape and every bit, in the same order.

    Raises
    ------
    ValueError
        If it is damaged, or nothing that `pack` gives; the message says which.
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
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"the file is not an archive of arrays ({error})") from error


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
    with members.open(info) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        return array
