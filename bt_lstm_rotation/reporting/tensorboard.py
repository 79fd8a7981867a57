"""Trainings as TensorBoard reads them, without TensorBoard or TensorFlow.

Each window is a run of its own, named after its session, with the loss, the held-out
loss and the gradient's norm by step; the run ``fits`` has what is one number a fit. A
file is a row of records, each its length, the masked CRC-32C of that, an ``Event`` in
protocol buffers' encoding, and the masked CRC-32C of it. Events are dated by the
session, so that the same run leaves the same bytes.

Source: tensorflow/core/lib/io/record_writer.h and tensorflow/core/util/event.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from bt_lstm_rotation.disk import disk_errors
from bt_lstm_rotation.errors import OutputError

__all__ = ["check_tensorboard", "write_tensorboard"]

FILE: Final = "events.out.tfevents.0.bt-lstm-rotation"

# Column of the fits -> what it is called, by step and by fit.
BY_STEP: Final = {
    "losses": "loss/training",
    "held_out_losses": "loss/held out",
    "gradient_norms": "gradient/norm",
}
BY_FIT: Final = {
    "first_loss": "loss/first",
    "last_loss": "loss/last",
    "clipped": "gradient/clipped",
    "drift": "drift",
}

# Castagnoli's polynomial, reflected, and what a CRC is masked with.
POLYNOMIAL: Final = 0x82F63B78
MASK: Final = 0xA282EAD8

Scalar = tuple[int, str, float]


def check_tensorboard(folder: Path) -> None:
    """Raise OutputError unless a folder is new or empty."""
    advice = "choose a new folder or an empty one"
    with disk_errors(OutputError, f"{folder} cannot be read", advice):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(
                f"trainings cannot be written to {folder} (something is there "
                f"already); {advice}"
            )


def write_tensorboard(retrains: pd.DataFrame, folder: Path) -> int:
    """Write one run a window, and one of all fits; return how many windows took steps.

    Parameters
    ----------
    retrains : DataFrame
        One row a fit, as `BacktestResult` has it.
    folder : Path
        A new or an empty one; see `check_tensorboard`.
    """
    check_tensorboard(folder)
    fits: list[tuple[float, Scalar]] = []
    count = 0
    with disk_errors(OutputError, f"trainings cannot be written to {folder}", ""):
        for number, fit in enumerate(retrains.to_dict("records")):
            made = pd.Timestamp(fit["session"])
            seconds = made.timestamp()
            for column, tag in BY_FIT.items():
                fits.append((seconds, (number, tag, float(fit.get(column, "nan")))))
            steps = list(_by_step(fit))
            if len(fit.get("gradient_norms", ())):
                count += 1
                _write(folder / f"{made:%Y-%m-%d}", ((seconds, one) for one in steps))
        _write(folder / "fits", fits)
    return count


def _by_step(fit: dict[Any, Any]) -> Iterator[Scalar]:
    for column, tag in BY_STEP.items():
        for step, value in enumerate(fit.get(column, ()), start=1):
            yield step, tag, float(value)


def _write(folder: Path, events: Iterable[tuple[float, Scalar]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    version = _double(1, 0.0) + _bytes(3, b"brain.Event:2")
    records = [_record(version)]
    for seconds, (step, tag, value) in events:
        if value == value:  # NaN is nothing to draw
            scalar = _bytes(1, tag.encode()) + _float(2, value)
            summary = _bytes(1, scalar)
            event = _double(1, seconds) + _whole(2, step) + _bytes(5, summary)
            records.append(_record(event))
    (folder / FILE).write_bytes(b"".join(records))


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked_crc(length) + data + _masked_crc(data)


def _masked_crc(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _table()[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    masked = (((crc >> 15) | (crc << 17)) + MASK) & 0xFFFFFFFF
    return struct.pack("<I", masked)


@cache
def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


def _double(field: int, value: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    try:
        packed = struct.pack("<f", value)
    except OverflowError:  # beyond single precision
        packed = struct.pack("<f", float("inf") if value > 0 else float("-inf"))
    return bytes([field << 3 | 5]) + packed


def _bytes(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(value)) + value


def _whole(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _varint(value)


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
