r"""How much noise a bar has, told by what keeps its sign, such as volume.

With :math:`z_t` these columns, scaled and bent so that none is farther than `FARTHEST`
from its mean [1]_,

.. math:: \mathrm{var}(e_t) = R / \pi_t, \qquad \pi_t \propto e^{-b^\top z_t},

with a mean :math:`\pi` of 1 and :math:`b` from the regression of :math:`\log r_t^2` on
:math:`z_t`.

References
----------
.. [1] A. C. Harvey, "Estimating regression models with multiplicative
   heteroscedasticity", Econometrica 44(3), 1976.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Precision"]

Array = NDArray[np.float64]

# Deviations from its mean beyond which a column says no more about noise.
FARTHEST: Final = 3.0

# Share of the mean square return that is added to each: a bar without a move would say
# that there is no noise at all.
STILL: Final = 1e-3

# Penalty of the regression on columns of a deviation of one.
PENALTY: Final = 1e-3


@dataclass(frozen=True, eq=False)
class Precision:
    """One over the variance of a bar's noise, as a share of its mean.

    Parameters
    ----------
    slopes : (n_columns,) float64
        b, of scaled columns.
    mean : float
        Of exp(-b z) in the window.
    """

    slopes: Array
    mean: float

    @classmethod
    def fitted(cls, returns: Array, telling: Array) -> Precision:
        """Regress on columns (n_symbols, n_bars, n_columns) of a window."""
        n_columns = telling.shape[-1]
        square = returns**2
        mean = float(square.mean())
        if not mean or not n_columns:
            return cls(np.zeros(n_columns), 1.0)
        columns = _limited(telling)
        log = np.log(square / mean + STILL)
        x = columns.reshape(-1, n_columns)
        x, y = x - x.mean(axis=0), log.ravel() - log.mean()
        shrunk = x.T @ x / len(x) + PENALTY * np.eye(n_columns)
        slopes = np.linalg.solve(shrunk, x.T @ y / len(x))
        made = cls(slopes, 1.0).of(telling)
        return cls(slopes, float(made.mean()))

    def of(self, telling: Array) -> Array:
        """Return the precision of bars (...) from columns (..., n_columns)."""
        columns, total = _limited(telling), np.zeros(telling.shape[:-1])
        for column, slope in enumerate(self.slopes):
            # Column by column: a product of matrices may round otherwise, by shape.
            total = total - slope * columns[..., column]
        made: Array = np.exp(total) / self.mean
        return made


def _limited(telling: Array) -> Array:
    # Smoothly: a forecast's gradient is integrated along paths that lead across.
    limited: Array = FARTHEST * np.tanh(telling / FARTHEST)
    return limited
