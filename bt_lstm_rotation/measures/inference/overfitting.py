"""The probability of backtest overfitting, by combinatorially symmetric validation.

T returns of N configurations are cut into S blocks. For each of the S over S / 2 ways
to take half of the blocks, the configuration with the best Sharpe ratio there is looked
up in the other half, where its rank is r of N, 1 being the worst. With ω = r / (N + 1)
its logit is λ = log(ω / (1 - ω)), and the probability of overfitting is the share of
ways in which λ is not above 0: the winner was in the worse half [1]_.

References
----------
.. [1] D. H. Bailey, J. Borwein, M. López de Prado and Q. J. Zhu, "The probability of
   backtest overfitting", Journal of Computational Finance 20(4), 2017.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.checks import check_whole
from bt_lstm_rotation.errors import DataError, SpecError

__all__ = ["Overfitting", "overfitting"]

# 20 blocks have 184,756 halves.
MOST_BLOCKS = 20

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Overfitting:
    """How often the best of one half was among the worse of the other.

    Parameters
    ----------
    probability : float
        A share of the ways to halve the blocks.
    logits : (n_ways,) float64
        In the order of `itertools.combinations`.
    """

    probability: float
    logits: _Floats = field(repr=False)


def overfitting(returns: _Floats, blocks: int = 16) -> Overfitting:
    """Measure it over all halves of some blocks.

    Parameters
    ----------
    returns : (n_sessions, n_configurations) float64
        Decimals, of the same sessions; two configurations or more.
    blocks : int
        Even, 2 to 20. Sessions that do not fill them are left out at the beginning.

    Raises
    ------
    DataError
        If returns are not finite numbers of such a shape, or too few for two a block.
    SpecError
        If `blocks` is impossible.

    Notes
    -----
    Of equal values, ranks are the average, and the winner is the first. A
    configuration whose returns do not vary has a ratio of 0.
    """
    check_whole("overfitting", "blocks", blocks, least=2, most=MOST_BLOCKS)
    if blocks % 2:
        raise SpecError("overfitting", "blocks", blocks, "even")
    sums, squares, length = _block_sums(returns, blocks)
    halves = np.array(list(combinations(range(blocks), blocks // 2)))
    taken = np.zeros((len(halves), blocks))
    np.put_along_axis(taken, halves, 1.0, axis=1)
    inside = _sharpe(taken, sums, squares, length)
    outside = _sharpe(1 - taken, sums, squares, length)
    best = inside.argmax(axis=1)[:, None]
    chosen = np.take_along_axis(outside, best, axis=1)
    below = (outside < chosen).sum(axis=1)
    equal = (outside == chosen).sum(axis=1)
    share = (below + (equal + 1) / 2) / (outside.shape[1] + 1)
    logits = np.log(share / (1 - share))
    return Overfitting(float((logits <= 0).mean()), logits)


def _block_sums(returns: object, blocks: int) -> tuple[_Floats, _Floats, int]:
    """Return the sums and the sums of squares of each block, and its length."""
    valid = f"finite floats (n_sessions, n_configurations), at least {2 * blocks} by 2"
    try:
        table = np.asarray(returns, dtype="float64")
    except (TypeError, ValueError) as error:
        raise DataError("not numbers", value=str(error), valid=valid) from error
    if table.ndim != 2 or table.shape[1] < 2 or len(table) < 2 * blocks:
        raise DataError("not a table", value=table.shape, valid=valid)
    if not np.isfinite(table).all():
        raise DataError("a return that is not finite", valid=valid)
    length = len(table) // blocks
    parts = table[len(table) - length * blocks :].reshape(blocks, length, -1)
    return parts.sum(axis=1), (parts**2).sum(axis=1), length


def _sharpe(taken: _Floats, sums: _Floats, squares: _Floats, length: int) -> _Floats:
    """Return the Sharpe ratio of each configuration on each half; 0 without spread."""
    count = taken.sum(axis=1, keepdims=True) * length
    mean = taken @ sums / count
    variance = taken @ squares / count - mean**2
    # What is left of equal returns is rounding.
    steady = variance <= 1e-14 * mean**2
    return np.where(steady, 0.0, mean / np.sqrt(np.where(steady, 1.0, variance)))
