"""The LSTM as a forecaster: scale, cut into sequences, train, forecast.

Everything that is learned from data, the scaler included, is learned inside the window
that the fit was given. Many-to-many: every bar of a sequence has a target, the return
over the horizon that follows it, so a window of n bars gives n targets in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bt_lstm_rotation.forecasting import recurrent
from bt_lstm_rotation.forecasting.features import (
    compute,
    deviation,
    forward_return,
    warmup,
)
from bt_lstm_rotation.forecasting.forecaster import Fit
from bt_lstm_rotation.forecasting.network import Network
from bt_lstm_rotation.forecasting.spec import ForecastSpec
from bt_lstm_rotation.forecasting.window import Window

__all__ = ["RecurrentForecaster", "RecurrentModel", "Scaler"]

Array = NDArray[np.float64]

# Ordinal of 1970-01-01: makes the day number of any session a valid, positive seed.
EPOCH = 719_163


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
class RecurrentModel:
    """Trained networks, and all that a forecast needs besides bars.

    Parameters
    ----------
    spec : ForecastSpec
    symbols : tuple of str
        Sorted.
    parts : tuple of (Network, Scaler)
        One for all symbols if the spec is pooled, else one for each.
    """

    spec: ForecastSpec
    symbols: tuple[str, ...]
    parts: tuple[tuple[Network, Scaler], ...]

    def forecast(self, window: Window) -> Array:
        """Forecast from windows of (n_sessions, n_symbols, forecast_bars)."""
        features = compute(self.spec.features, window)
        if self.spec.pooled:
            network, scaler = self.parts[0]
            return scaler.returns(network.run(scaler.inputs(features)))
        columns = []
        for row, symbol in enumerate(window.symbols):
            network, scaler = self.parts[self.symbols.index(symbol)]
            inputs = scaler.inputs(features[..., [row], :, :])
            columns.append(scaler.returns(network.run(inputs)))
        return np.concatenate(columns, axis=-1)


@dataclass(frozen=True)
class RecurrentForecaster:
    """Trains what a `ForecastSpec` describes.

    Parameters
    ----------
    spec : ForecastSpec
    """

    spec: ForecastSpec

    def fit(self, window: Window, session: np.datetime64) -> Fit:
        """Train on a window of (n_symbols, fit_bars)."""
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
            level = float(returns[rows].mean()) if spec.target == "relative" else 0.0
            part, loss = self._train(features[rows], targets[rows], level, session)
            parts.append(part)
            losses.append(loss)
        curve = tuple(float(loss) for loss in np.mean(losses, axis=0))
        if not np.isfinite(curve).all() or not all(_is_finite(net) for net, _ in parts):
            return Fit(None, curve, "the loss is not finite")
        return Fit(RecurrentModel(spec, window.symbols, tuple(parts)), curve)

    def _train(
        self, features: Array, targets: Array, level: float, session: np.datetime64
    ) -> tuple[tuple[Network, Scaler], Array]:
        spec = self.spec
        scaler = Scaler(
            feature_mean=features.mean(axis=(0, 1)),
            feature_scale=_scale(features.std(axis=(0, 1))),
            target_mean=float(targets.mean()),
            target_scale=float(_scale(targets.std())),
            level=level,
        )
        scaled = (targets - scaler.target_mean) / scaler.target_scale
        data = _sequences(scaler.inputs(features), scaled, spec.lookback)
        day = EPOCH + int(session.astype("datetime64[D]").astype(np.int64))
        rng = np.random.default_rng([spec.seed, day])
        network = Network.seeded(rng, features.shape[-1], spec.units, spec.layers)
        optimiser = recurrent.Optimiser(
            steps=spec.steps,
            learning_rate=spec.learning_rate,
            clip_norm=spec.clip_norm,
            dropout=spec.dropout,
        )
        first, second = (int(word) for word in rng.integers(0, 2**30, size=2))
        trained, losses = recurrent.train(network, data, optimiser, (first, second))
        return (trained, scaler), losses


def _sequences(
    inputs: NDArray[np.float32], targets: Array, length: int
) -> recurrent.Sequences:
    """Cut (n_symbols, n_bars) into sequences of ``length``, the latest bars whole.

    The oldest sequence is filled up in front with zeros, the mean of a scaled feature,
    that weigh nothing.
    """
    n_symbols, n_bars = targets.shape
    missing = -n_bars % length
    front = ((0, 0), (missing, 0))
    n_steps = (missing + n_bars) // length

    def time_first(array: NDArray[np.float32]) -> NDArray[np.float32]:
        cut = array.reshape(n_symbols * n_steps, length, *array.shape[2:])
        return np.ascontiguousarray(np.moveaxis(cut, 1, 0))

    weights = np.ones((n_symbols, n_bars), dtype=np.float32)
    return recurrent.Sequences(
        inputs=time_first(np.pad(inputs, (*front, (0, 0)))),
        targets=time_first(np.pad(targets.astype(np.float32), front)),
        weights=time_first(np.pad(weights, front)),
    )


def _scale(deviation_: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave a constant as it is: divided by 1, it becomes zero and says nothing."""
    return np.where(deviation_ > 0.0, deviation_, 1.0)


def _one_by_one(count: int) -> list[slice]:
    return [slice(row, row + 1) for row in range(count)]


def _is_finite(network: Network) -> bool:
    return all(np.isfinite(array).all() for array in network.keras_weights())
