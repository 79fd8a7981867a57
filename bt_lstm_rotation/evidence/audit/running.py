"""One run in one world, and what it leaves: a trace."""

from __future__ import annotations

import io
import logging
import math
import random
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import numpy as np

from bt_lstm_rotation.analyzers import RunReport
from bt_lstm_rotation.evidence.audit.places import place_in, users_place
from bt_lstm_rotation.evidence.audit.recording import LineReader, OrderRecorder
from bt_lstm_rotation.evidence.audit.trace import Failure, Trace
from bt_lstm_rotation.wording import in_words

__all__ = ["run_world"]


def run_world(
    make: Callable[[], Any],
    *,
    until: float = math.inf,
    modes: Mapping[str, Any] | None = None,
    prepare: Callable[[Any], None] | None = None,
) -> Trace:
    """Make a Cerebro, run it, and return its trace; errors of the run are part of it.

    Parameters
    ----------
    make : callable
        Returns the Cerebro.
    until : float
        The run is stopped at the first session after it.
    modes : mapping, optional
        Arguments of ``cerebro.run``.
    prepare : callable, optional
        Called with the Cerebro, before it runs.
    """
    trace = Trace()
    with _same_randomness(), _silence():
        try:
            cerebro = make()
            cerebro.writers.clear()
            cerebro.p.writer = False
            cerebro.analyzers[:] = [
                added for added in cerebro.analyzers if not _is_report(added[0])
            ]
            OrderRecorder(cerebro, trace)
            cerebro.addanalyzer(LineReader, trace=trace, until=until, prepare=prepare)
            cerebro.run(**(modes or {}))
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:
            trace.failure = _failure(error, trace)
    return trace


def _is_report(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, RunReport)


@contextmanager
def _same_randomness() -> Iterator[None]:
    """Let every run begin with the same state of the global random generators."""
    mine, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(mine)
        np.random.set_state(numpys)  # noqa: NPY002


@contextmanager
def _silence() -> Iterator[None]:
    """Print and log nothing: the same would be said of every world."""
    logger = logging.getLogger("bt_lstm_rotation")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _failure(error: BaseException, trace: Trace) -> Failure:
    dates = [date for part in trace.lines for date in part.dates]
    steps = [
        (frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    users = [place for step in steps if (place := users_place(*step))]
    known = users or [place for step in steps if (place := place_in(*step))]
    return Failure(
        text=in_words(error),
        place=known[-1] if known else "",
        at=max(dates, default=-math.inf),
        error=error,
    )
