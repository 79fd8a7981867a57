"""How far apart two return series are, beyond what chance makes of one path.

Resampling of blocks keeps what sessions have in common with their neighbours, and
drawing the same blocks from both series keeps what they have in common with each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_range, check_whole
from bt_lstm_rotation.measures.annualisation import annual_factor

__all__ = ["Interval", "difference", "stationary_rows"]

_Floats = NDArray[np.float64]

# Draws at a time, to need little memory.
CHUNK = 100


@dataclass(frozen=True)
class Interval:
    """An estimate, and between which values it lies with some confidence."""

    estimate: float
    low: float
    high: float


def stationary_rows(
    n_rows: int, draws: int, mean_block: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw rows by the stationary bootstrap, (draws, n_rows).

    Blocks begin anywhere, have lengths of a geometric law, and go on at the beginning
    where they reach the end [1]_.

    References
    ----------
    .. [1] D. N. Politis and J. P. Romano, "The stationary bootstrap", Journal of the
       American Statistical Association 89(428), 1994.
    """
    begins = rng.random((draws, n_rows)) < 1 / mean_block
    begins[:, 0] = True
    starts = rng.integers(0, n_rows, (draws, n_rows))
    place = np.arange(n_rows)
    # Of each row, where its block began, and from which row that was drawn.
    block = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    rows: NDArray[np.int64] = (
        np.take_along_axis(starts, block, axis=1) + place - block
    ) % n_rows
    return rows


def difference(
    returns: pd.Series[Any],
    other: pd.Series[Any],
    *,
    periods_a_year: float,
    draws: int = 2_000,
    confidence: float = 0.95,
    seed: int = 0,
    mean_block: float | None = None,
) -> dict[str, Interval]:
    """Compare two series of returns on the sessions that they share.

    Parameters
    ----------
    returns, other : Series
        Decimal returns above -1, indexed by session.
    periods_a_year : float
        By which they are annualised.
    draws : int
        100 or more.
    confidence : float
        0.5 to 0.999.
    seed : int
    mean_block : float, optional
        Mean length of blocks in sessions, 1 or more; n^(1/3) by default, the order that
        is best for the variance of a mean.
        `bt_lstm_rotation.measures.inference.block_length` measures one.

    Returns
    -------
    dict of str to Interval
        `returns` less `other`: ``growth``, exp of the mean log return times the
        periods, less 1, a decimal a year; ``sharpe``; ``annual_volatility``. NaN where
        it is not defined, as of fewer than 10 sessions. The ends are quantiles of the
        draws.

    Raises
    ------
    SpecError
        If `draws`, `confidence` or `mean_block` is out of range.
    """
    check_whole("difference", "draws", draws, least=100)
    check_range("difference", "confidence", confidence, 0.5, 0.999)
    if mean_block is not None:
        check_range("difference", "mean_block", mean_block, 1, 1e6)
    both = pd.concat([returns, other], axis=1, join="inner").dropna().to_numpy()
    if len(both) < 10:
        nothing = Interval(math.nan, math.nan, math.nan)
        return dict.fromkeys(("growth", "sharpe", "annual_volatility"), nothing)
    block = len(both) ** (1 / 3) if mean_block is None else mean_block
    counts = _counts(len(both), draws, block, seed)
    first, second = (_figures(both[:, side], counts, periods_a_year) for side in (0, 1))
    tail = (1 - confidence) / 2
    found = {}
    for name in first:
        gap = first[name] - second[name]
        low, high = np.quantile(gap[1:], [tail, 1 - tail])
        found[name] = Interval(float(gap[0]), float(low), float(high))
    return found


def _counts(n_rows: int, draws: int, mean_block: float, seed: int) -> _Floats:
    """Count how often each row stands in the series, and then in each draw of it."""
    rng = np.random.default_rng(seed)
    counts = np.ones((draws + 1, n_rows))
    for begin in range(1, draws + 1, CHUNK):
        size = min(CHUNK, draws + 1 - begin)
        rows = stationary_rows(n_rows, size, mean_block, rng)
        rows += n_rows * np.arange(size)[:, None]
        of_draws = np.bincount(rows.ravel(), minlength=size * n_rows)
        counts[begin : begin + size] = of_draws.reshape(size, n_rows)
    return counts


def _figures(returns: _Floats, counts: _Floats, periods: float) -> dict[str, _Floats]:
    """Measure a series, and each draw of it, (1 + draws,)."""
    n = len(returns)
    mean = counts @ returns / n
    deviation = np.sqrt(np.maximum(counts @ returns**2 - n * mean**2, 0) / (n - 1))
    annual = annual_factor(periods)
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpe = np.where(deviation > 0, mean / deviation * annual, np.nan)
    return {
        "growth": np.expm1(counts @ np.log1p(returns) / n * periods),
        "sharpe": sharpe,
        "annual_volatility": deviation * annual,
    }
