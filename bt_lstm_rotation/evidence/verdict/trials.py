"""What a verdict has to be told: how many trials were made, and what was opened."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bt_lstm_rotation.checks import check_range, check_whole, is_number, listed
from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.measures.inference.sharpe_ratio import effective_trials

__all__ = ["HoldoutBook", "Trials"]


@dataclass(frozen=True, kw_only=True)
class Trials:
    """The trials made on some data so far, this one among them.

    Parameters
    ----------
    sharpes : tuple of float
        Annualised Sharpe ratios of those that have one; NaN are left out.
    count : int, optional
        How many trials there were, if more than have a ratio.
    correlation : float, optional
        The mean of their returns' correlations, -1 to 1; trials of which it is not
        known are taken for independent, which asks the most of the best of them.

    Raises
    ------
    SpecError
        If a value is impossible.
    """

    sharpes: tuple[float, ...] = ()
    count: int | None = None
    correlation: float | None = None

    def __post_init__(self) -> None:
        valid = "a list of numbers"
        sharpes = listed("Trials", "sharpes", self.sharpes, valid)
        for ratio in sharpes:
            if not is_number(ratio) or math.isinf(ratio):
                raise SpecError("Trials", "sharpes", ratio, valid)
        known = tuple(float(ratio) for ratio in sharpes if not math.isnan(ratio))
        object.__setattr__(self, "sharpes", known)
        if self.count is not None:
            check_whole(
                "Trials", "count", self.count, least=max(1, len(known)), most=1_000_000
            )
        if self.correlation is not None:
            check_range("Trials", "correlation", self.correlation, -1, 1)

    @property
    def number(self) -> int:
        """How many there were, 1 at least."""
        return max(1, len(self.sharpes) if self.count is None else self.count)

    @property
    def effective(self) -> float:
        """How many independent ones they are worth."""
        return effective_trials(self.number, self.correlation or 0.0)

    @property
    def variance(self) -> float:
        """Of annualised Sharpe ratios; NaN of fewer than two."""
        if len(self.sharpes) < 2:
            return math.nan
        return float(np.var(self.sharpes, ddof=1))


class HoldoutBook(Protocol):
    """Where it is written down that a part of some data was looked at."""

    def opened(self, data: str, first: dt.date, last: dt.date) -> int:
        """Write an opening down, and return how many there had been before.

        Parameters
        ----------
        data : str
            Content hash of all bars.
        first, last : date
            The sessions that are opened.
        """
        ...
