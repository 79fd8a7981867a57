"""Trials on their way into the ledger, as a sweep gets them ready."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bt_lstm_rotation.trials.ledger import TrialLedger
from bt_lstm_rotation.trials.record import TrialRecord
from bt_lstm_rotation.wording import in_words

__all__ = ["counted", "recorded"]

logger = logging.getLogger(__name__)


def recorded(make: Callable[[], TrialRecord]) -> TrialRecord | None:
    """Return a record; if it cannot be made, say why and return None."""
    try:
        return make()
    except Exception as error:  # no run fails for its ledger
        logger.warning("a trial is not in the ledger: %s", in_words(error))
        return None


@contextmanager
def counted(
    ledger: TrialLedger | None,
) -> Iterator[Callable[[TrialRecord | None], None]]:
    """Yield what adds a trial to the ledger at once; without a ledger, nothing.

    Once that has failed, the others are added together at the end: a ledger that is
    held up is waited for twice, and not by each trial.
    """
    left: list[TrialRecord] = []
    failures: list[str] = []

    def count(trial: TrialRecord | None) -> None:
        if ledger is None or trial is None:
            return
        left.append(trial)
        if not failures:
            problem = ledger.keep(lambda: left)
            if problem is None:
                left.clear()
            else:
                failures.append(problem)

    try:
        yield count
    finally:
        if ledger is not None and left:
            ledger.keep(lambda: left)
