"""How much of what was found luck could have made: of one try, of many, of seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bt_lstm_rotation.errors import DataError, MissingExtraError
from bt_lstm_rotation.evidence.verdict.runs import Run
from bt_lstm_rotation.evidence.verdict.trials import Trials
from bt_lstm_rotation.measures.inference.candidates import superior_ability
from bt_lstm_rotation.measures.inference.overfitting import overfitting
from bt_lstm_rotation.measures.inference.sharpe_ratio import (
    best_by_luck,
    moments,
    probabilistic_sharpe,
)

__all__ = ["luck_figures", "seed_figures"]


def luck_figures(
    candidate: Run,
    rivals: Mapping[str, Run],
    *,
    trials: Trials | None,
    sweep: pd.DataFrame | None,
    seed: int,
    notes: list[str],
) -> dict[str, Any]:
    """Measure what of a good result the best of many would have shown by luck.

    Parameters
    ----------
    trials : Trials or None
        None if it is not known how many there were.
    sweep : DataFrame or None
        Decimal returns of the configurations that the candidate was chosen from, one
        column each; by default the candidate's and its rivals'.
    notes : list of str
        What could not be assessed, and why, is added to it.

    Returns
    -------
    dict
        ``sharpe``, of the returns in excess of equal weight, net of costs, a year;
        ``psr``, the chance that the true one is above 0; ``dsr``, that it is above
        ``best_by_luck``, what the best of ``effective_trials`` of the ``trials`` would
        have reached; ``reality_check`` and ``spa``, the chance of a best of candidate
        and rivals so far ahead of equal weight, if none is better; ``pbo`` over
        ``pbo_of`` configurations. None where it is not known.
    """
    excess = _excess(candidate)
    found = moments(excess.to_numpy())
    periods = candidate.periods_a_year or math.nan
    figures: dict[str, Any] = {
        "sharpe": found.sharpe * math.sqrt(periods),
        "psr": probabilistic_sharpe(found),
        **dict.fromkeys(("dsr", "best_by_luck", "trials", "effective_trials")),
    }
    if trials is not None:
        figures |= {"trials": trials.number, "effective_trials": trials.effective}
        luck = 0.0
        if trials.effective > 1:
            luck = (
                best_by_luck(trials.effective, trials.variance)
                if (math.isfinite(trials.variance))
                else math.nan
            )
        figures |= {
            "best_by_luck": luck,
            "dsr": probabilistic_sharpe(found, luck / math.sqrt(periods)),
        }
    figures |= _superiority(candidate, rivals, seed, notes)
    return figures | _overfitting(candidate, rivals, sweep, notes)


def seed_figures(runs: Sequence[Run]) -> dict[str, Any] | None:
    """Give the band of a candidate's figures over seeds; None of fewer than two runs.

    ``seeds``, how many; ``ic`` and ``sharpe``, each the mean, the least, the most and
    the deviation.
    """
    if len(runs) < 2:
        return None
    columns = {
        "ic": [run.result.summary["forecast"]["ic"] for run in runs],
        "sharpe": [run.metrics["sharpe"] for run in runs],
    }
    found: dict[str, Any] = {"seeds": len(runs)}
    for name, column in columns.items():
        values = np.array([math.nan if v is None else v for v in column])
        found[name] = {
            "mean": float(values.mean()),
            "low": float(values.min()),
            "high": float(values.max()),
            "deviation": float(values.std(ddof=1)),
            "values": values.tolist(),
        }
    return found


def _excess(run: Run) -> pd.Series[Any]:
    both = pd.concat([run.returns, run.equal_weight], axis=1, join="inner").dropna()
    return both.iloc[:, 0] - both.iloc[:, 1]


def _superiority(
    candidate: Run, rivals: Mapping[str, Run], seed: int, notes: list[str]
) -> dict[str, Any]:
    runs = {candidate.name: candidate, **rivals}
    table = pd.concat(
        {**{n: r.returns for n, r in runs.items()}, "": candidate.equal_weight},
        axis=1,
        join="inner",
    ).dropna()
    try:
        found = superior_ability(
            {name: table[name].to_numpy() for name in runs},
            table[""].to_numpy(),
            seed=seed,
        )
    except MissingExtraError as error:
        notes.append(f"Reality check and SPA were left out: {error}.")
        return {"reality_check": None, "spa": None}
    return {"reality_check": found.reality_check, "spa": found.consistent}


def _overfitting(
    candidate: Run,
    rivals: Mapping[str, Run],
    sweep: pd.DataFrame | None,
    notes: list[str],
) -> dict[str, Any]:
    if sweep is None:
        runs = {candidate.name: candidate, **rivals}
        series = {name: run.returns for name, run in runs.items()}
        sweep = pd.concat(series, axis=1, join="inner")
    table = sweep.dropna().to_numpy(dtype="float64")
    try:
        found = overfitting(table)
    except DataError as error:
        notes.append(f"The probability of overfitting was left out: {error}.")
        return {"pbo": None, "pbo_of": None}
    return {"pbo": found.probability, "pbo_of": int(table.shape[1])}
