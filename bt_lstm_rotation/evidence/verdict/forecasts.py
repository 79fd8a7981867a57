"""Forecast skill: each model's figures, and each beside the candidate's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bt_lstm_rotation.errors import MissingExtraError
from bt_lstm_rotation.evidence.verdict.runs import Run
from bt_lstm_rotation.measures.inference.candidates import confidence_set
from bt_lstm_rotation.measures.inference.diebold_mariano import diebold_mariano
from bt_lstm_rotation.measures.inference.mean_test import mean_test
from bt_lstm_rotation.measures.skill import skill

__all__ = ["forecast_rows"]

# Of the model confidence set: the chance to lose the best.
SET_SIZE = 0.1


def forecast_rows(
    candidate: Run, rivals: Mapping[str, Run], *, seed: int, notes: list[str]
) -> list[dict[str, Any]]:
    """Measure the candidate's forecasts and each rival's, the candidate's first.

    Parameters
    ----------
    rivals : mapping of str to Run
    seed : int
        Of the bootstrap.
    notes : list of str
        What could not be assessed, and why, is added to it.

    Returns
    -------
    list of dict
        ``name``; ``ic``, ``ic_error``, ``rank_ic``, ``rank_ic_error``, ``hit_ratio``,
        ``mse_ratio``; ``dm_gain``, the rival's mean squared error less the candidate's;
        ``dm_p``, the chance of one as large if both are equally good, and
        ``dm_p_rival``, the same for the rival; ``set_p`` and ``in_set``, of the model
        confidence set over the sessions that all share.
    """
    runs = {candidate.name: candidate, **rivals}
    p_values = _confidence(runs, seed, notes)
    return [_row(run, candidate, p_values) for run in runs.values()]


def _row(run: Run, candidate: Run, p_values: Mapping[str, float]) -> dict[str, Any]:
    figures = skill(run.forecast, run.realised)
    row: dict[str, Any] = {"name": run.name}
    for name, ranks in (("ic", False), ("rank_ic", True)):
        test = mean_test(run.ic(ranks=ranks).to_numpy(), run.horizon)
        row |= {name: figures[name], f"{name}_error": test.error}
    row |= {name: figures[name] for name in ("hit_ratio", "mse_ratio", "sessions")}
    row |= {"dm_gain": None, "dm_p": None, "dm_p_rival": None}
    if run is not candidate:
        both = _shared({"own": candidate.losses, "other": run.losses})
        test = diebold_mariano(
            both["own"].to_numpy(), both["other"].to_numpy(), candidate.horizon
        )
        row |= {
            "dm_gain": test.mean,
            "dm_p": test.p_above,
            "dm_p_rival": test.p_below,
        }
    p_value = p_values.get(run.name)
    in_set = None if p_value is None or p_value != p_value else p_value >= SET_SIZE
    return {**row, "set_p": p_value, "in_set": in_set}


def _confidence(
    runs: Mapping[str, Run], seed: int, notes: list[str]
) -> dict[str, float]:
    if len(runs) < 2:
        return {}
    losses = _shared({name: run.losses for name, run in runs.items()})
    columns = {str(name): losses[name].to_numpy() for name in losses}
    # A block has to span the returns that overlap.
    block = float(max(run.horizon for run in runs.values()))
    try:
        return confidence_set(columns, size=SET_SIZE, block=2 * block, seed=seed)
    except MissingExtraError as error:
        notes.append(f"The model confidence set was left out: {error}.")
        return {}


def _shared(series: Mapping[str, pd.Series[Any]]) -> pd.DataFrame:
    """Return what is known of all, session by session."""
    return pd.concat(series, axis=1, join="inner").dropna()
