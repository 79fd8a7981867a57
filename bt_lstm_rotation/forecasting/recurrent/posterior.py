r"""What is believed of a head: Bayesian ridge regression on a network's states.

The states, scaled to a deviation of one, are turned to their principal axes. Along axis
j, of variance :math:`e_j`, least squares finds the weight :math:`q_j / e_j` from n
targets, with :math:`q_j` the mean product of state and target. How sure it is of that
depends on the axis: returns over h bars overlap, and so their sum of products has

.. math::

    \kappa_j = 1 + 2 \sum_{k=1}^{h-1} \left(1 - \frac{k}{h}\right) \rho_j(k)

times the variance that it would have if they did not, where :math:`\rho_j` is the
autocorrelation of the state along the axis [1]_: 1 for one that changes from bar to
bar, and h for one that hardly moves.

With the prior :math:`w_j \sim N(0, s^2/(n \lambda))`, :math:`s^2` being the targets'
variance, the posterior mean is :math:`w_j = q_j / (e_j + \kappa_j \lambda)`. The penalty
:math:`\lambda` is not chosen: each of `PENALTIES` counts by its marginal likelihood
[2]_, that of the least squares' :math:`q_j / e_j`,

.. math::

    \log p(y \mid \lambda) = \sum_j -\frac12 \log u_j - \frac{n}{2 s^2 u_j}
    \left(\frac{q_j}{e_j}\right)^2 + \text{const.}, \qquad
    u_j = \frac{\kappa_j}{e_j} + \frac1\lambda.

The best one of a list would jump from one to the next with the last digit of a price;
an average over them does not. Where targets say nothing, the heaviest leave nothing.

References
----------
.. [1] L. P. Hansen and R. J. Hodrick, "Forward exchange rates as optimal predictors of
   future spot rates", Journal of Political Economy 88(5), 1980.
.. [2] D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4(3), 1992.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Axes", "Posterior"]

Array = NDArray[np.float64]

# Per observation, of states scaled to a deviation of one.
PENALTIES: Final = np.geomspace(1e-4, 1e3, 29)

# Of float32 states, as a share of their level.
ROUNDING: Final = 1e-6

# Variance along an axis, of a deviation of one, below which float32 states say nothing.
NOTHING: Final = 1e-9


class Posterior(NamedTuple):
    """What is believed of a head under each of `PENALTIES`.

    `likelihood` is the log of how likely a penalty makes the targets, (n_penalties,),
    and `means` are the heads, (n_penalties, n_axes), along the axes.
    """

    likelihood: Array
    means: Array


class Axes(NamedTuple):
    """The principal axes of some states, and how sure targets can make of each.

    Parameters
    ----------
    centre, scale : (units,) float64
    share : (n_symbols, n_bars) float64
        Weights, as shares of their sum.
    scaled, weighted : (n_symbols * n_bars, units) float64
        The states, and the states times their shares.
    axes : (units, n_axes) float64
    variances, overlap : (n_axes,) float64
    n : float
        How many targets count.
    """

    centre: Array
    scale: Array
    share: Array
    scaled: Array
    weighted: Array
    axes: Array
    variances: Array
    overlap: Array
    n: float

    @classmethod
    def of(cls, states: Array, weights: Array, horizon: int, centre: Array) -> Axes:
        """Turn states to their principal axes."""
        total = weights.sum()
        share = weights / total
        deviations = states - centre
        scale = np.sqrt(np.einsum("sb,sbu->u", share, deviations**2))
        level = np.sqrt(np.einsum("sb,sbu->u", share, states**2))
        # A unit that does not move, but for rounding, is of no use.
        scale = np.where(scale > ROUNDING * level, scale, np.inf)
        scaled = (deviations / scale).reshape(-1, len(scale))
        weighted = scaled * share.reshape(-1, 1)
        variances, axes = np.linalg.eigh(weighted.T @ scaled)
        known = variances > NOTHING
        variances, axes = variances[known], axes[:, known]
        along = (scaled @ axes).reshape(*weights.shape, -1)
        overlap = _overlap(along, share, variances, horizon)
        # As many as they would be if all counted alike (Kish).
        n = float(total**2 / (weights**2).sum())
        return cls(centre, scale, share, scaled, weighted, axes, variances, overlap, n)

    def posterior(self, targets: Array) -> Posterior:
        """Return what targets of (n_symbols, n_bars) make likely."""
        y = targets.reshape(-1)
        least_squares = (self.axes.T @ (self.weighted.T @ y)) / self.variances
        unsure = self.overlap / self.variances + 1.0 / PENALTIES[:, None]
        means = least_squares / (PENALTIES[:, None] * unsure)
        spread = float((self.share.reshape(-1) * y**2).sum())
        if not spread:  # all targets are alike
            means, spread = np.zeros_like(means), np.inf
        square = self.n / spread * least_squares**2
        likelihood = -0.5 * (np.log(unsure) + square / unsure).sum(axis=-1)
        return Posterior(likelihood, means)

    def head(self, posterior: Posterior, likelihood: Array) -> Array:
        """Average over penalties, each counting by how likely it is."""
        belief = np.exp(likelihood - likelihood.max())
        mean = (belief / belief.sum()) @ posterior.means
        head: Array = (self.axes @ mean) / self.scale
        return head


def _overlap(along: Array, share: Array, variances: Array, horizon: int) -> Array:
    """Return kappa of each axis, of states (n_symbols, n_bars, n_axes) along them.

    It is the variance of a sum of h states over h times that of one: the same.
    """
    if along.shape[1] < horizon:
        return np.full_like(variances, horizon)
    counted, total = share[:, horizon - 1 :], np.empty(along.shape[1:])
    squares = np.empty((*counted.shape, along.shape[2]))
    for states, sums in zip(along, squares, strict=True):
        # In arrays that are used again: most of the time was that of new ones.
        np.cumsum(states, axis=0, out=total)
        sums[0] = total[horizon - 1]
        np.subtract(total[horizon:], total[:-horizon], out=sums[1:])
        np.square(sums, out=sums)
    square = np.einsum("sb,sba->a", counted, squares) / max(counted.sum(), 1e-12)
    kappa: Array = np.clip(square / (horizon * variances), 1.0, horizon)
    return kappa
