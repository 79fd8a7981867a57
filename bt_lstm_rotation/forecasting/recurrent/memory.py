"""What a fit needs of the machine's memory, before it is begun.

A machine that runs out of memory in the middle of a fit ends the process without a
word. The estimate is of what TensorFlow was measured to take, within a third.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bt_lstm_rotation.forecasting.recurrent.forward import GATES, Cell
from bt_lstm_rotation.forecasting.recurrent.network import weight_shapes
from bt_lstm_rotation.forecasting.recurrent.optimisation import BLOCK
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings
from bt_lstm_rotation.machine import memory_left

__all__ = ["lack_of_memory", "needed", "room_for"]

# Arrays as large as a layer's outputs that are there at once: gates, states, and their
# gradients.
HELD: dict[Cell, int] = {"lstm": 11, "gru": 18, "rnn": 8}
# Arrays in double precision as large as the states that a head is solved for.
SOLVED = 7
# Arrays as large as the weights: gradient, moments, and what comes after them.
COPIES = 8

# Bytes of the fits under way in this process.
_taken: list[int] = []
_turns = threading.Condition()


def needed(spec: RecurrentSettings, n_symbols: int) -> int:
    """Estimate the bytes of a fit of so many symbols."""
    together = n_symbols if spec.pooled else 1
    sequences = together * math.ceil(spec.train_size / spec.lookback)
    outputs = 4 * min(BLOCK, sequences) * spec.lookback * spec.units
    columns = len(spec.signs) + len(spec.context)
    shapes = weight_shapes(spec.cell, columns, [spec.units] * spec.layers)
    weights = 4 * sum(math.prod(shape) for shape in shapes)
    # The weights begin as orthogonal matrices, in double precision.
    drawing = 4 * 8 * GATES[spec.cell] * spec.units**2
    training = 0
    if spec.step_count:
        training = HELD[spec.cell] * outputs * spec.layers + COPIES * weights
    solving = 0
    if spec.initial_weights == "memory":
        solving = SOLVED * 8 * together * spec.train_size * spec.units
    networks = weights * spec.members * (1 if spec.pooled else n_symbols)
    if spec.context:
        networks *= 2
        solving *= 2
    bars = 3 * 8 * n_symbols * spec.fit_bars * (columns + 4)
    return max(drawing, training, solving) + networks + bars


@functools.lru_cache(maxsize=64)
def lack_of_memory(spec: RecurrentSettings, n_symbols: int) -> str:
    """Say that there is too little memory for a fit; empty if there is enough.

    What there is counts before the first fit of a process: it changes from moment to
    moment, and one reason is to be one text.
    """
    wanted, left = needed(spec, n_symbols), _left_at_first()
    if left is None or wanted <= left:
        return ""
    return (
        f"MemoryError: it needs about {_sized(wanted)}, and {_sized(left)} are left: "
        f"fewer units ({spec.units:,}), layers ({spec.layers}) or members "
        f"({spec.members}), or a shorter lookback ({spec.lookback:,}), need less"
    )


@contextmanager
def room_for(spec: RecurrentSettings, n_symbols: int) -> Iterator[None]:
    """Wait until other threads' fits leave enough memory for one more."""
    wanted, left = needed(spec, n_symbols), _left_at_first()
    with _turns:
        # One alone always has its turn.
        _turns.wait_for(
            lambda: not _taken or left is None or sum(_taken) + wanted <= left
        )
        _taken.append(wanted)
    try:
        yield
    finally:
        with _turns:
            _taken.remove(wanted)
            _turns.notify_all()


@functools.cache
def _left_at_first() -> int | None:
    return memory_left()


def _sized(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:,.0f} MB"
