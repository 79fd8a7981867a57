"""Signals that end a command as Ctrl-C does: workers are gone, nothing is left over."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from bt_lstm_rotation.machine import what_is_lacking

__all__ = ["Terminated", "ended_by_signals", "lacking_threads"]

# SIGHUP comes when a terminal is closed; Windows has none.
ENDING: Final = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Terminated(KeyboardInterrupt):
    """A signal that asks for an end; whatever hears of Ctrl-C hears of it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def code(self) -> int:
        """The exit code by which a shell knows of it."""
        return 128 + self.number


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise `Terminated` in the main thread where such a signal comes.

    One that the caller ignores, as nohup does, stays ignored. A second one ends the
    process at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets no other thread handle signals
        return

    def handle(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated(number)

    kept = [n for n in ENDING if signal.getsignal(n) == signal.SIG_DFL]
    for number in kept:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in kept:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def lacking_threads(lacking: list[str]) -> Iterator[None]:
    """Interrupt the main thread, as Ctrl-C does, if a thread ends for want of memory.

    It may be waiting for that thread, for ever. What was lacking is put into the list,
    once.
    """
    main, before = threading.main_thread().ident, threading.excepthook

    def hook(ended: threading.ExceptHookArgs) -> None:
        lack = "" if ended.exc_value is None else what_is_lacking(ended.exc_value)
        if not lack or main is None or not hasattr(signal, "pthread_kill"):
            before(ended)
        elif not lacking:
            lacking.append(lack)
            signal.pthread_kill(main, signal.SIGINT)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
