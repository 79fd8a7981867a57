"""A long-running loop: one step after each close, and patience where bars are late."""

from __future__ import annotations

import _thread
import datetime as dt
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from bt_lstm_rotation.checks import check_fraction
from bt_lstm_rotation.errors import (
    ClockError,
    DataError,
    RotationError,
    SourceError,
    SpecError,
)
from bt_lstm_rotation.paper.clock import Clock
from bt_lstm_rotation.paper.market import Market

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["PASSING", "Backoff", "Outcome", "watch"]

# What may be over at the next try: a vendor that does not answer, bars that are wrong
# until they are corrected, a clock that is not set right yet after a start.
PASSING: tuple[type[RotationError], ...] = (SourceError, DataError, ClockError)


class Outcome(Protocol):
    """What a step did; its text says so in one line."""

    @property
    def waiting(self) -> str:
        """What it waits for; empty once all finished sessions are recorded."""


@dataclass(frozen=True)
class Backoff:
    """How long to wait before the next try: twice as long each time, to a limit.

    Parameters
    ----------
    rng : Generator
        Where the jitter comes from.
    first, longest : timedelta
        The first wait and the limit, before jitter.
    jitter : float
        Up to what part a wait is shortened at random, 0 up to, but not, 1: so that
        many that failed together do not all come back together.
    """

    rng: Generator
    first: dt.timedelta = dt.timedelta(minutes=5)
    longest: dt.timedelta = dt.timedelta(hours=1)
    jitter: float = 0.1

    def __post_init__(self) -> None:
        check_fraction("Backoff", "jitter", self.jitter)
        waits = (self.first, self.longest)
        valid = "a timedelta above 0, and no longer than `longest`"
        if not all(isinstance(wait, dt.timedelta) for wait in waits) or not (
            dt.timedelta(0) < self.first <= self.longest
        ):
            raise SpecError("Backoff", "first", waits, valid)

    def wait(self, failures: int) -> dt.timedelta:
        """Return how long to wait after a number of failures in a row, 1 or more."""
        doublings = min(failures - 1, 60)  # 2**60 microseconds are 36,000 years
        seconds = self.first.total_seconds() * 2.0**doublings
        capped = min(seconds, self.longest.total_seconds())
        return dt.timedelta(seconds=capped * (1 - self.jitter * self.rng.random()))


def watch(
    step: Callable[[], Outcome],
    market: Market,
    clock: Clock,
    *,
    stop: threading.Event,
    retry: Backoff,
    tell: Callable[[str], None],
) -> None:
    """Step now, and after each close once its bars have settled, until told to stop.

    Parameters
    ----------
    step : callable
        Records what there is to record, all of it or nothing; it is called again where
        it waits for bars, or fails with one of `PASSING`.
    stop : Event
        Ends the loop once a step in progress is done. SIGTERM sets it, where this runs
        in the main thread. Ctrl-C raises KeyboardInterrupt, even within a step.
    retry : Backoff
        How long to wait before such another call.
    tell : callable
        Takes a line: what was done, and until when nothing is.

    Raises
    ------
    RotationError
        Any of a step's that is not among `PASSING`.
    """
    failures = 0
    with _stopped_by_sigterm(stop):
        while not stop.is_set():
            before = clock.now()
            said, done = _tried(step)
            failures = 0 if done else failures + 1
            # During a step a close may pass, which it knew nothing of, and the clock be
            # set back, which makes a later close the wrong one to wait for.
            now = clock.now()
            until = market.next_close(min(before, now)) + market.settle
            if failures:
                until = min(until, now + retry.wait(failures))
            if stop.is_set():
                tell(f"{said}; stopped")
                return
            verb = "next try" if failures else "sleeping until"
            tell(f"{said}; {verb} {_shown(until, market.zone)}")
            if not clock.wait(until, stop):
                break


def _tried(step: Callable[[], Outcome]) -> tuple[str, bool]:
    """Return what a step said, and whether all is done until the next close."""
    try:
        outcome = step()
    except PASSING as error:
        return " ".join(str(error).split()), False
    return str(outcome), not outcome.waiting


def _shown(moment: dt.datetime, zone: dt.tzinfo) -> str:
    utc = f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    local = f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    return utc if local == utc else f"{local} ({utc})"


@contextmanager
def _stopped_by_sigterm(stop: threading.Event) -> Iterator[None]:
    # Python lets no other thread handle signals.
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        # Not stop.set() here: the wait that this interrupts may hold the event's lock,
        # and would never go on to release it.
        _thread.start_new_thread(stop.set, ())

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        # None is a handler that is not Python's, which cannot be put back.
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
