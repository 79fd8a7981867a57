"""Bars -> causal features and targets.

Every feature of a bar is made from that bar and earlier ones, its target from that
close and the close `horizon` bars later. Windows are longer by `warmup`, the bars that
a feature reaches back, and are never padded.

Sums over time and over symbols are loops of elementwise additions: a NumPy reduction
may add in another order when the shape differs, and a forecast's last bit would then
depend on which other sessions were computed with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError, closest
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import MONTH
from bt_lstm_rotation.wording import in_text

__all__ = [
    "FEATURES",
    "Feature",
    "check_features",
    "compute",
    "forward_return",
    "mirror",
    "warmup",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """A column that can be made of a window.

    Parameters
    ----------
    values : callable
        Window of ``(..., n_symbols, n_bars)`` -> array of that shape; the first
        `warmup` bars of the last axis carry no meaning.
    warmup : int
        Bars that it reaches back.
    cross_sectional : bool
        Whether it compares symbols with each other, and so needs two of them.
    odd : bool
        Whether it changes its sign when rises and falls change places.
    """

    values: Callable[[Window], Array]
    warmup: int
    cross_sectional: bool = False
    odd: bool = False


def check_features(owner: str, names: object) -> tuple[str, ...]:
    """Return the names of some features; SpecError unless each is one, and once."""
    if isinstance(names, str) or not isinstance(names, tuple | list):
        valid = "a tuple of names, such as ('log_return',)"
        raise SpecError(owner, "features", names, valid)
    for name in names:
        if not isinstance(name, str) or name not in FEATURES:
            known = closest(in_text(name), FEATURES)
            raise SpecError(owner, "features", name, f"a feature; {known}")
    if not names or len(set(names)) < len(names):
        valid = "at least one name, each of them once"
        raise SpecError(owner, "features", names, valid)
    return tuple(names)


def compute(names: Iterable[str], window: Window) -> Array:
    """Make features of a window of (..., n_symbols, n_bars).

    Returns
    -------
    (..., n_symbols, n_bars - warmup(names), n_features) float64
    """
    skip = warmup(names)
    columns = [FEATURES[name].values(window)[..., skip:] for name in names]
    return np.stack(columns, axis=-1)


def warmup(names: Iterable[str]) -> int:
    """Bars that the longest of some features reaches back."""
    return max(FEATURES[name].warmup for name in names)


def mirror(names: Iterable[str]) -> Array:
    """Signs that exchange rises and falls, (n_features,): -1 for odd features."""
    return np.array([-1.0 if FEATURES[name].odd else 1.0 for name in names])


def forward_return(window: Window, horizon: int) -> Array:
    """Return over the next ``horizon`` bars, decimal, from close to close.

    Returns
    -------
    (..., n_symbols, n_bars - horizon) float64
        The last `horizon` bars have none: theirs has not matured within the window.
    """
    close = window.close
    return close[..., horizon:] / close[..., :-horizon] - 1.0


def deviation(values: Array, dates: NDArray[np.datetime64]) -> Array:
    """Difference to the mean over the symbols that have a bar on the same date.

    All arrays are (..., n_symbols, n_bars).
    """
    return _across(_less_mean, values, dates)


def _across(
    compare: Callable[[Array], Array], values: Array, dates: NDArray[np.datetime64]
) -> Array:
    """Compare symbols with each other, date by date.

    Where their dates differ, each window is laid out by date with NaN in the holes,
    which `compare` leaves out.
    """
    if (dates == dates[..., :1, :]).all():
        return compare(values)
    result = np.empty_like(values)
    rows = np.arange(values.shape[-2])[:, None]
    for at in np.ndindex(values.shape[:-2]):
        days, columns = np.unique(dates[at], return_inverse=True)
        columns = columns.reshape(values.shape[-2:])
        grid = np.full((values.shape[-2], len(days)), np.nan)
        grid[rows, columns] = values[at]
        result[at] = compare(grid)[rows, columns]
    return result


def _less_mean(grid: Array) -> Array:
    there = ~np.isnan(grid)
    total = np.zeros_like(grid[..., 0, :])
    for row in range(grid.shape[-2]):
        total = total + np.where(there[..., row, :], grid[..., row, :], 0.0)
    count = np.maximum(there.sum(axis=-2), 1)
    centred: Array = grid - (total / count)[..., None, :]
    return centred


def _centred_rank(grid: Array) -> Array:
    """Share of the others that are beaten, less a half: from -0.5 to 0.5."""
    rows: Array = np.moveaxis(grid, -2, -1)
    table = pd.DataFrame(rows.reshape(-1, rows.shape[-1])).rank(axis=1)
    ranks: Array = table.to_numpy().reshape(rows.shape)
    ranks = np.moveaxis(ranks, -1, -2)
    others = np.sum(~np.isnan(grid), axis=-2, keepdims=True) - 1
    # Ranks begin at 1, and equal values share theirs: halves at most, so it is exact.
    share = (2 * (ranks - 1) - others) / np.maximum(2 * others, 1)
    return np.where(np.isnan(grid), 0.0, share)


def _log_return(window: Window) -> Array:
    log_close: Array = np.log(window.close)
    # NaN and not 0: what has no meaning must not be compared with what has, and does
    # meet it where two symbols' windows begin on different dates.
    change = np.full_like(log_close, np.nan)
    change[..., 1:] = log_close[..., 1:] - log_close[..., :-1]
    return change


def _relative_return(window: Window) -> Array:
    return deviation(_log_return(window), window.dates)


def _trailing_mean(values: Array, size: int) -> Array:
    """Mean of the last ``size`` values; the first ``size - 1`` carry no meaning."""
    total = values.copy()
    for lag in range(1, size):
        total[..., lag:] += values[..., :-lag]
    return total / size


def _volatility(window: Window) -> Array:
    """Root mean square of the log returns of a month, as in RiskMetrics: no mean."""
    squared: Array = _log_return(window) ** 2
    return np.sqrt(_trailing_mean(squared, MONTH))


def _volume(window: Window) -> Array:
    """Log volume against its mean of a month; log1p, because a volume may be 0."""
    log_volume: Array = np.log1p(window.volume)
    return log_volume - _trailing_mean(log_volume, MONTH)


def _rank(window: Window) -> Array:
    """Cross-sectional rank of the return of a month, ties shared."""
    month = np.full_like(window.close, np.nan)
    month[..., MONTH:] = window.close[..., MONTH:] / window.close[..., :-MONTH]
    return _across(_centred_rank, month, window.dates)


FEATURES: dict[str, Feature] = {
    "log_return": Feature(_log_return, warmup=1, odd=True),
    "relative_return": Feature(
        _relative_return, warmup=1, cross_sectional=True, odd=True
    ),
    "volatility": Feature(_volatility, warmup=MONTH),
    "volume": Feature(_volume, warmup=MONTH - 1),
    "rank": Feature(_rank, warmup=MONTH, cross_sectional=True, odd=True),
}
