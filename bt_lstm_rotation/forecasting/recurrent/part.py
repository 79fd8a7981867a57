"""The networks that forecast some symbols, and what else their forecast is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features.scaling import scaled
from bt_lstm_rotation.forecasting.recurrent.context import ContextBranch
from bt_lstm_rotation.forecasting.recurrent.filtered import FilterBranch
from bt_lstm_rotation.forecasting.recurrent.network import Network

__all__ = ["Part", "Scaler", "read_by_head"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaler:
    """Means and deviations learned in one window.

    Parameters
    ----------
    feature_mean, feature_scale : (n_features,) float64
        Of each feature, over all bars of all symbols.
    target_mean, target_scale : float
        Of what the network learns.
    level : float
        Added to every forecast: the window's mean return if the target is relative.
    """

    feature_mean: Array
    feature_scale: Array
    target_mean: float
    target_scale: float
    level: float

    def inputs(self, features: Array) -> NDArray[np.float32]:
        """Scale features of (..., n_features)."""
        return scaled(features, self.feature_mean, self.feature_scale)

    def returns(self, outputs: NDArray[np.float32] | Array) -> Array:
        """Turn a network's outputs into decimal returns."""
        moved = outputs.astype(np.float64) * self.target_scale
        return moved + (self.target_mean + self.level)


@dataclass(frozen=True, eq=False)
class Part:
    """An ensemble, one network a member, and the scaler that they share.

    `context` has a branch for each member, or none; `filters` add to all members alike.
    """

    networks: tuple[Network, ...]
    scaler: Scaler
    context: tuple[ContextBranch, ...] = ()
    filters: FilterBranch | None = None

    def forecast(
        self,
        features: Array,
        mirrored_by: Array | None = None,
        context: Array | None = None,
        rows: Sequence[int] = (),
    ) -> Array:
        """Forecast from (n_sessions, n_symbols, lookback, n_features).

        Parameters
        ----------
        context : (n_sessions, n_symbols, lookback, n_context) float64, optional
            Read by the branches, in which `rows` are those of the symbols.
        mirrored_by : (n_features,) float64, optional
            Signs that exchange rises and falls. With it the forecast is half the
            difference between the outputs for the features and for their mirror image.

        Returns
        -------
        (n_members, n_sessions, n_symbols) float64
            Decimal returns.
        """
        inputs = self.scaler.inputs(features)
        outputs: list[NDArray[Any]] = [
            _run(network, inputs, mirrored_by) for network in self.networks
        ]
        if context is not None:
            outputs = [
                output + branch.outputs(context, list(rows))
                for output, branch in zip(outputs, self.context, strict=True)
            ]
        if self.filters is not None:
            added = self.filters.outputs(features, inputs)
            outputs = [output + added for output in outputs]
        return np.stack([self.scaler.returns(output) for output in outputs])


def _run(
    network: Network, inputs: NDArray[np.float32], signs: Array | None
) -> NDArray[np.float32]:
    """Run a network, or take half the difference to its mirror image."""
    if signs is None or (network.is_odd(signs) and not network.offset):
        return network.run(inputs)
    both = np.stack([inputs, inputs * signs.astype(np.float32)])
    seen, mirrored = network.run(both)
    return np.asarray((seen - mirrored) / 2, dtype=np.float32)


def read_by_head(
    network: Network, inputs: NDArray[np.float32], signs: Array | None
) -> NDArray[np.float32]:
    """Return what a forecast is linear in, at every step of some sequences.

    The states, or half the difference to those of the mirror image.
    """
    if signs is None or network.is_odd(signs):
        return network.states(inputs)
    seen, mirrored = (
        network.states(shown) for shown in (inputs, inputs * signs.astype(np.float32))
    )
    return np.asarray((seen - mirrored) / 2, dtype=np.float32)
