"""A trained forecaster: networks, the scaler of their window, and how to run them.

It takes NumPy and nothing else, and turns into plain arrays and back to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features import compute
from bt_lstm_rotation.forecasting.network import Network
from bt_lstm_rotation.forecasting.spec import ForecastSpec
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["Part", "RecurrentModel", "Scaler"]

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
        scaled = (features - self.feature_mean) / self.feature_scale
        return scaled.astype(np.float32)

    def returns(self, outputs: NDArray[np.float32]) -> Array:
        """Turn a network's outputs into decimal returns."""
        scaled = outputs.astype(np.float64) * self.target_scale
        return scaled + (self.target_mean + self.level)


@dataclass(frozen=True, eq=False)
class Part:
    """An ensemble of networks, and the scaler that they share.

    Parameters
    ----------
    networks : tuple of Network
        One for each member.
    scaler : Scaler
    """

    networks: tuple[Network, ...]
    scaler: Scaler

    def forecast(self, features: Array) -> Array:
        """Forecast from (n_sessions, n_symbols, lookback, n_features).

        Returns
        -------
        (n_members, n_sessions, n_symbols) float64
        """
        inputs = self.scaler.inputs(features)
        return np.stack([self.scaler.returns(net.run(inputs)) for net in self.networks])


@dataclass(frozen=True, eq=False)
class RecurrentModel:
    """Trained networks, and all that a forecast needs besides bars.

    Parameters
    ----------
    spec : ForecastSpec
    symbols : tuple of str
        Sorted.
    parts : tuple of Part
        One for all symbols if the spec is pooled, else one for each.
    """

    spec: ForecastSpec
    symbols: tuple[str, ...]
    parts: tuple[Part, ...]

    def forecast(self, window: Window) -> Array:
        """Forecast from windows of (n_sessions, n_symbols, forecast_bars)."""
        features = compute(self.spec.features, window)
        if self.spec.pooled:
            return self.parts[0].forecast(features)
        columns = [
            self.parts[self.symbols.index(symbol)].forecast(features[..., [row], :, :])
            for row, symbol in enumerate(window.symbols)
        ]
        return np.concatenate(columns, axis=-1)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Turn the model into arrays."""
        arrays: dict[str, NDArray[Any]] = {}
        for number, part in enumerate(self.parts):
            for name, value in vars(part.scaler).items():
                arrays[f"part{number}_{name}"] = np.asarray(value, np.float64)
            for member, network in enumerate(part.networks):
                for place, weights in enumerate(network.keras_weights()):
                    arrays[f"part{number}_member{member}_{place}"] = weights
        return arrays

    @classmethod
    def from_arrays(
        cls,
        spec: ForecastSpec,
        symbols: tuple[str, ...],
        arrays: Mapping[str, NDArray[Any]],
    ) -> RecurrentModel:
        """Turn arrays back into the model they were."""
        parts = []
        for number in range(1 if spec.pooled else len(symbols)):
            learned: dict[str, Any] = {}
            for field in fields(Scaler):
                value = arrays[f"part{number}_{field.name}"]
                learned[field.name] = value if value.ndim else float(value)
            networks = []
            for member in range(spec.members):
                stem = f"part{number}_member{member}_"
                count = sum(name.startswith(stem) for name in arrays)
                weights = [arrays[f"{stem}{place}"] for place in range(count)]
                networks.append(Network.from_keras(weights, spec.cell))
            parts.append(Part(tuple(networks), Scaler(**learned)))
        return cls(spec, symbols, tuple(parts))
