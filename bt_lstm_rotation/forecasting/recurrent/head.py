r"""The head of a network, solved: Bayesian ridge regression on its hidden states.

The states, scaled to a deviation of one, are turned to their principal axes. Along axis
j, of variance :math:`e_j`, least squares finds the weight :math:`q_j / e_j` from n
targets, with :math:`q_j` the mean product of state and target. How sure it is of that
depends on the axis: returns over h bars overlap, and so their sum of products has

.. math::

    \kappa_j = 1 + 2 \sum_{k=1}^{h-1} \left(1 - \frac{k}{h}\right) \rho_j(k)

times the variance that it would have if they did not, where :math:`\rho_j` is the
autocorrelation of the state along the axis [1]_: 1 for one that changes from bar to
bar, and h for one that hardly moves. With the prior :math:`w_j \sim N(0, s^2/(n
\lambda))`, :math:`s^2` being the targets' variance, the posterior mean is

.. math:: w_j = q_j / (e_j + \kappa_j \lambda).

No penalty :math:`\lambda` is chosen: each of `PENALTIES` counts by its marginal
likelihood [2]_,

.. math::

    \log p(y \mid \lambda) = \sum_j -\frac12 \log \frac{e_j + \kappa_j \lambda}
    {\kappa_j \lambda} + \frac{n}{2 \kappa_j s^2} \, q_j w_j + \text{const.}

The best one of a list would jump from one to the next with the last digit of a price;
an average over them does not.

References
----------
.. [1] L. P. Hansen and R. J. Hodrick, "Forward exchange rates as optimal predictors of
   future spot rates", Journal of Political Economy 88(5), 1980.
.. [2] D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4(3), 1992.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["solved_head"]

Array = NDArray[np.float64]

# Per observation, of states scaled to a deviation of one.
PENALTIES: Final = np.geomspace(1e-4, 1e1, 21)

# Of float32 states, as a share of their level.
ROUNDING: Final = 1e-6

# Variance along an axis, of a deviation of one, below which float32 states say nothing.
NOTHING: Final = 1e-9


def solved_head(
    states: Array, targets: Array, weights: Array, horizon: int, *, odd: bool
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
    """
    total = weights.sum()
    share = weights / total
    centre, middle = np.zeros(states.shape[-1]), 0.0
    if not odd:
        centre = np.einsum("sb,sbu->u", share, states)
        middle = float((share * targets).sum())
    deviations = states - centre
    scale = np.sqrt(np.einsum("sb,sbu->u", share, deviations**2))
    level = np.sqrt(np.einsum("sb,sbu->u", share, states**2))
    # A unit that does not move, but for rounding, is of no use.
    scale = np.where(scale > ROUNDING * level, scale, np.inf)
    scaled = (deviations / scale).reshape(-1, len(scale))
    y = (targets - middle).reshape(-1)
    weighted = scaled * share.reshape(-1, 1)
    variances, axes = np.linalg.eigh(weighted.T @ scaled)
    known = variances > NOTHING
    variances, axes = variances[known], axes[:, known]
    products = axes.T @ (weighted.T @ y)
    along = (scaled @ axes).reshape(*weights.shape, -1)
    overlap = _overlap(along, share, variances, horizon)
    # As many as they would be if all counted alike (Kish).
    n = total**2 / (weights**2).sum()
    spread = float((share.reshape(-1) * y**2).sum())
    if not spread:  # all targets are alike
        return np.zeros(len(scale)), middle
    penalties = PENALTIES[:, None] * overlap
    shrunk = products / (variances + penalties)
    likelihood = 0.5 * (
        (n / (overlap * spread)) * products * shrunk - np.log1p(variances / penalties)
    ).sum(axis=1)
    belief = np.exp(likelihood - likelihood.max())
    head = (axes @ ((belief / belief.sum()) @ shrunk)) / scale
    return head, middle - float(centre @ head)


def _overlap(along: Array, share: Array, variances: Array, horizon: int) -> Array:
    """Return kappa of each axis, of states (n_symbols, n_bars, n_axes) along them.

    It is the variance of a sum of h states over h times that of one: the same.
    """
    if along.shape[1] < horizon:
        return np.full_like(variances, horizon)
    total = np.cumsum(along, axis=1)
    sums = total[:, horizon - 1 :].copy()
    sums[:, 1:] -= total[:, :-horizon]
    counted = share[:, horizon - 1 :]
    square = np.einsum("sb,sba->a", counted, sums**2) / max(counted.sum(), 1e-12)
    kappa: Array = np.clip(square / (horizon * variances), 1.0, horizon)
    return kappa
