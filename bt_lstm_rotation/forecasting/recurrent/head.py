"""The head of a network, solved: the mean of what is believed of it (`posterior`).

Each symbol may have a head of its own as well, for states that all of them share; each
is then solved for what the other leaves, in turn (backfitting [1]_).

References
----------
.. [1] L. Breiman and J. H. Friedman, "Estimating optimal transformations for multiple
   regression and correlation", Journal of the American Statistical Association 80,
   1985.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.recurrent.posterior import Axes

__all__ = ["jointly_solved", "solved_head", "solved_heads"]

Array = NDArray[np.float64]

# Of backfitting: more of them find no more in the world of context.
ROUNDS: Final = 3


def solved_head(
    states: Array,
    targets: Array,
    weights: Array,
    horizon: int,
    *,
    odd: bool,
    adaptive: bool = False,
) -> tuple[Array, float]:
    """Return the head and the offset that fit the targets.

    Parameters
    ----------
    states : (n_symbols, n_bars, units) float64
        What the head reads.
    targets, weights : (n_symbols, n_bars) float64
        A target of weight 0 does not count.
    horizon : int
        Bars that a target covers.
    odd : bool
        Whether a forecast changes its sign with its states: then there is no offset.
    adaptive : bool
        Whether each axis of the states has a penalty of its own.
    """
    axes, middle = _own_axes(states, weights, horizon, odd), 0.0
    if not odd:
        middle = float((axes.share * targets).sum())
    head = _head(axes, targets - middle, adaptive)
    return head, middle - float(axes.centre @ head)


def solved_heads(
    states: Array, targets: Array, weights: Array, horizon: int
) -> tuple[Array, Array]:
    """Return a head for each symbol, and the centre that states are taken from.

    A penalty counts by how likely it makes the targets of all symbols together. There
    is no offset: a symbol's own mean is no part of it.

    Parameters
    ----------
    states, targets, weights, horizon
        As for `solved_head`.

    Returns
    -------
    heads : (n_symbols, units) float64
    centre : (units,) float64
    """
    centre, axes = _axes_of_each(states, weights, horizon)
    return _heads(axes, targets), centre


def jointly_solved(
    own: Array,
    shared: Array,
    targets: Array,
    weights: Array,
    horizon: int,
    *,
    odd: bool,
    adaptive: bool = False,
) -> tuple[Array, float, Array, Array]:
    """Return what `solved_head` and `solved_heads` make of targets together.

    Each is solved for what the other leaves, in turn (backfitting [1]_): what the bars
    of a symbol say depends on what is known beside them.

    Parameters
    ----------
    own, shared : (n_symbols, n_bars, units) float64
        States that are read by one head, and those of which each symbol has its own.
    targets, weights, horizon, odd
        As for `solved_head`.

    Returns
    -------
    head, offset, heads, centre
    """
    axes = _own_axes(own, weights, horizon, odd)
    centre, each = _axes_of_each(shared, weights, horizon)
    deviations = shared - centre
    left = targets
    for _ in range(ROUNDS):
        middle = 0.0 if odd else float((axes.share * left).sum())
        head = _head(axes, left - middle, adaptive)
        offset = middle - float(axes.centre @ head)
        heads = _heads(each, targets - own @ head - offset)
        left = targets - np.einsum("sbu,su->sb", deviations, heads)
    return head, offset, heads, centre


def _head(axes: Axes, targets: Array, adaptive: bool) -> Array:
    posterior = axes.posterior(targets)
    if adaptive:
        return axes.adaptive_head(posterior)
    return axes.head(posterior, posterior.likelihood)


def _own_axes(states: Array, weights: Array, horizon: int, odd: bool) -> Axes:
    centre = np.zeros(states.shape[-1])
    if not odd:
        centre = np.einsum("sb,sbu->u", weights / weights.sum(), states)
    return Axes.of(states, weights, horizon, centre)


def _axes_of_each(
    states: Array, weights: Array, horizon: int
) -> tuple[Array, list[Axes]]:
    centre = np.einsum("sb,sbu->u", weights / weights.sum(), states)
    pairs = zip(states[:, None], weights[:, None], strict=True)
    return centre, [Axes.of(one, weight, horizon, centre) for one, weight in pairs]


def _heads(axes: list[Axes], targets: Array) -> Array:
    pairs = list(zip(axes, targets[:, None], strict=True))
    found = [one.posterior(target) for one, target in pairs]
    likelihood = np.sum([posterior.likelihood for posterior in found], axis=0)
    heads = zip(axes, found, strict=True)
    return np.stack([one.head(posterior, likelihood) for one, posterior in heads])
