"""One fit at a time, on one thread: for libraries that share more than they should."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

__all__ = ["alone"]

_LOCK = threading.Lock()


@contextmanager
def alone() -> Iterator[None]:
    """Compute on one thread, and no other fit of these libraries in this process.

    How many threads BLAS may have, and which warnings are shown, both of which
    libraries set and set back while they work, are settings of the whole process. On
    the small matrices of a fit several threads take ten times as long as one, waiting
    for each other, and round sums otherwise. Processes are not held up.
    """
    with _LOCK, threadpool_limits(1):
        yield
