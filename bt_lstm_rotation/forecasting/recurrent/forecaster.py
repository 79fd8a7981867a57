"""A recurrent network as a forecaster: scale, cut into sequences, train, forecast.

Everything learned from data, the scaler included, is learned inside the window of the
fit. Every bar of a sequence has a target, the return over the horizon that follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.errors import SpecError
from bt_lstm_rotation.forecasting.features import (
    compute,
    deviation,
    forward_return,
    warmup,
)
from bt_lstm_rotation.forecasting.forecaster import Fit, Model
from bt_lstm_rotation.forecasting.recurrent import backend
from bt_lstm_rotation.forecasting.recurrent.memory import lack_of_memory, room_for
from bt_lstm_rotation.forecasting.recurrent.model import (
    Part,
    RecurrentModel,
    Scaler,
    plain_array,
)
from bt_lstm_rotation.forecasting.recurrent.network import Network
from bt_lstm_rotation.forecasting.recurrent.settings import RecurrentSettings
from bt_lstm_rotation.forecasting.window import Window
from bt_lstm_rotation.periods import EPOCH

__all__ = ["RecurrentForecaster"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RecurrentForecaster:
    """Trains what `RecurrentSettings` describe, from the weights of `warm` if given."""

    spec: RecurrentSettings
    warm: RecurrentModel | None = None

    def prepare(self) -> None:
        """Import TensorFlow, and trace the function that fits."""
        if lack_of_memory(self.spec, 1):
            return  # no fit of it will come to that
        backend.prepare(self.spec.cell, self.spec.layers, self._optimiser())

    def starting_from(self, model: Model) -> RecurrentForecaster:
        """Return a forecaster that begins at the weights of a model of its own."""
        warm = model if isinstance(model, RecurrentModel) else None
        return replace(self, warm=warm)

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        """Train on a window of (n_symbols, fit_bars)."""
        spec = self.spec
        if lack := lack_of_memory(spec, len(window.symbols)):
            return Fit(None, problem=lack)
        with room_for(spec, len(window.symbols)):
            return self._fit(window, session)

    def _fit(self, window: Window, session: np.datetime64) -> Fit:
        spec = self.spec
        size, skip = spec.train_size, warmup(spec.features)
        features = compute(spec.features, window)[:, :size]
        returns = forward_return(window, spec.horizon)[:, skip:]
        targets = returns
        if spec.target == "relative":
            targets = deviation(returns, window.dates[:, skip : skip + size])
        parts, losses = [], []
        groups = [slice(None)] if spec.pooled else _one_by_one(len(window.symbols))
        for rows in groups:
            level = 0.0
            if spec.target == "relative":
                level = float(returns[rows, : spec.trained].mean())
            scaler = _scaler(
                features[rows, : spec.trained], targets[rows, : spec.trained], level
            )
            data = self._sequences(scaler, features[rows], targets[rows])
            warm = self._warm_networks(window.symbols[rows])
            networks = []
            for member in range(spec.members):
                network, loss = self._train(data, session, member, warm)
                networks.append(network)
                losses.append(loss)
            parts.append(Part(tuple(networks), scaler))
        # Members that stopped early have shorter curves: compared as far as all go.
        common = min(len(loss) for loss in losses)
        curve = tuple(
            float(loss) for loss in np.mean([one[:common] for one in losses], axis=0)
        )
        finite = all(np.isfinite(loss).all() for loss in losses)
        if not finite or not all(_is_finite(part) for part in parts):
            return Fit(None, curve, "the loss is not finite")
        return Fit(RecurrentModel(spec, window.symbols, tuple(parts)), curve)

    def to_arrays(self, fit: Fit) -> dict[str, NDArray[Any]]:
        """Turn a fit into arrays; SpecError if its model is not of this kind."""
        if not isinstance(fit.model, RecurrentModel):
            raise SpecError("RecurrentForecaster", "fit", fit, "one with its own model")
        return {**fit.model.to_arrays(), "losses": np.array(fit.losses)}

    def from_arrays(
        self, symbols: tuple[str, ...], arrays: Mapping[str, NDArray[Any]]
    ) -> Fit:
        """Turn arrays back into the fit they were.

        Raises ValueError if they are not those of such a fit.
        """
        model = RecurrentModel.from_arrays(self.spec, symbols, arrays)
        losses = plain_array(arrays, "losses", np.float64, (None,))
        return Fit(model, tuple(losses.tolist()))

    def _sequences(
        self, scaler: Scaler, features: Array, targets: Array
    ) -> backend.Sequences:
        spec = self.spec
        scaled = (targets - scaler.target_mean) / scaler.target_scale
        age = np.arange(spec.trained - 1, -1, -1)
        decay = 1.0 if spec.half_life is None else 0.5 ** (age / spec.half_life)
        weights = np.zeros_like(targets)
        weights[:, : spec.trained] = decay
        held_out = np.zeros_like(targets)
        held_out[:, spec.train_size - spec.held_out :] = 1.0
        return _cut(scaler.inputs(features), scaled, weights, held_out, spec.lookback)

    def _warm_networks(self, symbols: tuple[str, ...]) -> tuple[Network, ...]:
        if self.warm is None:
            return ()
        if self.spec.pooled:
            return self.warm.parts[0].networks
        if symbols[0] not in self.warm.symbols:
            return ()
        return self.warm.parts[self.warm.symbols.index(symbols[0])].networks

    def _train(
        self,
        data: backend.Sequences,
        session: np.datetime64,
        member: int,
        warm: tuple[Network, ...],
    ) -> tuple[Network, Array]:
        spec = self.spec
        # From the year 1 on, so that the day of any session is a seed above 0.
        day = EPOCH + int(session.astype("datetime64[D]").astype(np.int64))
        rng = np.random.default_rng([spec.seed, day, *([member] if member else [])])
        n_features = data.inputs.shape[-1]
        network = Network.seeded(rng, n_features, spec.units, spec.layers, spec.cell)
        first, second = (int(word) for word in rng.integers(0, 2**30, size=2))
        begin = warm[member] if warm else network
        return backend.train(begin, data, self._optimiser(), (first, second))

    def _optimiser(self) -> backend.Optimiser:
        spec = self.spec
        return backend.Optimiser(
            steps=spec.steps,
            learning_rate=spec.learning_rate,
            clip_norm=spec.clip_norm,
            dropout=spec.dropout,
            patience=spec.patience if spec.held_out else None,
        )


def _scaler(features: Array, targets: Array, level: float) -> Scaler:
    return Scaler(
        feature_mean=features.mean(axis=(0, 1)),
        feature_scale=_scale(features.std(axis=(0, 1))),
        target_mean=float(targets.mean()),
        target_scale=float(_scale(targets.std())),
        level=level,
    )


def _cut(
    inputs: NDArray[np.float32],
    targets: Array,
    weights: Array,
    held_out: Array,
    length: int,
) -> backend.Sequences:
    """Cut (n_symbols, n_bars) into sequences of ``length``, the latest bars whole.

    The oldest is padded in front with zeros, a scaled feature's mean, of weight zero.
    """
    n_symbols, n_bars = targets.shape
    missing = -n_bars % length
    front = ((0, 0), (missing, 0))
    n_steps = (missing + n_bars) // length

    def time_first(array: NDArray[np.float32]) -> NDArray[np.float32]:
        cut = array.reshape(n_symbols * n_steps, length, *array.shape[2:])
        return np.ascontiguousarray(np.moveaxis(cut, 1, 0))

    padded = (
        np.pad(array.astype(np.float32), front)
        for array in (targets, weights, held_out)
    )
    return backend.Sequences(
        time_first(np.pad(inputs, (*front, (0, 0)))), *map(time_first, padded)
    )


def _scale(deviation_: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave a constant as it is: divided by 1, it becomes zero and says nothing."""
    return np.where(deviation_ > 0.0, deviation_, 1.0)


def _one_by_one(count: int) -> list[slice]:
    return [slice(row, row + 1) for row in range(count)]


def _is_finite(part: Part) -> bool:
    weights = [array for net in part.networks for array in net.keras_weights()]
    return all(np.isfinite(array).all() for array in weights)
