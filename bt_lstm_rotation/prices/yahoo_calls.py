"""One load's calls to the vendor: patient at first, then brief, then none."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
)

from bt_lstm_rotation.errors import SourceError
from bt_lstm_rotation.prices.history import CoveredBars, final_bars
from bt_lstm_rotation.prices.yahoo_fetch import is_not_found

__all__ = ["ATTEMPTS", "Calls", "Fetch"]

logger = logging.getLogger(__name__)

Fetch = Callable[[Sequence[str], dt.date, dt.date], Mapping[str, pd.DataFrame]]

ATTEMPTS = 5
# A name that cannot be looked up: once more, for a network that is coming up.
ATTEMPTS_TO_FIND = 2
FIRST_WAIT, LONGEST_WAIT = 2.0, 30.0
# After so many symbols without an answer, the rest are not asked for.
OUT_OF_REACH = 2


@dataclass
class Calls:
    """Fetches symbol after symbol; what gets no answer is told once.

    `fetch`, `sleep` and `rng` are those of `YahooPrices`, `today` the exchange's date.
    """

    fetch: Fetch
    sleep: Callable[[float], None]
    rng: np.random.Generator
    today: dt.date
    failures: int = 0
    reason: str = ""

    def bars(self, symbol: str, start: dt.date, end: dt.date) -> CoveredBars | None:
        """Fetch one symbol; None if the vendor has no bars of it in the range.

        Raises SourceError if there is no answer, or none that can be read.
        """
        if self.failures >= OUT_OF_REACH:
            raise SourceError(self.reason)
        most = 1 if self.failures else ATTEMPTS
        retrying = Retrying(
            retry=retry_if_exception_type(OSError),
            stop=lambda state: self._is_enough(state, most),
            wait=self._seconds,
            sleep=self.sleep,
            before_sleep=self._say_it_waits,
            reraise=True,
        )
        try:
            frames = retrying(self.fetch, (symbol,), start, end)
        except (OSError, SourceError) as error:
            self.reason = str(error) or type(error).__name__
            self.failures = OUT_OF_REACH if is_not_found(error) else self.failures + 1
            raise SourceError(self.reason) from error
        if not isinstance(frames, Mapping):
            raise SourceError(f"fetch gave no frame a symbol, but {frames!r}")
        if symbol not in frames:
            return None
        return final_bars(symbol, frames[symbol], start, end, self.today)

    def _is_enough(self, state: RetryCallState, most: int) -> bool:
        lost = is_not_found(_error_of(state))
        return stop_after_attempt(min(most, ATTEMPTS_TO_FIND) if lost else most)(state)

    def _seconds(self, state: RetryCallState) -> float:
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (state.attempt_number - 1))
        return longest * float(self.rng.uniform(0.5, 1.0))

    def _say_it_waits(self, state: RetryCallState) -> None:
        error = _error_of(state)
        level = logging.INFO if self.reason else logging.WARNING
        longest = ATTEMPTS_TO_FIND if is_not_found(error) else ATTEMPTS
        times = "once more" if longest == ATTEMPTS_TO_FIND else f"{longest - 1} times"
        logger.log(level, "%s; asking again, %s at most", error, times)
        self.reason = str(error)


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
