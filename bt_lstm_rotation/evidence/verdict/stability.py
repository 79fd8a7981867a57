"""Whether what was found is so in every part of the time, or in one alone."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.evidence.verdict.runs import Run
from bt_lstm_rotation.measures.inference.mean_test import mean_test

__all__ = ["part_row", "stability_rows"]

QUARTER = 63  # sessions


def stability_rows(run: Run, around: dt.date | None = None) -> list[dict[str, Any]]:
    """Measure a run by year, by volatility, and before and after a date.

    Returns
    -------
    list of dict
        ``kind``, "year", "volatility" or "date"; ``part``; ``sessions``; ``ic`` and
        ``ic_error``, its mean and standard error (None of too few sessions);
        ``ahead``, the mean log return over equal weight a year, a decimal, net of
        costs.

    Notes
    -----
    Volatility is the deviation of equal weight's returns in the last 63 sessions, as
    each close knows it; calm sessions are those below its median over the run.
    """
    return [part_row(run, kind, name, days) for kind, name, days in _parts(run, around)]


def part_row(run: Run, kind: str, name: str, days: pd.DatetimeIndex) -> dict[str, Any]:
    """Measure a run on some of its sessions."""
    ic = run.ic()
    some = ic[ic.index.isin(days)].to_numpy()
    test = mean_test(some, run.horizon)
    both = pd.concat([run.returns, run.equal_weight], axis=1, join="inner").dropna()
    both = both[both.index.isin(days)]
    ahead = math.nan
    if len(both) and (both > -1).all(axis=None):
        logs = np.log1p(both.to_numpy(dtype="float64"))
        gap = float((logs[:, 0] - logs[:, 1]).mean())
        ahead = gap * (run.periods_a_year or math.nan)
    return {
        "kind": kind,
        "part": name,
        "sessions": len(both),
        "ic": test.mean,
        "ic_error": test.error,
        "ahead": ahead,
    }


def _parts(
    run: Run, around: dt.date | None
) -> Iterator[tuple[str, str, pd.DatetimeIndex]]:
    days = pd.DatetimeIndex(run.returns.index)
    years = days.year.to_numpy()
    for year in np.unique(years):
        yield "year", str(year), days[years == year]
    calm = _calm(run.equal_weight)
    if calm is not None:
        index = pd.DatetimeIndex(run.equal_weight.index)
        known, quiet = calm
        yield "volatility", "calm", index[known & quiet]
        yield "volatility", "wild", index[known & ~quiet]
    if around is not None:
        before = days < pd.Timestamp(around)
        yield "date", f"before {around}", days[before]
        yield "date", f"from {around}", days[~before]


def _calm(
    returns: pd.Series[Any],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    deviation = returns.rolling(QUARTER).std().to_numpy()
    known = np.isfinite(deviation)
    if known.sum() < 2 * QUARTER:
        return None
    return known, deviation < np.median(deviation[known])
