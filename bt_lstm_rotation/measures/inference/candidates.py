"""Many candidates at once: which may be the best, and whether any beats a yardstick.

The *model confidence set* holds the best forecast with a chance of 90%: forecasts leave
it one by one, the worst first, until the others can be told apart no more [1]_. The
*reality check* asks whether the best of many beats a yardstick by more than the best
of many would by luck [2]_; the test for *superior predictive ability* asks the same,
and is not weakened by candidates that are hopeless [3]_. All are computed by the
library arch, over a stationary bootstrap.

References
----------
.. [1] P. R. Hansen, A. Lunde and J. M. Nason, "The model confidence set", Econometrica
   79(2), 2011.
.. [2] H. White, "A reality check for data snooping", Econometrica 68(5), 2000.
.. [3] P. R. Hansen, "A test for superior predictive ability", Journal of Business and
   Economic Statistics 23(4), 2005.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_range, check_whole
from bt_lstm_rotation.errors import DataError, MissingExtraError
from bt_lstm_rotation.measures.inference.block_length import stationary_block
from bt_lstm_rotation.measures.inference.mean_test import checked_series

__all__ = ["Superiority", "confidence_set", "require_arch", "superior_ability"]

FEW = 20

_Floats = NDArray[np.float64]


def require_arch() -> Any:
    """Return arch's bootstraps; raise MissingExtraError without it."""
    try:
        from arch import bootstrap
    except ImportError as error:
        raise MissingExtraError("comparing many candidates", "evidence") from error
    return bootstrap


@dataclass(frozen=True)
class Superiority:
    """The chance of a best candidate so far ahead, if none beats the yardstick.

    NaN where it is not defined.

    Parameters
    ----------
    reality_check : float
        White's, an upper bound.
    consistent : float
        Hansen's.
    """

    reality_check: float
    consistent: float


def confidence_set(
    losses: Mapping[str, _Floats],
    *,
    size: float = 0.1,
    draws: int = 1_000,
    block: float | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Return each forecast's p-value; those of at least `size` are the set.

    Parameters
    ----------
    losses : mapping of str to (n_sessions,) float64
        Two forecasts or more, of the same sessions; one with a NaN is left out.
    size : float
        The chance to lose the best, 0.001 to 0.5.
    draws : int
        100 or more.
    block : float, optional
        Mean length of the bootstrap's blocks, 1 or more; by default the longest that
        `stationary_block` finds for a difference from the mean loss.
    seed : int

    Returns
    -------
    dict of str to float
        NaN of fewer than 20 sessions. Forecasts with the same losses share one.

    Raises
    ------
    MissingExtraError
        Without the extra ``evidence``.
    DataError, SpecError
        If losses are not such series, or a setting is impossible.
    """
    check_range("confidence_set", "size", size, 0.001, 0.5)
    check_whole("confidence_set", "draws", draws, least=100)
    arch = require_arch()
    names, table = _table("losses", losses)
    if len(table) < FEW:
        return dict.fromkeys(names, math.nan)
    # Two of the same cannot be told apart, and their difference has no variance.
    distinct, which = np.unique(table, axis=1, return_inverse=True)
    if distinct.shape[1] == 1:
        return dict.fromkeys(names, 1.0)
    apart = distinct - distinct.mean(axis=1, keepdims=True)
    length = _length(apart, block)
    # Powers of two bring tiny squares to where arch can divide by their variance.
    scaled = distinct / 2.0 ** np.frexp(np.abs(apart).max())[1]
    found = arch.MCS(scaled, size, reps=draws, block_size=length, seed=seed)
    found.compute()
    p_values = found.pvalues["Pvalue"].sort_index().to_numpy()
    return {
        name: float(p_values[place])
        for name, place in zip(names, which.ravel(), strict=True)
    }


def superior_ability(
    gains: Mapping[str, _Floats],
    yardstick: _Floats,
    *,
    draws: int = 1_000,
    block: float | None = None,
    seed: int = 0,
) -> Superiority:
    """Test whether the best of some candidates gains more than a yardstick.

    Parameters
    ----------
    gains : mapping of str to (n_sessions,) float64
        Returns, or losses with their sign turned; a session with a NaN is left out.
    yardstick : (n_sessions,) float64
    draws, block, seed
        As `confidence_set` takes them.

    Raises
    ------
    MissingExtraError, DataError, SpecError
        As `confidence_set`, but that a single candidate is enough.
    """
    check_whole("superior_ability", "draws", draws, least=100)
    arch = require_arch()
    _, table = _table("gains", {**gains, "": yardstick})
    apart = table[:, :-1] - table[:, -1:]
    apart = apart[:, np.ptp(apart, axis=0) > 0] if len(apart) else apart
    if len(table) < FEW or not apart.shape[1]:
        return Superiority(math.nan, math.nan)
    length = _length(apart, block)
    found = arch.SPA(
        np.zeros(len(apart)), -apart, block_size=length, reps=draws, seed=seed
    )
    found.compute()
    return Superiority(
        float(found.pvalues["upper"]), float(found.pvalues["consistent"])
    )


def _table(field: str, series: Mapping[str, _Floats]) -> tuple[list[str], _Floats]:
    """Return names, and (n_sessions, n) of the sessions that all have."""
    names = list(series)
    columns = [checked_series(field, values) for values in series.values()]
    lengths = {len(column) for column in columns}
    if len(names) < 2 or len(lengths) != 1:
        raise DataError(
            "not of the same sessions",
            field=field,
            value=sorted(lengths),
            valid="two series or more of one length",
        )
    table = np.column_stack(columns)
    return names, table[~np.isnan(table).any(axis=1)]


def _length(apart: _Floats, block: float | None) -> int:
    """Return whole sessions, as arch takes them."""
    if block is None:
        return math.ceil(max(stationary_block(column) for column in apart.T))
    check_range("candidates", "block", block, 1, 1e6)
    return math.ceil(block)
