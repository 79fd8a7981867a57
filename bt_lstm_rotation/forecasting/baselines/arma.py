"""Autoregressive moving averages: fitted by statsmodels, filtered by NumPy.

    y_t = phi_1 y_{t-1} + ... + phi_p y_{t-p}
          + e_t + theta_1 e_{t-1} + ... + theta_q e_{t-q}

In Harvey's form the state a_t = (y_t, ...) moves by a_{t+1} = T a_t + R e_{t+1}, where
T has phi in its first column and ones above its diagonal, and R = (1, theta_1, ...).
From the distribution at rest, whose covariance solves P = T P T' + R R', the filter is

    a_{t+1} = T a_t + K_t (y_t - a_t[0]),    K_t = T P_t[:, 0] / P_t[0, 0],

and what lies ahead is T a, T² a, ... The gains K_t do not depend on the series.

The likelihood is exact, by the same filter, and is maximised from `FIRST` in the first
coefficients and 0 in the others.

Source: A. C. Harvey, "Forecasting, structural time series models and the Kalman
filter", 1989, section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import MissingExtraError

__all__ = ["MOST_LAGS", "Arma", "likeliest", "require_statsmodels"]

Array = NDArray[np.float64]

MOST_LAGS = 5
STATES = MOST_LAGS + 1

# An expectation that wanders slowly beneath noise is an ARMA(1, 1) of about these.
FIRST = (0.9, -0.8)


@dataclass(frozen=True, eq=False)
class Arma:
    """One ARMA a symbol.

    Parameters
    ----------
    phi, theta : (n_symbols, 5) float64
        Coefficients of past values and of past errors, 0 beyond a symbol's order.
    n_bars : int
        Values of a series that is carried on.
    """

    phi: Array
    theta: Array
    n_bars: int

    @classmethod
    def of(cls, phi: Sequence[Array], theta: Sequence[Array], n_bars: int) -> Arma:
        """Put those of each symbol together, which may be of different lengths."""
        return cls(_padded(phi), _padded(theta), n_bars)

    @property
    def is_stationary(self) -> bool:
        """Whether each has a distribution at rest."""
        return bool((np.abs(np.linalg.eigvals(self._transition)) < 1.0).all())

    def ahead(
        self, series: Array, rows: Sequence[int], horizon: int
    ) -> Iterator[Array]:
        """Expect the values that follow some series, one step after the other.

        Parameters
        ----------
        series : (..., n_rows, n_bars) float64
            Of the symbols in `rows`.

        Yields
        ------
        (..., n_rows) float64
            `horizon` times.
        """
        # Sums of elementwise products, so that a last bit does not depend on which
        # other series there are.
        phi, gains = self.phi[rows], self._gains[:, rows]
        state = [np.zeros(series.shape[:-1]) for _ in range(STATES)]
        for bar, gain in enumerate(gains):
            error = series[..., bar] - state[0]
            moved = _moved(state, phi)
            state = [part + gain[:, place] * error for place, part in enumerate(moved)]
        for _ in range(horizon):
            yield state[0]
            state = _moved(state, phi)

    @cached_property
    def _transition(self) -> Array:
        """T of each symbol, (n_symbols, STATES, STATES)."""
        shift = np.eye(STATES, k=1)
        matrices = np.repeat(shift[None], len(self.phi), axis=0)
        matrices[:, :-1, 0] = self.phi
        return matrices

    @cached_property
    def _gains(self) -> Array:
        """K before each bar, (n_bars, n_symbols, STATES)."""
        gains = np.empty((self.n_bars, len(self.phi), STATES))
        for column, transition in enumerate(self._transition):
            shock = np.append(1.0, self.theta[column])
            added = np.outer(shock, shock)
            still = np.eye(added.size) - np.kron(transition, transition)
            spread = np.linalg.solve(still, added.ravel()).reshape(added.shape)
            for bar in range(self.n_bars):
                carried = transition @ spread[:, 0]
                gains[bar, column] = carried / spread[0, 0]
                lost = np.outer(gains[bar, column], carried)
                spread = transition @ spread @ transition.T - lost + added
        return gains


def likeliest(y: Array, p: int, q: int) -> tuple[Array, float] | None:
    """Fit an ARMA to a series of (n,), of mean 0 and about unit deviation.

    Returns
    -------
    ((p + q,) float64, float) or None
        phi and theta, and the logarithm of the likelihood; None if the search for its
        maximum did not converge.
    """
    if p + q == 0:
        variance = float((y**2).mean())
        return np.empty(0), -0.5 * len(y) * (np.log(2.0 * np.pi * variance) + 1.0)
    start = np.zeros(p + q)
    start[:1] = FIRST[0] if p else FIRST[1]
    start[p : p + 1] = FIRST[1]
    arima = require_statsmodels()
    try:
        model = arima(y, order=(p, 0, q), trend="n", concentrate_scale=True)
        found = model.fit(
            start_params=start,
            cov_type="none",
            # It is told in a fit's note, and warnings belong to the whole process.
            method_kwargs={"warn_convergence": False},
        )
    except (ValueError, np.linalg.LinAlgError):  # where the likelihood has no value
        return None
    parameters, likelihood = np.asarray(found.params), float(found.llf)
    usable = np.isfinite(parameters).all() and np.isfinite(likelihood)
    if not found.mle_retvals["converged"] or not usable:
        return None
    return parameters, likelihood


def require_statsmodels() -> Any:
    """Return statsmodels' ARIMA; MissingExtraError if it is not installed."""
    try:
        from statsmodels.tsa.arima.model import ARIMA
    except ImportError as error:
        raise MissingExtraError("fitting an ARIMA", "arima") from error
    return ARIMA


def _moved(state: list[Array], phi: Array) -> list[Array]:
    """Apply T to states, a list of their parts, each (..., n_rows)."""
    first, *rest = state
    moved = [phi[:, place] * first + part for place, part in enumerate(rest)]
    return [*moved, np.zeros_like(first)]


def _padded(rows: Sequence[Array]) -> Array:
    return np.array([np.pad(row, (0, MOST_LAGS - len(row))) for row in rows])
