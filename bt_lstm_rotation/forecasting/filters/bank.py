r"""A bank of filters of daily returns, each believed as far as a window bears it out.

How a bar's return is expected to differ from its mean may be nothing at all, wander and
come back (`kalman`), or jump between two levels (`chains`). All of them share the
parameters of `autoregression`, fitted to `autocovariances` in the window. Filter i,
which expected :math:`\hat r_{t,i}` before each bar, counts by its prior times

.. math:: \exp \Big( -\frac{1}{2 R} \sum_t \pi_t (r_t - \hat r_{t,i})^2 - k_i \Big)

(prequential likelihood [1]_), :math:`k_i` being how many parameters were fitted for it
[2]_. Returns of fat tails would speak for a chain's mixture of densities whether it
foresees them or not: so only what is foreseen counts. Over the horizon the mean
:math:`m_t` of what they expect fades as :math:`\phi + \dots + \phi^h`. What comes back
of the bars' news, :math:`r_t - \phi m_{t-1}`, is added (`echoes`).

Daily returns tell a few parameters much better than returns over the horizon, which
overlap, tell the many of a network.

References
----------
.. [1] A. P. Dawid, "Statistical theory: the prequential approach", Journal of the Royal
   Statistical Society A 147(2), 1984.
.. [2] H. Akaike, "A new look at the statistical model identification", IEEE
   Transactions on Automatic Control 19(6), 1974.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.filters.autocovariances import autocovariances
from bt_lstm_rotation.forecasting.filters.autoregression import (
    LAGS,
    ahead,
    gain,
    interpolated,
)
from bt_lstm_rotation.forecasting.filters.chains import SHARES, jumping
from bt_lstm_rotation.forecasting.filters.echoes import (
    bounded,
    echo_weights,
    echoes,
)
from bt_lstm_rotation.forecasting.filters.kalman import wandering
from bt_lstm_rotation.forecasting.filters.pieces import Pieces
from bt_lstm_rotation.forecasting.filters.precision import Precision

__all__ = ["FilterBank"]

Array = NDArray[np.float64]

# Of nothing, the filter that wanders, and the chains together: all as likely before.
PRIORS: Final = np.array([1.0, 1.0, *[1.0 / len(SHARES)] * len(SHARES)]) / 3.0
PARAMETERS: Final = np.array([0.0, 2.0, *[2.0] * len(SHARES)])

# Rounds in which memory and echoes are fitted, each to what the other leaves.
ROUNDS: Final = 3

# A filter that is believed less than that is left out.
UNBELIEVED: Final = 1e-4

# Returns that are filtered at once in forecasts.
AT_ONCE: Final = 100_000

# Of the variance of returns: the least that is noise.
LEAST_NOISE: Final = 1e-6

# Standard error of an autocorrelation: the least.
LEAST_ERROR: Final = 1e-6


@dataclass(frozen=True, eq=False)
class FilterBank:
    """Filters of a window, and how far each is believed.

    Parameters
    ----------
    precision : Precision
        What tells the noise of a bar.
    mean : float
        Of the daily returns.
    phi, signal, noise : float
        Of the expectation: its coefficient and variance, and the noise around it.
    beliefs : (n_filters,) float64
        In nothing, in the filter that wanders, and in each chain; their sum is 1.
    echo : (126,) float64
        What comes back of a bar's news after 1, 2, ... bars, as a share.
    """

    precision: Precision
    mean: float
    phi: float
    signal: float
    noise: float
    beliefs: Array
    echo: Array

    @classmethod
    def fitted(
        cls, returns: Array, telling: Array, known: int, lookback: int
    ) -> tuple[FilterBank, Array]:
        """Fit to the oldest daily returns of a window.

        Parameters
        ----------
        returns : (n_symbols, n_bars) float64
        telling : (n_symbols, n_bars, n_columns) float64
            Scaled columns that may tell how much noise a bar has.
        known : int
            Bars, the oldest ones, that are fitted to; at least 3.
        lookback : int
            Bars that a forecast will read: no bar sees more than twice as many.

        Returns
        -------
        FilterBank
        (n_symbols, n_bars) float64
            What it expects of a daily return after each bar, less its mean.
        """
        mean = float(returns[:, :known].mean())
        deviations = returns - mean
        past = deviations[:, :known]
        precision = Precision.fitted(past, telling[:, :known])
        weights = precision.of(telling)
        variance = float((weights[:, :known] * past**2).mean())
        found, errors = autocovariances(past, weights[:, :known])
        phi, signal, echo = _fitted(found, errors, variance)
        noise = max(variance - signal, LEAST_NOISE * variance)
        made = cls(precision, mean, phi, signal, noise, PRIORS, echo)
        if not signal:
            nothing = np.eye(len(PRIORS))[0]
            return replace(made, beliefs=nothing), np.zeros_like(returns)
        pieces = Pieces.of(deviations, weights, lookback)
        states = [
            pieces.joined(state) for state in made._each(pieces.returns, pieces.weights)
        ]
        made = replace(made, beliefs=made._beliefs(states, past, weights[:, :known]))
        return made, made._mixed(states)

    def over(self, means: Array, returns: Array, horizon: int) -> Array:
        """Return what is expected over the horizon after each bar of a window.

        Parameters
        ----------
        means, returns : (n_symbols, n_bars) float64
            As `fitted` returns and takes them.

        Returns
        -------
        (n_symbols, n_bars) float64
            Less the mean.
        """
        made = ahead(self.phi, horizon) * means
        coming = echo_weights(self.echo, horizon)[: returns.shape[1]]
        news = self._news(means.T, returns.T - self.mean).T
        for back in np.flatnonzero(coming):
            made[:, back:] += coming[back] * news[:, : news.shape[1] - back]
        return made

    def last(self, returns: Array, telling: Array, horizon: int) -> Array:
        """Return what is expected over the horizon after the last bar alone.

        Parameters
        ----------
        returns : (..., n_bars) float64
        telling : (..., n_bars, n_columns) float64

        Returns
        -------
        (...) float64
            Less the mean; the same to the bit in any company.
        """
        flat = returns.reshape(-1, returns.shape[-1])
        columns = telling.reshape(*flat.shape, -1)
        # As many at a time as a processor keeps at hand.
        size = max(AT_ONCE // flat.shape[1], 1)
        parts = [
            self._last(flat[at : at + size], columns[at : at + size], horizon)
            for at in range(0, len(flat), size)
        ]
        made: Array = np.concatenate(parts).reshape(returns.shape[:-1])
        return made

    def _last(self, returns: Array, telling: Array, horizon: int) -> Array:
        bars = np.ascontiguousarray(np.moveaxis(returns - self.mean, -1, 0))
        weights = np.ascontiguousarray(np.moveaxis(self.precision.of(telling), -1, 0))
        means = self._mixed(self._each(bars, weights))
        made: Array = ahead(self.phi, horizon) * means[-1]
        coming = echo_weights(self.echo, horizon)[: len(bars)]
        if coming.any():
            news = self._news(means, bars)
            for back in np.flatnonzero(coming):
                made = made + coming[back] * news[-1 - back]
        return made

    @staticmethod
    def size(n_columns: int) -> int:
        """Return how many numbers a bank is that reads so many telling columns."""
        return n_columns + 5 + len(PRIORS) + LAGS

    def to_array(self) -> Array:
        """Turn the bank into (n_numbers,) float64."""
        precision, rest = self.precision, [self.mean, self.phi, self.signal, self.noise]
        numbers = np.array([precision.mean, *rest])
        return np.concatenate([precision.slopes, numbers, self.beliefs, self.echo])

    @classmethod
    def from_array(cls, array: Array) -> FilterBank:
        """Turn an array back into the bank it was."""
        last = len(array) - len(PRIORS) - LAGS
        slopes, numbers, beliefs, echo = np.split(array, [last - 5, last, -LAGS])
        scale, mean, phi, signal, noise = numbers.tolist()
        precision = Precision(slopes, scale)
        return cls(precision, mean, phi, signal, noise, beliefs, echo)

    def _each(self, returns: Array, weights: Array) -> list[Array]:
        """Return what each filter, but that of nothing, expects after (n_bars, ...).

        That of one which is not believed is 0.
        """
        states = [np.zeros_like(returns)] * (len(self.beliefs) - 1)
        learned = gain(self.phi, self.signal, self.noise)
        if self.beliefs[1] > UNBELIEVED:
            states[0] = wandering(returns, weights, self.phi, learned)
        chains = np.flatnonzero(self.beliefs[2:] > UNBELIEVED)
        if len(chains):
            law = SHARES[chains], self.phi, self.signal, self.noise
            jumps = jumping(returns, weights, *law)
            for column, chain in enumerate(chains):
                states[1 + chain] = jumps[:, column]
        return states

    def _mixed(self, states: Sequence[Array]) -> Array:
        """Return the mean of what filters expect, each believed as it is."""
        mean = np.zeros_like(states[0])
        for belief, state in zip(self.beliefs[1:], states, strict=True):
            if belief > UNBELIEVED:
                mean += belief * state
        return mean

    def _news(self, means: Array, deviations: Array) -> Array:
        """Return what was not expected of each bar, the first axis."""
        news = deviations.copy()
        news[1:] -= self.phi * means[:-1]
        return news

    def _beliefs(
        self, states: Sequence[Array], returns: Array, weights: Array
    ) -> Array:
        """Return how far to believe each filter, by how well it foresaw each bar."""
        nothing = float((weights * returns**2).sum())
        scores = [nothing, *[self._missed(one, returns, weights) for one in states]]
        log = np.log(PRIORS) - PARAMETERS - np.array(scores) / (2.0 * self.noise)
        likely = np.exp(log - log.max())
        beliefs: Array = likely / likely.sum()
        return beliefs

    def _missed(self, means: Array, returns: Array, weights: Array) -> float:
        news = self._news(means.T[: returns.shape[1]], returns.T).T
        return float((weights * news**2).sum())


def _fitted(
    covariances: Array, errors: Array, variance: float
) -> tuple[float, float, Array]:
    """Fit phi, the expectation's variance and echoes, each to what others leave."""
    echo, n_lags = np.zeros(LAGS), len(covariances)
    if not variance:
        return 0.0, 0.0, echo
    lags = np.arange(1, n_lags + 1)
    errors = np.maximum(errors / variance, LEAST_ERROR)
    for _ in range(ROUNDS):
        phi, signal = interpolated(covariances - echo[:n_lags] * variance)
        left = covariances - signal * phi**lags
        echo[:n_lags] = echoes(left / variance, errors)
    return phi, min(signal, variance), bounded(echo)
