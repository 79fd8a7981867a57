"""A trained forecaster: networks, the scaler of their window, and how to run them.

It needs only NumPy, and turns into plain arrays and back to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.features import compute, mirror
from bt_lstm_rotation.forecasting.recurrent.network import Network, weight_shapes
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["Part", "RecurrentModel", "Scaler", "plain_array"]

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
    """An ensemble, one network a member, and the scaler that they share."""

    networks: tuple[Network, ...]
    scaler: Scaler

    def forecast(self, features: Array, mirrored_by: Array | None = None) -> Array:
        """Forecast from (n_sessions, n_symbols, lookback, n_features).

        Parameters
        ----------
        mirrored_by : (n_features,) float64, optional
            Signs that exchange rises and falls. With it the forecast is half the
            difference between the outputs for the features and for their mirror image.

        Returns
        -------
        (n_members, n_sessions, n_symbols) float64
            Decimal returns.
        """
        inputs = self.scaler.inputs(features)
        outputs = [_run(network, inputs, mirrored_by) for network in self.networks]
        return np.stack([self.scaler.returns(output) for output in outputs])


@dataclass(frozen=True, eq=False)
class RecurrentModel:
    """Trained networks, and all that a forecast needs besides bars.

    `symbols` are sorted; `parts` has one for all of them if the spec is pooled, and
    one for each if not.
    """

    spec: RecurrentSettings
    symbols: tuple[str, ...]
    parts: tuple[Part, ...]

    def forecast(self, window: Window) -> Array:
        """Forecast from windows of (n_sessions, n_symbols, forecast_bars)."""
        return self.forecast_of(compute(self.spec.features, window), window.symbols)

    def forecast_of(self, features: Array, symbols: tuple[str, ...]) -> Array:
        """Forecast from features of (n_sessions, n_symbols, lookback, n_features)."""
        spec = self.spec
        signs = mirror(spec.features) if spec.mirrored else None
        if spec.pooled:
            return self.parts[0].forecast(features, signs)
        parts = [self.parts[self.symbols.index(symbol)] for symbol in symbols]
        columns = [
            part.forecast(features[..., [row], :, :], signs)
            for row, part in enumerate(parts)
        ]
        return np.concatenate(columns, axis=-1)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Turn the model into two arrays, which are quicker to read than many.

        Returns
        -------
        dict
            ``scalers``, (n_parts, 2 * n_features + 3) float64, and ``weights``,
            (n_parts, n_members, n_weights) float32.
        """
        return {
            "scalers": np.array([_joined(vars(p.scaler).values()) for p in self.parts]),
            "weights": np.array(
                [[_joined(n.keras_weights()) for n in p.networks] for p in self.parts]
            ),
        }

    @classmethod
    def from_arrays(
        cls,
        spec: RecurrentSettings,
        symbols: tuple[str, ...],
        arrays: Mapping[str, NDArray[Any]],
    ) -> RecurrentModel:
        """Turn arrays back into the model they were.

        Raises ValueError if they are not those of such a model of these symbols.
        """
        count, n_parts = len(spec.features), 1 if spec.pooled else len(symbols)
        shapes = weight_shapes(spec.cell, count, [spec.units] * spec.layers)
        *ends, total = np.cumsum([np.prod(shape) for shape in shapes]).tolist()
        scalers = plain_array(arrays, "scalers", np.float64, (n_parts, 2 * count + 3))
        whole = (n_parts, spec.members, total)
        parts = []
        for scaler, members in zip(
            scalers, plain_array(arrays, "weights", np.float32, whole), strict=True
        ):
            mean, scale, rest = np.split(scaler, [count, 2 * count])
            networks = []
            for flat in members:
                pieces = zip(np.split(flat, ends), shapes, strict=True)
                weights = [piece.reshape(shape) for piece, shape in pieces]
                networks.append(Network.from_keras(weights, spec.cell))
            learned = Scaler(mean, scale, *(float(value) for value in rest))
            parts.append(Part(tuple(networks), learned))
        return cls(spec, symbols, tuple(parts))


def plain_array(
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    dtype: type[np.floating[Any]],
    shape: tuple[int | None, ...],
) -> NDArray[Any]:
    """Return one of some arrays; ValueError unless it has this type and shape.

    A length of None may be any above 0. Numbers are finite.
    """
    array = arrays.get(name)
    if array is None:
        raise ValueError(f"no {name} among {', '.join(arrays) or 'no arrays'}")
    fits = array.ndim == len(shape) and all(
        wanted in (None, there)
        for wanted, there in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not fits or not array.size:
        what = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"{name} are {what}, not {np.dtype(dtype)} of {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} are not finite")
    return array


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


def _joined(arrays: Iterable[Any]) -> NDArray[Any]:
    return np.concatenate([np.ravel(array) for array in arrays])
