"""What most people write: a Keras network trained on one example a bar.

It is what `training.py` measures against. Its inputs are ours, so that nothing but the
training differs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bt_lstm_rotation.forecasting import ForecastSpec, Window
from bt_lstm_rotation.forecasting.features import (
    compute,
    deviation,
    forward_return,
    warmup,
)

__all__ = ["POOLED", "SINGLE", "examples", "forecasts", "many_to_one", "trained"]

# How it is trained: one network for all sectors, and one for each.
POOLED = {"epochs": 3, "batch": 128}
SINGLE = {"epochs": 10, "batch": 32}


def examples(spec: ForecastSpec, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return scaled (n_symbols, n_bars, n_features) and (n_symbols, n_bars)."""
    skip, size = warmup(spec.features), spec.train_size
    features = compute(spec.features, window)[:, :size]
    targets = forward_return(window, spec.horizon)[:, skip:]
    targets = deviation(targets, window.dates[:, skip : skip + size])
    features = (features - features.mean((0, 1))) / features.std((0, 1))
    return features.astype("f4"), (targets / targets.std()).astype("f4")


def many_to_one(
    spec: ForecastSpec, features: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, ...]:
    """One example a bar: the last `lookback` bars and the one target after them."""
    view = np.lib.stride_tricks.sliding_window_view(features, spec.lookback, axis=1)
    inputs = np.moveaxis(view, -1, 2).reshape(-1, spec.lookback, features.shape[-1])
    return np.ascontiguousarray(inputs), targets[:, spec.lookback - 1 :].ravel()


def trained(
    spec: ForecastSpec,
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    epochs: int,
    batch: int,
) -> Any:
    """Train as a tutorial does."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(inputs.shape[1:]),
            keras.layers.LSTM(spec.units),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(), "mse")
    model.fit(inputs, targets, epochs=epochs, batch_size=batch, verbose=0)
    return model


def forecasts(
    spec: ForecastSpec, window: Window, after: Window, loop: dict[str, int]
) -> np.ndarray:
    """Train in a window; forecast (n_sessions, n_symbols) from the windows after it."""
    features, targets = examples(spec, window)
    raw = compute(spec.features, window)[:, : spec.train_size]
    shown = (compute(spec.features, after) - raw.mean((0, 1))) / raw.std((0, 1))
    made = np.empty(shown.shape[:2])
    together = len(features) if loop is POOLED else 1
    for first in range(0, len(features), together):
        some = slice(first, first + together)
        inputs, wanted = many_to_one(spec, features[some], targets[some])
        model = trained(spec, inputs, wanted, **loop)
        flat = shown[:, some].reshape(-1, *shown.shape[2:]).astype("f4")
        made[:, some] = model(flat).numpy().reshape(len(made), -1)
    return made
