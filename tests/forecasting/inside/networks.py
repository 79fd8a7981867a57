"""Networks whose weights are all at work, and windows for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from fakes import random_panel

from bt_lstm_rotation.forecasting import BarHistory, ForecastSpec
from bt_lstm_rotation.forecasting.recurrent.model import RecurrentModel
from bt_lstm_rotation.forecasting.recurrent.network import Layer, Network
from bt_lstm_rotation.forecasting.window import Window

CELLS = ("lstm", "gru", "rnn")
SMALL = ForecastSpec(lookback=12, horizon=3, train_size=60, units=5, retrain="monthly")


def busy_network(cell, layers=1, units=5, n_features=2, seed=0) -> Network:
    """Keras' initial weights, but with biases and a head that are not zero."""
    rng = np.random.default_rng(seed)
    made = Network.seeded(rng, n_features, units, layers, cell)
    stack = tuple(
        Layer(
            layer.kernel,
            layer.recurrent,
            rng.normal(0, 0.5, layer.bias.shape).astype(np.float32),
        )
        for layer in made.layers
    )
    head = rng.normal(size=units).astype(np.float32)
    return replace(made, layers=stack, head=head, offset=np.float32(0.3))


def window_of(panel, n_bars, session=-1) -> Window:
    history = BarHistory.from_panel(panel)
    stack = history.window(history.symbols, panel.sessions[[session]], n_bars)
    return Window(stack.symbols, stack.dates[0], stack.bars[:, 0])


def fitted(spec=SMALL, symbols="ABC", seed=3) -> tuple[RecurrentModel, Window]:
    """A model, and the window that its next forecast reads."""
    panel = random_panel(symbols, spec.fit_bars + 5, seed=seed)
    window = window_of(panel, spec.fit_bars)
    model = spec.forecaster().fit(window, panel.sessions[-1]).model
    assert isinstance(model, RecurrentModel)
    return model, window_of(panel, spec.forecast_bars)
