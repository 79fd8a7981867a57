"""The past bars that left a network in a state, and what followed them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.explaining.served import Served
from bt_lstm_rotation.forecasting import ForecastSpec
from bt_lstm_rotation.forecasting.features import deviation, forward_return
from bt_lstm_rotation.forecasting.inside.readout import part_of
from bt_lstm_rotation.forecasting.inside.unrolled import unroll

__all__ = ["Past"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Past:
    """The bars of a fit that share a network with a symbol, and what followed them.

    Parameters
    ----------
    symbols : tuple of str
    dates : (n_symbols, n_bars) datetime64[D]
    inputs : (n_symbols, n_bars, n_own) float32
        What the network reads of each symbol's own bars.
    states, context : (n_symbols, n_bars, units) float64
        Hidden states of the last layer of it, and of the network over context; without
        that, the second has no units.
    followed : (n_symbols, train_size) float64
        Decimal returns over the horizon, as the network learns them.
    """

    symbols: tuple[str, ...]
    dates: NDArray[np.datetime64] = field(repr=False)
    inputs: NDArray[np.float32] = field(repr=False)
    states: Array = field(repr=False)
    context: Array = field(repr=False)
    followed: Array = field(repr=False)

    @classmethod
    def of(cls, spec: ForecastSpec, served: Served, symbol: str) -> Past:
        """Run the first member over the bars that it was fitted on."""
        window, skip = served.fitted_on, spec.skipped
        own, context = served.model.read(window)
        followed = forward_return(window, spec.horizon)[:, skip:]
        dates = window.dates[:, skip:]
        if spec.target == "relative":
            followed = deviation(followed, dates[:, : followed.shape[1]])
        rows = list(range(len(window.symbols)))
        if not spec.pooled:
            rows = [window.symbols.index(symbol)]
        part = part_of(served.model, symbol)
        inputs = part.scaler.inputs(own[rows])
        states = unroll(part.networks[0], inputs)[-1].hidden
        beside = states[..., :0]
        if context is not None:
            branch = part.context[0]
            beside = unroll(branch.network, branch.inputs(context[rows]))[-1].hidden
        return cls(
            tuple(window.symbols[row] for row in rows),
            dates[rows],
            inputs,
            states,
            beside,
            followed[rows],
        )
