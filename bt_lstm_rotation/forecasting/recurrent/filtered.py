r"""What filters add to a forecast: the network learns what they leave.

A forecast over the horizon is

.. math:: \hat y_t = F_t + f(x_t), \qquad f \text{ fitted to } y_t - F_t,

with :math:`F_t` what a bank of filters expects (`filters.bank`), a few parameters that
daily returns of the window tell, and f the network. Exponential smoothing beside a
recurrent network won the M4 competition [1]_ [2]_; which filters there are, and how far
each is believed, is decided in the window here.

The filters read the daily return among the features, and what keeps its sign to tell
how much noise a bar has. Where the network does not read the daily return of the kind
that it learns, there are none.

References
----------
.. [1] S. Smyl, "A hybrid method of exponential smoothing and recurrent neural networks
   for time series forecasting", International Journal of Forecasting 36(1), 2020.
.. [2] G. P. Zhang, "Time series forecasting using a hybrid ARIMA and neural network
   model", Neurocomputing 50, 2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.filters.bank import FilterBank
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings

__all__ = ["FilterBranch"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FilterBranch:
    """A bank of filters, and where among a network's columns it finds what it reads.

    Parameters
    ----------
    bank : FilterBank
    spec : RecurrentSettings
        Whose `filtered_column` is not None.
    scale : float
        Decimal return that is 1 to the network.
    """

    bank: FilterBank
    spec: RecurrentSettings
    scale: float

    @classmethod
    def fitted(
        cls,
        spec: RecurrentSettings,
        scale: float,
        columns: Array,
        inputs: NDArray[np.float32],
    ) -> tuple[Self, Array]:
        """Fit to the daily returns that targets which are trained on are made of.

        Parameters
        ----------
        columns, inputs : (n_symbols, n_bars, n_columns)
            As they are, and scaled, of a whole window.

        Returns
        -------
        FilterBranch
        (n_symbols, train_size) float64
            The scaled targets that it expects.
        """
        returns, telling = _read(spec, columns, inputs)
        known = spec.trained + spec.horizon
        bank, means = FilterBank.fitted(returns, telling, known, spec.lookback)
        size = spec.train_size
        expected = bank.over(means[:, :size], returns[:, :size], spec.horizon)
        return cls(bank, spec, scale), expected / scale

    @property
    def columns(self) -> list[int]:
        """Those of a network's columns that it reads."""
        is_read = self.spec.signs > 0
        is_read[self.spec.filtered_column] = True
        read: list[int] = np.flatnonzero(is_read).tolist()
        return read

    def outputs(self, columns: Array, inputs: NDArray[np.floating]) -> Array:
        """Return what is added to scaled forecasts, (...).

        Parameters
        ----------
        columns, inputs : (..., lookback, n_columns)
            As they are, and scaled.
        """
        read = _read(self.spec, columns, inputs)
        return self.bank.last(*read, self.spec.horizon) / self.scale


def _read(
    spec: RecurrentSettings, columns: Array, inputs: NDArray[np.floating]
) -> tuple[Array, Array]:
    """Return the daily returns, and what may tell how much noise a bar has."""
    telling = inputs[..., spec.signs > 0].astype(np.float64)
    return columns[..., spec.filtered_column], telling
