r"""What context adds to a forecast: a network of its own, and a head for each symbol.

What is the same for every sector cannot tell one from another through a head that all
share, and where targets are relative to the cross-section it can add nothing at all.
So the states :math:`g_t` of a second network, which reads the context alone and begins
with memory (`start`), reach symbol k by weights of its own,

.. math:: f_k(t) = \ldots + (g_t - \bar g)^\top u_k,

solved for together with the first network's (`head.jointly_solved`): how each sector
answers to the same news. Its recurrent weights stay as they are drawn; gradient steps,
where any are taken, move the first network, and from random weights its head too, and
:math:`u_k` is then solved for what that leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features.scaling import scale_of, scaled
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings
from bt_lstm_rotation.forecasting.recurrent.start import with_memory

__all__ = ["ContextBranch"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ContextBranch:
    """A network over context, as its states reach each symbol.

    Parameters
    ----------
    network : Network
        Its head is zero.
    mean, scale : (n_context,) float64
        Of the returns of context in the window.
    centre : (units,) float64
        Mean of the states in the window.
    heads : (n_symbols, units) float64
        In units of the scaled target.
    """

    network: Network
    mean: Array
    scale: Array
    centre: Array
    heads: Array

    @classmethod
    def drawn(
        cls, spec: RecurrentSettings, rng: np.random.Generator, columns: Array
    ) -> ContextBranch:
        """Draw a network for columns of (n_symbols, n_bars, n_context); heads are 0."""
        mean, scale = scale_of(columns[:, : spec.trained])
        signs = -np.ones(columns.shape[-1])
        network = with_memory(
            rng, signs, spec.units, spec.layers, spec.cell, spec.lookback
        )
        nothing = np.zeros((len(columns), spec.units))
        return cls(network, mean, scale, nothing[0], nothing)

    def inputs(self, columns: Array) -> NDArray[np.float32]:
        """Scale columns of (..., n_context), alike for every member of an ensemble."""
        return scaled(columns, self.mean, self.scale)

    def states(self, columns: Array) -> Array:
        """Run over columns of (n_symbols, n_bars, n_context); what heads read."""
        return self.network.states(self.inputs(columns)).astype(np.float64)

    @property
    def solution(self) -> tuple[Array, Array, Array, Array]:
        """All but the network, in the order of the arguments."""
        return self.mean, self.scale, self.centre, self.heads

    def outputs(self, columns: Array, rows: list[int]) -> Array:
        """Return what is added to the scaled forecasts, (n_sessions, n_symbols).

        Parameters
        ----------
        columns : (n_sessions, n_symbols, lookback, n_context) float64
        rows : list of int
            The symbols' rows among `heads`.
        """
        inputs = self.inputs(columns)
        if (inputs == inputs[:, :1]).all():  # as where all symbols have the same dates
            inputs = inputs[:, :1]
        last = self.network.last_states(inputs).astype(np.float64) - self.centre
        # einsum without optimisation is a plain loop: no BLAS call of another shape.
        shared = np.broadcast_to(last, (len(last), len(rows), last.shape[-1]))
        added: Array = np.einsum("tsu,su->ts", shared, self.heads[rows])
        return added
