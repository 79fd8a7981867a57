"""How many trials were made on which bars."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bt_lstm_rotation.measures.inference.sharpe_ratio import effective_trials
from bt_lstm_rotation.trials.counting import distinct, mean_correlation, returns_of
from bt_lstm_rotation.trials.ledger import Kept, TrialLedger

__all__ = ["OnBars", "by_bars", "symbols_of"]


class OnBars(NamedTuple):
    """What was tried on bars of one content.

    `trials` counts each once, and `effective` is how many independent ones they are
    worth; `best` is the highest Sharpe ratio of a year, NaN if none has one; `openings`
    is how often sessions were held out and opened.
    """

    data: str
    source: str
    symbols: tuple[str, ...]
    first: str
    last: str
    trials: int
    effective: float
    best: float
    openings: int


def by_bars(ledger: TrialLedger, rows: Sequence[Kept]) -> list[OnBars]:
    """Sum rows of a ledger up, those on the same bars together, in their order.

    Raises OutputError if the ledger cannot be read.
    """
    groups: dict[str, list[Kept]] = {}
    for row in rows:
        groups.setdefault(row.trial.data, []).append(row)
    return [_summed(ledger, group) for group in groups.values()]


def symbols_of(row: Kept) -> tuple[str, ...]:
    """Return what a trial traded."""
    try:
        found = json.loads(row.trial.symbols)
    except ValueError:
        found = None
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _summed(ledger: TrialLedger, rows: Sequence[Kept]) -> OnBars:
    trials = [row.trial for row in rows]
    number = distinct(rows)
    known = {row.trial.key: row.number for row in rows if row.trial.kind != "holdout"}
    returns = returns_of(row.trial for row in ledger.whole(known.values()))
    ratios = np.array([trial.annual_sharpe for trial in trials])
    ratios = ratios[np.isfinite(ratios)]
    worth = 0.0
    if number:
        worth = effective_trials(number, mean_correlation(returns, number))
    return OnBars(
        trials[0].data,
        trials[0].source,
        symbols_of(rows[0]),
        min(trial.first for trial in trials),
        max(trial.last for trial in trials),
        number,
        worth,
        float(ratios.max()) if len(ratios) else float("nan"),
        sum(trial.kind == "holdout" for trial in trials),
    )
