"""BLAS on one thread for as long as any fit is made.

Fits are made side by side, so each has a core, and the small products in one gain
nothing from several: threads that wait for each other, on a machine that has other work
too, take three times as long. And how a sum is split among threads shows in its last
bits, so that a forecast would depend on how many cores there are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]


class _Limit:
    """The setting of the process: the first of several fits sets it, the last resets.

    Each setting it back to what it found would leave the others without it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limiter: Any = None

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._limiter = ThreadpoolController().limit(limits=1, user_api="blas")
                self._limiter.__enter__()

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limiter.__exit__(None, None, None)
                self._limiter = None


_LIMIT: Final = _Limit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS to one thread, in the whole process, while the context is open."""
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()
