"""A verdict and the ledger of trials: what it adds, and what it is told."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.errors import OutputError
from bt_lstm_rotation.evidence.verdict.runs import Run
from bt_lstm_rotation.evidence.verdict.trials import Trials
from bt_lstm_rotation.measures.inference.sharpe_ratio import moments
from bt_lstm_rotation.prices import PricePanel
from bt_lstm_rotation.trials import (
    TrialLedger,
    TrialRecord,
    code_of_classes,
    trial_of,
)
from bt_lstm_rotation.trials.counting import (
    LEAST,
    known_trials,
    looks_at,
    mean_correlation,
    returns_of,
)

__all__ = ["Bookkeeping"]


class Bookkeeping:
    """What a verdict writes into a ledger and reads from it; nothing without one.

    A ledger that cannot be written or read costs a note, and no verdict.

    Attributes
    ----------
    notes : list of str
    """

    def __init__(self, ledger: TrialLedger | None, strategy: Any) -> None:
        self._ledger = ledger
        self._code = None if ledger is None else code_of_classes([strategy])
        self._candidate: TrialRecord | None = None
        self.notes: list[str] = []

    def candidate(self, run: Run, panel: PricePanel) -> None:
        """Add the candidate's run."""
        if self._ledger is not None:
            self._candidate = trial_of(run.result, panel, "verdict", code=self._code)
            self._add([self._candidate])

    def beside(self, kind: str, runs: Sequence[Run], panel: PricePanel) -> None:
        """Add runs that stand beside the candidate: each a "rival" or a "seed"."""
        if self._candidate is None:
            return
        whose = self._candidate.configuration
        self._add(
            [
                trial_of(run.result, panel, kind, code=self._code, beside=whose)
                for run in runs
            ]
        )

    def opening(self, run: Run, panel: PricePanel, since: dt.date) -> int | None:
        """Add the opening of what was held out.

        Returns how often those sessions had been looked at before; None if that is not
        known.
        """
        if self._ledger is None:
            return None
        opened = trial_of(run.result, panel, "holdout", code=self._code, since=since)
        before = None
        try:
            before = looks_at(self._ledger, opened)
        except OutputError as error:
            self.notes.append(f"Earlier openings are not known: {error}.")
        self._add([opened])
        return before

    def trials(self, run: Run) -> Trials | None:
        """Return the trials that are known on the candidate's bars; None if none are.

        Their ratios and their correlation are those of returns in excess of equal
        weight, as the candidate's ratio is; of a trial without returns the ratio is
        taken as it was told.
        """
        if self._ledger is None or self._candidate is None:
            return None
        try:
            known = known_trials(self._ledger, self._candidate)
            returns = returns_of(known)
        except (OutputError, ValueError) as error:
            self.notes.append(f"The trials made so far are not known: {error}.")
            return None
        excess = {
            key: (own - run.equal_weight).dropna() for key, own in returns.items()
        }
        year = run.periods_a_year or math.nan
        ratios = [
            _ratio(excess[trial.key], year)
            if trial.key in excess
            else trial.annual_sharpe
            for trial in known
        ]
        return Trials(
            sharpes=tuple(ratio for ratio in ratios if math.isfinite(ratio)),
            count=len(known),
            correlation=mean_correlation(excess, len(known)),
        )

    def _add(self, trials: Sequence[TrialRecord]) -> None:
        if self._ledger is None:
            return
        problem = self._ledger.keep(lambda: trials)
        note = f"This verdict is not in the trial ledger: {problem}."
        if problem is not None and note not in self.notes:
            self.notes.append(note)


def _ratio(excess: pd.Series[Any], year: float) -> float:
    if len(excess) < LEAST:
        return math.nan
    values = excess.to_numpy(dtype="float64")
    return moments(values[np.isfinite(values)]).sharpe * math.sqrt(year)
