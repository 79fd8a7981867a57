"""Lines whose values depend on where the history begins, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.audit.findings import Warmup
from bt_lstm_rotation.evidence.audit.rows import World
from bt_lstm_rotation.evidence.audit.trace import Lines, Trace

__all__ = ["LENGTHS", "measure_warmup"]

# Bars of history before the last sessions, which are compared.
LENGTHS: Final = (50, 100, 250, 500, 1000)
LAST: Final = 21
# Per cent; what only rounds otherwise is no drift.
LEAST: Final = 1e-6


def measure_warmup(
    base: Trace, run: Callable[[World], Trace], lengths: tuple[int, ...] = LENGTHS
) -> tuple[Warmup, ...]:
    """Run with less history, and return the lines that are then others.

    Parameters
    ----------
    base : Trace
        Of all history.
    run : callable
        Runs a world.
    lengths : tuple of int
        Bars of history; those that there are not are left out.
    """
    drifts: dict[tuple[int, str], dict[int, float | None]] = {}
    for length in lengths:
        sessions = base.lines[0].at if base.lines else np.empty(0)
        if length + LAST >= len(sessions):
            break
        since = float(sessions[-length - LAST])
        trace = run(World(since=since))
        for number, part in enumerate(base.lines):
            shorter = trace.lines[number] if number < len(trace.lines) else None
            for name, drift in _drifts(part, shorter):
                drifts.setdefault((number, name), {})[length] = drift
    return tuple(
        Warmup(name, by_length)
        for (_, name), by_length in drifts.items()
        if any(drift is not None and drift > LEAST for drift in by_length.values())
    )


def _drifts(part: Lines, other: Lines | None) -> list[tuple[str, float | None]]:
    names = [channel.name for channel in part.channels]
    whole = part.values[-LAST:]
    if other is None or [channel.name for channel in other.channels] != names:
        return [(name, None) for name in names]
    _, mine, theirs = np.intersect1d(part.at[-LAST:], other.at, return_indices=True)
    shorter = np.full_like(whole, np.nan)
    shorter[mine] = other.values[theirs]
    return [
        (name, _drift(whole[:, column], shorter[:, column]))
        for column, name in enumerate(names)
    ]


def _drift(whole: NDArray[np.float64], shorter: NDArray[np.float64]) -> float | None:
    both = np.isfinite(whole) & np.isfinite(shorter)
    if not both.any():
        return None
    size = np.abs(whole[both])
    apart = np.abs(shorter[both] - whole[both])
    # Of what is about 0, such as a spread, in per cent of its usual size.
    scale = np.maximum(size, float(np.mean(size)))
    return float((100.0 * apart[scale > 0] / scale[scale > 0]).max(initial=0.0))
