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
variance, the posterior mean is :math:`w_j = q_j / (e_j + \kappa_j \lambda)`. The
penalty :math:`\lambda` is not chosen: each of `PENALTIES` counts by its marginal
likelihood [2]_, that of the least squares' :math:`q_j / e_j`,

.. math::

    \log p(y \mid \lambda) = \sum_j -\frac12 \log u_j - \frac{n}{2 s^2 u_j}
    \left(\frac{q_j}{e_j}\right)^2 + \text{const.}, \qquad
    u_j = \frac{\kappa_j}{e_j} + \frac1\lambda.

The best one of a list would jump from one to the next with the last digit of a price;
an average over them does not. Where targets say nothing, the heaviest leave nothing.

That one penalty holds for all axes. Among many features few may matter, and what they
say is then shrunk as far as the noise of the others. Under adaptive shrinkage [3]_ each
axis has a penalty of its own, drawn from a distribution :math:`\pi` over `PENALTIES`
that all axes share and that is fitted to them by expectation and maximisation,

.. math::

    r_{\lambda j} \propto \pi_\lambda \, p(y \mid \lambda)_j, \qquad
    \pi_\lambda = \frac{\sum_j r_{\lambda j} + 1/m}{J + 1},

from equal shares of the m penalties on, with one axis more, of which nothing is known,
beside the J there are. A weight is then the mean over :math:`r_{\lambda j}`.

References
----------
.. [1] L. P. Hansen and R. J. Hodrick, "Forward exchange rates as optimal predictors of
   future spot rates", Journal of Political Economy 88(5), 1980.
.. [2] D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4(3), 1992.
.. [3] M. Stephens, "False discovery rates: a new deal", Biostatistics 18(2), 2017.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Axes", "Posterior"]

Array = NDArray[np.float64]

# Per observation, of states scaled to a deviation of one.
PENALTIES: Final = np.geomspace(1e-4, 1e3, 29)

# Of fitting how penalties are distributed: on the simulated worlds more change nothing.
ROUNDS: Final = 30

# Of float32 states, as a share of their level.
ROUNDING: Final = 1e-6

# Variance along an axis, of a deviation of one, below which float32 states say nothing.
NOTHING: Final = 1e-9


class Posterior(NamedTuple):
    """What is believed of a head under each of `PENALTIES`.

    `of_axes` is the log of how likely a penalty makes what an axis has of the targets,
    and `means` are the heads along the axes; both are (n_penalties, n_axes).
    """

    of_axes: Array
    means: Array

    @property
    def likelihood(self) -> Array:
        """Log of how likely a penalty makes all targets, (n_penalties,)."""
        total: Array = self.of_axes.sum(axis=-1)
        return total


class Axes(NamedTuple):
    """The principal axes of some states, and how sure targets can make of each.

    Parameters
    ----------
    centre : (units,) float64
    share : (n_symbols, n_bars) float64
        Weights, as shares of their sum.
    weighted : (n_symbols * n_bars, units) float64
        The states less their centre, times their shares.
    axes : (units, n_axes) float64
        What turns states less their centre to the axes.
    variances, overlap : (n_axes,) float64
    n : float
        How many targets count.
    """

    centre: Array
    share: Array
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
        deviations = states - centre if centre.any() else states
        flat = deviations.reshape(-1, len(centre))
        weighted = flat * share.reshape(-1, 1)
        products = weighted.T @ flat
        squares = np.diag(products)
        # A unit that does not move, but for rounding, is of no use.
        moves = squares > ROUNDING**2 * (squares + centre**2)
        scale = np.sqrt(squares, where=moves, out=np.full_like(squares, np.inf))
        variances, axes = np.linalg.eigh(products / np.outer(scale, scale))
        known = variances > NOTHING
        variances, axes = variances[known], axes[:, known] / scale[:, None]
        overlap = _overlap(deviations, share, axes, variances, horizon)
        # As many as they would be if all counted alike (Kish).
        n = float(total**2 / (weights**2).sum())
        return cls(centre, share, weighted, axes, variances, overlap, n)

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
        return Posterior(-0.5 * (np.log(unsure) + square / unsure), means)

    def head(self, posterior: Posterior, likelihood: Array) -> Array:
        """Average over penalties, each counting by how likely it is."""
        belief = np.exp(likelihood - likelihood.max())
        head: Array = self.axes @ ((belief / belief.sum()) @ posterior.means)
        return head

    def adaptive_head(self, posterior: Posterior) -> Array:
        """Average over penalties, each counting along an axis as it is likely there."""
        beliefs = _adapted(posterior.of_axes)
        head: Array = self.axes @ (beliefs * posterior.means).sum(axis=0)
        return head


def _adapted(of_axes: Array) -> Array:
    """Return how far each penalty is believed of each axis; their sum is 1."""
    count, n_axes = of_axes.shape
    likely = np.exp(of_axes - of_axes.max(axis=0))
    shares = np.full((count, 1), 1.0 / count)
    for _ in range(ROUNDS):
        beliefs = _summing_to_one(shares * likely)
        shares = (beliefs.sum(axis=1, keepdims=True) + 1.0 / count) / (n_axes + 1)
    return _summing_to_one(shares * likely)


def _summing_to_one(beliefs: Array) -> Array:
    scaled: Array = beliefs / beliefs.sum(axis=0)
    return scaled


def _overlap(
    states: Array, share: Array, axes: Array, variances: Array, horizon: int
) -> Array:
    """Return kappa of each axis that states (n_symbols, n_bars, units) have.

    It is the variance of a sum of h states over h times that of one: the same.
    """
    counted, total = share[:, horizon - 1 :], np.empty(states.shape[1:])
    if not counted.any():  # all targets that count overlap
        return np.full_like(variances, horizon)
    products, sums = np.zeros((len(axes), len(axes))), np.empty_like(total)
    sums = sums[horizon - 1 :]
    for symbol, weights in zip(states, counted, strict=True):
        # In arrays that are used again: most of the time was that of new ones.
        np.cumsum(symbol, axis=0, out=total)
        sums[0] = total[horizon - 1]
        np.subtract(total[horizon:], total[:-horizon], out=sums[1:])
        products += (sums * weights[:, None]).T @ sums
    square = np.einsum("ua,uv,va->a", axes, products, axes, optimize=True)
    square /= counted.sum()
    kappa: Array = np.clip(square / (horizon * variances), 1.0, horizon)
    return kappa
