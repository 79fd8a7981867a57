"""A forecast as a function of the scaled bars that it reads, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError, closest
from bt_lstm_rotation.forecasting.inside.backward import back_propagate
from bt_lstm_rotation.forecasting.inside.unrolled import unroll
from bt_lstm_rotation.forecasting.recurrent.columns import own_columns
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.part import Part
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["Readout", "part_of", "readout"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Readout:
    """One symbol's forecast: inputs of (..., lookback, n_features) -> decimal returns.

    It is the model's own forecast, but in double precision: the mean over the members
    of an ensemble, of half the difference to the mirror image if that is so, scaled
    back to a return.

    Parameters
    ----------
    part : Part
        The networks and the scaler.
    signs : (n_features,) float64, optional
        Those that exchange rises and falls, of a mirrored forecast.
    """

    part: Part
    signs: Array | None

    def forecast(self, inputs: Array) -> Array:
        """Forecast decimal returns, (...)."""
        scaler = self.part.scaler
        outputs = [self._output(network, inputs) for network in self.part.networks]
        level = scaler.target_mean + scaler.level
        made: Array = np.mean(outputs, axis=0) * scaler.target_scale + level
        return made

    def gradient(self, inputs: Array) -> Array:
        """Return the gradient with respect to the inputs, in their shape."""
        slopes = [self._slope(network, inputs) for network in self.part.networks]
        made: Array = np.mean(slopes, axis=0) * self.part.scaler.target_scale
        return made

    def _output(self, network: Network, inputs: Array) -> Array:
        if self.signs is None:
            return _run(network, inputs)
        return (_run(network, inputs) - _run(network, inputs * self.signs)) / 2

    def _slope(self, network: Network, inputs: Array) -> Array:
        if self.signs is None:
            return _slope(network, inputs)
        mirrored = self.signs * _slope(network, inputs * self.signs)
        return (_slope(network, inputs) - mirrored) / 2


def readout(
    model: RecurrentModel, window: Window, symbol: str
) -> tuple[Readout, Array]:
    """Return a symbol's forecast as a function, and the inputs at some sessions.

    Parameters
    ----------
    window : Window
        ``(..., n_symbols, forecast_bars)``, of which `symbol` is one.

    Returns
    -------
    Readout
    (..., lookback, n_features) float64
        Scaled features, to the precision in which the network reads them.

    Raises
    ------
    DataError
        If the model or the window is without the symbol.
    """
    for place, known in (("the model", model.symbols), ("the window", window.symbols)):
        if symbol not in known:
            valid = closest(symbol, known)
            raise DataError(f"not among the symbols of {place}; {valid}", symbol=symbol)
    spec = model.spec
    part = part_of(model, symbol)
    row = window.symbols.index(symbol)
    features = own_columns(spec, window)[..., row, :, :]
    inputs = part.scaler.inputs(features).astype(np.float64)
    signs = spec.signs if spec.mirrored else None
    return Readout(part, signs), inputs


def part_of(model: RecurrentModel, symbol: str) -> Part:
    """Return the networks that forecast a symbol."""
    pooled = model.spec.pooled
    return model.parts[0 if pooled else model.symbols.index(symbol)]


def _run(network: Network, inputs: Array) -> Array:
    last = unroll(network, inputs)[-1].hidden[..., -1, :]
    made: Array = last @ network.head.astype(np.float64) + float(network.offset)
    return made


def _slope(network: Network, inputs: Array) -> Array:
    layers = unroll(network, inputs)
    return back_propagate(network, layers, network.head.astype(np.float64)).inputs
