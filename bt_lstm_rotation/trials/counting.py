"""How many trials were made on some bars, and how alike they are.

A trial counts if it shares bars with what is asked about, by content or by marks, and
if its sessions overlap. The identical trial counts once, however often and wherever it
was made. The rivals and seeds that stood beside a candidate in its verdict do not count
against it, as it was not chosen among them; against any other candidate they do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.trials.ledger import Kept, TrialLedger
from bt_lstm_rotation.trials.packing import share_marks, unpack_returns
from bt_lstm_rotation.trials.record import TrialRecord

__all__ = ["distinct", "known_trials", "looks_at", "mean_correlation", "returns_of"]

# Sessions that two trials have to share before a correlation says something.
LEAST = 63

# Trials whose correlations are measured; of more, so many spread evenly.
MOST = 500


def known_trials(ledger: TrialLedger, candidate: TrialRecord) -> list[TrialRecord]:
    """Return the trials that count against a candidate, itself first, each once.

    Raises OutputError if the ledger cannot be read.
    """
    found: dict[str, int] = {}
    for row in ledger.rows():
        trial = row.trial
        own = trial.beside is not None and trial.beside == candidate.configuration
        if trial.kind != "holdout" and not own and _overlap(trial, candidate):
            found.setdefault(trial.key, row.number)
    found.pop(candidate.key, None)
    return [candidate, *(row.trial for row in ledger.whole(found.values()))]


def looks_at(ledger: TrialLedger, opened: TrialRecord) -> int:
    """Count how often sessions that are held out have been looked at before.

    An opening counts each time; any other trial that went on into these sessions has
    shown what is in them, and counts once. Raises OutputError as `known_trials`.
    """
    rows = [row for row in ledger.rows() if _overlap(row.trial, opened)]
    openings = sum(row.trial.kind == "holdout" for row in rows)
    return openings + distinct(rows)


def returns_of(trials: Iterable[TrialRecord]) -> dict[str, pd.Series[Any]]:
    """Return the returns of the trials that have some, by their keys."""
    found = {}
    for trial in trials:
        if trial.returns is not None:
            returns = unpack_returns(trial.returns)
            found[trial.key] = returns[~returns.index.duplicated()]
    return found


def mean_correlation(returns: Mapping[str, pd.Series[Any]], number: int) -> float:
    """Return the mean correlation of all pairs of some trials, -1 to 1.

    Parameters
    ----------
    returns : mapping of str to Series
        Decimals by session, of the trials that have some.
    number : int
        Of all trials. Pairs of which the correlation is not known are taken for
        independent, which asks the most of the best of them; of a single trial the
        mean is 0.
    """
    if number < 2 or len(returns) < 2:
        return 0.0
    names = list(returns)
    places = np.unique(np.linspace(0, len(names) - 1, min(MOST, len(names))).round())
    some = [returns[names[int(place)]] for place in places]
    table = pd.concat(dict(enumerate(some)), axis=1).to_numpy(dtype="float64").T
    with np.errstate(all="ignore"):
        found = _correlations(table)
    upper = found[np.triu_indices(len(found), 1)]
    known = np.isfinite(upper)
    # What the sample has of all of its pairs, those without returns have of none.
    share = (len(returns) * (len(returns) - 1)) / (number * (number - 1))
    mean = float(np.where(known, upper, 0.0).mean()) * share
    return min(1.0, max(-1.0, mean)) if math.isfinite(mean) else 0.0


def _correlations(table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Correlate rows, each pair on the sessions that both have; NaN of too few."""
    known = np.isfinite(table)
    mask = known.astype("float64")
    means = np.where(known, table, 0.0).sum(axis=1) / mask.sum(axis=1)
    values = np.where(known, table - means[:, None], 0.0)
    count = mask @ mask.T
    sums, squares = values @ mask.T, (values**2) @ mask.T
    cross = values @ values.T - sums * sums.T / count
    spread = squares - sums**2 / count
    # A constant has no correlation, whatever its rounding.
    flat = spread <= 1e-12 * np.maximum(squares, 1e-300)
    found = np.where(flat | flat.T, np.nan, cross / np.sqrt(spread * spread.T))
    return np.where(count >= LEAST, np.clip(found, -1.0, 1.0), np.nan)


def _overlap(one: TrialRecord, other: TrialRecord) -> bool:
    same = one.data == other.data or share_marks(one.marks or b"", other.marks or b"")
    return same and one.first <= other.last and other.first <= one.last


def distinct(rows: Sequence[Kept]) -> int:
    """Count trials, each once; openings are none."""
    return len({row.trial.key for row in rows if row.trial.kind != "holdout"})
