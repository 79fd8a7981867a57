"""Returns as few bytes, and marks by which bars are known again.

A *mark* is the hash of one symbol's returns in one quarter, rounded to a thousandth:
dividends that move adjusted prices of the past by a hair leave it as it is, and so do
sessions that are added at the end, symbols that are left out, and a start that is
later. Of all marks the smallest are kept, as many as `MARKS`: of two sets that share a
fair part, these share some [1]_.

References
----------
.. [1] A. Z. Broder, "On the resemblance and containment of documents", Compression and
   Complexity of Sequences, 1997.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "bar_marks",
    "pack_returns",
    "plain_returns",
    "share_marks",
    "unpack_returns",
]

MARKS, WIDTH = 256, 8  # 8 bytes each

# Returns of a quarter that make a mark: of fewer, others may have the same.
LEAST = 10

_HEAD = struct.Struct("<II")

# A century of sessions twice over.
_MOST = 100_000


def plain_returns(returns: pd.Series[Any]) -> tuple[bytes, bytes]:
    """Return the steps from session to session, in days, and returns of 32 bits."""
    index = pd.DatetimeIndex(returns.index).to_numpy().astype("datetime64[D]")
    steps = np.diff(index.astype("int64"), prepend=0).astype("<i4")
    with np.errstate(over="ignore"):
        narrow = returns.to_numpy(dtype="float64").astype("<f4")
    return steps.tobytes(), narrow.tobytes()


def pack_returns(returns: pd.Series[Any]) -> bytes:
    """Pack returns by session, decimals, as 32-bit floats."""
    steps, narrow = plain_returns(returns)
    packed = zlib.compress(steps)
    return _HEAD.pack(len(returns), len(packed)) + packed + narrow


def unpack_returns(content: bytes) -> pd.Series[Any]:
    """Undo `pack_returns`; ValueError if these are no such bytes."""
    if len(content) < _HEAD.size:
        raise ValueError("its returns are cut off")
    count, size = _HEAD.unpack_from(content)
    if count > _MOST or len(content) != _HEAD.size + size + 4 * count:
        raise ValueError("its returns have another length")
    reader = zlib.decompressobj()
    try:
        days = reader.decompress(content[_HEAD.size : _HEAD.size + size], 4 * count + 1)
    except zlib.error as error:
        raise ValueError("its sessions are damaged") from error
    if len(days) != 4 * count:
        raise ValueError("its sessions have another length")
    steps = np.frombuffer(days, dtype="<i4").astype("int64")
    sessions = np.cumsum(steps).astype("datetime64[D]")
    values = np.frombuffer(content[_HEAD.size + size :], dtype="<f4")
    index = pd.DatetimeIndex(sessions.astype("datetime64[ns]"), name="session")
    return pd.Series(values.astype("float64"), index=index)


def bar_marks(sessions: NDArray[np.datetime64], close: NDArray[np.float64]) -> bytes:
    """Return the marks of closes, sorted, `WIDTH` bytes each.

    Parameters
    ----------
    sessions : (n_sessions,) datetime64[D]
    close : (n_sessions, n_symbols)
        NaN where there is none.
    """
    found: set[bytes] = set()
    for column in close.T:
        known = np.isfinite(column) & (column > 0)
        days = sessions[known].astype("datetime64[D]")
        if len(days) <= LEAST:
            continue
        steps = np.round(1_000 * np.diff(np.log(column[known]))).astype("<i4")
        days = days[1:]
        quarters = days.astype("datetime64[M]").astype("int64") // 3
        for places in np.split(
            np.arange(len(days)), np.flatnonzero(np.diff(quarters)) + 1
        ):
            own = steps[places]
            if len(own) >= LEAST and own.any():
                told = days[places].astype("int64").astype("<i4").tobytes()
                found.add(hashlib.sha256(told + own.tobytes()).digest()[:WIDTH])
    return b"".join(sorted(found)[:MARKS])


def share_marks(one: bytes, other: bytes) -> bool:
    """Whether two sets of marks have one in common."""
    return not _split(one).isdisjoint(_split(other))


def _split(marks: bytes) -> set[bytes]:
    return {marks[at : at + WIDTH] for at in range(0, len(marks), WIDTH)}
