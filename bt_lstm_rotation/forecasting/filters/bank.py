r"""A bank of filters of daily returns, each believed as far as a window bears it out.

How a bar's return is expected to differ from its mean may be nothing at all, wander and
come back (`kalman`), or jump between two levels (`chains`). All of them share the
parameters of `autoregression`, fitted to `autocovariances` in the window. Filter i,
which expected :math:`\hat r_{t,i}` before each bar, counts by its prior times

.. math:: \exp \Big( -\frac{1}{2 R} \sum_t \pi_t (r_t - \hat r_{t,i})^2 - k_i \Big)

(prequential likelihood [1]_), :math:`k_i` being how many parameters were fitted for it
[2]_. Returns of fat tails would speak for a chain's mixture of densities whether it
foresees them or not: so only what is foreseen counts. Over the horizon the mean
:math:`m_t` of what they expect fades as :math:`\phi + \dots + \phi^h`. What comes back of
the bars' news, :math:`r_t - \phi m_{t-1}`, is added (`echoes`).

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

from collections.abc import Iterator
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
from bt_lstm_rotation.forecasting.filters.echoes import echo_weights, echoes
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

# A filter that is believed less makes no difference.
UNBELIEVED: Final = 1e-9

# Of the variance of returns: the least that is noise.
LEAST_NOISE: Final = 1e-6


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
    def fitted(cls, returns: Array, telling: Array, lookback: int) -> FilterBank:
        """Fit to daily returns (n_symbols, n_bars), of at least 3 bars.

        Parameters
        ----------
        telling : (n_symbols, n_bars, n_columns) float64
            Scaled columns that may tell how much noise a bar has.
        lookback : int
            Bars that a forecast will read.
        """
        mean = float(returns.mean())
        deviations = returns - mean
        precision = Precision.fitted(deviations, telling)
        weights, echo = precision.of(telling), np.zeros(LAGS)
        found, errors = autocovariances(deviations, weights)
        variance = float((weights * deviations**2).mean())
        if not variance:
            return cls(precision, mean, 0.0, 0.0, 1.0, np.eye(len(PRIORS))[0], echo)
        lags = np.arange(1, len(found) + 1)
        for _ in range(ROUNDS):
            phi, signal = interpolated(found - echo[: len(found)] * variance)
            left = found - signal * phi**lags
            sure = np.maximum(errors, LEAST_NOISE * variance)
            echo[: len(found)] = echoes(left / variance, sure / variance)
        signal = min(signal, variance)
        noise = max(variance - signal, LEAST_NOISE * variance)
        made = cls(precision, mean, phi, signal, noise, PRIORS, echo)
        return made._believed(deviations, weights, lookback)

    def over(
        self, returns: Array, telling: Array, lookback: int, horizon: int
    ) -> Array:
        """Return what is expected over the horizon after each bar of a window.

        Parameters
        ----------
        returns, telling
            As for `fitted`.
        lookback : int
            Bars that a forecast reads: no bar sees more than twice as many.

        Returns
        -------
        (n_symbols, n_bars) float64
            Less the mean.
        """
        weights = self.precision.of(telling)
        pieces = Pieces.of(returns - self.mean, weights, lookback)
        states = np.stack(list(self._mixed(pieces.returns, pieces.precision)))
        made = ahead(self.phi, horizon) * states
        coming = echo_weights(self.echo, horizon)
        if coming.any():
            before = np.concatenate([np.zeros_like(states[:1]), states[:-1]])
            news = pieces.returns - self.phi * before
            for back in np.flatnonzero(coming):
                made[back:] += coming[back] * news[: len(news) - back]
        return pieces.joined(made)

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
        weights = np.ascontiguousarray(np.moveaxis(self.precision.of(telling), -1, 0))
        bars = np.ascontiguousarray(np.moveaxis(returns - self.mean, -1, 0))
        n_bars, coming = len(bars), echo_weights(self.echo, horizon)
        mean, brought = np.zeros(bars.shape[1:]), np.zeros(bars.shape[1:])
        for bar, state in enumerate(self._mixed(bars, weights)):
            back = n_bars - 1 - bar
            if back < len(coming) and coming[back]:
                brought = brought + coming[back] * (bars[bar] - self.phi * mean)
            mean = state
        made: Array = ahead(self.phi, horizon) * mean + brought
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

    def _mixed(self, returns: Array, precision: Array) -> Iterator[Array]:
        """Yield the mean of what the filters expect after each bar of (n_bars, ...)."""
        _, wanders, *jumps = self.beliefs
        learned = gain(self.phi, self.signal, self.noise)
        first = wandering(returns, precision, self.phi, learned)
        if sum(jumps) < UNBELIEVED:
            for state in first:
                yield wanders * state
            return
        second = jumping(returns, precision, self.phi, self.signal, self.noise)
        for state, chains in zip(first, second, strict=True):
            mean = wanders * state
            for belief, chain in zip(jumps, chains, strict=True):
                mean = mean + belief * chain
            yield mean

    def _believed(self, returns: Array, weights: Array, lookback: int) -> FilterBank:
        """Return the same filters, believed by how well they foresaw each bar."""
        if not self.signal:
            return replace(self, beliefs=np.eye(len(PRIORS))[0])
        pieces = Pieces.of(returns, weights, lookback)
        learned = gain(self.phi, self.signal, self.noise)
        seen = pieces.returns, pieces.precision
        wander = np.stack(list(wandering(*seen, self.phi, learned)))
        jump = np.stack(list(jumping(*seen, self.phi, self.signal, self.noise)))
        states = [np.zeros_like(wander), wander, *np.moveaxis(jump, 1, 0)]
        scores = []
        for state in states:
            expected = np.zeros_like(returns)
            expected[:, 1:] = self.phi * pieces.joined(state)[:, :-1]
            scores.append(float((weights * (returns - expected) ** 2).sum()))
        log = np.log(PRIORS) - PARAMETERS - np.array(scores) / (2.0 * self.noise)
        likely = np.exp(log - log.max())
        return replace(self, beliefs=likely / likely.sum())
