"""A forecast as a function of the scaled bars that it reads, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import DataError, closest
from bt_lstm_rotation.forecasting.inside.backward import back_propagate
from bt_lstm_rotation.forecasting.inside.differences import differences
from bt_lstm_rotation.forecasting.inside.unrolled import unroll
from bt_lstm_rotation.forecasting.recurrent.context import ContextBranch
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.part import Part
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["Readout", "part_of", "readout"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Readout:
    """One symbol's forecast: inputs of (..., lookback, n_columns) -> decimal returns.

    It is the model's own forecast, but in double precision: the mean over the members
    of an ensemble, of half the difference to the mirror image if that is so, with what
    context and filters add, scaled back to a return.

    Parameters
    ----------
    part : Part
        The networks and the scaler.
    signs : (n_own,) float64, optional
        Those that exchange rises and falls, of a mirrored forecast.
    row : int
        The symbol's among the heads of context, where there is any.
    """

    part: Part
    signs: Array | None
    row: int = 0

    @property
    def n_own(self) -> int:
        """Columns of the symbol's own; those of context follow them."""
        return len(self.part.scaler.feature_mean)

    def forecast(self, inputs: Array) -> Array:
        """Forecast decimal returns, (...)."""
        own, context = np.split(inputs, [self.n_own], axis=-1)
        outputs = [self._output(network, own) for network in self.part.networks]
        added = [_added(branch, self.row, context) for branch in self.part.context]
        scaler = self.part.scaler
        level = scaler.target_mean + scaler.level
        whole = _mean(outputs) + _mean(added) + self._expected(own)
        made: Array = whole * scaler.target_scale + level
        return made

    def filtered(self, inputs: Array) -> Array:
        """Return what filters add to it, decimal returns (...); 0 without any."""
        own, _ = np.split(inputs, [self.n_own], axis=-1)
        made: Array = self._expected(own) * self.part.scaler.target_scale
        return made

    def gradient(self, inputs: Array) -> Array:
        """Return the gradient with respect to the inputs, in their shape."""
        own, context = np.split(inputs, [self.n_own], axis=-1)
        slopes = _mean([self._slope(network, own) for network in self.part.networks])
        if (filters := self.part.filters) is not None:
            slopes = slopes + differences(self._expected, own, filters.columns)
        if self.part.context:
            of_context = [
                _slope(branch.network, context, branch.heads[self.row])
                for branch in self.part.context
            ]
            slopes = np.concatenate([slopes, _mean(of_context)], axis=-1)
        made: Array = slopes * self.part.scaler.target_scale
        return made

    def _expected(self, own: Array) -> Array:
        """Return what filters add to the scaled forecasts; 0 if there are none."""
        if self.part.filters is None:
            return np.zeros(own.shape[:-2])
        scaler = self.part.scaler
        columns = own * scaler.feature_scale + scaler.feature_mean
        return self.part.filters.outputs(columns, own)

    def _output(self, network: Network, inputs: Array) -> Array:
        if self.signs is None:
            return _run(network, inputs)
        return (_run(network, inputs) - _run(network, inputs * self.signs)) / 2

    def _slope(self, network: Network, inputs: Array) -> Array:
        if self.signs is None:
            return _slope(network, inputs, network.head)
        mirrored = self.signs * _slope(network, inputs * self.signs, network.head)
        return (_slope(network, inputs, network.head) - mirrored) / 2


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
    (..., lookback, n_columns) float64
        What is read, scaled, to the precision in which the network reads it: the
        symbol's own columns, and those of context (`recurrent.columns`).

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
    own, context = model.read(window)
    inputs = part.scaler.inputs(own[..., row, :, :])
    if context is not None:
        seen = part.context[0].inputs(context[..., row, :, :])
        inputs = np.concatenate([inputs, seen], axis=-1)
    signs = spec.signs if spec.mirrored else None
    head = model.symbols.index(symbol) if spec.pooled else 0
    return Readout(part, signs, head), inputs.astype(np.float64)


def part_of(model: RecurrentModel, symbol: str) -> Part:
    """Return the networks that forecast a symbol."""
    pooled = model.spec.pooled
    return model.parts[0 if pooled else model.symbols.index(symbol)]


def _run(network: Network, inputs: Array) -> Array:
    last = unroll(network, inputs)[-1].hidden[..., -1, :]
    made: Array = last @ network.head.astype(np.float64) + float(network.offset)
    return made


def _added(branch: ContextBranch, row: int, inputs: Array) -> Array:
    last = unroll(branch.network, inputs)[-1].hidden[..., -1, :]
    made: Array = (last - branch.centre) @ branch.heads[row]
    return made


def _slope(network: Network, inputs: Array, head: NDArray[np.floating]) -> Array:
    layers = unroll(network, inputs)
    return back_propagate(network, layers, head.astype(np.float64)).inputs


def _mean(arrays: list[Array]) -> Array:
    """Return the mean over the members; of none, nothing."""
    made: Array = np.mean(arrays, axis=0) if arrays else np.zeros(())
    return made
