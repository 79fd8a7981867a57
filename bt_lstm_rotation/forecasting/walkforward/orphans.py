"""Worker processes that end soon after the run that they work for.

A run that is killed cannot tell its workers, which would wait for tasks for minutes,
each with all that TensorFlow needs.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from typing import Any, Final

with warnings.catch_warnings():
    # Where there can be no semaphores it says so, also to those who need none; those
    # who do are told by `Workers`.
    warnings.simplefilter("ignore", UserWarning)
    import joblib
    from joblib.parallel import LokyBackend

__all__ = ["WatchingWorkers", "joblib", "watch_parent"]

# Seconds between two looks.
PAUSE: Final = 1.0


class WatchingWorkers(LokyBackend):  # type: ignore[misc]
    """joblib's processes, of which each watches its parent from the start."""

    def configure(self, *args: Any, **settings: Any) -> int:
        """Start the processes, or find those that are idle; return how many."""
        return int(
            super().configure(
                *args, **settings, initializer=watch_parent, initargs=(os.getpid(),)
            )
        )


def watch_parent(parent: int) -> None:
    """Let this process end within seconds of its parent, of that process id.

    A thread looks for it. The kernel's own way, ``PR_SET_PDEATHSIG``, is no better: it
    also ends a worker when the thread is gone that started it.
    """
    threading.Thread(
        target=_wait_for_end, args=(parent,), name="watch-parent", daemon=True
    ).start()


def _wait_for_end(parent: int) -> None:
    # Of a process whose parent is gone, another one becomes the parent.
    while os.getppid() == parent:
        time.sleep(PAUSE)
    # At once, with whatever is under way: nobody waits for it any more.
    os._exit(1)
