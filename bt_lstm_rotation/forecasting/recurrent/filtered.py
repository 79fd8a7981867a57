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
    ) -> Self:
        """Fit to columns (n_symbols, n_bars, n_columns), as they are and scaled."""
        bank = FilterBank.fitted(*_read(spec, columns, inputs), spec.lookback)
        return cls(bank, spec, scale)

    def over(self, columns: Array, inputs: NDArray[np.float32]) -> Array:
        """Return the scaled targets expected after each bar of a window."""
        spec, read = self.spec, _read(self.spec, columns, inputs)
        return self.bank.over(*read, spec.lookback, spec.horizon) / self.scale

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
