"""A trained forecaster: networks, the scaler of their window, and how to run them.

It needs only NumPy, and turns into plain arrays and back to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting.recurrent.columns import (
    context_columns,
    own_columns,
)
from bt_lstm_rotation.forecasting.recurrent.context import ContextBranch
from bt_lstm_rotation.forecasting.recurrent.network import Network, weight_shapes
from bt_lstm_rotation.forecasting.recurrent.scaling import scaled
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
        return scaled(features, self.feature_mean, self.feature_scale)

    def returns(self, outputs: NDArray[np.float32] | Array) -> Array:
        """Turn a network's outputs into decimal returns."""
        moved = outputs.astype(np.float64) * self.target_scale
        return moved + (self.target_mean + self.level)


@dataclass(frozen=True, eq=False)
class Part:
    """An ensemble, one network a member, and the scaler that they share.

    `context` has a branch for each member, or none.
    """

    networks: tuple[Network, ...]
    scaler: Scaler
    context: tuple[ContextBranch, ...] = ()

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
        return self.answer(window.symbols, *self.read(window))

    def read(self, window: Window) -> tuple[Array, Array | None]:
        """Return what a forecast reads: own columns, and those of context, or None."""
        spec = self.spec
        context = context_columns(spec, window) if spec.context else None
        return own_columns(spec, window), context

    def answer(
        self, symbols: Sequence[str], features: Array, context: Array | None
    ) -> Array:
        """Forecast some symbols from columns as `read` gives them."""
        spec = self.spec
        signs = spec.signs if spec.mirrored else None
        rows = [self.symbols.index(symbol) for symbol in symbols]
        if spec.pooled:
            return self.parts[0].forecast(features, signs, context, rows)
        columns = [
            self.parts[row].forecast(
                features[:, [column]],
                signs,
                None if context is None else context[:, [column]],
                [0],
            )
            for column, row in enumerate(rows)
        ]
        return np.concatenate(columns, axis=-1)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Turn the model into a few arrays, which are quicker to read than many.

        Returns
        -------
        dict
            ``scalers``, (n_parts, 2 * n_columns + 3) float64, and ``weights``,
            (n_parts, n_members, n_weights) float32. With context also
            ``context_weights``, and ``context_heads``, (n_parts, n_members, n) float64.
        """
        arrays = {
            "scalers": np.array([_joined(vars(p.scaler).values()) for p in self.parts]),
            "weights": np.array(
                [[_joined(n.keras_weights()) for n in p.networks] for p in self.parts]
            ),
        }
        if self.spec.context:
            branches = [part.context for part in self.parts]
            arrays["context_weights"] = np.array(
                [
                    [_joined(b.network.keras_weights()) for b in each]
                    for each in branches
                ]
            )
            arrays["context_heads"] = np.array(
                [[_joined(b.solution) for b in each] for each in branches]
            )
        return arrays

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
        count, n_parts = len(spec.signs), 1 if spec.pooled else len(symbols)
        scalers = plain_array(arrays, "scalers", np.float64, (n_parts, 2 * count + 3))
        networks = _networks(spec, arrays, "weights", count, n_parts)
        branches: list[tuple[ContextBranch, ...]] = [()] * n_parts
        if spec.context:
            branches = _branches(spec, arrays, n_parts, len(symbols) // n_parts)
        parts = []
        for scaler, members, context in zip(scalers, networks, branches, strict=True):
            mean, scale, rest = np.split(scaler, [count, 2 * count])
            learned = Scaler(mean, scale, *(float(value) for value in rest))
            parts.append(Part(members, learned, context))
        return cls(spec, symbols, tuple(parts))


def _networks(
    spec: RecurrentSettings,
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    count: int,
    n_parts: int,
) -> list[tuple[Network, ...]]:
    """Turn an array back into each part's networks, of so many columns."""
    shapes = weight_shapes(spec.cell, count, [spec.units] * spec.layers)
    *ends, total = np.cumsum([np.prod(shape) for shape in shapes]).tolist()
    parts = plain_array(arrays, name, np.float32, (n_parts, spec.members, total))

    def network(flat: NDArray[np.float32]) -> Network:
        pieces = zip(np.split(flat, ends), shapes, strict=True)
        weights = [piece.reshape(shape) for piece, shape in pieces]
        return Network.from_keras(weights, spec.cell)

    return [tuple(network(flat) for flat in members) for members in parts]


def _branches(
    spec: RecurrentSettings,
    arrays: Mapping[str, NDArray[Any]],
    n_parts: int,
    n_symbols: int,
) -> list[tuple[ContextBranch, ...]]:
    """Turn arrays back into each part's branches over context."""
    count, units = len(spec.context), spec.units
    networks = _networks(spec, arrays, "context_weights", count, n_parts)
    whole = (n_parts, spec.members, 2 * count + (1 + n_symbols) * units)
    solved = plain_array(arrays, "context_heads", np.float64, whole)
    ends = [count, 2 * count, 2 * count + units]

    def branch(network: Network, flat: Array) -> ContextBranch:
        mean, scale, centre, heads = np.split(flat, ends)
        return ContextBranch(network, mean, scale, centre, heads.reshape(-1, units))

    return [
        tuple(branch(*pair) for pair in zip(members, flats, strict=True))
        for members, flats in zip(networks, solved, strict=True)
    ]


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
