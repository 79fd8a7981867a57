"""How far the training is, shown in a terminal to somebody who watches."""

from __future__ import annotations

import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["fits_bar", "is_watched", "progress_bar"]

# Seconds: what takes less needs no bar, such as a fit of the momentum rule.
SOON = 0.1


@contextmanager
def progress_bar(
    console: Console, *, transient: bool = False
) -> Iterator[Callable[[int, int], None]]:
    """Show how many fits are done, how long that took and how long the rest will take.

    Yields a callable for (fits done, fits planned), which any thread may call. Where
    the console is not a terminal, nothing is printed. A transient bar leaves nothing.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("remaining"),
        TimeRemainingColumn(),
        console=console,
        transient=transient,
        disable=not console.is_terminal,
    )
    with bar:
        # Not shown before the first fit: a run may have none.
        task = bar.add_task("training", total=None, visible=False)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        yield update


def is_watched() -> bool:
    """Whether somebody sees what this process writes: the main one, in a terminal."""
    if multiprocessing.parent_process() is not None:
        return False
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


@contextmanager
def fits_bar(done: int, planned: int) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while fits are made, if somebody watches, and take it away again.

    Yields a callable for (fits done, fits planned). Fits that come one by one, as in a
    run that goes bar by bar, have a bar each, which is gone before the next one.
    """
    now = (done, planned)
    update: Callable[[int, int], None] | None = None

    def show() -> None:
        nonlocal update
        from rich.console import Console

        # Not asked again: while TensorFlow is imported, stderr leads nowhere.
        console = Console(stderr=True, force_terminal=True)
        bar = progress_bar(console, transient=True)
        update = shown.enter_context(bar)
        update(*now)

    def tell(done: int, planned: int) -> None:
        nonlocal now
        now = (done, planned)
        if update is not None:
            update(done, planned)

    if not is_watched():
        yield tell
        return
    with ExitStack() as shown:
        timer = threading.Timer(SOON, show)
        timer.daemon = True
        timer.start()
        try:
            yield tell
        finally:
            timer.cancel()
            timer.join()
